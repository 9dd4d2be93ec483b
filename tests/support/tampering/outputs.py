"""Ways to tamper with outputs: what is done, what a look finds, what the comparison with a rebuild says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

from support.tampering.published import CUT, PREVIOUS, Standing
from trialbook.queries.files import write_sheets
from trialbook.queries.query_files import SHEET, query_sheets

SUBJECT = "NCT06321198-01-001"


def flipped(content: bytes, at: int, by: int = 1) -> bytes:
    return content[:at] + bytes([content[at] ^ by]) + content[at + 1 :]


def middle(content: bytes) -> bytes:
    return flipped(content, len(content) // 2)


def swap(standing: Standing) -> None:
    one, two = (standing.folder / "data" / f"{name}.parquet" for name in ("addlt", "adtte"))
    x, y = one.read_bytes(), two.read_bytes()
    standing.write(f"{CUT}/data/addlt.parquet", y)
    standing.write(f"{CUT}/data/adtte.parquet", x)


def link_folder(standing: Standing) -> None:
    (standing.folder / "results").rename(standing.builds / "elsewhere")
    (standing.folder / "results").symlink_to(standing.builds / "elsewhere")


def link_file(standing: Standing) -> None:
    (standing.folder / "index.html").rename(standing.builds / "elsewhere.html")
    (standing.folder / "index.html").symlink_to(standing.builds / "elsewhere.html")


def age_62(frame: Any) -> Any:
    return frame.assign(AGE=frame["AGE"].where(frame["USUBJID"] != SUBJECT, 62))


def other_rate(frame: Any) -> Any:
    primary = (
        frame["analysis_id"].eq("ORR_D28") & frame["context"].eq("clopper_pearson") & frame["stat_name"].eq("n")
        & frame["group1_level"].eq("Total")
    )  # fmt: skip
    assert primary.sum() == 1
    return frame.assign(stat=frame["stat"].mask(primary, 6.0), stat_text=frame["stat_text"].mask(primary, "6"))


def wider_list(standing: Standing) -> None:
    import pandas as pd

    listed = pd.read_csv(standing.folder / "queries.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    sheets = dict(query_sheets(listed))
    sheets[SHEET] = listed.assign(status=["closed", *listed["status"][1:]])
    (standing.folder / "queries.xlsx").unlink()
    write_sheets(sheets, standing.folder / "queries.xlsx", CUT)


def drop_output(said: dict[str, Any]) -> None:
    del said["outputs"]["queries.csv"]


Act = Callable[[Standing], object]
FILE = f"{CUT}/"

# What is done to the build, what the look finds, and what the comparison with the rebuild says.
OUTPUTS: dict[str, tuple[Act, str, str]] = {
    "a number on a page": (
        lambda s: s.edit(FILE + "05_orr.html", lambda b: b.replace(b">5<", b">6<", 1)),
        "05_orr.html: was altered: the build wrote sha256", "05_orr.html: under the heading ",
    ),
    "a word on the first page": (
        lambda s: s.edit(FILE + "index.html", lambda b: b.replace(b">SYNTHETIC", b">AUTHENTIC", 1)),
        "index.html: was altered", "index.html: above the first heading, text: AUTHENTIC DATA",
    ),
    "a script on a page": (
        lambda s: s.edit(FILE + "index.html", lambda b: b.replace(b"</head>", b"<script>1</script></head>", 1)),
        "index.html: has grown", "index.html: ",
    ),
    "an output of a notebook": (
        lambda s: s.edit(FILE + "notebooks/06_os.ipynb", lambda b: b.replace(b"Total", b"Totes", 1)),
        "notebooks/06_os.ipynb: was altered", "notebooks/06_os.ipynb: cell ",
    ),
    "the code in an executed notebook": (
        lambda s: s.edit(FILE + "notebooks/06_os.ipynb", lambda b: b.replace(b"step.close()", b"step.clove()", 1)),
        "notebooks/06_os.ipynb: was altered", "source line 2: step.clove() published, step.close() rebuilt",
    ),
    "a value of a dataset": (
        lambda s: s.dataset("data/adsl.parquet", age_62),
        "data/adsl.parquet: ", f"data/adsl.parquet: USUBJID {SUBJECT}, column AGE: 62",
    ),
    "a record of a dataset": (
        lambda s: s.dataset("data/adsl.parquet", lambda f: f.iloc[1:]),
        "data/adsl.parquet: ",
        f"data/adsl.parquet: USUBJID {SUBJECT}: this record is only in the rebuild",
    ),
    "the order of a dataset": (
        lambda s: s.dataset("data/adtte.parquet", lambda f: f.iloc[::-1]),
        "data/adtte.parquet: ", "data/adtte.parquet: the records are in another order",
    ),
    "a column of a dataset": (
        lambda s: s.dataset("data/adtte.parquet", lambda f: f.drop(columns="CNSR")),
        "data/adtte.parquet: was cut short", "data/adtte.parquet: column CNSR: only in the rebuild",
    ),
    "a byte of a dataset": (
        lambda s: s.edit(FILE + "data/clean/lb.parquet", middle),
        "data/clean/lb.parquet: was altered", "data/clean/lb.parquet: ",
    ),
    "a result in JSON": (
        lambda s: s.edit(FILE + "results/ard.json", lambda b: b.replace(b'"stat_text": "5"', b'"stat_text": "6"', 1)),
        "results/ard.json: was altered", '/stat_text: "6" published, "5" rebuilt',
    ),
    "a verdict of a contract": (
        lambda s: s.edit(FILE + "contracts/raw.dm.json", lambda b: b.replace(b'"pass"', b'"fail"', 1)),
        "contracts/raw.dm.json: was altered", 'contracts/raw.dm.json: /verdict: "fail" published, "pass" rebuilt',
    ),
    "a line of the change log": (
        lambda s: s.edit(FILE + "changelog.csv", lambda b: b.replace(b"NOT DETECTED", b"WAS DETECTED", 1)),
        "changelog.csv: was altered", "column new: WAS DETECTED published, NOT DETECTED rebuilt",
    ),
    "a query": (
        lambda s: s.edit(FILE + "queries.csv", lambda b: b.replace(b",open,", b",done,", 1)),
        "queries.csv: was altered", "queries.csv: line 2, column status: done published, open rebuilt",
    ),
    "a cell of the workbook": (
        wider_list, "queries.xlsx: ", "queries.xlsx: sheet Queries, cell ",
    ),
    "a byte of the workbook": (
        lambda s: s.edit(FILE + "queries.xlsx", middle),
        "queries.xlsx: was altered", "queries.xlsx: ",
    ),
    "a digit of the manifest": (
        lambda s: s.manifest(lambda m: m["outputs"]["index.html"].update(bytes=1)),
        "manifest.json: does not carry its own seal", "manifest.json: /outputs/index.html/bytes: 1 published",
    ),
    "the fingerprint in the manifest": (
        lambda s: s.manifest(lambda m: m.update(fingerprint="0" * 64), sealed=True),
        "manifest.json: /fingerprint is not that of its sources", "manifest.json: /fingerprint: ",
    ),
    "a source in the manifest": (
        lambda s: s.manifest(lambda m: m["sources"]["analysis"].update(os_days=[1]), sealed=True),
        "analysis key, os_days: [1] then, [28, 100, 180] now", "manifest.json: /sources/analysis/os_days: ",
    ),
    "the kind of charts in the manifest": (
        lambda s: s.manifest(lambda m: m["sources"].update(charts="static"), sealed=True),
        "manifest.json: /fingerprint is not that of its sources", "manifest.json: /sources/charts: ",
    ),
    "the study in the manifest": (
        lambda s: s.manifest(lambda m: m.update(study="NCT00000000"), sealed=True),
        "manifest.json: /study is NCT00000000, in its sources it is NCT06321198", "manifest.json: /study: ",
    ),
    "an output that the manifest no longer lists": (
        lambda s: s.manifest(drop_output, sealed=True),
        "queries.csv: was not written by the build", "manifest.json: /outputs/queries.csv: only in the rebuild",
    ),
    "a receipt in the manifest": (
        lambda s: s.manifest(lambda m: m["steps"][1]["written"].update(adsl=99), sealed=True),
        "data/adsl.parquet: has 16 records, its step wrote 99", "manifest.json: /steps/1/written/adsl: 99 published",
    ),
    "the layout of the manifest": (
        lambda s: s.edit(FILE + "manifest.json", lambda b: json.dumps(json.loads(b)).encode()),
        "manifest.json: its text is not as it was written", "manifest.json: the content agrees, the bytes do not",
    ),
    "a broken manifest": (
        lambda s: s.edit(FILE + "manifest.json", lambda b: b[:-9]),
        "manifest.json: cannot be read as JSON", "manifest.json: cannot be read as json",
    ),
    "an old kind of manifest": (
        lambda s: s.manifest(lambda m: m.update(schema=1), sealed=True),
        "manifest.json: has the schema 1", "manifest.json: /schema: 1 published",
    ),
    "an unknown key in the manifest": (
        lambda s: s.manifest(lambda m: m.update(note="hello"), sealed=True),
        "manifest.json: /note: ", "manifest.json: /note: only in the published build",
    ),
    "the provenance": (
        lambda s: s.edit(FILE + "ro-crate-metadata.json", lambda b: b.replace(b'"2025-09-30"', b'"2025-09-29"', 1)),
        "ro-crate-metadata.json: was altered", 'ro-crate-metadata.json: /@graph/1/datePublished: "2025-09-29" pub',
    ),
    "a page cut short": (
        lambda s: s.edit(FILE + "03_safety.html", lambda b: b[: len(b) // 2]),
        "03_safety.html: was cut short: the build wrote ", "03_safety.html: ",
    ),
    "an empty file": (
        lambda s: s.write(FILE + "changelog.csv", b""),
        "changelog.csv: was cut short", "changelog.csv: line 1: only in the rebuild",
    ),
    "a file more": (
        lambda s: s.write(FILE + "notes.txt", b"see me"),
        "notes.txt: was not written by the build", "notes.txt: only in the published build",
    ),
    "a hidden run.json": (
        lambda s: s.write(FILE + "data/run.json", b"{}"),
        "data/run.json: was not written by the build", "data/run.json: only in the published build",
    ),
    "a file less": (
        lambda s: (s.folder / "04_dlt.html").unlink(),
        "04_dlt.html: is missing", "04_dlt.html: only in the rebuild",
    ),
    "no provenance": (
        lambda s: (s.folder / "ro-crate-metadata.json").unlink(),
        "ro-crate-metadata.json: is missing", "ro-crate-metadata.json: only in the rebuild",
    ),
    "a file renamed": (
        lambda s: (s.folder / "04_dlt.html").rename(s.folder / "dlt.html"),
        "04_dlt.html: is missing; dlt.html holds what it held: it was renamed", "dlt.html: only in the published build",
    ),
    "two files swapped": (
        swap, "data/addlt.parquet: holds the content of data/adtte.parquet", "data/adtte.parquet: column ",
    ),
    "a page of an earlier build": (
        lambda s: s.write(FILE + "05_orr.html", (s.builds / PREVIOUS / "05_orr.html").read_bytes()),
        "05_orr.html: was cut short", "05_orr.html: ",
    ),
    "a page of an earlier build, all hashes made to fit": (
        lambda s: (s.write(FILE + "05_orr.html", (s.builds / PREVIOUS / "05_orr.html").read_bytes()), s.forge()),
        "05_orr.html: does not show the fingerprint of this build", "05_orr.html: ",
    ),
    "an earlier build under the name of this one": (
        lambda s: (shutil.rmtree(s.folder), shutil.copytree(s.builds / PREVIOUS, s.folder)),
        "manifest.json: is of the cut 2025-06-30, the folder is named 2025-09-30", "data/adsl.parquet: ",
    ),
    "a result in parquet alone, all hashes made to fit": (
        lambda s: (s.dataset("results/ard.parquet", other_rate), s.forge()),
        "results/ard.json: /", "context clopper_pearson, stat_name n, column stat: 6.0 published, 5.0 rebuilt",
    ),
    "a record more than the step wrote, all hashes made to fit": (
        lambda s: (s.dataset("data/addlt.parquet", lambda f: f.iloc[:-1]), s.forge()),
        "data/addlt.parquet: has 11 records, its step wrote 12", "this record is only in the rebuild",
    ),
    "a link in the place of a file": (
        link_file, "index.html: is a symbolic link, the build wrote a file", "",
    ),
    "a link in the place of a folder": (
        link_folder, "results: is a symbolic link, the build wrote a folder", "results/ard.json: only in the rebuild",
    ),
    "a pipe in the place of a file": (
        lambda s: ((s.folder / "index.html").unlink(), os.mkfifo(s.folder / "index.html")),
        "index.html: is not a plain file", "index.html: only in the rebuild",
    ),
    "a folder more": (
        lambda s: (s.folder / "drafts").mkdir(),
        "drafts: this folder was not written by the build", "",
    ),
    "a space at the end of a page": (
        lambda s: s.edit(FILE + "06_os.html", lambda b: b + b" "),
        "06_os.html: has grown", "06_os.html: only white space at the end of the file differs",
    ),
    "line ends of another system": (
        lambda s: s.edit(FILE + "changelog.csv", lambda b: b.replace(b"\n", b"\r\n")),
        "changelog.csv: has grown", "changelog.csv: only the line endings differ",
    ),
    "a byte order mark": (
        lambda s: s.edit(FILE + "results/ard.json", lambda b: b"\xef\xbb\xbf" + b),
        "results/ard.json: has grown", "results/ard.json: only a byte order mark at the beginning differs",
    ),
    "a value in the build of the previous cut": (
        lambda s: s.edit(f"{PREVIOUS}/data/adsl.parquet", middle),
        "previous cut 2025-06-30, data/adsl.parquet: was altered", "",
    ),
}  # fmt: skip

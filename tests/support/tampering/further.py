"""Further ways to tamper: hidden from a look by hashes that are made to fit, odd files, odd manifests; and what is
harmless, with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from support.tampering.outputs import FILE, SUBJECT, Act, age_62
from support.tampering.published import CUT, PREVIOUS, Standing
from support.tampering.sources import DM, cut_file, lines_of, protocol

MANIFEST = FILE + "manifest.json"


def profile(standing: Standing, nth: int = 0) -> str:
    """The path of one of the profile pages."""
    return sorted(p.relative_to(standing.folder).as_posix() for p in standing.folder.glob("profiles/*.html"))[nth]


def swap_files(standing: Standing, one: str, two: str) -> None:
    x, y = (standing.folder / name for name in (one, two))
    first, second = x.read_bytes(), y.read_bytes()
    standing.write(FILE + one, second)
    standing.write(FILE + two, first)


def listed_dataset(standing: Standing) -> None:
    """A dataset more, which the manifest lists with its true hash."""
    from trialbook.core.files import sha256

    content = (standing.folder / "data/adsl.parquet").read_bytes()
    standing.write(FILE + "data/adxx.parquet", content)
    entry = {"sha256": sha256(content), "bytes": len(content)}
    standing.manifest(lambda m: m["outputs"].update({"data/adxx.parquet": entry}), sealed=True)


def forged(standing: Standing, name: str, old: bytes, new: bytes) -> None:
    """Changes a file and makes every hash fit."""
    standing.edit(FILE + name, lambda b: b.replace(old, new, 1))
    standing.forge()


def without_line(standing: Standing, name: str) -> None:
    standing.edit(FILE + name, lambda b: b"\n".join([*b.split(b"\n")[:-2], b""]))
    standing.forge()


def set_twice(content: bytes) -> bytes:
    return content.replace(b'{\n "cut_date"', b'{\n "cut_date": "2025-09-30",\n "cut_date"', 1)


def add_file(standing: Standing, name: str, content: bytes = b"x") -> None:
    (standing.folder / name).parent.mkdir(parents=True, exist_ok=True)
    standing.write(FILE + name, content)


# What is done, what a look without a rebuild finds ("" where nothing can be seen), what the rebuild finds.
FURTHER: dict[str, tuple[Act, str, str]] = {
    "a word on a profile page": (
        lambda s: s.edit(FILE + profile(s), lambda b: b.replace(b"</h1>", b" (well)</h1>", 1)),
        "profiles/", "profiles/",
    ),
    "a profile page less": (
        lambda s: (s.folder / profile(s)).unlink(), ": is missing", ": only in the rebuild",
    ),
    "a profile page more": (
        lambda s: add_file(s, "profiles/999.html", (s.folder / profile(s)).read_bytes()),
        "profiles/999.html: was not written by the build", "profiles/999.html: only in the published build",
    ),
    "two profile pages swapped": (
        lambda s: swap_files(s, profile(s, 0), profile(s, 1)), ": holds the content of profiles/", "profiles/",
    ),
    "the data dictionary": (
        lambda s: s.edit(FILE + "data_dictionary.html", lambda b: b.replace(b"</h1>", b"!</h1>", 1)),
        "data_dictionary.html: has grown", "data_dictionary.html: ",
    ),
    "the policy of a page": (
        lambda s: s.edit(FILE + "05_orr.html", lambda b: b.replace(b"Security-Policy", b"Security-Polixx", 1)),
        "05_orr.html: was altered", "05_orr.html: ",
    ),
    "two executed notebooks swapped": (
        lambda s: swap_files(s, "notebooks/04_dlt.ipynb", "notebooks/06_os.ipynb"),
        "notebooks/04_dlt.ipynb: holds the content of notebooks/06_os.ipynb", "notebooks/04_dlt.ipynb: ",
    ),
    "the rows of the results in another order": (
        lambda s: s.edit(FILE + "results/ard.json", lambda b: json.dumps(json.loads(b)[::-1]).encode()),
        "results/ard.json: ", "results/ard.json: ",
    ),
    "a page in other letters beside the first": (
        lambda s: add_file(s, "Index.html"), "Index.html: was not written by the build", "Index.html: only in",
    ),
    "a file whose name ends in a blank": (
        lambda s: add_file(s, "index.html "), "index.html : was not written by the build", "index.html : only in",
    ),
    "an empty file": (lambda s: add_file(s, ".gitkeep", b""), ".gitkeep: was not written", ".gitkeep: only in"),
    "a hidden folder with a file": (
        lambda s: add_file(s, ".ipynb_checkpoints/a.ipynb"), ".ipynb_checkpoints/a.ipynb: was not written",
        ".ipynb_checkpoints/a.ipynb: only in the published build",
    ),
    "a manifest inside": (
        lambda s: add_file(s, "data/manifest.json", b"{}"),
        "data/manifest.json: was not written", "data/manifest.json: only in the published build",
    ),
    "a link that leads nowhere": (
        lambda s: (s.folder / "notes").symlink_to("nowhere"), "notes: is a symbolic link", "",
    ),
    "a link to a page beside it": (
        lambda s: (s.folder / "start.html").symlink_to("index.html"),
        "start.html: is a symbolic link", "start.html: only in the published build",
    ),
    "a folder in place of a file": (
        lambda s: ((s.folder / "changelog.csv").unlink(), (s.folder / "changelog.csv").mkdir()),
        "changelog.csv: ", "changelog.csv: only in the rebuild",
    ),
    "a manifest of brackets": (
        lambda s: s.edit(MANIFEST, lambda b: b"[" * 200_000),
        "manifest.json: cannot be read as JSON", "manifest.json: ",
    ),
    "a manifest that is a list": (
        lambda s: s.edit(MANIFEST, lambda b: b"[]"), "manifest.json: /", "manifest.json: ",
    ),
    "a manifest that is a number": (lambda s: s.edit(MANIFEST, lambda b: b"2"), "manifest.json: /", "manifest.json: "),
    "an empty manifest": (
        lambda s: s.edit(MANIFEST, lambda b: b""), "manifest.json: cannot be read", "manifest.json: ",
    ),
    "a manifest in UTF-16": (
        lambda s: s.edit(MANIFEST, lambda b: b.decode().encode("utf-16")), "manifest.json: ", "manifest.json: ",
    ),
    "line ends of the manifest": (
        lambda s: s.edit(MANIFEST, lambda b: b.replace(b"\n", b"\r\n")), "manifest.json: the line endings differ",
        "manifest.json: only the line endings differ",
    ),
    "a key of the manifest twice": (
        lambda s: s.edit(MANIFEST, set_twice), "manifest.json: its text is not as it was written", "manifest.json: ",
    ),
    "a hash of the manifest in capitals": (
        lambda s: s.manifest(lambda m: m["outputs"]["index.html"].update(sha256="A" * 64), sealed=True),
        "manifest.json: /outputs/index.html/sha256", "manifest.json: ",
    ),
    "a truth value for a size": (
        lambda s: s.manifest(lambda m: m["outputs"]["index.html"].update(bytes=True), sealed=True),
        "manifest.json: /outputs/index.html/bytes", "manifest.json: ",
    ),
    "a seal of another text": (
        lambda s: s.manifest(lambda m: m.update(seal="0" * 64)), "does not carry its own seal", "manifest.json: /seal",
    ),
    "another cut in the manifest": (
        lambda s: s.manifest(lambda m: m.update(cut_id="2025-09-29"), sealed=True),
        "manifest.json: is of the cut 2025-09-29", "manifest.json: /cut_id",
    ),
    "another date in the manifest": (
        lambda s: s.manifest(lambda m: m.update(cut_date="2025-09-29"), sealed=True),
        "manifest.json: /cut_date is 2025-09-29, in its sources", "manifest.json: /cut_date",
    ),
    "a dataset that the manifest lists": (
        listed_dataset, "ro-crate-metadata.json: does not say what manifest.json says", "data/adxx.parquet: only in",
    ),
    "the crate emptied": (
        lambda s: s.edit(FILE + "ro-crate-metadata.json", lambda b: b"{}\n"), "ro-crate-metadata.json: was cut short",
        "ro-crate-metadata.json: ",
    ),
    "receipts taken out of the manifest": (
        lambda s: (s.manifest(lambda m: m.update(steps=[]), sealed=True), s.forge()), "", "manifest.json: /steps",
    ),
    "a build named that this one supersedes": (
        lambda s: s.manifest(lambda m: m.update(supersedes="0" * 64), sealed=True),
        ".superseded/2025-09-30/0000000000000000: is missing", "manifest.json: /supersedes",
    ),
    "a value of a dataset, all hashes made to fit": (
        lambda s: (s.dataset("data/adsl.parquet", age_62), s.forge()), "",
        f"data/adsl.parquet: USUBJID {SUBJECT}, column AGE: 62",
    ),
    "a number on a page, all hashes made to fit": (
        lambda s: forged(s, "05_orr.html", b">5<", b">6<"), "", "05_orr.html: under the heading ",
    ),
    "the last line of the change log taken out, all hashes made to fit": (
        lambda s: without_line(s, "changelog.csv"), "", "changelog.csv: line ",
    ),
    "the last query taken out, all hashes made to fit": (
        lambda s: without_line(s, "queries.csv"), "", "queries.csv: line ",
    ),
    "a verdict, all hashes made to fit": (
        lambda s: forged(s, "contracts/raw.dm.json", b'"pass"', b'"fail"'), "", "contracts/raw.dm.json: /verdict",
    ),
    "an output of a notebook, all hashes made to fit": (
        lambda s: forged(s, "notebooks/06_os.ipynb", b"Total", b"Totes"), "", "notebooks/06_os.ipynb: cell ",
    ),
    "a source in the manifest, all hashes made to fit": (
        lambda s: (s.manifest(lambda m: m["sources"]["inputs"].update({"dm.csv": "0" * 64})), s.forge()),
        "input dm.csv: sha256 ", "manifest.json: ",
    ),
}  # fmt: skip

# Further changes of the sources of a build, and what the look says.
FURTHER_SOURCES: dict[str, tuple[Act, str]] = {
    "an input cut short": (
        lambda s: s.source(DM, lambda t: t[: len(t) // 2]), "input dm.csv: sha256 ",
    ),
    "an input of the same length": (
        lambda s: s.source(DM, lines_of(lambda x: [*x[:2], x[2].replace("-002", "-003", 1), *x[3:]])), "input dm.csv: ",
    ),
    "an input under another name": (
        lambda s: (s.root / DM).rename((s.root / DM).with_name("DM.CSV")), "input dm.csv: was there then",
    ),
    "an input emptied": (lambda s: s.source(DM, lambda t: ""), "input dm.csv: sha256 "),
    "a note in the snapshot": (
        lambda s: (s.root / DM).with_name("README.txt").write_text("x"), "input README.txt: was not there then",
    ),
    "a notebook removed": (
        lambda s: (s.root / "notebooks/06_os.ipynb").unlink(), "the cut cannot be built today: ",
    ),
    "a contract of a raw domain": (
        lambda s: s.source("data_contracts/raw/dm.yaml", lambda t: t + "# more\n"),
        "contract data_contracts/raw/dm.yaml: ",
    ),
    "a contract more": (
        lambda s: shutil.copy(s.root / "data_contracts/raw/dm.yaml", s.root / "data_contracts/raw/zz.yaml"),
        "contract data_contracts/raw/zz.yaml: was not there then",
    ),
    "no lock": (lambda s: (s.root / "requirements.lock").unlink(), "requirements.lock: was there then"),
    "the title of the study": (
        lambda s: protocol(s, lambda p: p["study"].update(title="Another")), "protocol file, study.title: ",
    ),
    "the source of an analysis key": (
        lambda s: protocol(s, lambda p: p["analysis"]["os_days"].update(source="a paper")),
        "protocol file, analysis.os_days.source: ",
    ),
    "a mapping file": (lambda s: cut_file(s, mapping="params/mapping.yaml"), "cut file, mapping: blank then"),
    "a value in the previous build's results": (
        lambda s: s.edit(f"{PREVIOUS}/results/ard.json", lambda b: b.replace(b'"5"', b'"6"', 1)),
        "previous cut 2025-06-30, results/ard.json: was altered",
    ),
}  # fmt: skip


def reformatted_cut(standing: Standing) -> None:
    path = standing.root / "params" / "cuts" / f"{CUT}.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")


def second_name(standing: Standing) -> Any:
    return os.link(standing.folder / "index.html", standing.builds / "second.html")


# What is done, and why it says nothing of the build.
HARMLESS: dict[str, tuple[Act, str]] = {
    "a remark in the cut file": (reformatted_cut, "every key says what it said; the manifest holds the keys"),
    "a notebook more": (
        lambda s: (s.root / "notebooks/07_more.ipynb").write_text(
            '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', encoding="utf-8"
        ),
        "without the metadata of a step a notebook is none, and a build says so",
    ),
    "another cut file": (
        lambda s: shutil.copy(s.root / f"params/cuts/{CUT}.yaml", s.root / "params/cuts/2026-01-01.yaml"),
        "a build reads its own cut file",
    ),
    "a file beside the parameters": (
        lambda s: (s.root / "params" / "notes.txt").write_text("x"), "no key of the cut file names it",
    ),
    "a second name of a page": (second_name, "the content is the same, and the name lies outside of the build"),
    "a time in the future": (lambda s: os.utime(s.folder / "index.html", (4e9, 4e9)), "times are no content"),
    "a folder in the snapshot": (
        lambda s: (s.root / "data/demo/2025-09-30/old").mkdir(), "folders of a snapshot are not looked into",
    ),
    "the kept pieces of earlier builds": (
        lambda s: add_beside(s, ".cache/steps/x/y"), "the cache is beside the builds, and no part of any",
    ),
}  # fmt: skip


def add_beside(standing: Standing, name: str) -> None:
    (standing.builds / name).parent.mkdir(parents=True, exist_ok=True)
    standing.write(name, b"x")

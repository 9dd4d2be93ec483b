"""Whatever is changed in a build, or in what it was made of, `verify` finds it and names the place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trialbook.datasets import read_dataset, write_dataset
from trialbook.errors import UsageError
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.runner import ingredients, manifest, verify
from trialbook.runner.compare import compare_builds
from trialbook.runner.json_files import write_json
from trialbook.runner.manifest import fingerprint, output_files, write_manifest
from trialbook.runner.query_files import write_xlsx
from trialbook.runner.standing import standing_differences
from trialbook.runner.verify import Proof, look, rebuilt, verify_build

pytestmark = pytest.mark.build
CUT, PREVIOUS = "2025-09-30", "2025-06-30"
SUBJECT = "NCT06321198-01-001"


@dataclass
class Standing:
    """A build in a folder of its own, the previous one beside it, and the project it was made of."""

    builds: Path
    root: Path

    @property
    def folder(self) -> Path:
        return self.builds / CUT

    def trial(self, cut: str = CUT) -> Trial:
        return load_trial(self.root / "params" / "cuts" / f"{cut}.yaml", self.root)

    def look(self, cut: str = CUT) -> list[str]:
        """What is found without a rebuild."""
        own, sources = look(self.trial(cut), self.root, self.builds / cut)
        return own + sources

    def write(self, name: str, content: bytes) -> None:
        """Writes a file anew; the other copies of the build share the old one by a hard link."""
        path = self.builds / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        old = (self.builds / name).read_bytes()
        new = change(old)
        assert new != old, "the tampering must change something"
        self.write(name, new)

    def source(self, name: str, change: Callable[[str], str]) -> None:
        """Changes a file of the project."""
        path = self.root / name
        old = path.read_bytes().decode("utf-8")
        new = change(old)
        assert new != old, "the tampering must change something"
        path.write_bytes(new.encode("utf-8"))

    def dataset(self, name: str, change: Callable[[Any], Any]) -> None:
        path = self.folder / name
        frame = change(read_dataset(path))
        path.unlink()
        write_dataset(frame, path)

    def forge(self) -> None:
        """Writes manifest and crate anew, so that every hash fits what stands, and the pages show its fingerprint."""
        said = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        mark = fingerprint(said["sources"], self.folder / "results" / "ard.parquet")
        for page in sorted(self.folder.glob("*.html")):
            text = page.read_text(encoding="utf-8")
            if said["fingerprint"] in text and mark != said["fingerprint"]:
                self.write(f"{CUT}/{page.name}", text.replace(said["fingerprint"], mark).encode())
        for name in ("manifest.json", "ro-crate-metadata.json"):
            (self.folder / name).unlink()
        write_manifest(self.folder, self.trial(), said["sources"], mark, said["steps"])

    def manifest(self, change: Callable[[dict[str, Any]], object], *, sealed: bool = False) -> None:
        """Changes the manifest, with its seal made to fit when asked to."""
        path = self.folder / "manifest.json"
        said = json.loads(path.read_text(encoding="utf-8"))
        change(said)
        if sealed:
            said["seal"] = manifest.seal(said)
        path.unlink()
        write_json(path, said)


@pytest.fixture(scope="session")
def pristine(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """A copy of the last two demo builds, and of all that they were made of; nobody changes it."""
    place = tmp_path_factory.mktemp("pristine")
    for cut in (CUT, PREVIOUS):
        shutil.copytree(demo / cut, place / "build" / cut)
    project = place / "project"
    for name in ("params", "notebooks", "data_contracts"):
        shutil.copytree(root / name, project / name)
    for name in (CUT, PREVIOUS):
        shutil.copytree(root / "data" / "demo" / name, project / "data" / "demo" / name)
    for name in ("data/demo/README.md", "requirements.lock"):
        shutil.copyfile(root / name, project / name)
    return Standing(place / "build", project)


@pytest.fixture(scope="session")
def again(pristine: Standing) -> Iterator[Path]:
    """The one rebuild of this file, from the copied project, with nothing kept from earlier."""
    with rebuilt(pristine.trial(), pristine.root, pristine.folder, 2) as folder:
        assert isinstance(folder, Path), folder
        yield folder


@pytest.fixture(autouse=True, scope="module")
def packages_read_once() -> Iterator[None]:
    """Asking for the installed packages takes longer than all the rest of a look, and nobody installs any here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingredients, "installed", cache(ingredients.installed))
        yield


@pytest.fixture
def standing(pristine: Standing, tmp_path: Path) -> Standing:
    """A build and a project to tamper with; what is not touched is shared."""
    # Not the place of the rebuild, whose lock is held.
    shutil.copytree(pristine.builds, tmp_path / "build", copy_function=os.link, ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(pristine.root, tmp_path / "project")
    return Standing(tmp_path / "build", tmp_path / "project")


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
    listed.loc[0, "status"] = "closed"
    (standing.folder / "queries.xlsx").unlink()
    write_xlsx(listed, standing.folder / "queries.xlsx", CUT)


def drop_output(said: dict[str, Any]) -> None:
    del said["outputs"]["queries.csv"]


Act = Callable[[Standing], object]
FILE = f"{CUT}/"

# What is done to the build, what the look finds, and what the comparison with the rebuild says.
OUTPUTS: dict[str, tuple[Act, str, str]] = {
    "a number on a page": (
        lambda s: s.edit(FILE + "05_orr.html", lambda b: b.replace(b">5<", b">6<", 1)),
        "05_orr.html: was altered: the build left sha256", "05_orr.html: under the heading ",
    ),
    "a word on the first page": (
        lambda s: s.edit(FILE + "index.html", lambda b: b.replace(b"SYNTHETIC", b"AUTHENTIC", 1)),
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
        "notebooks/06_os.ipynb: was altered", "source line 2: step.clove() stands, step.close() was rebuilt",
    ),
    "a value of a dataset": (
        lambda s: s.dataset("data/adsl.parquet", age_62),
        "data/adsl.parquet: ", f"data/adsl.parquet: USUBJID {SUBJECT}, column AGE: 62",
    ),
    "a record of a dataset": (
        lambda s: s.dataset("data/adsl.parquet", lambda f: f.iloc[1:]),
        "data/adsl.parquet: ",
        f"data/adsl.parquet: USUBJID {SUBJECT}: this record was rebuilt and does not stand",
    ),
    "the order of a dataset": (
        lambda s: s.dataset("data/adtte.parquet", lambda f: f.iloc[::-1]),
        "data/adtte.parquet: ", "data/adtte.parquet: the records stand in another order",
    ),
    "a column of a dataset": (
        lambda s: s.dataset("data/adtte.parquet", lambda f: f.drop(columns="CNSR")),
        "data/adtte.parquet: was cut short", "data/adtte.parquet: column CNSR: was rebuilt, does not stand",
    ),
    "a byte of a dataset": (
        lambda s: s.edit(FILE + "data/clean/lb.parquet", middle),
        "data/clean/lb.parquet: was altered", "data/clean/lb.parquet: ",
    ),
    "a result in JSON": (
        lambda s: s.edit(FILE + "results/ard.json", lambda b: b.replace(b'"stat_text": "5"', b'"stat_text": "6"', 1)),
        "results/ard.json: was altered", '/stat_text: "6" stands, "5" was rebuilt',
    ),
    "a verdict of a contract": (
        lambda s: s.edit(FILE + "contracts/raw.dm.json", lambda b: b.replace(b'"pass"', b'"fail"', 1)),
        "contracts/raw.dm.json: was altered", 'contracts/raw.dm.json: /verdict: "fail" stands, "pass" was rebuilt',
    ),
    "a line of the change log": (
        lambda s: s.edit(FILE + "changelog.csv", lambda b: b.replace(b"NOT DETECTED", b"WAS DETECTED", 1)),
        "changelog.csv: was altered", "column new: WAS DETECTED stands, NOT DETECTED was rebuilt",
    ),
    "a query": (
        lambda s: s.edit(FILE + "queries.csv", lambda b: b.replace(b",open,", b",done,", 1)),
        "queries.csv: was altered", "queries.csv: line 2, column status: done stands, open was rebuilt",
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
        "manifest.json: does not carry its own seal", "manifest.json: /outputs/index.html/bytes: 1 stands",
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
        "queries.csv: was not left by the build", "manifest.json: /outputs/queries.csv: was rebuilt, does not stand",
    ),
    "a receipt in the manifest": (
        lambda s: s.manifest(lambda m: m["steps"][1]["written"].update(adsl=99), sealed=True),
        "data/adsl.parquet: has 16 records, its step left 99", "manifest.json: /steps/1/written/adsl: 99 stands",
    ),
    "the layout of the manifest": (
        lambda s: s.edit(FILE + "manifest.json", lambda b: json.dumps(json.loads(b)).encode()),
        "manifest.json: its text is not as it was written", "manifest.json: what it says agrees, its bytes do not",
    ),
    "a broken manifest": (
        lambda s: s.edit(FILE + "manifest.json", lambda b: b[:-9]),
        "manifest.json: cannot be read as JSON", "manifest.json: cannot be read as json",
    ),
    "an old kind of manifest": (
        lambda s: s.manifest(lambda m: m.update(schema=1), sealed=True),
        "manifest.json: has the schema 1", "manifest.json: /schema: 1 stands",
    ),
    "an unknown key in the manifest": (
        lambda s: s.manifest(lambda m: m.update(note="hello"), sealed=True),
        "manifest.json: /note: ", "manifest.json: /note: stands, was not rebuilt",
    ),
    "the provenance": (
        lambda s: s.edit(FILE + "ro-crate-metadata.json", lambda b: b.replace(b'"2025-09-30"', b'"2025-09-29"', 1)),
        "ro-crate-metadata.json: was altered", 'ro-crate-metadata.json: /@graph/1/datePublished: "2025-09-29" stands',
    ),
    "a page cut short": (
        lambda s: s.edit(FILE + "03_safety.html", lambda b: b[: len(b) // 2]),
        "03_safety.html: was cut short: the build left ", "03_safety.html: ",
    ),
    "an empty file": (
        lambda s: s.write(FILE + "changelog.csv", b""),
        "changelog.csv: was cut short", "changelog.csv: line 1: was rebuilt, does not stand",
    ),
    "a file more": (
        lambda s: s.write(FILE + "notes.txt", b"see me"),
        "notes.txt: was not left by the build", "notes.txt: stands, was not rebuilt",
    ),
    "a hidden run.json": (
        lambda s: s.write(FILE + "data/run.json", b"{}"),
        "data/run.json: was not left by the build", "data/run.json: stands, was not rebuilt",
    ),
    "a file less": (
        lambda s: (s.folder / "04_dlt.html").unlink(),
        "04_dlt.html: is missing", "04_dlt.html: was rebuilt, does not stand",
    ),
    "no provenance": (
        lambda s: (s.folder / "ro-crate-metadata.json").unlink(),
        "ro-crate-metadata.json: is missing", "ro-crate-metadata.json: was rebuilt, does not stand",
    ),
    "a file renamed": (
        lambda s: (s.folder / "04_dlt.html").rename(s.folder / "dlt.html"),
        "04_dlt.html: is missing; dlt.html holds what it held: it was renamed", "dlt.html: stands, was not rebuilt",
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
        "results/ard.json: /", "context clopper_pearson, stat_name n, column stat: 6.0 stands, 5.0 was rebuilt",
    ),
    "a record more than the step left, all hashes made to fit": (
        lambda s: (s.dataset("data/addlt.parquet", lambda f: f.iloc[:-1]), s.forge()),
        "data/addlt.parquet: has 11 records, its step left 12", "this record was rebuilt and does not stand",
    ),
    "a link in the place of a file": (
        link_file, "index.html: is a symbolic link, the build left a file", "",
    ),
    "a link in the place of a folder": (
        link_folder, "results: is a symbolic link, the build left a folder", "results/ard.json: was rebuilt",
    ),
    "a pipe in the place of a file": (
        lambda s: ((s.folder / "index.html").unlink(), os.mkfifo(s.folder / "index.html")),
        "index.html: is no plain file", "index.html: was rebuilt, does not stand",
    ),
    "a folder more": (
        lambda s: (s.folder / "drafts").mkdir(),
        "drafts: this folder was not left by the build", "",
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


def found_in(wanted: str, lines: list[str]) -> bool:
    return any(wanted in line for line in lines)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_tampered_output_is_found_and_its_place_named(kind: str, standing: Standing, again: Path) -> None:
    act, looked, compared = OUTPUTS[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines), lines
    differing = compare_builds(standing.folder, again)
    assert found_in(compared, differing) if compared else True, differing


def test_a_forgery_that_fits_together_is_found_by_the_rebuild(standing: Standing, again: Path) -> None:
    standing.dataset("results/ard.parquet", other_rate)
    frame = read_dataset(standing.folder / "results" / "ard.parquet")
    plain = frame.astype("object").where(frame.notna(), None)
    (standing.folder / "results" / "ard.json").unlink()
    write_json(standing.folder / "results" / "ard.json", plain.to_dict("records"))
    standing.edit(f"{CUT}/05_orr.html", lambda page: page.replace(b">5<", b">6<", 1))
    standing.forge()
    assert standing.look() == []
    lines = compare_builds(standing.folder, again)
    assert found_in("stat_name n, column stat: 6.0 stands, 5.0 was rebuilt", lines)
    assert found_in("/stat: 6.0 stands, 5.0 was rebuilt", lines)
    assert found_in("05_orr.html: under the heading", lines)
    assert {line.split(":")[0] for line in lines} >= {"manifest.json", "results/ard.json", "results/ard.parquet"}


def cut_file(standing: Standing, **changes: Any) -> None:
    path = standing.root / "params" / "cuts" / f"{CUT}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**content, **changes}), encoding="utf-8")


def lines_of(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def cell(standing: Standing, change: Callable[[dict[str, Any]], object], kind: str) -> None:
    """Changes the last cell of a kind in the notebook of survival."""
    path = standing.root / "notebooks" / "06_os.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change([one for one in notebook["cells"] if one["cell_type"] == kind][-1])
    path.write_text(json.dumps(notebook), encoding="utf-8")


def protocol(standing: Standing, change: Callable[[dict[str, Any]], object]) -> None:
    path = standing.root / "params" / "protocol.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


DM, LB = "data/demo/2025-09-30/dm.csv", "data/demo/2025-09-30/lb.csv"
RULES = "data_contracts/analysis/adsl.yaml"
# What is done to the project, and what the look says.
SOURCES: dict[str, tuple[Act, str]] = {
    "an input value": (
        lambda s: s.source(DM, lambda t: t.replace(",45,YEARS", ",54,YEARS", 1)),
        "dm.csv: row 2, column AGE: 45 then, 54 now",
    ),
    "an input value that cleaning changes": (
        lambda s: s.source(LB, lambda t: t.replace(",TND,", ",POSITIVE,", 1)), "column LBORRES: TND then, POSITIVE now",
    ),
    "an input value emptied": (
        lambda s: s.source(DM, lambda t: t.replace(",45,YEARS", ",,YEARS", 1)),
        "dm.csv: row 2, column AGE: 45 then, blank now",
    ),
    "an input record added": (
        lambda s: s.source("data/demo/2025-09-30/dv.csv", lines_of(lambda x: [*x, x[-1].replace(",1,", ",97,", 1)])),
        "dv.csv: row 6 now (",
    ),
    "an input record removed": (
        lambda s: s.source("data/demo/2025-09-30/dv.csv", lines_of(lambda x: [x[0], *x[2:]])),
        "dv.csv: row 2 then (",
    ),
    "input records in another order": (
        lambda s: s.source(DM, lines_of(lambda x: [x[0], x[2], x[1], *x[3:]])),
        f"dm.csv: row 2 then is row 3 now (USUBJID {SUBJECT})",
    ),
    "line ends of an input": (
        lambda s: s.source(DM, lambda t: t.replace("\n", "\r\n")), "dm.csv: line endings: LF then, CRLF now",
    ),
    "a byte order mark before an input": (
        lambda s: s.source(DM, lambda t: "\ufeff" + t), "dm.csv: byte order mark: none then, one now",
    ),
    "an empty line after an input": (
        lambda s: s.source(DM, lambda t: t + "\n"), "dm.csv: white space at the end of the file",
    ),
    "an input file removed": (
        lambda s: (s.root / "data/demo/2025-09-30/dv.csv").unlink(), "input dv.csv: was there then (sha256 ",
    ),
    "an input file added": (
        lambda s: (s.root / "data/demo/2025-09-30/zz.csv").write_text("USUBJID,ZZSEQ\n"),
        "input zz.csv: was not there then",
    ),
    "the statement that the data are synthetic": (
        lambda s: s.source("data/demo/README.md", lambda t: t.replace("SYNTHETIC DATA", "DATA")),
        "synthetic: True then, False now",
    ),
    "the cut date": (
        lambda s: cut_file(s, cut_date="2025-09-29"), "cut file, cut_date: 2025-09-30 then, 2025-09-29 now",
    ),
    "an override": (
        lambda s: cut_file(s, overrides={"response_rules": "CN"}), "analysis key, response_rules: CIBMTR then, CN now",
    ),
    "the previous cut": (
        lambda s: cut_file(s, previous_cut=None), "cut file, previous_cut: 2025-06-30 then, blank now",
    ),
    "a list of approved deletions": (
        lambda s: cut_file(s, approved_deletions="params/approved_deletions.csv"),
        "cut file, approved_deletions: blank then, params/approved_deletions.csv now",
    ),
    "an analysis key of the protocol": (
        lambda s: protocol(s, lambda p: p["analysis"]["os_days"].update(default=[28, 90, 180])),
        "analysis key, os_days: [28, 100, 180] then, [28, 90, 180] now",
    ),
    "the text of a criterion": (
        lambda s: protocol(s, lambda p: p["criteria"][0].update(text="Anybody.")),
        "protocol file, criteria IN01.text: ",
    ),
    "a parameter of a criterion": (
        lambda s: protocol(s, lambda p: p["criteria"][0].update(check="never")),
        "protocol file, criteria IN01.check: ",
    ),
    "a dose level": (
        lambda s: protocol(s, lambda p: p["dose_levels"][0].update(label="low")),
        "protocol file, dose_levels DL1.label: ",
    ),
    "a comment in the protocol": (
        lambda s: s.source("params/protocol.yaml", lambda t: t + "# more\n"), "params/protocol.yaml: sha256 ",
    ),
    "the code of a notebook": (
        lambda s: cell(s, lambda c: c["source"].append(";"), "code"),
        "source line 2: step.close() then, step.close(); now",
    ),
    "the prose of a notebook": (
        lambda s: cell(s, lambda c: c.update(source="Nothing."), "markdown"), "notebooks/06_os.ipynb: cell ",
    ),
    "a tag of a notebook's cell": (
        lambda s: cell(s, lambda c: c["metadata"].update(tags=["raises-exception"]), "code"), "tags: [] then, ",
    ),
    "the metadata of a notebook": (
        lambda s: s.source("notebooks/06_os.ipynb", lambda t: t.replace('"name": "python3"', '"name": "python9"', 1)),
        "notebooks/06_os.ipynb: every cell says what it said",
    ),
    "a rule of a contract": (
        lambda s: s.source(RULES, lambda t: t + "\n"), f"contract {RULES}: sha256 ",
    ),
    "a contract removed": (
        lambda s: (s.root / RULES).unlink(), f"contract {RULES}: was there then",
    ),
    "the lock": (
        lambda s: s.source("requirements.lock", lambda t: t.replace("pandas==3", "pandas==2", 1)),
        "requirements.lock: sha256 ",
    ),
    "the build of the previous cut": (
        lambda s: s.edit(f"{PREVIOUS}/manifest.json", lambda b: b + b"\n"),
        "the build of the previous cut 2025-06-30: manifest.json sha256 ",
    ),
    "no build of the previous cut": (
        lambda s: shutil.rmtree(s.builds / PREVIOUS),
        "the build of the previous cut 2025-06-30: manifest.json was there then",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SOURCES)
def test_a_changed_source_is_found_and_its_place_named(kind: str, standing: Standing) -> None:
    act, looked = SOURCES[kind]
    act(standing)
    lines = standing.look()
    assert found_in(looked, lines), lines


def test_a_changed_list_of_approved_deletions_is_found(standing: Standing) -> None:
    standing.source("params/approved_deletions.csv", lambda text: text.replace("\n", " \n", 2))
    assert found_in("params/approved_deletions.csv: sha256 ", standing.look(PREVIOUS))


def test_a_changed_module_and_a_new_one_are_found(
    standing: Standing, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = standing.root / "trialbook"
    shutil.copytree(root / "src" / "trialbook", package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (ingredients, manifest):
        monkeypatch.setattr(module, "PACKAGE", package)
    assert standing.look() == []
    (package / "dates.py").write_text((package / "dates.py").read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    (package / "planted.py").write_text("", encoding="utf-8")
    lines = standing.look()
    assert len(lines) == 2
    assert lines[0].startswith("code trialbook/dates.py: sha256 ")
    assert lines[1].startswith("code trialbook/planted.py: was not there then, is there now")


def test_another_version_of_a_package_or_of_python_is_found(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingredients.installed()
    monkeypatch.setattr(ingredients, "installed", lambda: {**real, "pandas": "3.1.99"})
    monkeypatch.setattr(ingredients.platform, "python_version", lambda: "3.11.99")
    lines = standing.look()
    assert lines[0] == f"package pandas: {real['pandas']} then, 3.1.99 now"
    assert lines[1].startswith("python: ")
    assert lines[1].endswith(" then, 3.11.99 now")
    monkeypatch.setattr(ingredients, "installed", lambda: {k: v for k, v in real.items() if k != "pandas"})
    assert f"package pandas: {real['pandas']} then, not installed now" in standing.look()


def test_more_than_forty_five_kinds_of_tampering_are_tried() -> None:
    assert len(OUTPUTS) + len(SOURCES) >= 45


# ---- what is no difference -----------------------------------------------------------------------------------------


def test_an_untouched_build_agrees_with_its_sources_and_with_its_rebuild(pristine: Standing, again: Path) -> None:
    assert pristine.look() == []
    assert compare_builds(pristine.folder, again) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.edit(FILE + "run.json", lambda b: b.replace(b"built", b"BUILT")),
        lambda s: (s.folder / "run.json").unlink(),
        lambda s: (s.write(FILE + "06_os.html", (s.folder / "06_os.html").read_bytes()),
                   os.utime(s.folder / "06_os.html", (0, 0))),
        lambda s: (s.write(FILE + "06_os.html", (s.folder / "06_os.html").read_bytes()),
                   (s.folder / "06_os.html").chmod(0o600)),
        lambda s: s.write("notes.txt", b"beside the builds"),
        lambda s: os.utime(s.root / DM, (0, 0)),
    ],
    ids=["run.json", "no run.json", "time of a file", "permissions", "a file beside the builds", "time of an input"],
)  # fmt: skip
def test_what_says_nothing_of_a_build_is_no_difference(act: Act, standing: Standing, again: Path) -> None:
    act(standing)
    assert standing.look() == []
    assert [line for line in compare_builds(standing.folder, again) if not line.startswith("run.json")] == []


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_output_that_flips_is_found_without_a_rebuild(standing: Standing, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*output_files(standing.folder), "manifest.json"]))
    content = (standing.folder / name).read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    standing.write(FILE + name, flipped(content, at, data.draw(st.integers(1, 255))))
    try:
        assert found_in(name, standing_differences(standing.folder))
    finally:
        standing.write(FILE + name, content)


def places_of(plain: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a JSON value."""
    yield at
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ():
        yield from places_of(value, (*at, key))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_manifest_of_any_shape_is_looked_at_without_an_error(standing: Standing, data: st.DataObject) -> None:
    content = (standing.folder / "manifest.json").read_bytes()
    plain = json.loads(content)
    section = data.draw(st.sampled_from(["sources", "steps", "outputs", *plain["sources"]]))
    base = ("sources", section) if section in plain["sources"] else (section,)
    inside = plain["sources"][section] if section in plain["sources"] else plain[section]
    *above, last = (*base, *data.draw(st.sampled_from(list(places_of(inside)))))
    parent = plain
    for key in above:
        parent = parent[key]
    value = data.draw(st.sampled_from([None, 0, "x", [], {}, [1], {"a": 1}, True]))
    if parent[last] == value:
        return
    parent[last] = value
    sealed = data.draw(st.booleans())
    if sealed:
        plain["seal"] = manifest.seal(plain)
    try:
        (standing.folder / "manifest.json").unlink()
        write_json(standing.folder / "manifest.json", plain)
        lines = standing.look()
        assert lines or sealed, "a seal that is made to fit hides a receipt until the rebuild"
    finally:
        standing.write(FILE + "manifest.json", content)


# ---- verify as a whole ---------------------------------------------------------------------------------------------


@pytest.fixture
def shared_rebuild(again: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `verify_build` compare with the rebuild of this file instead of making another."""

    @contextmanager
    def made(*_: object) -> Iterator[Path]:
        yield again

    monkeypatch.setattr(verify, "rebuilt", made)


@pytest.mark.usefixtures("shared_rebuild")
def test_verify_shows_what_each_way_of_looking_found(standing: Standing) -> None:
    trial = standing.trial()
    assert verify_build(trial, standing.root, standing.builds) == Proof(rebuilt=True)
    assert verify_build(trial, standing.root, standing.builds, quick=True) == Proof(rebuilt=False)
    standing.dataset("data/adsl.parquet", age_62)
    standing.source(RULES, lambda text: text + "\n")
    proof = verify_build(trial, standing.root, standing.builds)
    assert [len(lines) for lines in proof.parts.values()] == [1, 1, 1]
    assert proof.differences[2].startswith(f"data/adsl.parquet: USUBJID {SUBJECT}, column AGE: 62")


@pytest.mark.usefixtures("shared_rebuild")
def test_the_command_exits_1_and_says_where(
    standing: Standing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trialbook import cli

    monkeypatch.setenv("TRIALBOOK_ROOT", str(standing.root))
    words = ["trialbook", "verify", CUT, "--out", str(standing.builds)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    standing.source(DM, lambda text: text.replace(",45,YEARS", ",54,YEARS", 1))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert "dm.csv: row 2, column AGE: 45 then, 54 now" in shown.out
    assert shown.err.startswith(f"trialbook: the build {CUT} is not proved.")


def test_a_build_without_a_cut_file_is_proved_by_the_cut_in_its_manifest(standing: Standing) -> None:
    with_file = standing.trial()
    (standing.root / "params" / "cuts" / f"{CUT}.yaml").unlink()
    trial = verify.trial_of(CUT, standing.root, standing.builds)
    assert trial == with_file
    assert verify_build(trial, standing.root, standing.builds, quick=True) == Proof()
    with pytest.raises(UsageError, match="there is no cut '2024-01-01'"):
        verify.trial_of("2024-01-01", standing.root, standing.builds)


def test_a_rebuild_that_stops_is_said_and_leaves_nothing_behind(standing: Standing) -> None:
    (standing.root / "data/demo/2025-09-30/dm.csv").unlink()
    proof = verify_build(standing.trial(), standing.root, standing.builds)
    assert "input dm.csv: was there then" in proof.made_of[0]
    assert proof.rebuild[0].startswith("the rebuild stopped: ")
    assert "DM" in proof.rebuild[0]
    assert [p.name for p in (standing.builds / ".verify").iterdir()] == [".locks"]

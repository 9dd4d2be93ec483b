"""No personal data leave their place: canaries planted in an export are in no file, line, log or temporary folder.

More than 700 tokens, in English and Chinese, in undeclared columns, free text, supplemental answers, comments and names
of files; one build that succeeds, and the ways in which a look or a build stops.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.privacy_canaries import Tokens, found, plant
from support.raw_export import write_csv
from support.running_builds import PROGRAM
from support.snapshot_writers import FORMATS, write_as
from trialbook.protocol.load import load_trial
from trialbook.snapshot import read_snapshot, reading_lines

pytestmark = pytest.mark.build
CUT = "2025-03-31"


class Place:
    """A folder with an export full of canaries, its cut file, and the commands that are run on it."""

    def __init__(self, folder: Path, root: Path, seed: int) -> None:
        self.folder, self.root = folder, root
        self.snapshot, self.out, self.temporary = folder / "snapshot", folder / "build", folder / "tmp"
        (folder / "params" / "cuts").mkdir(parents=True)
        self.temporary.mkdir()
        self.tokens = plant(root / "data" / "demo" / CUT, self.snapshot, seed)
        self.printed: list[str] = []

    def cut_file(self, **changes: object) -> Path:
        protocol = str(self.root / "params" / "protocol.yaml")
        content = {"cut_id": "case", "cut_date": CUT, "snapshot": "snapshot", "protocol": protocol, **changes}
        path = self.folder / "params" / "cuts" / "case.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return path

    def run(self, *words: object) -> int:
        """Runs a command with a temporary folder of its own; what it prints is kept."""
        environment = {**os.environ, "TMPDIR": str(self.temporary), "TRIALBOOK_ROOT": str(self.root)}
        done = subprocess.run(
            [*PROGRAM, *map(str, words)], env=environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.printed += [done.stdout, done.stderr]
        return done.returncode

    def leaks(self) -> list[tuple[str, str]]:
        """Tokens found in what was written or printed."""
        kept = [self.out, self.temporary, self.folder / "lists"]
        return found(self.tokens, [place for place in kept if place.exists()], self.printed)


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A build that succeeds, verified and compared with itself."""
    place = Place(tmp_path_factory.mktemp("canaries"), root, 1)
    (place.folder / "lists").mkdir()
    cut = place.cut_file()
    assert place.run("build", cut, "--out", place.out, "--charts", "static") == 0, place.printed[-1]
    # After the build, whose pieces it takes: what it writes and prints itself is the same.
    assert place.run("check", cut, "--out", place.folder / "lists" / "q.xlsx") == 0, place.printed[-1]
    assert place.run("verify", cut, "--out", place.out, "--quick") == 0, place.printed[-1]
    return place


def test_seven_hundred_canaries_are_in_no_file_and_no_line(built: Place) -> None:
    assert len(built.tokens) >= 700
    assert len(set(built.tokens)) >= 700
    assert built.leaks() == []


def test_the_search_finds_what_it_is_to_find(built: Place) -> None:
    """The test could not tell a clean build from a blind search otherwise."""
    hits = found(built.tokens, [built.snapshot])
    assert {token for _, token in hits} == set(built.tokens)


def test_every_finding_is_asked_about_by_its_place(built: Place) -> None:
    from trialbook.queries.files import read_csv_list

    listed = read_csv_list(built.out / "case" / "queries.csv")
    asked = listed[listed["rule"].eq("P37-PERSONAL-DATA")]
    assert {"AE", "CM", "MH", "LB", "DS"} <= set(asked["domain"])
    assert set(asked["observed"]) <= {"(withheld)", ""}


def test_no_birth_date_is_written(built: Place, root: Path) -> None:
    import csv

    with (root / "data" / "demo" / CUT / "dm.csv").open(encoding="utf-8") as file:
        births = [row["BRTHDTC"] for row in csv.DictReader(file)]
    assert found(births, [built.out, built.temporary, built.folder / "lists"], built.printed) == []


def spoil(place: Place, name: str, change: Callable[[bytes], bytes]) -> None:
    path = place.snapshot / name
    path.write_bytes(change(path.read_bytes()))


def first_row(place: Place, name: str, column: str, value: str, rows: int = 1) -> None:
    """Sets a cell of the first records."""
    import csv

    with (place.snapshot / name).open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    for record in records[:rows]:
        record[column] = value
    write_csv(place.snapshot / name, records)


IDENTITY, BIRTH = "340111196304152039", "1963-04-15"
FAILURES: dict[str, tuple[Callable[[Place], object], dict[str, object]]] = {
    "a subject twice": (lambda p: first_row(p, "dm.csv", "USUBJID", "Quexing 77777", 2), {}),
    "an identity number for a subject": (lambda p: first_row(p, "dm.csv", "USUBJID", IDENTITY), {}),
    "an identity number for a site": (lambda p: first_row(p, "dm.csv", "SITEID", IDENTITY), {}),
    "a mobile number for an event": (lambda p: first_row(p, "ae.csv", "AESPID", "13912345678"), {}),
    "a required column missing": (lambda p: spoil(p, "ae.csv", lambda b: b.replace(b"AESTDTC", b"PTNAME2", 1)), {}),
    "two columns of one name": (lambda p: spoil(p, "ae.csv", lambda b: b.replace(b"PTNAME", b"AETERM", 1)), {}),
    "bytes that are no text": (lambda p: spoil(p, "ae.csv", lambda b: b + b"\xff\xfe\x81,Quexing 77777"), {}),
    "text that was lost": (lambda p: first_row(p, "ae.csv", "AETERM", f"\ufffd {IDENTITY}"), {}),
    "a quote that never ends": (lambda p: spoil(p, "ae.csv", lambda b: b + b'"Quexing 77777,' + IDENTITY.encode()), {}),
    "a row with too many cells": (lambda p: spoil(p, "ae.csv", lambda b: b + b"x," * 90 + IDENTITY.encode()), {}),
    "a first infusion without date": (lambda p: first_row(p, "ex.csv", "EXSTDTC", f"born {BIRTH} {IDENTITY}", 9), {}),
    "another file than received": (
        lambda p: None, {"transfer": {"ae.csv": {"sha256": "0" * 64, "bytes": 1, "rows": 1}}},
    ),
    "an unknown key of the cut file": (lambda p: None, {"patient": "Quexing 77777, 13912345678"}),
    "a wrong date of the cut": (lambda p: None, {"cut_date": f"{IDENTITY}"}),
    "a wrong override": (lambda p: None, {"overrides": {"response_rules": f"Quexing 77777 {IDENTITY}"}}),
    "a snapshot that is not there": (lambda p: None, {"snapshot": "deliveries of 13912345678"}),
    "a protocol that is not there": (lambda p: None, {"protocol": "protocol of 13912345678.yaml"}),
    "a mapping that is not one": (
        lambda p: (p.folder / "m.yaml").write_text(f"domains: {{DM: {{columns: {{USUBJID: '{IDENTITY}'}}}}}}"),
        {"mapping": "m.yaml"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def spoiled(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Place]:
    def make(name: str) -> Place:
        return Place(tmp_path_factory.mktemp("stopped"), root, 2)

    return make


@pytest.mark.parametrize("name", list(FAILURES))
def test_a_stop_holds_no_value_that_identifies(name: str, spoiled: Callable[[str], Place]) -> None:
    place = spoiled(name)
    change, keys = FAILURES[name]
    change(place)
    assert place.run("check", place.cut_file(**keys)) in (1, 2), place.printed
    place.tokens += [IDENTITY, "13912345678", BIRTH]
    assert place.leaks() == []


def test_a_cell_that_fails_leaves_no_birth_date_and_no_token(
    built: Place, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:  # fmt: skip
    """What is kept of a stopped build is the notebook as far as it ran: its error may quote what was in memory."""
    import shutil

    import nbformat

    # The sockets of a build lie in its temporary folder, and a socket has a short name.
    tmp_path = tmp_path_factory.mktemp("c")
    project = tmp_path / "project"
    for name in ("notebooks", "params", "data_contracts", "requirements.lock", "pyproject.toml"):
        source = root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
    path = project / "notebooks" / "01_cleaning.ipynb"
    notebook = nbformat.read(path, as_version=4)
    at = next(k for k, cell in enumerate(notebook.cells) if "clean_snapshot(" in cell.source)
    failing = 'raise ValueError("born " + str(cleaned.domains["DM"]["BRTHDTC"].tolist()))'
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(failing))
    nbformat.write(notebook, path)
    place = built
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TRIALBOOK_ROOT": str(project)}
    out = tmp_path / "out"
    done = subprocess.run(
        [*PROGRAM, "build", str(place.cut_file()), "--out", str(out)], env=environment, cwd=project,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "code cell" in done.stdout + done.stderr
    import csv

    with (root / "data" / "demo" / CUT / "dm.csv").open(encoding="utf-8") as file:
        births = [row["BRTHDTC"] for row in csv.DictReader(file)]
    assert found([*births, *place.tokens], [out], [done.stdout, done.stderr]) == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_masked_at_the_door(form: str, root: Path, tmp_path: Path) -> None:
    import pandas as pd

    tokens = Tokens(3)
    frames = {}
    for code in ("DM", "EX", "AE"):
        frame = pd.read_csv(root / "data" / "demo" / CUT / f"{code.lower()}.csv", dtype="str", keep_default_na=False)
        frame["PTNAME"] = [tokens.take(f"Quexing {tokens.values()['n']}") for _ in range(len(frame))]
        frames[code] = frame
    spelled = [token for token in tokens.spelled() if token.isascii() or form not in ("xpt",)]
    frames["AE"].loc[: len(spelled) - 1, "AETERM"] = [tokens.take(t) for t in spelled][: len(frames["AE"])]
    folder = tmp_path / "s"
    write_as(folder, frames, form)
    cut = tmp_path / "c.yaml"
    protocol = str(root / "params" / "protocol.yaml")
    content = {"cut_id": "c", "cut_date": CUT, "snapshot": str(folder), "protocol": protocol}
    cut.write_text(yaml.safe_dump(content), encoding="utf-8")
    snapshot = read_snapshot(load_trial(cut, root))
    told = [t.frame.to_csv() + str(t.edits) + str(t.notes) for t in snapshot.tables.values()]
    told += reading_lines(snapshot)
    planted = [token for token in tokens.drawn if token in "".join(frame.to_csv() for frame in frames.values())]
    assert len(planted) > 40
    assert found(planted, [], told) == []

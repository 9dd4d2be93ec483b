"""The exports of four systems lead, by their shipped mapping files, to the same clean data as their SDTM twin."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.cleaning import clean_snapshot
from trialbook.cleaning.clean import Cleaned
from trialbook.protocol.load import load_trial
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.tables import Snapshot
from trialbook_demo.edc_exports import write_edc_exports

SYSTEMS = ("redcap", "rave", "openclinica", "chinese")


def made(root: Path, name: str) -> tuple[Snapshot, Cleaned]:
    trial = load_trial(root / "params" / "examples" / "cuts" / f"{name}.yaml", root)
    snapshot = read_snapshot(trial)
    return snapshot, clean_snapshot(snapshot, trial)


@pytest.fixture(scope="module")
def twin(root: Path) -> Cleaned:
    return made(root, "sdtm")[1]


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_clean_data_and_the_questions_are_those_of_the_twin(root: Path, twin: Cleaned, name: str) -> None:
    snapshot, clean = made(root, name)
    assert sorted(clean.domains) == sorted(twin.domains)
    for code, frame in twin.domains.items():
        own = clean.domains[code]
        assert sorted(own.columns) == sorted(frame.columns)
        names = [column for column in frame.columns if column != "SRCROW"]
        pd.testing.assert_frame_equal(own[names].reset_index(drop=True), frame[names].reset_index(drop=True))
    assert [(q["rule"], q["field"]) for q in clean.queries] == [(q["rule"], q["field"]) for q in twin.queries]
    assert not [note for table in snapshot.tables.values() for note in table.notes]
    assert sum(len(frame) for frame in clean.domains.values()) > 150


def test_the_exports_in_the_repository_are_what_the_seed_gives(root: Path, tmp_path: Path) -> None:
    write_edc_exports(tmp_path)
    kept = root / "data" / "examples"
    new = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert new == {path.relative_to(kept): path.read_bytes() for path in kept.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "sign"),
    [("redcap", b"redcap_repeat_instrument"), ("rave", b"_RAW"), ("openclinica", b"Dataset Name:\t"),
     ("chinese", "受试者编号;".encode("gb18030"))],
)  # fmt: skip
def test_each_export_has_the_shape_of_its_system(root: Path, name: str, sign: bytes) -> None:
    files = [path.read_bytes() for path in (root / "data" / "examples" / name).iterdir()]
    assert any(sign in content for content in files)

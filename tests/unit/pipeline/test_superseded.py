"""A build that is replaced is kept whole, also beside an earlier one of the same seal; what moved is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from support.paths import ROOT
from trialbook.core.datasets import write_dataset
from trialbook.pipeline.changed_results import moved_headlines
from trialbook.pipeline.superseded import keep_superseded, named_seal, told, touched_before, touched_place
from trialbook.protocol.load import load_trial
from trialbook.provenance.verify import kept_differences


def published(out: Path, text: str) -> Path:
    folder = out / "c1"
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    (folder / "sub" / "page.html").write_text(text)
    return folder


def test_a_changed_build_of_a_known_seal_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    seal = "a" * 64
    first = keep_superseded(tmp_path, published(tmp_path, "one"), seal)
    assert keep_superseded(tmp_path, tmp_path / "c1", seal) == first
    (tmp_path / "c1" / "my_notes.txt").write_text("note")
    second = keep_superseded(tmp_path, tmp_path / "c1", seal)
    assert second.name == f"{first.name}-2"
    assert (second / "my_notes.txt").read_text() == "note"
    assert not (first / "my_notes.txt").exists()
    assert keep_superseded(tmp_path, tmp_path / "c1", seal) == second


def test_what_was_changed_before_a_build_was_kept_is_no_change_of_the_kept_build(tmp_path: Path) -> None:
    line = "my_notes.txt: was not written by the build"
    place = keep_superseded(tmp_path, published(tmp_path, "one"), "a" * 64, [line])
    assert touched_before(place) == {line}
    found = kept_differences(tmp_path, "c1", None)
    assert found == [f"{place.relative_to(tmp_path).as_posix()}, manifest.json: is missing"]
    (place / "manifest.json").write_text('{"schema": 0}')
    assert "superseded/c1/" + "a" * 16 in kept_differences(tmp_path, "c1", "a" * 64)[0]
    touched_place(place).unlink()
    assert touched_before(place) == set()


def test_a_kept_build_that_is_gone_is_named_and_a_cut_without_one_has_nothing_to_say(tmp_path: Path) -> None:
    assert kept_differences(tmp_path, "c1", None) == []
    assert kept_differences(tmp_path, "c1", "b" * 64) == [f".superseded/c1/{'b' * 16}: is missing"]


@pytest.mark.parametrize("seal", [None, 3, "", "../out", "a/b"])
def test_a_manifest_without_a_seal_gives_no_strange_folder(seal: object) -> None:
    assert named_seal({"seal": seal}) == "unsealed"


def test_a_reviewers_file_in_the_folder_is_named() -> None:
    lines = list(told([], Path("out/.superseded/c1/aaaa"), ["my_notes.txt: is not in the manifest"]))
    assert "  my_notes.txt: is not in the manifest" in lines
    assert lines[-1] == "the earlier build is kept in .superseded/c1/aaaa"


@pytest.mark.parametrize("km_ci", ["plain", "log"])
def test_numbers_of_a_build_are_read_under_its_own_keys(tmp_path: Path, km_ci: str) -> None:
    """A build under another interval reports its survival under another method: it did not move from blank."""
    trial = load_trial(ROOT / "params" / "cuts" / "2025-09-30.yaml", ROOT)
    columns = ["OUTPUTID", "VARIABLE", "LEVEL", "STAT_NAME", "STAT_VALUE"]
    keys = trial.analysis.model_dump(mode="json") | {"km_ci": km_ci}
    for name in ("old", "new"):
        write_dataset(pd.DataFrame(columns=columns, dtype="str"), tmp_path / name / "results" / "ard.parquet")
        content = {"cut_id": "c1", "sources": {"analysis": keys}}
        (tmp_path / name / "manifest.json").write_text(json.dumps(content, default=str))
    from trialbook.pipeline.changed_results import _trial_of

    assert _trial_of(tmp_path / "old", trial).analysis.km_ci == km_ci
    assert moved_headlines(tmp_path / "old", tmp_path / "new", trial) == []

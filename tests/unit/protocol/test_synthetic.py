"""Whether data are synthetic is declared in one place and never guessed from words (interface §7.7)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import raw_export as raw
from trialbook.core.errors import StopError
from trialbook.protocol.load import find_cut_file, load_trial
from trialbook.protocol.synthetic import MANIFEST, is_synthetic, manifest_says


def declared(folder: Path, content: object) -> Path:
    raw.export(folder)
    if content is not None:
        (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("in_cut", "in_snapshot", "expected"),
    [
        (None, None, False), (None, {}, False), (True, None, True), (False, None, False),
        (None, {"synthetic": True}, True), (None, {"synthetic": False}, False),
        (True, {"synthetic": True}, True), (False, {"synthetic": False}, False),
    ],
)  # fmt: skip
def test_cut_file_and_snapshot_declare_it(
    tmp_path: Path, in_cut: bool | None, in_snapshot: object, expected: bool
) -> None:
    assert is_synthetic(raw.trial_of(declared(tmp_path / "s", in_snapshot), synthetic=in_cut)) is expected


@pytest.mark.parametrize("in_cut", [True, False])
def test_two_declarations_that_differ_stop(tmp_path: Path, in_cut: bool) -> None:
    trial = raw.trial_of(declared(tmp_path / "s", {"synthetic": not in_cut}), synthetic=in_cut)
    with pytest.raises(StopError, match=r"SYNTHETIC.*manifest\.json.*correct the one that is wrong"):
        is_synthetic(trial)


@pytest.mark.parametrize("content", [{"synthetic": "yes"}, {"synthetic": 1}])
def test_a_declaration_that_is_neither_true_nor_false_stops(tmp_path: Path, content: object) -> None:
    with pytest.raises(StopError, match="true or false"):
        manifest_says(declared(tmp_path / "s", content))


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ('{"Synthetic": true}', r"column Synthetic, value True"), ('{" SYNTHETIC": false}', "value False"),
        ('{"synthetic": "true"}', r"column synthetic, value 'true'"), ('{"synthetic": null}', "column synthetic"),
        ('{"synthetic": true, "Synthetic": false}', "column Synthetic"), ("[true]", "not an object"),
        ('"synthetic"', "not an object"),
    ],
)  # fmt: skip
def test_a_declaration_in_another_spelling_stops_and_says_what_to_write(
    tmp_path: Path, text: str, observed: str
) -> None:
    folder = declared(tmp_path / "s", None)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(StopError, match=rf'SYNTHETIC.*manifest\.json.*{observed}.*write "synthetic": true') as stopped:
        manifest_says(folder)
    assert '"synthetic": false' in str(stopped.value)


def test_a_manifest_that_cannot_be_read_stops(tmp_path: Path) -> None:
    folder = declared(tmp_path / "s", None)
    for text in ("{", "[" * 100_000):
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        with pytest.raises(StopError, match="cannot be read"):
            manifest_says(folder)


def test_words_in_a_readme_declare_nothing(tmp_path: Path) -> None:
    folder = declared(tmp_path / "s", None)
    for place in (folder, folder.parent):
        (place / "README.md").write_text("These are NOT SYNTHETIC DATA.", encoding="utf-8")
    assert not is_synthetic(raw.trial_of(folder))


@pytest.mark.parametrize("cut", ["2025-03-31", "2025-06-30", "2025-09-30", "params/site-export/cut.yaml"])
def test_the_demo_declares_itself(root: Path, cut: str) -> None:
    assert is_synthetic(load_trial(find_cut_file(cut, root), root))

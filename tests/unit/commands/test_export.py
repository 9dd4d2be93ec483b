"""`trialbook export` refuses what it cannot do, in words, before it writes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialbook.commands import export as command
from trialbook.commands.export import built_source, export, write_whole
from trialbook.core.errors import UsageError


@pytest.mark.parametrize(
    ("formats", "tags", "audience", "said"),
    [
        (["pfd"], ["en"], "line", "there is no format 'pfd'"),
        (["xpt"], ["en"], "line", "does not make xpt yet"),
        (["pdf"], ["fr"], "line", "there is no language 'fr'"),
    ],
)
def test_what_cannot_be_made_is_refused(
    tmp_path: Path, formats: list[str], tags: list[str], audience: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        export("2025-09-30", tmp_path / "build", tmp_path / "to", formats, tags, audience)
    assert caught.value.exit_status == 2
    assert caught.value.next_step
    assert not (tmp_path / "to").exists()


def test_a_cut_that_has_not_been_built_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has not been built") as caught:
        built_source("2025-09-30", tmp_path)
    assert caught.value.next_step == "trialbook build 2025-09-30"


def test_files_appear_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole({tmp_path / "one.pdf": b"1", tmp_path / "taken" / "two.pdf": b"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]

    def fails(one: Path, two: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command.os, "replace", fails)
    with pytest.raises(UsageError, match="No space left"):
        write_whole({tmp_path / "one.pdf": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("one", ["narratives", "rtf"])
def test_files_about_single_subjects_are_not_made_for_a_wider_audience(tmp_path: Path, one: str) -> None:
    with pytest.raises(UsageError, match="describes single subjects") as caught:
        export("2025-09-30", tmp_path, tmp_path / "to", ["pdf", one], audience="aggregate")
    assert caught.value.next_step
    assert not (tmp_path / "to").exists()

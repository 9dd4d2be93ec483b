"""A build appears whole or not at all, and only one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialbook.errors import BusyError
from trialbook.runner import publish as publishing
from trialbook.runner.publish import one_builder, publish, restore_replaced, scratch_folder


def build(folder: Path, content: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.txt").write_text(content)
    (folder / "manifest.json").write_text(content)
    return folder


def content(folder: Path) -> set[str]:
    return {p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_first_build_is_put_in_place(tmp_path: Path) -> None:
    publish(build(tmp_path / "s", "new"), tmp_path / "final")
    assert content(tmp_path / "final") == {"new"}


def test_a_build_replaces_the_earlier_one_whole(tmp_path: Path) -> None:
    build(tmp_path / "final", "old")
    (tmp_path / "final" / "left.txt").write_text("old")
    publish(build(tmp_path / "s", "new"), tmp_path / "final")
    assert content(tmp_path / "final") == {"new"}


def test_without_exchange_two_renames_do_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing.sys, "platform", "other")
    build(tmp_path / "final", "old")
    publish(build(tmp_path / "s", "new"), tmp_path / "final")
    assert content(tmp_path / "final") == {"new"}
    assert not (tmp_path / ".final.replaced").exists()


def test_a_replacement_cut_short_is_put_back(tmp_path: Path) -> None:
    build(tmp_path / ".final.replaced", "old")
    restore_replaced(tmp_path / "final")
    assert content(tmp_path / "final") == {"old"}


def test_a_second_builder_is_refused(tmp_path: Path) -> None:
    with one_builder(tmp_path, "c1"):
        with pytest.raises(BusyError) as caught, one_builder(tmp_path, "c1"):
            pass
        assert caught.value.exit_status == 3
        with one_builder(tmp_path, "c2"):
            pass
    with one_builder(tmp_path, "c1"):
        pass


def test_leftovers_of_a_killed_build_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".scratch" / "c1" / "build").mkdir(parents=True)
    (tmp_path / ".scratch" / "c1" / "build" / "half.txt").write_text("half")
    with scratch_folder(tmp_path, "c1") as place:
        assert list(place.iterdir()) == []
    assert not (tmp_path / ".scratch" / "c1").exists()

"""A build appears whole or not at all, and only one at a time."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trialbook.core.errors import BusyError, StopError, UsageError
from trialbook.pipeline import publish as publishing
from trialbook.pipeline.publish import kernel_folder, one_builder, publish, restore_replaced, scratch_folder


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
    with one_builder(tmp_path, "c1"), scratch_folder(tmp_path, "c1") as place:
        assert list(place.iterdir()) == []
    assert not (tmp_path / ".scratch" / "c1").exists()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path, whatever number this run of the tests has: unix sockets need one."""
    place = Path(tempfile.mkdtemp(prefix="tb-test-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def test_the_kernels_folder_of_a_killed_build_is_swept(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing.tempfile, "gettempdir", lambda: str(short))
    with kernel_folder(short / "out", "c1") as place:
        (place / "left.txt").write_text("left")
        name = place.name
        assert place.stat().st_mode & 0o077 == 0
    assert not place.exists()
    (short / name).mkdir()
    (short / name / "left.txt").write_text("left")
    with one_builder(short / "out", "c1"), kernel_folder(short / "out", "c1") as place:
        assert place.name == name
        assert list(place.iterdir()) == []


def test_a_link_that_somebody_planted_in_place_of_the_kernels_folder_is_not_followed(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing.tempfile, "gettempdir", lambda: str(short))
    with kernel_folder(short / "out", "c1") as place:
        pass
    (short / "elsewhere").mkdir()
    (short / "elsewhere" / "kept.txt").write_text("kept")
    place.symlink_to(short / "elsewhere")
    with one_builder(short / "out", "c1"), kernel_folder(short / "out", "c1") as other:
        assert other != place
    assert content(short / "elsewhere") == {"kept"}


def test_an_error_of_the_disk_is_one_clear_stop(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="disk is full; nothing was published"), one_builder(tmp_path, "c1"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some.parquet")
    with pytest.raises(StopError, match=r"some\.parquet.*Input/output error"), one_builder(tmp_path, "c1"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "some.parquet")
    with one_builder(tmp_path, "c1"):
        pass


def test_an_output_folder_that_is_a_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"), one_builder(tmp_path / "out", "c1"):
        pass


def test_the_earlier_build_is_put_back_when_the_second_of_two_renames_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing.sys, "platform", "other")
    build(tmp_path / "final", "old")
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if source == tmp_path / "s":
            raise OSError(errno.EIO, "no")
        real(source, target)

    monkeypatch.setattr(publishing.os, "rename", rename)
    with pytest.raises(OSError, match="no"):
        publish(build(tmp_path / "s", "new"), tmp_path / "final")
    assert content(tmp_path / "final") == {"old"}

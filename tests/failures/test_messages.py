"""What is said when output is closed, disks are full, paths are too long or memory is short: true, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.running_builds import PROGRAM
from support.small_project import SmallProject
from trialbook.core.errors import StopError, unknown_error
from trialbook.core.files import naming
from trialbook.pipeline import publish as publishing
from trialbook.pipeline.publish import kernel_folder, publish, scratch_folder

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform != "linux", reason="closes and fills descriptors")]


def said(project: SmallProject, redirection: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What an unchanged build says under a redirection of the shell."""
    words = [*PROGRAM, "build", "case", "--out", str(project.out), "--charts", "static"]
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *words],
        capture_output=True, text=True, check=False,
        env={**os.environ, "TRIALBOOK_ROOT": str(project.folder), **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("redirection", "status", "words"),
    [
        (">&-", 1, ""),
        (">/dev/full", 1, "the output could not be written (No space left on device)"),
        ("| true", 1, ""),
        ("2>/dev/full", 0, ""),
        (">&- 2>&-", 1, ""),
    ],
    ids=["closed", "full", "nobody reads", "full error output", "both closed"],
)
def test_what_cannot_be_said_is_no_traceback_and_no_success_where_it_matters(
    built: SmallProject, redirection: str, status: int, words: str
) -> None:
    before = built.standing
    done = said(built, redirection)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "disk" not in done.stderr
    assert built.standing == before


def test_error_output_that_is_full_does_not_end_a_build(built: SmallProject) -> None:
    """The disk that is full is not that of the builds."""
    built.change("06_os")
    done = said(built, "2>/dev/full")
    assert "index.html" in done.stdout
    assert "disk is full" not in done.stdout
    assert built.litter() == []


def test_a_folder_for_temporary_files_with_a_long_path_is_named_with_what_to_do(
    built: SmallProject, tmp_path: Path
) -> None:
    place = tmp_path / ("x" * 100)
    place.mkdir()
    built.change("06_os")
    done = said(built, "", TMPDIR=str(place))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{place}: the path of the folder for temporary files is too long" in done.stdout
    assert "set TMPDIR to a shorter path" in done.stdout
    assert "memory" not in done.stdout


def test_the_longest_allowed_place_for_sockets_is_long_enough(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LONGEST_PLACE", 5)
    with pytest.raises(publishing.UsageError, match="at most 5"), kernel_folder(Path("out"), "c1"):
        pass


@pytest.mark.soak  # the limits themselves: test_bad_cells
def test_too_little_memory_is_said_as_such(built: SmallProject) -> None:
    built.change("06_os")
    done = built.build("--memory-limit", "0.2")
    assert done.process.returncode == 1, done.said
    assert "memory" in done.said.splitlines()[-1]
    assert "error in the workbook" not in done.said
    assert "there was not enough memory" in unknown_error(MemoryError())


def test_an_error_of_writing_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught, naming(tmp_path / "a.parquet"):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(tmp_path / "a.parquet")
    with pytest.raises(OSError, match="No space") as caught, naming(tmp_path / "a.parquet"):
        raise OSError(28, "No space left on device", "b.csv")
    assert caught.value.filename == "b.csv"


def test_when_only_the_last_step_of_publishing_fails_the_message_says_that_the_build_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "manifest.json").write_text("new")
    real = publishing._sync_folder

    def fails(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(5, "Input/output error")
        real(folder)

    monkeypatch.setattr(publishing, "_sync_folder", fails)
    with pytest.raises(StopError, match="the new build is in place, but the system did not confirm"):
        publish(tmp_path / "scratch", tmp_path / "final")
    assert (tmp_path / "final" / "manifest.json").read_text() == "new"


def test_a_scratch_folder_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(place: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(publishing.shutil, "rmtree", fails)
    said = r"c1: the new build is in place, but this folder could not be removed"
    with pytest.raises(StopError, match=said), scratch_folder(tmp_path, "c1"):
        pass

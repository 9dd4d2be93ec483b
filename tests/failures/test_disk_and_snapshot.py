"""A full disk, folders that cannot be written, and snapshots that are not what they seem or change meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.rounds import SOAK
from support.running_builds import Running, content
from support.small_project import SmallProject

pytestmark = pytest.mark.build
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def may_mount() -> bool:
    return shutil.which("unshare") is not None and not subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode


FULL = """
import os, pathlib, subprocess, sys
sys.path[:0] = {path!r}
from support.small_project import SmallProject
project = SmallProject(pathlib.Path({folder!r}), pathlib.Path({root!r}))
out = project.out
out.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(out)], check=True)
project.hold()
done = project.build()
assert done.process.returncode == 0, done.said
before = project.standing
for free in (0, 48, 300):
    project.change("01_cleaning")
    (out / "filler").write_bytes(b"")
    left = os.statvfs(out)
    with open(out / "filler", "wb") as filler:
        filler.write(b"0" * (left.f_bavail * left.f_frsize - free * 1024))
    done = project.build("--force")
    print(free, done.process.returncode, done.said.splitlines()[-1])
    assert done.process.returncode == 1, done.said
    assert "the disk is full" in done.said, done.said
    assert "Traceback" not in done.said, done.said
    assert project.standing == before
    (out / "filler").unlink()
    assert not list((out / ".scratch").glob("*")), list((out / ".scratch").rglob("*"))
done = project.build()
assert done.process.returncode == 0, done.said
assert project.litter() == [], project.litter()
"""


def test_a_full_disk_is_said_and_nothing_is_published(tmp_path: Path, root: Path) -> None:
    """Full from the start, while scratch is written, in a kernel, and when the pages are put together."""
    if not may_mount():
        pytest.skip("this system does not let a user mount a small disk")
    program = FULL.format(path=[str(root / "tests")], folder=str(tmp_path / "p"), root=str(root))
    done = subprocess.run([*OWN_MOUNTS, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def test_an_output_folder_that_cannot_be_written_is_wrong_usage(small: SmallProject) -> None:
    if not may_mount():
        pytest.skip("this system does not let a user mount a folder read-only")
    small.out.mkdir()
    words = [sys.executable, "-c", "from trialbook.cli import main; main()", "build", "case", "--out", str(small.out)]
    script = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
    done = subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", script, str(small.out), *words],
        capture_output=True, text=True, check=False, env={**os.environ, "TRIALBOOK_ROOT": str(small.folder)},
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the output folder cannot be written" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def empty(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def unreadable(path: Path) -> None:
    """A file that gives an error when it is read, also to root."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def no_permission(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize("damage", [empty, a_folder, a_loop, a_pipe, unreadable, no_permission])
def test_a_file_that_is_not_what_it_seems_is_named(small: SmallProject, damage: Callable[[Path], None]) -> None:
    """By the look that reads as a build does; of a build one kind that is read and one that is not."""
    if damage is no_permission and os.geteuid() == 0:
        pytest.skip("root may read everything")
    if damage is unreadable and sys.platform != "linux":
        pytest.skip("there is no file here that cannot be read")
    damage(small.snapshot / "ae.csv")
    looked = Running(small.log, "check", "case", "--raw", TRIALBOOK_ROOT=str(small.folder))
    assert looked.end() == 1, looked.said
    runs = [looked.said]
    if damage in (empty, unreadable) or SOAK:
        done = small.build()
        assert done.process.returncode == 1, done.said
        assert any("stopped" in line and "ae.csv" in line for line in done.said.splitlines()), done.said
        assert not (small.out / "case").exists()
        assert small.litter() == []
        runs.append(done.said)
    for said in runs:
        assert "ae.csv" in said
        assert "Traceback" not in said
        assert "error in the workbook" not in said


@pytest.mark.parametrize("damage", [a_pipe, a_folder, a_loop])
def test_what_is_no_file_stops_where_a_domain_would_be_and_is_passed_over_elsewhere(
    small: SmallProject, damage: Callable[[Path], None]
) -> None:
    os.mkfifo(small.snapshot / "README.md")
    done = Running(small.log, "check", "case", "--raw", TRIALBOOK_ROOT=str(small.folder))
    assert done.end() == 0, done.said
    (small.snapshot / "lb.csv").write_text("x")
    damage(small.snapshot / "lb.csv")
    done = Running(small.log, "check", "case", "--raw", TRIALBOOK_ROOT=str(small.folder))
    assert done.end() == 1, done.said
    assert "lb.csv: this is not a file, but has the name of a domain file. Next: put" in done.said


@pytest.mark.parametrize("damage", [empty, pytest.param(a_folder, marks=pytest.mark.soak), Path.unlink])
def test_a_snapshot_that_changes_while_it_is_read_stops_the_build(
    prepared: SmallProject, damage: Callable[[Path], None]
) -> None:
    small = prepared
    small.change("01_cleaning")
    small.hold("01_cleaning")
    running = small.start()
    small.kernel_at("01_cleaning", running)
    # What is cleaned must be what the raw contracts were checked on, in this build or an earlier one.
    running.wait_for("raw.contracts", "reused")
    kept = (small.snapshot / "dm.csv").read_bytes()
    damage(small.snapshot / "dm.csv")
    small.hold()
    assert running.end() == 1, running.said
    last = running.said.splitlines()[-1]
    assert "dm" in last.lower()
    assert "Traceback" not in running.said
    assert not (small.out / "case").exists()
    assert small.litter() == []
    if damage is Path.unlink:
        (small.snapshot / "dm.csv").write_bytes(kept)
        assert small.build().process.returncode == 0


def test_one_changed_value_is_noticed_by_its_hash(small: SmallProject) -> None:
    """Here in the build that has checked the raw contracts itself."""
    small.hold("01_cleaning")
    running = small.start()
    small.kernel_at("01_cleaning", running)
    running.wait_for("raw.contracts", "done")
    path = small.snapshot / "dm.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("NCT06321198", "NCT06321199", 1), encoding="utf-8")
    small.hold()
    assert running.end() == 1, running.said
    assert "dm.csv: the file changed while the build was reading it" in running.said


def test_odd_names_are_taken_literally_and_a_snapshot_that_may_only_be_read_is_enough(
    tmp_path: Path, root: Path
) -> None:
    project = SmallProject(tmp_path / "pro {ject} 甲 $HOME %s", root)
    project.hold()
    odd = "-out {cut_id}\n{0.__class__} '\" * ~"
    for path in project.snapshot.iterdir():
        path.chmod(0o444)
    project.snapshot.chmod(0o555)
    before = content(project.snapshot)
    try:
        named = {"TRIALBOOK_ROOT": str(project.folder)}
        done = Running(project.log, "build", "case", f"--out={odd}", cwd=project.folder, **named)
        assert done.end() == 0, done.said
    finally:
        project.snapshot.chmod(0o755)
    project.out = project.folder / odd
    assert (project.out / "case" / "index.html").is_file()
    assert project.litter() == []
    assert content(project.snapshot) == before
    assert sorted(p.name for p in project.snapshot.iterdir()) == ["ae.csv", "dm.csv", "ex.csv"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [project.folder.name]

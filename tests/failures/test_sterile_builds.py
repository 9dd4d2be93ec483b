"""What lies about on a machine, in the environment or beside the data, changes nothing in a build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.hostile_environment import hostile_environment, plant
from support.small_project import SmallProject

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform == "win32", reason="uses umask and closed files")]
NOT_COMPARED = ("run.json",)


def outputs(project: SmallProject) -> dict[str, str]:
    """The files of the build, without the one that differs from run to run."""
    return {name: mark for name, mark in project.standing.items() if name not in NOT_COMPARED}


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, root: Path, finished: SmallProject
) -> tuple[SmallProject, dict[str, str], str]:
    """A small project and the outputs of its build in ordinary surroundings."""
    project = SmallProject(tmp_path_factory.mktemp("sterile") / "project", root)
    plant(project.folder.parent)
    project.take_pieces(finished)
    done = project.build()
    assert done.process.returncode == 0, done.said
    return project, outputs(project), (project.out / "case" / "manifest.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("mask", "home"), [(0o077, "nowhere"), pytest.param(0o000, "home", marks=pytest.mark.soak)])
def test_hostile_surroundings_give_the_same_bytes(
    plain: tuple[SmallProject, dict[str, str], str], tmp_path: Path, mask: int, home: str
) -> None:
    """All at once: planted files, another folder, environment, locale, zone, umask, a closed stdin, no home."""
    project, expected, manifest = plain
    plant(tmp_path)
    # As the installed command: a script in a folder of its own.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "trialbook").write_text("from trialbook.cli import main\nmain()\n")
    environment = {**hostile_environment(tmp_path, home), "TRIALBOOK_ROOT": str(project.folder)}
    words = ["build", "case", "--force", "--out", str(project.out), "--charts", "static", "--jobs", "1"]
    script = f'umask {mask:03o}; exec "$0" "$@" <&-'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, str(tmp_path / "bin" / "trialbook"), *words],
        cwd=tmp_path / "cwd",
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert b"planted" not in done.stdout + done.stderr
    found = outputs(project)
    assert (project.out / "case" / "manifest.json").read_text(encoding="utf-8").splitlines() == manifest.splitlines()
    assert found == expected
    assert not (tmp_path / "nowhere").exists()
    for name in ("ae.csv", "dm.csv", "ex.csv"):
        assert (project.snapshot / name).is_file()

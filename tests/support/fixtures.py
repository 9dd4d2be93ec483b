"""Fixtures of whole builds: the demo cuts (built here when missing or stale), workbooks to change, a small project."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from support.demo_workbook import Workbook
from support.small_project import SmallProject
from trialbook.core.errors import ChangedError
from trialbook.pipeline.build import Options, build_cut
from trialbook.protocol.load import load_trial

DEMO_CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")


@pytest.fixture(scope="session")
def demo(root: Path) -> Path:
    """The folder with the three demo builds."""
    out = root / "build"
    with FileLock(out / ".demo-for-tests.lock"):
        for cut in DEMO_CUTS:
            # Makes only what has changed, usually nothing.
            trial = load_trial(root / "params" / "cuts" / f"{cut}.yaml", root)
            try:
                build_cut(trial, root, Options(out))
            except ChangedError:
                # The demo data were simulated again: a build of the old ones is not to be kept.
                shutil.rmtree(out / cut)
                build_cut(trial, root, Options(out))
    return out


@pytest.fixture
def workbook(tmp_path: Path, root: Path) -> Workbook:
    """A data cut of its own, to change and build."""
    return Workbook(tmp_path, root)


@pytest.fixture
def make_workbook(tmp_path: Path, root: Path) -> Callable[[str], Workbook]:
    """Makes workbooks from any demo snapshot."""
    return lambda source: Workbook(tmp_path / source, root, source)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, root: Path) -> SmallProject:
    """A small project that was built from nothing; no test changes it, others take its finished pieces."""
    project = SmallProject(tmp_path_factory.mktemp("finished") / "project", root)
    project.hold()
    done = project.build()
    assert done.process.returncode == 0, done.said
    return project

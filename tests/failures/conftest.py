"""Fixtures of the tests that break builds: a small project in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.small_project import SmallProject


@pytest.fixture
def small(tmp_path: Path, root: Path) -> SmallProject:
    """A small project, not built yet."""
    return SmallProject(tmp_path / "project", root)


@pytest.fixture
def prepared(small: SmallProject, finished: SmallProject) -> SmallProject:
    """A small project, not built yet, that need not make what is as it was: a build takes half as long."""
    small.take_pieces(finished)
    return small


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, root: Path, finished: SmallProject) -> SmallProject:
    """A small project that has been built once; every test leaves it as it was."""
    project = SmallProject(tmp_path_factory.mktemp("small") / "project", root)
    project.take_pieces(finished)
    done = project.build()
    assert done.process.returncode == 0, done.said
    return project

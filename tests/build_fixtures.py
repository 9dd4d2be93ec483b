"""Fixtures of whole builds: the demo cuts (built here when missing or stale), and workbooks to change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from trialbook.protocol.load import load_trial
from trialbook.runner.build import Options, build_cut
from trialbook.runner.manifest import code_files, file_hashes
from workbook import Workbook

DEMO_CUTS = ("2025-03-31", "2025-06-30", "2025-09-30")


def is_current(folder: Path, root: Path) -> bool:
    """Whether a build was made by the code and notebooks that stand here now."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return False
    made_of = json.loads(manifest.read_text(encoding="utf-8"))["sources"]
    notebooks = file_hashes((root / "notebooks").glob("*.ipynb"), root)
    code = file_hashes(code_files(), root / "src")
    return made_of["code"] == code and made_of["notebooks"] == notebooks


@pytest.fixture(scope="session")
def demo(root: Path) -> Path:
    """The folder with the three demo builds."""
    out = root / "build"
    with FileLock(out / ".demo-for-tests.lock"):
        for cut in DEMO_CUTS:
            if not is_current(out / cut, root):
                trial = load_trial(root / "params" / "cuts" / f"{cut}.yaml", root)
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

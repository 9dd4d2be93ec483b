"""The same cut gives the same bytes whatever the folder, zone, locale, hash seed, jobs and what lies about."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.hostile_environment import hostile_environment, plant
from trialbook.diff.builds import compare_builds

pytestmark = pytest.mark.build


def test_a_rebuild_elsewhere_gives_the_same_bytes(demo: Path, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "another place"
    out.mkdir()
    shutil.copytree(demo / "2025-06-30", out / "2025-06-30")
    plant(tmp_path)
    # As the installed command: a script in a folder of its own.
    script = tmp_path / "trialbook-command"
    script.write_text("from trialbook.cli import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, str(script), "build", "2025-09-30", "--out", str(out), "--jobs", "1"],
        cwd=tmp_path / "cwd", env={**hostile_environment(tmp_path), "TRIALBOOK_ROOT": str(root)},
        capture_output=True, text=True, check=False, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert compare_builds(demo / "2025-09-30", out / "2025-09-30") == []
    runs = [json.loads((folder / "2025-09-30" / "run.json").read_text(encoding="utf-8")) for folder in (demo, out)]
    assert [run["status"] for run in runs] == ["built", "built"]
    assert [run["warnings"] for run in runs] == [{}, {}]

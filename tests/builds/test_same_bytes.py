"""The same cut gives the same bytes in another folder, time zone, locale, hash seed and number of jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trialbook.runner.compare import compare_builds

pytestmark = pytest.mark.build
ELSEWHERE = {"TZ": "Asia/Shanghai", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "5", "USER": "somebody"}


def test_a_rebuild_elsewhere_gives_the_same_bytes(demo: Path, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "another place"
    out.mkdir()
    shutil.copytree(demo / "2025-06-30", out / "2025-06-30")
    program = "from trialbook.cli import main; main()"
    command = [sys.executable, "-c", program, "build", "2025-09-30", "--out", str(out), "--jobs", "1"]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **ELSEWHERE}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert compare_builds(demo / "2025-09-30", out / "2025-09-30") == []
    runs = [json.loads((folder / "2025-09-30" / "run.json").read_text(encoding="utf-8")) for folder in (demo, out)]
    assert [run["status"] for run in runs] == ["built", "built"]
    assert [run["warnings"] for run in runs] == [{}, {}]

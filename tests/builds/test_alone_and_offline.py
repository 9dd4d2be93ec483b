"""Each notebook runs alone under papermill, and a whole build needs no network at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.demo_workbook import Workbook

pytestmark = pytest.mark.build
CUT = "2025-09-30"


def papermill(root: Path, output: Path, step: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", f"notebooks/{step}.ipynb", str(output), *words, "--no-progress-bar"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("step", "words"),
    [("01_cleaning", ["-f", f"params/cuts/{CUT}.yaml"]), ("05_orr", ["-p", "cut_id", CUT])],
)
def test_a_notebook_runs_alone_by_the_plain_papermill_command(
    demo: Path, root: Path, tmp_path: Path, step: str, words: list[str]
) -> None:
    """And leaves the same results as in the build, without touching the build (all six: test_by_hand)."""
    before = (demo / CUT / "manifest.json").read_bytes()
    done = papermill(root, tmp_path / "out.ipynb", step, *words)
    assert done.returncode == 0, done.stderr[-2000:]
    alone = root / "build" / ".interactive" / CUT / ".steps" / step / "ard.json"
    built = json.loads((demo / CUT / "results" / "ard.json").read_text(encoding="utf-8"))
    rows = json.loads(alone.read_text(encoding="utf-8"))
    assert rows
    assert [row for row in rows if row not in built] == []
    assert (demo / CUT / "manifest.json").read_bytes() == before


def test_a_parameter_that_does_not_exist_stops_the_plain_papermill_command(root: Path, tmp_path: Path) -> None:
    done = papermill(root, tmp_path / "out.ipynb", "05_orr", "-p", "cutid", "2025-06-30")
    assert done.returncode == 1
    assert "there is no parameter cutid; the nearest is cut_id" in done.stderr


def in_empty_network(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a network namespace without any interface, not even loopback."""
    words = ["unshare", "--user", "--map-root-user", "--net", *map(str, command)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_build_needs_no_network(root: Path, tmp_path: Path) -> None:
    workbook = Workbook(tmp_path, root, "2025-03-31")
    if shutil.which("unshare") is None or in_empty_network("true", cwd=root).returncode:
        pytest.skip("this system does not let a user make a network namespace")
    program = "from trialbook.cli import main; main()"
    done = in_empty_network(
        sys.executable, "-c", program, "build", workbook.cut_file(), "--out", workbook.out, cwd=root
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workbook.out / "case" / "index.html").is_file()


def test_no_library_with_telemetry_is_installed() -> None:
    from importlib.util import find_spec

    assert [name for name in ("posthog", "sentry_sdk", "segment", "mixpanel") if find_spec(name)] == []

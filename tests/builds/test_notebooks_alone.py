"""Each notebook runs alone under papermill, and nothing that is installed reports anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.build
CUT = "2025-09-30"


def papermill(root: Path, output: Path, step: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", f"notebooks/{step}.ipynb", str(output), *words, "--no-progress-bar"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        pytest.param("01_cleaning", ["-f", f"params/cuts/{CUT}.yaml"], marks=pytest.mark.soak),
        ("05_orr", ["-p", "cut_id", CUT]),
    ],
)
def test_a_notebook_runs_alone_by_the_plain_papermill_command(
    demo: Path, root: Path, tmp_path: Path, step: str, words: list[str]
) -> None:
    """And writes the same results as in the build, without touching the build (all six: test_by_hand)."""
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


def test_no_library_with_telemetry_is_installed() -> None:
    from importlib.util import find_spec

    assert [name for name in ("posthog", "sentry_sdk", "segment", "mixpanel") if find_spec(name)] == []

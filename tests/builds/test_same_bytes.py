"""The same cut gives the same bytes whatever the folder, zone, locale, hash seed, jobs and what lies about, and without
any network.
"""

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
# A network namespace without any interface, not even loopback.
EMPTY_NETWORK = ["unshare", "--user", "--map-root-user", "--net"]


@pytest.fixture(scope="module")
def network() -> list[str]:
    """What takes the network from a command; nothing where the system does not let a user do so."""
    may = shutil.which("unshare") and not subprocess.run([*EMPTY_NETWORK, "true"], check=False).returncode
    return EMPTY_NETWORK if may else []


@pytest.fixture(scope="module")
def elsewhere(demo: Path, root: Path, tmp_path_factory: pytest.TempPathFactory, network: list[str]) -> Path:
    """The builds of another place, made in hostile surroundings and without a network."""
    place = tmp_path_factory.mktemp("elsewhere")
    out = place / "another place"
    out.mkdir()
    shutil.copytree(demo / "2025-06-30", out / "2025-06-30")
    plant(place)
    # As the installed command: a script in a folder of its own.
    script = place / "trialbook-command"
    script.write_text("from trialbook.cli import main\nmain()\n")
    done = subprocess.run(
        [*network, sys.executable, str(script), "build", "2025-09-30", "--out", str(out), "--jobs", "1"],
        cwd=place / "cwd", env={**hostile_environment(place), "TRIALBOOK_ROOT": str(root)},
        capture_output=True, text=True, check=False, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_a_rebuild_elsewhere_gives_the_same_bytes(demo: Path, elsewhere: Path) -> None:
    assert compare_builds(demo / "2025-09-30", elsewhere / "2025-09-30") == []
    runs = [json.loads((out / "2025-09-30" / "run.json").read_text(encoding="utf-8")) for out in (demo, elsewhere)]
    assert [run["status"] for run in runs] == ["built", "built"]
    assert [run["warnings"] for run in runs] == [{}, {}]


def test_a_build_needs_no_network(elsewhere: Path, network: list[str]) -> None:
    if not network:
        pytest.skip("this system does not let a user make a network namespace")
    assert (elsewhere / "2025-09-30" / "index.html").is_file()

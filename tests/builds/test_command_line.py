"""The commands and their exit statuses, as batch jobs see them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from support.demo_workbook import Workbook
from support.notebooks_by_hand import copied_project
from support.opened_files import openings
from support.running_builds import trialbook

pytestmark = pytest.mark.build


def test_an_unknown_cut_exits_2_and_names_the_cuts(root: Path) -> None:
    done = trialbook(root, "build", "1999-01-01")
    assert done.returncode == 2
    assert "2025-06-30" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_parameter_file_exits_2_in_one_line(root: Path, workbook: Workbook) -> None:
    done = trialbook(root, "build", workbook.cut_file(overrides={"respone_rules": "CN"}), "--out", workbook.out)
    assert done.returncode == 2
    assert "response_rules" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_snapshot_that_is_not_there_exits_2(root: Path, workbook: Workbook) -> None:
    done = trialbook(root, "build", workbook.cut_file(snapshot="nowhere"), "--out", workbook.out)
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_bad_data_exits_1_without_a_traceback(root: Path, workbook: Workbook) -> None:
    (workbook.snapshot / "dm.csv").unlink()
    done = trialbook(root, "build", workbook.cut_file(), "--out", workbook.out)
    assert done.returncode == 1
    assert "DM" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (workbook.out / "case").exists()


def test_a_second_build_of_the_same_cut_exits_3(root: Path, workbook: Workbook) -> None:
    (workbook.out / ".locks").mkdir(parents=True)
    with FileLock(workbook.out / ".locks" / "case.lock"):
        done = trialbook(root, "build", workbook.cut_file(), "--out", workbook.out)
    assert done.returncode == 3
    assert "running" in done.stdout + done.stderr


def test_check_raises_the_queries_of_the_build_with_their_ages(demo: Path, root: Path, tmp_path: Path) -> None:
    """Byte for byte, with everything that a build finds: contracts, restatements (undelivered domains: see there).

    Each file that was delivered is opened once, by whatever process of the check.
    """
    project = copied_project(tmp_path / "project", root, demo, "2025-06-30")
    (project / "data").unlink()
    shutil.copytree(root / "data" / "demo", project / "data" / "demo")
    delivered = [project / "data" / "demo" / cut for cut in ("2025-06-30", "2025-09-30")]
    before = sorted((project / "build").rglob("*"))
    with openings(*delivered) as opened:
        checked = trialbook(project, "check", "2025-09-30", "--out", tmp_path / "queries.csv")
    assert checked.returncode == 0, checked.stderr
    # What the simulator noted of the previous delivery is not asked for.
    names = {f"{folder.name}/{file.name}" for folder in delivered for file in folder.iterdir()}
    assert opened == dict.fromkeys(names - {"2025-06-30/manifest.json"}, 1)
    for of_a_notebook in ("P33-IE-CONFLICT", "SAE-KNOWN-DATE-MISSING", "P29-RS-DAY28-OUTSIDE", "FOLLOW-UP-STALE"):
        assert of_a_notebook in checked.stdout
    assert sorted((project / "build").rglob("*")) == before
    listed = (demo / "2025-09-30" / "queries.csv").read_bytes()
    assert (tmp_path / "queries.csv").read_bytes() == listed
    assert b"2025-06-30" in listed


def test_the_quick_look_reads_and_runs_the_raw_contracts_alone(root: Path, workbook: Workbook, tmp_path: Path) -> None:
    done = trialbook(root, "check", workbook.cut_file(), "--raw")
    assert done.returncode == 0, done.stderr
    assert "dm.csv" in done.stdout
    assert "none broken" in done.stdout
    assert "questions" not in done.stdout.partition("Next:")[0]
    wrong = trialbook(root, "check", workbook.cut_file(), "--raw", "--out", tmp_path / "queries.csv")
    assert wrong.returncode == 2
    assert not (tmp_path / "queries.csv").exists()


def test_check_stops_on_bad_data(root: Path, workbook: Workbook) -> None:
    rows = workbook.read("dm")
    workbook.write("dm", [*rows, rows[0]])
    done = trialbook(root, "check", workbook.cut_file())
    assert done.returncode == 1
    assert "dm.csv" in done.stderr


def test_new_cut_writes_a_file_that_loads(root: Path, workbook: Workbook) -> None:
    (workbook.folder / "notebooks").mkdir()
    protocol = workbook.folder / "params" / "protocol.yaml"
    protocol.write_bytes((root / "params" / "protocol.yaml").read_bytes())
    words = ("new-cut", "n1", "--snapshot", workbook.snapshot, "--date", "2025-12-31")
    done = trialbook(root, *words, TRIALBOOK_ROOT=str(workbook.folder))
    assert done.returncode == 0, done.stderr
    text = (workbook.folder / "params" / "cuts" / "n1.yaml").read_text(encoding="utf-8")
    assert "sha256" in text
    assert "snapshot: snapshot" in text
    again = trialbook(root, *words, TRIALBOOK_ROOT=str(workbook.folder))
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_simulate_writes_the_same_snapshot_for_the_same_seed(root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = trialbook(root, "simulate", "--out", tmp_path / name, "--seed", 7, "--subjects", 4)
        assert done.returncode == 0, done.stderr
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert "dm.csv" in files
    assert [(tmp_path / "a" / f).read_bytes() for f in files] == [(tmp_path / "b" / f).read_bytes() for f in files]


def test_wrong_usage_exits_2(root: Path) -> None:
    assert trialbook(root, "build").returncode == 2
    assert trialbook(root, "nonsense").returncode == 2

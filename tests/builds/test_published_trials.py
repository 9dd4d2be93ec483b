"""Published trials end to end: their counts as a snapshot, `trialbook build`, and the page shows what was printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.built_pages import Tables
from support.published_trials import Arm, write_snapshot
from trialbook.efficacy.response_tables import LABEL

# Every day: the counts, intervals and survival of all of them (spec/test_published_counts.py), and a published trial
# from its table of patients to its pages (test_own_trial.py).
pytestmark = [pytest.mark.build, pytest.mark.soak]

TRIALS = {
    # O1 to O4: remestemcel-L, 38 of 54 (16 CR), 14 deaths by day 100 and 3 more by day 180.
    "MSB-GVHD001": {"DL1": Arm(54, 38, 16, 38, deaths=(*range(30, 100, 5), 120, 140, 160))},
    # O9, O11, O12: ruxolitinib, 96 of 154 (53 CR), 61 durable to day 56.
    "REACH2": {"DL1": Arm(154, 96, 53, 61)},
    # O13 to O16: cohorts A and B, one death each by day 100.
    "CYP-001": {"DL1": Arm(8, 5, 1, 5, deaths=(60,)), "DL2": Arm(7, 6, 4, 6, deaths=(70,))},
    # O28: 10 of 12 children.
    "KUBOTA-2024": {"DL1": Arm(12, 10, 6, 10)},
}
ORR, CR, OS = "Overall response rate at day 28", "Complete response rate at day 28", "Overall survival, S(t)"
EXACT = "Exact intervals beside S(t)"
EXACT_ORR = "Exact (Clopper-Pearson)"


class Published:
    """The trials, each built when a test first asks for it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        (folder / "params" / "cuts").mkdir(parents=True)

    def __truediv__(self, name: str) -> Path:
        build = self._folder / "build" / name
        if not build.is_dir():
            self._build(name)
        return build

    def _build(self, name: str) -> None:
        write_snapshot(self._folder / "snapshots" / name, TRIALS[name])
        cut = {"cut_id": name, "cut_date": "2024-12-31", "snapshot": f"snapshots/{name}",
               "protocol": str(self._root / "params" / "protocol.yaml")}  # fmt: skip
        file = self._folder / "params" / "cuts" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(cut), encoding="utf-8")
        words = ["build", str(file), "--out", str(self._folder / "build"), "--jobs", "2"]
        command = [sys.executable, "-c", "from trialbook.cli import main; main()", *words]
        done = subprocess.run(command, cwd=self._root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(root, tmp_path_factory.mktemp("published"))


def printed(percent: float, low: float, high: float) -> str:
    """A published percentage and interval as our tables write them."""
    return f"{percent / 100:.3f} ({low / 100:.3f} to {high / 100:.3f})"


@pytest.mark.parametrize(
    ("trial", "table", "column", "published"),
    [
        ("MSB-GVHD001", ORR, "Total: 38 of 54", printed(70.4, 56.4, 82.0)),  # O1
        ("MSB-GVHD001", CR, "Total: 16 of 54", printed(29.6, 18.0, 43.6)),  # O2
        ("REACH2", ORR, "Total: 96 of 154", printed(62.3, 54.2, 70.0)),  # O9
        ("KUBOTA-2024", ORR, "Total: 10 of 12", printed(83.3, 51.6, 97.9)),  # O28
    ],
)
def test_the_page_shows_the_published_rate_and_interval(
    built: Published, trial: str, table: str, column: str, published: str
) -> None:
    assert Tables(built / trial / "05_orr.html").cell(table, EXACT_ORR, column) == published


@pytest.mark.parametrize(
    ("trial", "table", "column", "published"),
    [
        ("REACH2", CR, "Total: 53 of 154", 34.4),  # O11
        ("CYP-001", ORR, "DL1: 5 of 8", 62.5),  # O13
        ("CYP-001", CR, "DL1: 1 of 8", 12.5),
        ("CYP-001", ORR, "DL2: 6 of 7", 85.7),  # O14
        ("CYP-001", CR, "DL2: 4 of 7", 57.1),
        ("CYP-001", CR, "Total: 5 of 15", 33.3),  # O15
    ],
)
def test_the_page_shows_a_rate_that_was_published_without_interval(
    built: Published, trial: str, table: str, column: str, published: float
) -> None:
    cell = Tables(built / trial / "05_orr.html").cell(table, EXACT_ORR, column)
    assert cell.startswith(f"{published / 100:.3f} (")


def test_the_typo_of_a_review_does_not_survive_its_own_cohorts(built: Published) -> None:
    """O15: the review prints 77.3 % for 11 of 15."""
    assert Tables(built / "CYP-001" / "05_orr.html").cell(ORR, EXACT_ORR, "Total: 11 of 15").startswith("0.733 (")


def test_the_durable_response_of_reach2(built: Published) -> None:
    """O12: 61 of 154, 40 % (31.8 to 47.8)."""
    cell = Tables(built / "REACH2" / "05_orr.html").cell("Other response endpoints", "Durable", "Total")
    assert cell == "61 of 154 (0.318 to 0.478)"


@pytest.mark.parametrize(
    ("trial", "column", "day", "published"),
    [
        ("MSB-GVHD001", "Total", 100, 74.1),  # O4
        ("MSB-GVHD001", "Total", 180, 68.5),
        ("CYP-001", "DL1", 100, 87.5),  # O16
        ("CYP-001", "DL2", 100, 85.7),
        ("CYP-001", "Total", 100, 86.7),
    ],
)
def test_the_page_shows_the_published_survival(
    built: Published, trial: str, column: str, day: int, published: float
) -> None:
    cell = Tables(built / trial / "06_os.html").cell(OS, f"Day {day}", column)
    assert cell.startswith(f"{published / 100:.3f} (")


def test_with_nobody_censored_the_exact_interval_stands_beside_survival(built: Published) -> None:
    tables = Tables(built / "MSB-GVHD001" / "06_os.html")
    assert tables.cell(EXACT, "Day 100", "Total").startswith("0.741 (0.60")


def test_benchmarks_are_external_and_not_comparable(built: Published) -> None:
    text = (built / "CYP-001" / "05_orr.html").read_text(encoding="utf-8")
    assert text.count(LABEL) >= 3

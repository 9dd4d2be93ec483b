"""Trials with nothing in them build too, and say so in words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from support.built_pages import Tables, no_programming_words, rates, words
from support.demo_workbook import Workbook
from support.small_project import GRAPH
from trialbook.core.datasets import read_dataset
from trialbook.pipeline import tasks
from trialbook.pipeline.tasks import Making
from trialbook.workbook.steps import Piece

pytestmark = pytest.mark.build


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes every trial a large one; collects how many pieces were being made whenever one began."""
    running: list[str] = []
    seen: list[int] = []
    ordinary = Making._make

    def make(self: Making, piece: Piece, left: Callable[[], None]) -> None:
        running.append(piece.name)
        seen.append(len(running))
        try:
            ordinary(self, piece, left)
        finally:
            running.remove(piece.name)

    monkeypatch.setattr(tasks, "LARGE_BYTES", 0)
    monkeypatch.setattr(Making, "_make", make)
    return seen


def test_nobody_treated(workbook: Workbook) -> None:
    treated = {row["USUBJID"] for row in workbook.read("ex")}
    workbook.keep(lambda row: row["USUBJID"] not in treated)
    build = workbook.build()
    for page in ("03_safety", "04_dlt", "05_orr", "06_os"):
        assert "No subject has been treated" in words(build / f"{page}.html"), page
    assert rates(build) <= {"-"}
    assert len(read_dataset(build / "data" / "adsl.parquet")) > 0
    no_programming_words(build)


def test_one_subject_treated_and_no_adverse_event_at_all(workbook: Workbook, side_by_side: list[int]) -> None:
    """Built as if the trial were large: its pieces take turns, so that they never need memory at the same time."""
    first = workbook.read("ex")[0]["USUBJID"]
    workbook.keep(lambda row: row["USUBJID"] == first)
    workbook.write("ae", [])
    workbook.write("suppae", [])
    build = workbook.build()
    assert side_by_side == [1] * len(GRAPH.pieces)
    assert "No adverse event" in words(build / "03_safety.html")
    ard = read_dataset(build / "results" / "ard.parquet")
    total = ard[(ard["analysis_id"] == "SETS") & (ard["variable"] == "SAFFL") & (ard["group1_level"] == "Total")]
    assert total["stat"].tolist() == [1]
    pages = {page: Tables(build / f"{page}.html") for page in ("05_orr", "06_os")}
    assert pages["05_orr"].cell("Overall response rate at day 28", "Exact (Clopper-Pearson)", "DL2") == "-"
    assert pages["06_os"].cell("Overall survival, S(t)", "Day 100", "DL2") == "-"
    assert rates(build) <= {"-"}
    no_programming_words(build)


def test_only_the_required_domains(workbook: Workbook) -> None:
    """What depends on a domain that was not delivered is not evaluable, never a pass."""
    for path in workbook.snapshot.glob("*.csv"):
        if path.stem not in ("dm", "ex", "ae"):
            path.unlink()
    build = workbook.build()
    audit = read_dataset(build / "data" / "adie.parquet")
    laboratory = audit[audit["CRITCD"].isin(["EX04A", "EX04B", "EX04C", "EX04D", "EX04E", "EX12", "EX13"])]
    assert set(laboratory["RESULT"]) == {"NE"}
    assert "PASS" not in set(audit.loc[audit["CRITCD"].isin(["IN03", "IN04", "IN05"]), "RESULT"])
    responses = read_dataset(build / "data" / "adrs.parquet").query("PARAMCD == 'RSP28'")
    assert not set(responses["AVALC"]) & {"CR", "PR"}
    no_programming_words(build)


def test_nobody_mature_and_nobody_dead(make_workbook: Callable[[str], Workbook]) -> None:
    """Two subjects treated, 26 and 9 days ago: rates and survival are not known yet, which is not 0 %."""
    build = make_workbook("2025-03-31").build(cut_date="2025-01-05")
    response, survival = (words(build / f"{page}.html") for page in ("05_orr", "06_os"))
    assert "The response rate is not known yet: no subject is mature for day 28. 2 treated subjects are" in response
    for sentence in ("No mature subject is without a response.", "No subject is mature for day 28 at this cut."):
        assert sentence in response
    assert "Survival at day 100 cannot be reported yet: no subject has been followed for 100 days." in survival
    for sentence in ("No treated subject has died.", "No subject has responded at this cut."):
        assert sentence in survival
    tables = Tables(build / "05_orr.html")
    for title in ("Overall response rate at day 28", "Complete response rate at day 28"):
        for level in ("DL1", "DL2", "DL3", "Total"):
            assert tables.cell(title, "Exact (Clopper-Pearson)", level) == "-", f"{title}, {level}"
    assert tables.cell("Other response endpoints", "Durable", "Total") == "-"
    assert Tables(build / "06_os.html").cell("Overall survival, S(t)", "Day 100", "Total") == "not reached"
    assert not re.search(r"\b0(\.0+)? ?%", response + survival)
    assert rates(build) <= {"-"}
    no_programming_words(build)

"""Tables and figures of the pages for some of the subjects: made by the cells of the published ones, or refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import trialbook
from trialbook.core.errors import UsageError
from trialbook.display.figures import Figure
from trialbook.display.tables import Table
from trialbook.documents.shown import shown_outputs
from trialbook.explore.cut import Cut
from trialbook.explore.narrowed import OF_ALL

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def cut(demo: Path) -> Cut:
    return trialbook.cut("2025-09-30", demo)


def compared(shown: Table | Figure) -> pd.DataFrame:
    """Without what is new since the previous cut: of some of the subjects nothing is compared with it."""
    return shown.to_frame().drop(columns="new", errors="ignore")


def test_of_everybody_the_cells_make_what_is_published(cut: Cut) -> None:
    """No second recipe: the whole set, taken as a selection, gives each published table of the step again."""
    everybody = cut.where("AGE >= 0 or AGE != AGE")
    assert len(everybody.adsl) == len(cut.adsl)
    tables = [number for number in cut.tables if number.startswith(("T-6", "L-6")) and len(number) == 5]
    tables += ["T-5"]  # of a step in which few of the cells are needed; all tables of all steps: `make soak`
    assert len(tables) > 10
    said = f"(not the published set; {len(cut.adsl)} of {len(cut.adsl)} subjects)"
    for number in tables:
        published = cut.tables[number]
        # Nothing is written, so that there is no receipt; what has no title are headline rows.
        if "Receipt" in published.title or not published.payload.get("title"):
            continue
        again = everybody.tables[number]
        assert compared(again).equals(compared(published)), number
        assert again.title == f"{published.title} {said}", number
    assert everybody.figures["F-1"].to_frame().equals(cut.figures["F-1"].to_frame())


@pytest.mark.soak
def test_of_everybody_every_table_and_figure_is_the_published_one(cut: Cut) -> None:
    """In an order that is not that of the notebooks: what a cell made never reaches one above it."""
    everybody = cut.where("AGE >= 0 or AGE != AGE")
    wanted = sorted((*cut.tables, *cut.figures), key=lambda number: number[::-1])
    steps = {one.id: one.step for one in shown_outputs(cut.folder)}
    seen = 0
    for number in wanted:
        of = "figures" if number.startswith("F") else "tables"
        published = getattr(cut, of)[number]
        if "Receipt" in published.title or steps[number] in OF_ALL:
            continue
        again = getattr(everybody, of)[number]
        assert compared(again).equals(compared(published)), number
        seen += 1
    assert seen > 100


def test_of_one_level_the_numbers_are_those_of_its_subjects(cut: Cut) -> None:
    dl1 = cut.where(TRT01A=["DL1"])
    deaths = dl1.tables["L-603"].to_frame()
    died = dl1.adtte.query("PARAMCD == 'OS' and CNSR == 0")
    assert sorted(deaths["SUBJID"]) == sorted(died["SUBJID"] if "SUBJID" in died else died["USUBJID"].str[-3:])
    survival = dl1.tables["T-605"].to_frame().set_index("row")
    whole = cut.tables["T-605"].to_frame().set_index("row")
    assert survival["DL1"].tolist() == whole["DL1"].tolist()
    assert survival["Total"].tolist() == whole["DL1"].tolist()
    assert f"N={len(dl1.adsl)}" in dl1.figures["F-2"].title


@pytest.mark.parametrize(("number", "why"), [("T-101", "records that were delivered"), ("T-402", "would mislead")])
def test_what_says_nothing_of_some_subjects_is_refused_with_the_reason(cut: Cut, number: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        cut.where(SEX=["F"]).tables[number]

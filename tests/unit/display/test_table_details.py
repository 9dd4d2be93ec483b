"""Numbers of a table that open to lines drawn once; the safety figures show the subject that a reader picks."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from trialbook import display
from trialbook.display import table_details
from trialbook.display.charts import safety as charts

EVENTS = pd.DataFrame(
    {"SUBJID": ["S01", "S02", "S02"], "EVENT": ["Rash", "<b>Sepsis</b>", "Nausea"], "GRADE": [1, 3, 2]}
)


def lines(**more: Any) -> display.Lines:
    return display.Lines(EVENTS, {"EVENT": "Event"}, **more)


def table(details: dict[tuple[str, ...], display.Detail]) -> str:
    frame = pd.DataFrame({"WHAT": ["TEAE", "SAE"], "DL1": ["2", "1"]})
    return display.table(frame, "T", details={(int(row), "DL1"): detail for (row,), detail in details.items()}).html


def test_a_number_opens_to_its_lines_as_text_with_the_subject_linked() -> None:
    made = table(lines(subject="SUBJID", linked=["S02"]).openings({("0",): (0, 1, 2), ("1",): (1,)}))
    assert made.count('<div class="tb-opened"') == 2
    assert made.count("&lt;b&gt;Sepsis&lt;/b&gt;") == 2
    assert made.count('href="profiles/S02.html"') == 3
    assert "profiles/S01.html" not in made


def test_numbers_with_the_same_records_share_one_detail() -> None:
    opened = lines().openings({("0",): (0, 1), ("1",): (0, 1)})
    assert opened["0",] is opened["1",]
    assert table(opened).count('<div class="tb-opened"') == 1


def test_where_all_lines_would_be_too_many_the_numbers_with_the_most_records_show_the_first_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_details, "FEW_RECORDS", 1)
    opened = lines().openings({("0",): (0, 1, 2), ("1",): (1, 2)}, most=4)
    made = table(opened)
    assert made.count('<div class="tb-opened"') == 2
    assert "The first 1 of 3 records" in made
    assert "of 2 records" not in made


def test_a_number_without_records_opens_nothing() -> None:
    assert "tb-opened" not in table(lines().openings({("0",): ()}))


TIMELINE = pd.DataFrame({
    "SUBJECT": ["S01", "S01"], "TRT01A": ["DL1", "DL1"], "KIND": ["event", "infusion"], "TERM": ["Rash", ""],
    "FROM": [3.0, 0.0],
    "UNTIL": [5.0, None], "GRADE": ["grade 1", ""], "MARK": ["1, new", ""], "ONGOING": ["", ""],
})  # fmt: skip
PANEL = pd.DataFrame({
    "SUBJECT": ["S01", "S02"], "TRT01A": ["DL1", "DL2"], "TEST": ["PLAT (10^9/L)"] * 2, "DAY": [0, 3],
    "VALUE": [90.0, 20.0],
})  # fmt: skip
BANDS = pd.DataFrame({"TEST": ["PLAT (10^9/L)"], "GRADE": ["G4"], "LOW": [None], "HIGH": [25.0]})
LIMITS = pd.DataFrame({"TEST": ["PLAT (10^9/L)"], "NAME": ["LLN"], "VALUE": [150.0]})
LATER = pd.DataFrame({"SUBJECT": ["S02"], "DAY": [7.0]})
LEVELS = ["DL1", "DL2", "DL3"]
POINTS = pd.DataFrame({"SUBJECT": ["S01"], "TRT01A": ["DL1"], "X": [3.0], "Y": [2.0], "X0": [1.0], "Y0": [1.0]})


@pytest.mark.parametrize(
    ("chart", "data"),
    [
        (charts.timeline(TIMELINE), TIMELINE),
        (charts.lab_panel(PANEL, BANDS, LIMITS, LATER, LEVELS), PANEL),
        (charts.hepatic_screen(POINTS, 3, 2, "multiples of ULN", LEVELS), POINTS),
    ],
)
def test_every_figure_of_subjects_lets_the_picked_one_stand_out_and_answers_to_pointing(
    chart: Any, data: pd.DataFrame
) -> None:
    made = display.figure(chart, data, "F")
    spec = json.dumps(made.spec)  # type: ignore[union-attr]
    assert "datum.SUBJECT === picked_subject" in spec
    assert '"tooltip"' in spec


def test_the_shift_figure_writes_its_numbers_and_the_panel_its_grades() -> None:
    cells = pd.DataFrame({"TEST": ["PLAT"] * 2, "BASELINE": ["0", "1"], "WORST": ["0", "4"], "SUBJECTS": [3, 1]})
    cells = cells.assign(COURSE=["same grade", "worse"])
    spec = json.dumps(charts.shift_heatmap(cells).to_dict())
    assert '"text": {"field": "SUBJECTS"' in spec
    assert '"G4"' in json.dumps(charts.lab_panel(PANEL, BANDS, LIMITS, LATER, LEVELS).to_dict())
    points = pd.DataFrame({"CUT": ["2025-03-31"] * 2, "KIND": "Serious", "LEVEL": ["DL1", "Total"], "EVENTS": [2, 2]})
    assert '"text": {"field": "EVENTS"' in json.dumps(charts.events_by_cut(points, ["Serious"], LEVELS).to_dict())

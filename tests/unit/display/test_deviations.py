"""The page of protocol deviations: what it counts, what it lists first, and where data and site differ."""

from __future__ import annotations

import pandas as pd

from trialbook.display.deviations import counts_table, deviation_sentence, difference_table, log_table
from trialbook.display.render import Renderer

TREATED = {"DL1": 2, "DL2": 1, "Total": 3}


def addv() -> pd.DataFrame:
    rows = [
        ("S01", "DL1", 1, "SCHEDULE", "MINOR", "DAY 7 missed", "DATA", "not recorded in DV", "", ""),
        ("S01", "DL1", 2, "DOSE", "MAJOR", "Infusion 2 of 2 x 10^6/kg: level DL2 instead of DL1", "BOTH", "", "x", ""),
        ("S02", "DL2", 1, "OTHER", "MINOR", "<b>kept wrongly</b>", "SITE", "not found in the data", "kept", "MINOR"),
    ]
    names = ["SUBJID", "TRT01A", "ADVSEQ", "ADVCAT", "ADVSEV", "ADVTERM", "FOUNDBY", "DIFFER", "DVTERM", "DVSEV"]
    frame = pd.DataFrame(rows, columns=names)
    dates = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"])
    return frame.assign(USUBJID="X-" + frame["SUBJID"], ASTDT=dates, RELDAY=pd.array([1, 2, 3], dtype="Int64"))


def test_the_sentence_counts_deviations_subjects_major_and_unrecorded_ones() -> None:
    assert deviation_sentence(addv(), 3) == (
        "3 deviations in 2 of 3 treated subjects; 1 major; 1 not recorded by the site."
    )
    assert deviation_sentence(addv().head(0), 3).startswith("No protocol deviation")


def test_kinds_are_counted_by_level_and_nothing_without_a_deviation_is_listed() -> None:
    text = Renderer().text(counts_table(addv(), TREATED).payload)
    assert "DL1 (N=2)" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["Dose", "major", "1", "[1]", "0", "1", "[1]"] in lines
    assert "Consent" not in text


def test_differences_name_who() -> None:
    text = Renderer().text(difference_table(addv()).payload)
    assert [line.split()[-1] for line in text.splitlines() if "site" in line or "data" in line][-2:] == ["S01", "S02"]


def test_major_deviations_come_first_and_text_of_the_data_is_escaped() -> None:
    html = Renderer().html(log_table(addv(), ["S01"]).payload)
    assert html.index("level DL2 instead of DL1") < html.index("DAY 7 missed")
    assert "<b>kept" not in html
    assert "&lt;b&gt;kept wrongly" in html
    assert 'href="profiles/S01.html"' in html
    assert 'href="profiles/S02.html"' not in html

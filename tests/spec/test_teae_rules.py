"""Treatment-emergent adverse events: the example tables of rulebook §3.1."""

from __future__ import annotations

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.emergence import grade_rose, moment_range, treatment_emergent
from trialbook.subjects.adsl import derive_subjects

CUT = pd.Timestamp("2025-12-31").as_unit("s")

# Start, end, initial grade, grade, flag without window, flag with window and worsening; first infusion
# 2022-01-01T01:01, last 2022-04-30T11:30, window = 10 days after the last.
TEAE_TABLE = [
    ("2021-12-13T20:15", "2021-12-15T12:45", 1, 1, "", ""),
    ("2021-12-14T20:15", "2021-12-14T22:00", 1, 3, "", ""),
    ("2021-12-30T20:00", "2022-01-14T11:00", 1, 3, "", "Y"),
    ("2021-12-31T20:15", "2022-01-01T01:23", 1, 1, "", ""),
    ("2022-01-01T12:00", "2022-01-02T23:25", 3, 4, "Y", "Y"),
    ("2022-05-10T11:00", "2022-05-10T13:05", 2, 2, "Y", "Y"),
    ("2022-05-11T11:00", "2022-05-11T13:05", 2, 2, "Y", ""),
    ("", "", 3, 4, "Y", "Y"),
    ("2021-12-30T09:00", "", 3, 4, "", "Y"),
    ("2021-12-30T11:00", "", 3, 3, "", ""),
    ("", "2022-01-04T09:00", 3, 4, "Y", "Y"),
    ("", "2021-12-24T19:00", 3, 4, "", ""),
    ("", "2022-06-04T09:00", 3, 4, "Y", "Y"),
]  # fmt: skip


def _flags(treated: bool, window: bool) -> list[str]:
    start, end, before, after, *_ = (pd.Series(column) for column in zip(*TEAE_TABLE, strict=True))
    index = start.index
    begun = pd.Series(pd.Timestamp("2022-01-01T01:01") if treated else pd.NaT, index=index).astype("datetime64[s]")
    last = pd.Series(pd.Timestamp("2022-05-10") if window else pd.NaT, index=index).astype("datetime64[s]")
    worsened = grade_rose(before, after) if window else pd.Series(False, index=index)
    onset, ended = moment_range(start.astype("str")), moment_range(end.astype("str"))
    return treatment_emergent(onset, ended, begun, last, worsened).tolist()


def test_the_published_table_holds_without_a_window() -> None:
    assert _flags(treated=True, window=False) == [row[4] for row in TEAE_TABLE]


def test_the_published_table_holds_with_a_window_and_worsening() -> None:
    assert _flags(treated=True, window=True) == [row[5] for row in TEAE_TABLE]


def test_no_event_of_a_subject_who_was_never_treated_is_treatment_emergent() -> None:
    assert set(_flags(treated=False, window=True)) == {""}


def emergence(built: TrialBuilder, protocol: Protocol, analysis: Analysis) -> list[str]:
    """TRTEMFL of each record of the trial, in the order of AESEQ."""
    domains = built.domains()
    subjects = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return derive_adae(subjects, StudyData(domains, protocol, analysis, CUT))["TRTEMFL"].tolist()


# First infusion 2025-01-10T10:00. Start, end, treatment-emergent.
ONSETS = [
    ("2025-01-10T10:00", None, "Y"),  # at the very time of the infusion (P39)
    ("2025-01-10T09:59", None, ""),
    ("2025-01-10", None, "Y"),  # day of infusion without a time
    ("2025-01-09", None, ""),
    ("2025-07-09", None, "Y"),  # REL_DAY 180
    ("2025-07-10", None, ""),  # REL_DAY 181
    ("2025-01", None, "Y"),  # the month holds the infusion
    ("2024-12", None, ""),
    ("2025", None, "Y"),
    ("2024", None, ""),
    ("", None, "Y"),
    ("", "2025-01-09", ""),
    ("", "2025-01", "Y"),  # may have ended after the infusion
    ("2025-01", "2025-01-05", ""),  # ended before, whatever its start
    ("2025-07", None, "Y"),  # may have begun on day 180 or before
    ("2025-08", None, ""),
]


@pytest.mark.parametrize("imputation", ["admiral_conservative", "none"])
def test_an_onset_is_treatment_emergent_by_what_its_date_may_mean_whatever_is_imputed(
    imputation: str, protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0, time="T10:00")
    for start, end, _ in ONSETS:
        built.event("Rash", start, end=end)
    flags = emergence(built, protocol, analysis.model_copy(update={"ae_start_impute": imputation}))
    assert list(zip(ONSETS, flags, strict=True)) == [(row, row[2]) for row in ONSETS]


def test_an_event_of_day_0_without_time_that_the_site_puts_before_the_infusion_is_not_emergent(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 0, AESTRTPT="BEFORE").event("Rash", 0, AESTRTPT="AFTER")
    assert emergence(built, protocol, analysis) == ["", "Y"]


# Lines of one event (same AESPID) on REL_DAY with their grades, and the flag of each line.
GRADE_LINES = [
    ([(-3, 1), (5, 3)], ["", "Y"]),  # worsened
    ([(-3, 2), (5, 2)], ["", ""]),  # went on
    ([(-3, 3), (5, 1), (9, 2)], ["", "", ""]),  # never above the grade at the infusion
    ([(-3, 1), (5, 2), (9, 1)], ["", "Y", "Y"]),  # from the first worse line on
    ([(-9, 3), (-3, 1), (5, 2)], ["", "", "Y"]),  # the grade at the infusion is the last before it
    ([(2, 1), (5, 3)], ["Y", "Y"]),  # began after the infusion
]


def test_an_event_on_several_lines_is_emergent_from_the_line_that_exceeds_the_grade_at_the_infusion(
    protocol: Protocol, analysis: Analysis
) -> None:
    built = trial()
    for case, (lines, _) in enumerate(GRADE_LINES):
        built.subject(f"S{case:02}").infused(0)
        for day, grade in lines:
            built.event("Rash", day, grade, AESPID="7")
    assert emergence(built, protocol, analysis) == [flag for _, flags in GRADE_LINES for flag in flags]


def test_worsening_counts_only_where_the_analysis_asks_for_it(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", -3, 3, end=9, AEITOXGR="1")
    assert emergence(built, protocol, analysis) == ["Y"]
    assert emergence(built, protocol, analysis.model_copy(update={"teae_worsening": False})) == [""]


def test_the_window_can_have_no_end(protocol: Protocol, analysis: Analysis) -> None:
    built = trial().subject("S01").infused(0).event("Rash", 300)
    assert emergence(built, protocol, analysis) == [""]
    assert emergence(built, protocol, analysis.model_copy(update={"safety_end_rel_day": None})) == ["Y"]

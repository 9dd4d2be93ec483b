"""Planned visits, protocol deviations, enrolment, and what the next cohort leads to."""

from __future__ import annotations

import pandas as pd
import pytest

from support.conducted_trial import LATE, cut_on, facts_of, quiet
from support.trial_builder import TrialBuilder
from trialbook.conduct.enrolment import enrolment
from trialbook.conduct.frames import with_columns
from trialbook.dlt.next_cohort import next_cohort, next_rows, plain_decision
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData

# ----------------------------------------------------------------------------------------------------
# Visits and deviations, of one trial with one oddity per subject.


def statuses(book: TrialBuilder, protocol: Protocol, analysis: Analysis, day: int = LATE) -> dict[str, str]:
    visits = facts_of(book, protocol, analysis, day).visits
    return dict(zip(visits["VISIT"], visits["STATUS"], strict=True))


def test_a_visit_is_done_due_coming_missed_or_ended(protocol: Protocol, analysis: Analysis) -> None:
    found = statuses(quiet(until=14), protocol, analysis, 22)
    assert found == {
        "DAY 3": "DONE", "DAY 7": "DONE", "DAY 14": "DONE", "DAY 21": "DUE", "DAY 28": "COMING", "DAY 56": "COMING",
        "DAY 100": "COMING", "DAY 180": "COMING",
    }  # fmt: skip
    assert statuses(quiet(until=14), protocol, analysis, 24)["DAY 21"] == "MISSED"
    dead = statuses(quiet(until=14).died(18), protocol, analysis, 24)
    assert {dead[name] for name in ("DAY 21", "DAY 28", "DAY 180")} == {"ENDED"}


def deviating() -> TrialBuilder:
    book = quiet("S01", second=2.0)
    book.add("DV", DVTERM="Second infusion at level 2", DVDECOD="DOSE", DVCAT="MINOR", DVSTDTC=book.date(9))
    book = quiet("S02", book, baseline=90)
    book = quiet("S03", book)
    book.add("DV", DVTERM="Sample lost", DVDECOD="OTHER", DVCAT="MINOR", DVSTDTC=book.date(60))
    book = quiet("S04", book, stages=33)
    book.add("DV", DVTERM="Assessment late", DVDECOD="VISIT", DVCAT="MAJOR", DVSTDTC=book.date(33))
    return book


def test_deviations_are_classed_and_matched_with_those_of_the_site(protocol: Protocol, analysis: Analysis) -> None:
    addv = facts_of(deviating(), protocol, analysis).addv
    told = [
        tuple(row)
        for row in addv[["SUBJID", "ADVCAT", "ADVSEV", "ADVRULE", "FOUNDBY", "DIFFER"]].itertuples(index=False)
    ]
    assert told == [
        ("S01", "DOSE", "MAJOR", "other_dose_level", "BOTH", "classed differently in DV"),
        ("S02", "ELIGIBILITY", "MAJOR", "criterion_violated", "DATA", "not recorded in DV"),
        ("S03", "ASSESSMENT", "MINOR", "", "SITE", "not found in the data"),
        ("S04", "ASSESSMENT", "MAJOR", "endpoint_visit_missed", "BOTH", ""),
    ]  # fmt: skip
    assert addv["ADVSEQ"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(("day", "found"), [(14, "BOTH"), (15, "DATA")])
def test_a_record_of_the_site_is_the_same_deviation_within_a_week(
    day: int, found: str, protocol: Protocol, analysis: Analysis
) -> None:
    book = quiet(second=2.0)
    book.add("DV", DVTERM="Second infusion at level 2", DVDECOD="DOSE", DVCAT="MAJOR", DVSTDTC=book.date(day))
    addv = facts_of(book, protocol, analysis).addv
    assert addv[addv["ADVRULE"].eq("other_dose_level")]["FOUNDBY"].tolist() == [found]


def test_an_infusion_off_its_day_or_not_given_is_a_deviation(protocol: Protocol, analysis: Analysis) -> None:
    late = quiet(until=3).infused(9)
    addv = facts_of(late, protocol, analysis, 24).addv
    assert "infusion_off_schedule" in set(addv["ADVRULE"])
    missing = facts_of(quiet(until=3), protocol, analysis, 24).addv
    assert "infusion_not_given" in set(missing["ADVRULE"])
    assert "infusion_not_given" not in set(facts_of(quiet(until=3).died(5), protocol, analysis, 24).addv["ADVRULE"])


# ----------------------------------------------------------------------------------------------------
# Enrolment and the next cohort, from DLT statuses.


def addlt(*courses: tuple[str, str, int]) -> pd.DataFrame:
    """ADDLT of subjects: level, status, days since the first infusion at the late cut."""
    rows = []
    for number, (level, status, ago) in enumerate(courses, 1):
        start = cut_on(LATE) - pd.Timedelta(days=ago)
        rows.append(
            {
                "USUBJID": f"T-{number:02}", "SUBJID": f"{number:02}", "TRT01A": level, "TRT01P": level,
                "TRTSDT": start, "DLTSTAT": status, "FUPFRAC": min(1.0, ago / 28),
                "WINENDT": start + pd.Timedelta(days=28), "COUNTED": "Y" if status == "DLT" else "",
            }
        )  # fmt: skip
    return with_columns("addlt", pd.DataFrame(rows))


def adsl(rows: pd.DataFrame, *waiting: str) -> pd.DataFrame:
    treated = rows[["USUBJID", "SUBJID", "TRT01A", "TRT01P", "TRTSDT"]].assign(SAFFL="Y", SCRFL="Y")
    others = pd.DataFrame({"USUBJID": list(waiting), "SUBJID": list(waiting), "SCRFL": "Y", "RFICDT": cut_on(LATE)})
    return with_columns("adsl", pd.concat([treated, others], ignore_index=True))


FREE = ("DL1", "NO-DLT", 100)


def codes(rows: pd.DataFrame, protocol: Protocol, analysis: Analysis, rule: str | None = None) -> tuple[str, ...]:
    return next_cohort(rows, protocol, analysis, cut_on(LATE), rule).codes


def test_a_new_level_is_three_subjects_and_each_number_of_dlts_has_its_advice(
    protocol: Protocol, analysis: Analysis
) -> None:
    rows = addlt(FREE, FREE, FREE)
    assert codes(rows, protocol, analysis) == (
        "ONGOING(ESCALATE DL3)", "ONGOING(EXPAND DL2)", "ONGOING(DE_ESCALATE DL1)", "ONGOING(DE_ESCALATE DL1)",
    )  # fmt: skip
    told = next_rows(rows, protocol, analysis, cut_on(LATE))
    assert [(row["variable"], row["variable_level"], row["context"]) for row in told] == [
        ("3+3", f"{k} of 3", "in_force") for k in range(4)
    ]
    assert {row["analysis_id"] for row in told} == {"DLT_NEXT"}


def test_pending_subjects_are_among_the_next_outcomes(protocol: Protocol, analysis: Analysis) -> None:
    one_open = addlt(FREE, FREE, ("DL1", "PENDING", 10))
    found = next_cohort(one_open, protocol, analysis, cut_on(LATE))
    assert (found.pending, found.to_treat, found.subjects) == (1, 0, ("03",))
    assert found.codes == ("ONGOING(ESCALATE DL2)", "ONGOING(EXPAND DL1)")
    place_left = next_cohort(addlt(FREE, ("DL1", "PENDING", 10)), protocol, analysis, cut_on(LATE))
    assert (place_left.pending, place_left.to_treat) == (1, 1)


def test_a_trial_that_has_ended_or_has_no_rule_has_no_next_cohort(protocol: Protocol, analysis: Analysis) -> None:
    ended = addlt(*[("DL1", "DLT", 100)] * 2)
    assert codes(ended, protocol, analysis) == ()
    no_rule = analysis.model_copy(update={"escalation_rule": "none"})
    assert next_rows(addlt(FREE), protocol, no_rule, cut_on(LATE)) == []


def test_other_rules_are_told_only_when_they_are_shown(protocol: Protocol, analysis: Analysis) -> None:
    shown = analysis.model_copy(update={"show_alternative_rules": True})
    contexts = {row["context"] for row in next_rows(addlt(FREE, FREE, FREE), protocol, shown, cut_on(LATE))}
    assert contexts == {"in_force", "alternative"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("CAP_REACHED(DL2)", "The cap of 12 is reached; no MTD can be named"), ("NO_DOSE", "No dose is tolerable"),
        ("MTD_DECLARED(DL1)", "DL1 is the maximum tolerated dose (MTD)"),
        ("ONGOING(WAIT DL3)", "Wait at DL3; no dose decision yet"),
        ("ONGOING(ESCALATE DL2) / ONGOING(EXPAND DL1)", "Escalate to DL2 or Enrol up to 6 subjects at DL1"),
    ],
)  # fmt: skip
def test_an_advice_code_is_a_sentence(code: str, words: str) -> None:
    assert plain_decision(code, 12).startswith(words)


@pytest.fixture
def study(protocol: Protocol, analysis: Analysis) -> StudyData:
    return StudyData(TrialBuilder().domains(), protocol, analysis, cut_on(LATE))


@pytest.mark.parametrize(
    ("courses", "told", "level"),
    [
        ((FREE, FREE, FREE), "yes", "DL2"),
        ((FREE, FREE, FREE, ("DL2", "PENDING", 13)), "not before", "DL2"),
        ((FREE, FREE, FREE, ("DL2", "PENDING", 14)), "yes", "DL2"),
        ((FREE, FREE, ("DL1", "PENDING", 20)), "no", ""),
        (((FREE,) * 3 + (("DL2", "NO-DLT", 90),) * 3 + (("DL3", "NO-DLT", 60),) * 6), "no", ""),
        ((FREE, FREE, ("DL1", "NOT-EVAL", 0)), "not before", "DL1"),
    ],
    ids=["a new level", "within the sentinel interval", "after it", "the rule waits", "the cap", "infused today"],
)
def test_whether_the_next_patient_may_be_dosed(courses, told: str, level: str, study: StudyData) -> None:
    rows = addlt(*courses)
    found = enrolment({"addlt": rows, "adsl": adsl(rows, "W1")}, study)
    assert found is not None
    assert (found.answer, found.level) == (told, level)
    assert found.places == 12 - len(courses)
    assert [subject for subject, _ in found.queue] == ["W1"]
    assert found.reasons


def test_the_day_from_which_is_that_of_the_sentinel(study: StudyData) -> None:
    rows = addlt(FREE, FREE, FREE, ("DL2", "PENDING", 13))
    found = enrolment({"addlt": rows, "adsl": adsl(rows)}, study)
    assert found is not None
    assert found.day == f"{cut_on(LATE) + pd.Timedelta(days=1):%Y-%m-%d}"
    assert found.windows == (("04", f"{cut_on(LATE) + pd.Timedelta(days=15):%Y-%m-%d}"),)

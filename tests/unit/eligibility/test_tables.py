"""Who failed screening and why, the deviation log beside the audit, and the boxes of the flow chart."""

from __future__ import annotations

import pandas as pd

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.eligibility.adie import audit
from trialbook.eligibility.tables import NO_REASON, deviations, reason_rows, screen_failures
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.flow import flow_boxes, flow_rows


def failure(book: TrialBuilder, name: str, term: str = "SCREEN FAILURE: EX04 NOT MET", **answers: str) -> TrialBuilder:
    """A screen failure with ALT and AST above the limit, day -4."""
    form(screened(book, name, level="SCRNFAIL", without=("ALT", "AST")), EX04="Y", **answers)
    book.lab("ALT", 120, -5, high=40.0).lab("AST", 130, -5, high=40.0)
    return book.add("DS", DSDECOD="SCREEN FAILURE", DSTERM=term, DSSTDTC=book.date(-4))


def audited(book: TrialBuilder, protocol, analysis):
    domains = book.domains()
    core = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    return core, audit(core, StudyData(domains, protocol, analysis, CUT)), domains


def test_a_screen_failure_is_audited_and_its_reasons_are_counted_per_criterion(protocol, analysis) -> None:
    core, adie, domains = audited(failure(eligible(), "S02", EX03="Y"), protocol, analysis)
    table = screen_failures(core, adie, domains)
    assert table["SUBJID"].tolist() == ["S02"]
    assert table["SITE"].tolist() == ["SCREEN FAILURE: EX04 NOT MET"]
    assert table["CRITERIA"].tolist() == [
        "EX03: violated by the form; EX04A: violated by the data; EX04B: violated by the data"
    ]
    reasons = to_ard(reason_rows(core, adie, protocol))
    assert dict(zip(reasons["variable_level"], reasons["stat"], strict=True)) == {"EX03": 1, "EX04A": 1, "EX04B": 1}
    assert set(reasons["group1_level"]) == {"Total"}


def test_a_failure_without_a_criterion_not_met_is_counted_as_such(protocol, analysis) -> None:
    book = form(screened(name="S01", level="SCRNFAIL"))
    book.add("DS", DSDECOD="SCREEN FAILURE", DSTERM="WITHDREW CONSENT", DSSTDTC=book.date(-2))
    core, adie, _ = audited(book, protocol, analysis)
    reasons = to_ard(reason_rows(core, adie, protocol))
    assert reasons[["variable_level", "stat"]].to_numpy().tolist() == [[NO_REASON, 1.0]]


def test_a_second_screening_is_named_at_the_first(protocol, analysis) -> None:
    book = failure(trial(), "S01")
    form(screened(book, "S02", start="2025-03-10")).infused(0)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="iMSC-2001-S01")
    core, adie, domains = audited(book, protocol, analysis)
    assert screen_failures(core, adie, domains)["AGAIN"].tolist() == ["S02"]


def test_treated_violations_and_waivers_stand_beside_the_deviation_log(protocol, analysis) -> None:
    """A violation that the log does not know is said to be so; nobody leaves the safety set."""
    book = form(screened(without=("ALT",)).lab("ALT", 120, -2, high=40.0), EX04="Y", EX08="Y").infused(0)
    book.add("DV", DVTERM="Waiver of EX08", DVDECOD="EX08", DVCAT="WAIVER", DVSTDTC="2025-01-09")
    core, adie, domains = audited(book, protocol, analysis)
    rows = deviations(core, adie, domains).set_index("CRITCD")
    assert rows.index.tolist() == ["EX04A", "EX08"]
    assert rows.loc["EX04A", ["RESULT", "LOG"]].tolist() == ["FAIL", "not in the log"]
    assert rows.loc["EX08", ["RESULT", "LOG"]].tolist() == ["WAIVED", "2025-01-09: Waiver of EX08"]
    assert set(rows["SAF"]) == {"stays"}
    assert core["SAFFL"].tolist() == ["Y"]


def test_a_deviation_of_the_whole_criterion_is_found_at_its_part(protocol, analysis) -> None:
    book = form(screened(without=("ALT",)).lab("ALT", 120, -2, high=40.0), EX04="Y").infused(0)
    book.add("DV", DVTERM="Enrolled although EX04 applies", DVCAT="MAJOR", DVSTDTC="2025-01-10")
    core, adie, domains = audited(book, protocol, analysis)
    assert deviations(core, adie, domains)["LOG"].tolist() == ["2025-01-10: Enrolled although EX04 applies"]


def test_screen_failures_are_no_deviations(protocol, analysis) -> None:
    core, adie, domains = audited(failure(trial(), "S01"), protocol, analysis)
    assert deviations(core, adie, domains).empty


def boxes(book: TrialBuilder, protocol, analysis) -> pd.DataFrame:
    core, adie, _ = audited(book, protocol, analysis)
    return flow_boxes(to_ard(flow_rows(core, protocol)), to_ard(reason_rows(core, adie, protocol)), core, protocol)


def test_the_boxes_lead_from_screened_to_infused_with_who_left_beside(protocol, analysis) -> None:
    book = failure(eligible(), "S02")
    screened(book, "S03", level="NOTASSGN")
    form(screened(book, "S04", level="DL2"))
    found = boxes(book, protocol, analysis).set_index("box")
    assert found["n"].to_dict() == {
        "Screened": 4, "Screen failures": 1, "Still in screening": 1, "Enrolled": 2, "Enrolled, not infused": 1,
        "Infused": 1, "DL1": 1,
    }  # fmt: skip
    why = found.loc["Screen failures", "says"].split("; ")
    assert [(part[:2], part[-7:]) for part in why] == [("1:", "(EX04A)"), ("1:", "(EX04B)")]
    assert "ALT (EX04A)" in why[0]
    assert found.loc["DL1", ["side", "says"]].tolist() == ["level", "1 on study"]
    assert found.loc[["Still in screening", "Enrolled, not infused"], "side"].tolist() == ["pending", "pending"]


def test_the_boxes_of_an_empty_trial_and_of_one_without_criteria(protocol, analysis) -> None:
    assert boxes(trial(), protocol, analysis).empty
    bare = boxes(eligible(), protocol.model_copy(update={"criteria": []}), analysis)
    assert bare.set_index("box").loc["Infused", "n"] == 1

"""Analysis sets with their reasons, the flow of subjects, demography: counts as ARD rows."""

from __future__ import annotations

import pandas as pd

from support.trial_builder import trial
from trialbook.core.dates import as_date
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import add_analysis_sets, derive_subjects, set_reasons, set_rows
from trialbook.subjects.demography import demography_rows, level_headers
from trialbook.subjects.flow import earlier_screenings, flow_numbers, flow_rows, flow_sentence

CUT = as_date("2025-02-15")
NO_AUDIT = pd.DataFrame({name: pd.Series(dtype="str") for name in ("USUBJID", "CRITCD", "RESULT", "DATARESULT")})


def people() -> object:
    """Two of DL1 (one infused once only), one of DL2 infused late, one enrolled, one in screening, one failed."""
    book = trial().subject("S01", age=50).infused(0).infused(7).subject("S02", sex="F", age=9).infused(0)
    book.subject("S03", level="DL2", start="2025-02-01", age=71).infused(0, dose=2)
    book.subject("S04", level="DL2", actual="NOTTRT").subject("S05", level="NOTASSGN", actual="NOTASSGN")
    return book.subject("S06", level="SCRNFAIL").add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC="2025-01-08").domains()


def with_sets(protocol, analysis, adie: pd.DataFrame = NO_AUDIT) -> tuple[pd.DataFrame, pd.DataFrame]:
    core = derive_subjects(StudyData(people(), protocol, analysis, CUT))
    treated = core.loc[core["SAFFL"] == "Y", "USUBJID"].tolist()
    addlt = pd.DataFrame({"USUBJID": treated, "DLTSTAT": ["DLT", "NOT-EVAL", "PENDING"]})
    day28 = pd.DataFrame({"USUBJID": treated, "MAT28FL": ["Y", "Y", ""], "EVAL28FL": ["Y", "", ""]})
    return add_analysis_sets(core, addlt, day28, protocol, analysis, adie), addlt


def count(rows: list, variable: str, stat: str = "n", level: str = "Total", variable_level: str = "") -> float:
    ard = to_ard(rows)
    hit = ard[
        (ard["variable"] == variable)
        & (ard["stat_name"] == stat)
        & (ard["group1_level"] == level)
        & (ard["variable_level"] == variable_level)
    ]
    return hit["stat"].item()


def test_sets_follow_dlt_status_day_28_and_the_audit(protocol, analysis) -> None:
    adsl, _ = with_sets(protocol, analysis)
    flags = adsl.set_index("SUBJID")[["SAFFL", "DLTEFL", "MAT28FL", "EVAL28FL", "PPFL"]]
    assert flags.loc["S01"].tolist() == ["Y", "Y", "Y", "Y", "Y"]
    assert flags.loc["S02"].tolist() == ["Y", "", "Y", "", ""]  # one of two infusions
    assert flags.loc["S03"].tolist() == ["Y", "", "", "", ""]
    assert flags.loc["S04"].tolist() == [""] * 5


def test_a_violation_leaves_the_per_protocol_set_and_not_the_safety_set(protocol, analysis) -> None:
    for result, data, member in (
        ("FAIL", "FAIL", ""), ("ATT-FAIL", "", ""), ("CONFLICT", "FAIL", ""), ("CONFLICT", "PASS", "Y"),
        ("NE", "NE", "Y"), ("WAIVED", "FAIL", "Y"),
    ):  # fmt: skip
        adie = pd.DataFrame(
            {"USUBJID": ["iMSC-2001-S01"], "CRITCD": ["EX12"], "RESULT": [result], "DATARESULT": [data]}
        )
        first = with_sets(protocol, analysis, adie)[0].iloc[0]
        assert (first["PPFL"], first["SAFFL"]) == (member, "Y"), result


def test_every_absence_has_its_reason(protocol, analysis) -> None:
    adie = pd.DataFrame({"USUBJID": ["iMSC-2001-S02"], "CRITCD": ["EX12"], "RESULT": ["FAIL"], "DATARESULT": ["FAIL"]})
    adsl, addlt = with_sets(protocol, analysis, adie)
    why = set_reasons(adsl, addlt, protocol, analysis, adie).set_index("SUBJID")
    assert set(why.loc["S01"]) == {"yes"}
    assert why.loc["S02", ["DLTEFL", "EVAL28FL", "PPFL"]].tolist() == [
        "no: not evaluable for DLT", "no: no assessment in the window", "no: violates EX12; 1 of 2 infusions",
    ]  # fmt: skip
    assert why.loc["S03", "MAT28FL"] == "no: day 28 is complete on 2025-03-04"
    assert why.loc["S04", ["SAFFL", "PPFL"]].tolist() == ["no: not infused", "no: not infused"]
    assert why.loc["S05", "ENRFL"] == "no: no dose level assigned"
    assert why.loc["S06", "ENRFL"] == "no: screen failure"


def test_sets_are_counted_by_level_and_total(protocol, analysis) -> None:
    rows = set_rows(with_sets(protocol, analysis)[0], protocol)
    assert [count(rows, "SCRFL", level=level) for level in ("DL1", "DL2", "DL3", "Total")] == [2, 2, 0, 6]
    assert [count(rows, "ENRFL", level=level) for level in ("DL1", "DL2", "DL3", "Total")] == [2, 2, 0, 4]
    assert [count(rows, "SAFFL", level=level) for level in ("DL1", "DL2", "DL3", "Total")] == [2, 1, 0, 3]
    assert {row["analysis_id"] for row in rows} == {"SETS"}


def test_endpoints_that_a_trial_lacks_leave_their_sets_empty(protocol, analysis) -> None:
    core = derive_subjects(StudyData(people(), protocol, analysis, CUT))
    none = pd.DataFrame({"USUBJID": pd.Series(dtype="str"), "DLTSTAT": pd.Series(dtype="str")})
    no_day28 = pd.DataFrame({name: pd.Series(dtype="str") for name in ("USUBJID", "MAT28FL", "EVAL28FL")})
    adsl = add_analysis_sets(core, none, no_day28, protocol, analysis, NO_AUDIT)
    assert set(adsl["DLTEFL"]) | set(adsl["MAT28FL"]) | set(adsl["EVAL28FL"]) == {""}
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    why = set_reasons(adsl, none, protocol.model_copy(update={"study": study}), analysis, NO_AUDIT)
    assert set(why["MAT28FL"]) == {"no: ORR_D28 is not an endpoint of this trial"}
    assert set(why["DLTEFL"]) == {"no: DLT is not an endpoint of this trial"}


def test_the_flow_adds_up(protocol, analysis) -> None:
    core = derive_subjects(StudyData(people(), protocol, analysis, CUT))
    rows = flow_rows(core, protocol)
    stations = ("SCREENED", "SCRNFAIL", "INSCREEN", "ENROLLED", "NOTYET", "TREATED")
    assert [count(rows, name) for name in stations] == [6, 1, 1, 4, 1, 3]
    assert count(rows, "TREATED", level="DL2") == 1
    assert flow_numbers(core, protocol)[3] == ("Infused", "3", "DL1 2, DL2 1, DL3 0")
    assert flow_sentence(core, "2025-02-15").startswith(
        "By 2025-02-15, 6 subjects were screened and 1 failed screening"
    )


def test_the_flow_says_in_words_when_nobody_came(protocol, analysis) -> None:
    nobody = derive_subjects(StudyData(trial().domains(), protocol, analysis, CUT))
    assert flow_sentence(nobody, "2025-02-15").startswith("Nobody has consented yet at this cut")
    waiting = derive_subjects(StudyData(trial().subject("S01", actual="NOTTRT").domains(), protocol, analysis, CUT))
    assert flow_sentence(waiting, "2025-02-15").endswith("No subject has been treated at this cut.")
    assert demography_rows(waiting, protocol, analysis) == []


def test_a_second_screening_is_listed_with_the_end_of_the_first(protocol, analysis) -> None:
    book = trial().subject("S01", level="SCRNFAIL").subject("S02").infused(0)
    book.add("SUPPDM", RDOMAIN="DM", QNAM="RESCREEN_OF", QVAL="iMSC-2001-S01")
    listed = earlier_screenings(derive_subjects(StudyData(book.domains(), protocol, analysis, CUT)))
    assert listed.values.tolist() == [["S02", "S01", "SCREEN FAILURE"]]


def test_demography_counts_the_treated_and_names_ages_outside(protocol, analysis) -> None:
    core = derive_subjects(StudyData(people(), protocol, analysis, CUT))
    rows = demography_rows(core, protocol, analysis)
    assert [count(rows, "AGE", stat) for stat in ("n", "median", "min", "max")] == [3, 50, 9, 71]
    assert count(rows, "AGEGR1", variable_level=">70") == 1
    assert count(rows, "AGEGR1", variable_level="4-11", level="DL1") == 1
    assert count(rows, "SEX", variable_level="F") == 1
    empty = [row for row in rows if row["group1_level"] == "DL3"]
    assert {row["stat_text"] for row in empty if row["stat_name"] in ("p", "median")} == {"-"}
    assert level_headers(core, protocol) == {
        "DL1": "DL1 (N=2)", "DL2": "DL2 (N=1)", "DL3": "DL3 (N=0)", "Total": "Total (N=3)",
    }  # fmt: skip

"""Laboratory results against the central laboratory's file, and reference ranges by test, sex, age and date."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.core.domains import Domains
from trialbook.protocol.conduct import Reconciliation
from trialbook.reconciliation.laboratory import Filling, laboratory_queries, reference_limits

CUT = pd.Timestamp("2025-06-30")
LB = ["USUBJID", "LBTESTCD", "LBDTC", "LBORRES", "LBORRESU"]
OWN = {"USUBJID": "S-01", "LBTESTCD": "BILI", "LBDTC": "2025-03-10T08:00", "LBORRES": "34.2", "LBORRESU": "umol/L"}
DM = pd.DataFrame(
    {"USUBJID": ["S-01", "S-02"], "SUBJID": ["01", "02"], "SEX": ["F", "M"], "BRTHDTC": ["1980-05-01", "2018-05"],
     "AGE": ["44", "6"]}, dtype="str",
)  # fmt: skip


def asked(own: list[dict[str, str]], central: list[dict[str, str]], **rules: float) -> list[tuple[str, str]]:
    lb = pd.DataFrame(own, columns=LB, dtype="str").assign(LBSEQ=range(1, len(own) + 1))
    file = pd.DataFrame(central, columns=LB, index=range(2, 2 + len(central)), dtype="str").replace("", pd.NA)
    given = Reconciliation.model_validate(rules)
    found = laboratory_queries(Domains({"LB": lb, "DM": DM}), file, CUT, given, "central.csv")
    return [(one["rule"].removeprefix("RECON-"), one["record"]) for one in found]


@pytest.mark.parametrize(
    "other",
    [
        {}, {"LBORRES": "2", "LBORRESU": "mg/dL"}, {"LBDTC": "2025-03-11"}, {"LBORRES": "34.37"}, {"LBORRESU": ""},
        {"USUBJID": "01", "LBTESTCD": "bili"},
    ],
    ids=["same", "other unit", "next day", "within the share", "no unit", "other spelling"],
)  # fmt: skip
def test_the_same_result_raises_nothing(other: dict[str, str]) -> None:
    assert asked([OWN], [{**OWN, **other}]) == []


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        ({"LBORRES": "34.5"}, "LB-VALUE-DIFFERS"), ({"LBORRES": "<34.2"}, "LB-VALUE-DIFFERS"),
        ({"LBORRES": "haemolysed"}, "LB-VALUE-DIFFERS"), ({"LBORRESU": "mmHg"}, "LB-UNIT-UNCOMPARED"),
    ],
)  # fmt: skip
def test_what_differs_of_one_result_is_asked(other: dict[str, str], rule: str) -> None:
    assert asked([OWN], [{**OWN, **other}]) == [(rule, "LBSEQ=1")]


def test_each_side_may_lack_a_result() -> None:
    later = {**OWN, "LBDTC": "2025-03-20"}
    assert asked([OWN], [OWN, later]) == [("LB-NOT-IN-LB", f"LBTESTCD=BILI LBDTC={later['LBDTC']}")]
    assert asked([OWN, later], [OWN]) == [("LB-NOT-CENTRAL", "LBSEQ=2")]


def test_tests_that_the_central_laboratory_does_not_make_are_no_matter() -> None:
    assert asked([OWN, {**OWN, "LBTESTCD": "ALT"}, {**OWN, "USUBJID": "S-02"}], [OWN]) == []


def test_two_samples_near_each_other_are_paired_by_date_then_by_value() -> None:
    two = [OWN, {**OWN, "LBORRES": "60"}, {**OWN, "LBDTC": "2025-03-11", "LBORRES": "80"}]
    assert asked(two, [two[2], two[1], two[0]]) == []


def test_a_row_without_date_or_result_is_not_compared_and_leaves_nothing_missing() -> None:
    assert asked([OWN], [{**OWN, "LBORRES": ""}]) == []
    assert asked([OWN], [{**OWN, "LBORRES": "", "LBDTC": "2025-03-20"}, OWN]) == []
    # The sample of 20 March may be the row without a date.
    assert asked([OWN, {**OWN, "LBDTC": "2025-03-20"}], [OWN, {**OWN, "LBDTC": ""}]) == []


def test_results_after_the_cut_are_not_looked_at_and_unknown_subjects_are_asked_about() -> None:
    found = asked([OWN], [OWN, {**OWN, "LBDTC": "2025-07-01"}, {**OWN, "USUBJID": "S-09"}])
    assert found == [("SUBJECT-UNKNOWN", "")]


def test_a_question_keeps_its_number_when_the_next_file_has_other_rows() -> None:
    more = {**OWN, "LBDTC": "2025-05-02"}
    first, second = asked([OWN], [OWN, more, more]), asked([OWN], [{**OWN, "LBDTC": "2025-04-20"}, OWN, more, more])
    assert set(first) <= set(second)
    assert [record for _, record in first] == ["LBTESTCD=BILI LBDTC=2025-05-02", "LBTESTCD=BILI LBDTC=2025-05-02 (2)"]


def test_a_row_without_a_subject_is_asked_about() -> None:
    assert asked([OWN], [OWN, {**OWN, "USUBJID": ""}]) == [("NO-SUBJECT", "central.csv row 3")]


# ----------------------------------------------------------------------------------------------------

RANGE = ["LBTESTCD", "LBORNRLO", "LBORNRHI", "LBORRESU", "LBNAM", "SEX", "AGELO", "AGEHI", "FROM", "TO"]
ALT = {"LBTESTCD": "ALT", "LBORNRHI": "40"}


def limits(
    record: dict[str, str], ranges: list[dict[str, str]]
) -> tuple[list[tuple[str, str]], list[str]]:  # fmt: skip
    """What is filled into one record of ALT, and the rules that ask."""
    row = {"USUBJID": "S-01", "LBTESTCD": "ALT", "LBDTC": "2025-03-10", "LBORRES": "30", "LBORRESU": "U/L", **record}
    lb = pd.DataFrame([row], columns=[*LB, "LBORNRLO", "LBORNRHI", "LBNAM"], index=[7], dtype="str")
    filled, found = reference_limits(lb, DM, pd.DataFrame(ranges, columns=RANGE, dtype="str"), "ranges.csv")
    assert all(isinstance(one, Filling) and one.row == 7 for one in filled)
    return [(one.column, one.value) for one in filled], [one["rule"] for one in found]


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({}, True), ({"SEX": "F"}, True), ({"SEX": "女"}, True), ({"SEX": "M"}, False), ({"LBORRESU": "u/l"}, True),
        ({"LBORRESU": "ukat/L"}, False), ({"AGELO": "44", "AGEHI": "44"}, True), ({"AGELO": "45"}, False),
        ({"FROM": "2025-03-10", "TO": "2025-03-10"}, True), ({"TO": "2025-03-09"}, False),
        ({"FROM": "2025-03-11"}, False), ({"LBNAM": "Central"}, True),
    ],
)  # fmt: skip
def test_a_range_fits_by_test_unit_sex_age_and_date(condition: dict[str, str], fits: bool) -> None:
    filled, found = limits({}, [{**ALT, **condition}])
    assert (filled, found) == ([("LBORNRHI", "40")] if fits else [], [])


def test_the_laboratory_counts_where_both_sides_name_it() -> None:
    ranges = [{**ALT, "LBNAM": "Central", "LBORNRHI": "50", "LBORNRLO": "5.0"}, {**ALT, "LBNAM": "Site"}]
    assert limits({"LBNAM": "central"}, ranges) == ([("LBORNRLO", "5"), ("LBORNRHI", "50")], [])
    assert limits({}, ranges) == ([], ["P15-RANGE-SEVERAL"])


def test_an_age_that_is_not_known_meets_no_condition_of_age_and_a_partial_birth_date_leaves_the_age_of_dm() -> None:
    assert limits({"USUBJID": "S-02"}, [{**ALT, "AGEHI": "17"}]) == ([("LBORNRHI", "40")], [])
    assert limits({"USUBJID": "S-99"}, [{**ALT, "AGEHI": "17"}]) == ([], [])


def test_limits_of_the_record_stay_and_are_asked_about_where_they_differ() -> None:
    assert limits({"LBORNRHI": "40.0"}, [ALT]) == ([], [])
    assert limits({"LBORNRHI": "45"}, [ALT]) == ([], ["P15-LIMIT-DIFFERS"])
    assert limits({"LBORNRHI": "45"}, [{**ALT, "LBTESTCD": "AST"}]) == ([], [])


def test_a_range_with_its_lower_limit_above_the_upper_one_is_asked_about_by_file_and_row_and_not_used() -> None:
    table = pd.DataFrame([{**ALT, "LBORNRLO": "50"}, ALT], columns=RANGE, index=[2, 3], dtype="str")
    lb = pd.DataFrame([{**OWN, "LBTESTCD": "ALT"}], columns=[*LB, "LBORNRLO", "LBORNRHI"], dtype="str")
    filled, found = reference_limits(lb, DM, table, "ranges.csv")
    assert [(one["rule"], one["record"]) for one in found] == [("P15-RANGE-REVERSED", "ranges.csv row 2")]
    assert [(one.column, one.value) for one in filled] == [("LBORNRHI", "40")]

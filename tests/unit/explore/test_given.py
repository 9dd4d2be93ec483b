"""What a person gives to a question: an error says what is expected; a condition may ask for what ADSL knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialbook.analyses.selection import select
from trialbook.core.errors import UsageError
from trialbook.explore.analysis import _filled, _landmark, _of_graded_tests, _rates_given
from trialbook.explore.given import days_given, on_records, said_of, subject_given, text_given, whole_given
from trialbook.explore.names import no_such
from trialbook.explore.numbers import numbers_named

NUMBERS = {"T-1-016": "016", "T-1-017": "017", "T-2-017": "017"}
PEOPLE = pd.DataFrame({"USUBJID": ["A", "B", "C"], "AGE": [51.0, 38.0, None], "SEX": ["F", "M", "F"]})
EVENTS = pd.DataFrame({"USUBJID": ["C", "A", "B", "A"], "ATOXGR": [3, 3, 3, None]})


@pytest.mark.parametrize("named", ["016", "T-1-016", 16, "16", np.int64(16), 16.0, " 016 "])
def test_a_subject_is_found_by_number(named: Any) -> None:
    assert subject_given(named, NUMBERS) == "T-1-016"


@pytest.mark.parametrize(("named", "said"), [
    (17, "2 subjects have the number 17.*T-1-017, T-2-017"), ("018", "no subject 018; there are 016"),
    (None, 'by its number.*write "016"'), ([16], "by its number"), (True, "by its number"), ("", "no subject"),
])  # fmt: skip
def test_a_subject_that_is_not_one_is_an_error(named: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        subject_given(named, NUMBERS)


@pytest.mark.parametrize("days", [[-5], -5, "100", ["28"], [28.5], None, [], [True], {28: 1}, b"28"])
def test_a_day_is_a_whole_number_from_0_on(days: Any) -> None:
    with pytest.raises(UsageError, match=r"day.*at=\[28\]"):
        days_given(days, "cut.survival(at=[28])")
    with pytest.raises(UsageError, match=r"is named by one text.*write x"):
        text_given("a dataset", days if isinstance(days, list) else [days], "x")
    with pytest.raises(UsageError, match="whole number from 1 on"):
        whole_given("the number of trials", -1, 1, "trials=10")


def test_a_number_is_named_by_words_or_a_row() -> None:
    for wrong in (3, None, ["ORR_D28"]):
        with pytest.raises(UsageError, match=r"in words, or by a row.*cut\.records"):
            numbers_named(pd.DataFrame({"analysis_id": ["ORR_D28"]}), wrong)  # type: ignore[arg-type]


def test_a_condition_asks_for_what_adsl_knows_and_the_unknown_stays_unknown() -> None:
    asked = on_records("ATOXGR >= @grade and AGE >= 40", PEOPLE, {"grade": 3})
    found = select(EVENTS, asked)
    assert found.yes.tolist() == [False, True, False, False]
    assert found.unknown.tolist() == [True, False, False, True]
    by_function = on_records(lambda frame: frame["SEX"].eq("M"), PEOPLE, {})
    assert select(EVENTS, by_function).yes.tolist() == [False, False, True, False]
    with pytest.raises(UsageError, match=r"no column AGES.*its columns are AGE, "):
        select(EVENTS, on_records("AGES > 3", PEOPLE, {}))
    with pytest.raises(UsageError, match="this is no condition"):
        on_records(["AGE"], PEOPLE, {})  # type: ignore[arg-type]
    assert said_of("AGE >= @least", {"least": 40}) == " where AGE >= @least (least = 40)"


def test_a_test_without_high_grades_has_no_unknown_high_grade() -> None:
    # Platelets are graded by low values alone; of potassium, graded both ways, the missing grade is unknown.
    results = pd.DataFrame({"USUBJID": ["A", "A", "B"], "PARAMCD": ["PLAT", "K", "K"]})
    results["ATOXGRH"] = pd.array([None, None, 3], dtype="Int64")
    found = select(results, _of_graded_tests(on_records("ATOXGRH >= 3", PEOPLE, {})))
    assert (found.yes.tolist(), found.unknown.tolist()) == ([False, False, True], [False, True, False])


def test_nobody_is_0_and_the_bounds_of_a_known_number_are_that_number() -> None:
    counts = pd.DataFrame({"n": [2.0, None], "n_high": [None, 3.0], "pending": [None, 1.0]})
    assert _filled(counts)[["n_high", "pending"]].values.tolist() == [[2, 0], [3, 1]]


def test_rates_of_a_design_are_as_many_as_the_levels() -> None:
    levels = ["DL1", "DL2", "DL3"]
    assert _rates_given(np.array([0.1, 0.2, 0.3]), levels) == [[0.1, 0.2, 0.3]]
    assert _rates_given([(0.1, 0.2, 0.3), [0, 0, 1]], levels) == [[0.1, 0.2, 0.3], [0, 0, 1]]
    with pytest.raises(UsageError, match=r"2 true DLT rates are given, and the protocol has 3 dose levels \(DL1"):
        _rates_given([0.1, 0.2], levels)
    for wrong in ("0.1,0.2,0.3", 0.3, [], ["0.1", "0.2", "0.3"], [[0.1, 0.2, 0.3], 0.2], {"DL1": 0.1}):
        with pytest.raises(UsageError, match=r"numbers in a list.*cut\.design_oc\("):
            _rates_given(wrong, levels)


def test_another_day_has_a_window_around_it(analysis: Any) -> None:
    at = _landmark(56, [53, 59], analysis)
    lag = analysis.maturity_margin_d28 - analysis.d28_window[1]
    assert (at.day, at.window, at.maturity) == (56, (53, 59), 59 + lag)
    # A window alone is one of day 28, and mature as it is under the key.
    for window in ([25, 29], [21, 45]):
        key = analysis.model_copy(update={"d28_window": window})
        assert _landmark(None, window, analysis).maturity == key.days_to_maturity_d28 == max(31, window[1])
    for day, window in ((56, None), (None, [53, 59]), (56, [57, 59]), (56, [53]), (56, "53-59")):
        with pytest.raises(UsageError, match=r"window=\[53, 59\]"):
            _landmark(day, window, analysis)  # type: ignore[arg-type]


def test_a_list_of_many_names_is_cut() -> None:
    assert str(no_such("column", "AGES", [f"C{k}" for k in range(40)])).endswith("C23 and 16 more.")

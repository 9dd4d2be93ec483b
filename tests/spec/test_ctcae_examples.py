"""CTCAE v5.0 laboratory grades: the worked examples of rulebook §3.2."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.safety.ctcae import lab_grades


def grade(test: str, value: float, *, low: float | None = None, high: float | None = None, base: float | None = None,
          sign: str = "") -> pd.Series:  # fmt: skip
    """Grades of one result in SI units."""
    row = pd.DataFrame({"PARAMCD": [test], "AVAL": [float(value)], "AVALOP": [sign], "ANRLO": [low], "ANRHI": [high]})
    row = row.assign(BASE=base).astype({"ANRLO": "float64", "ANRHI": "float64", "BASE": "float64"})
    return lab_grades(row.assign(BASEHI=bool(base and high and base > high))).iloc[0]


@pytest.mark.parametrize(("value", "expected"), [(140, 0), (149, 0), (150, 1), (300, 1), (301, 2), (501, 3), (2001, 4)])
def test_alt_with_an_abnormal_baseline_is_graded_by_multiples_of_the_baseline(value: float, expected: int) -> None:
    assert grade("ALT", value, high=40, base=100)["ATOXGRH"] == expected


@pytest.mark.parametrize(("value", "expected"), [(40, 0), (41, 1), (120, 1), (121, 2), (200, 2), (201, 3), (801, 4)])
def test_alt_with_a_normal_baseline_is_graded_by_multiples_of_uln(value: float, expected: int) -> None:
    assert grade("ALT", value, high=40, base=25)["ATOXGRH"] == expected


@pytest.mark.parametrize(("value", "expected"), [(60, 0), (61, 1), (90, 1), (91, 2), (180, 2), (181, 3), (601, 4)])
def test_bilirubin_with_an_abnormal_baseline_needs_more_than_the_baseline(value: float, expected: int) -> None:
    assert grade("BILI", value, high=21, base=60)["ATOXGRH"] == expected


# ULN 97, baseline 40: value, grade, what gave it.
@pytest.mark.parametrize(
    ("value", "expected", "driver"),
    [(55, 0, ""), (65, 2, "BASE"), (98, 2, "BASE"), (121, 3, "BASE"), (292, 3, "BASE+ULN"), (583, 4, "ULN")],
)
def test_creatinine_takes_the_worse_of_uln_and_baseline_and_says_which(
    value: float, expected: int, driver: str
) -> None:
    found = grade("CREAT", value, high=97, base=40)
    assert (found["ATOXGRH"], found["ATOXDRV"]) == (expected, driver)


@pytest.mark.parametrize(
    ("test", "limits"),
    [
        ("PLAT", [(75, 1), (74, 2), (50, 2), (49, 3), (25, 3), (24, 4)]),
        ("NEUT", [(1.5, 1), (1.49, 2), (0.99, 3), (0.49, 4)]),
        ("LYM", [(0.8, 1), (0.79, 2), (0.49, 3), (0.19, 4)]),
        ("WBC", [(3.0, 1), (2.9, 2), (1.9, 3), (0.9, 4)]),
        ("HGB", [(100, 1), (99, 2), (79, 3), (40, 3)]),
        ("ALB", [(30, 1), (29, 2), (19, 3)]),
    ],
)
def test_blood_counts_have_fixed_limits_below_lln(test: str, limits: list[tuple[float, int]]) -> None:
    lln = {"HGB": 130, "ALB": 35, "PLAT": 100, "WBC": 4}.get(test, 2)
    assert [grade(test, value, low=lln)["ATOXGRL"] for value, _ in limits] == [expected for _, expected in limits]


def test_without_lln_grade_1_and_0_are_open_but_the_absolute_grades_stand() -> None:
    assert [grade("PLAT", value)["ATOXGRL"] for value in (74, 49, 24)] == [2, 3, 4]
    assert pd.isna(grade("PLAT", 90)["ATOXGRL"])


@pytest.mark.parametrize("test", ["ALT", "AST", "BILI", "ALP", "GGT", "CREAT"])
def test_a_multiple_of_uln_is_not_evaluable_without_uln(test: str) -> None:
    assert pd.isna(grade(test, 5000, base=30)["ATOXGRH"])


def test_potassium_is_graded_in_both_directions() -> None:
    low, high = grade("K", 2.4, low=3.5, high=5.3), grade("K", 6.1, low=3.5, high=5.3)
    assert (low["ATOXGRL"], low["ATOXGRH"], high["ATOXGRL"], high["ATOXGRH"]) == (4, 0, 0, 3)


def test_a_grade_that_needs_a_clinical_fact_takes_the_worse_case_and_is_flagged() -> None:
    hypokalemia, sodium = grade("K", 3.2, low=3.5, high=5.3), grade("SODIUM", 127, low=135)
    assert (hypokalemia["ATOXGRL"], hypokalemia["CLINFL"]) == (2, "Y")
    assert (sodium["ATOXGRL"], sodium["CLINFL"]) == (3, "Y")
    assert grade("SODIUM", 122, low=135)["CLINFL"] == ""


def test_a_ratio_that_only_floating_point_puts_above_a_limit_is_on_the_limit() -> None:
    assert 2.1 > 0.7 * 3  # as binary numbers
    assert grade("ALT", 2.1, high=0.7)["ATOXGRH"] == 1


# A censored platelet or ALT result: sign, value, grade (None = not evaluable).
@pytest.mark.parametrize(
    ("test", "sign", "value", "expected"),
    [("PLAT", "<", 50, 3), ("PLAT", ">", 200, 0), ("PLAT", ">", 60, None), ("ALT", "<", 5, 0), ("ALT", ">", 300, 3),
     ("ALT", "<", 100, None)],
)  # fmt: skip
def test_a_censored_result_is_graded_only_where_its_bound_decides(
    test: str, sign: str, value: float, expected: int | None
) -> None:
    found = grade(test, value, low=100, high=40, base=20, sign=sign)
    graded = found["ATOXGRL"] if test == "PLAT" else found["ATOXGRH"]
    assert (None if pd.isna(graded) else graded) == expected

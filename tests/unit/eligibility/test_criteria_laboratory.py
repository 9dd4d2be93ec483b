"""Organ function (EX04): last value in the window, its own limit, censored values, creatinine clearance."""

from __future__ import annotations

import pytest

from support.eligible_subject import eligible, form, judged, judged_each, screened
from support.trial_builder import TrialBuilder, trial


def without(*tests: str, age: int = 40) -> TrialBuilder:
    """An eligible subject who lacks some results."""
    return form(screened(without=tests, age=age)).infused(0)


def test_a_ratio_at_the_limit_passes_and_just_above_contradicts_the_form(protocol, analysis) -> None:
    table = [
        ("EX04A", "ALT", 80, 80.1, "U/L", 40.0), ("EX04B", "AST", 70, 71, "U/L", 35.0),
        ("EX04D", "UREA", 16, 16.1, "mmol/L", 8.0), ("EX04D", "BUN", 40, 41, "mg/dL", 20.0),
        ("EX04E", "INR", 1.8, 1.81, "", 1.2),
    ]  # fmt: skip
    for column, test, *values, unit, high in table:
        books = [without("UREA" if test == "BUN" else test).lab(test, v, -1, unit=unit, high=high) for v in values]
        found = judged_each(books, protocol, analysis, column)
        assert found["RESULT"].tolist() == ["PASS", "CONFLICT"], test
        assert found["AVAL"].tolist() == pytest.approx([value / high for value in values])


def test_the_last_value_decides_and_the_worst_is_told(protocol, analysis) -> None:
    found = judged(eligible().lab("ALT", 100, -5, high=40), protocol, analysis, "EX04A")
    assert (found["RESULT"], found["AVAL"]) == ("PASS", 0.75)
    assert "highest in the window 2.5 x ULN" in found["EVIDENCE"]


def test_of_two_values_at_one_time_the_worse_decides_and_of_two_times_the_later(protocol, analysis) -> None:
    twice = eligible().lab("ALT", 100, -2, high=40)
    times = without("ALT").lab("ALT", 100, "2025-01-09T08:00", high=40).lab("ALT", 30, "2025-01-09T15:00", high=40)
    assert judged_each([twice, times], protocol, analysis, "EX04A")["AVAL"].tolist() == [2.5, 0.75]


def test_laboratory_results_count_from_day_minus_7(protocol, analysis) -> None:
    books = [without("ALT").lab("ALT", 30, day, high=40) for day in (-7, -8, 1)]
    assert judged_each(books, protocol, analysis, "EX04A")["RESULT"].tolist() == ["PASS", "NE", "NE"]


def test_on_the_day_of_infusion_a_value_must_be_known_to_precede_it(protocol, analysis) -> None:
    table = [
        ("2025-01-10T09:59", "DAY 0", "PASS"), ("2025-01-10T10:00", "DAY 0", "PASS"),
        ("2025-01-10T10:01", "DAY 0", "NE"), ("2025-01-10", "DAY 0", "NE"), ("2025-01-10", "DAY 0 PRE-DOSE", "PASS"),
        ("2025-01-10T10:01", "DAY 0 PRE-DOSE", "NE"),
    ]  # fmt: skip
    books = [without("ALT").lab("ALT", 30, when, high=40, VISIT=visit) for when, visit, _ in table]
    assert judged_each(books, protocol, analysis, "EX04A")["RESULT"].tolist() == [row[2] for row in table]


def test_an_infusion_without_a_time_leaves_the_values_of_its_day_open(protocol, analysis) -> None:
    book = form(screened(without=("ALT",))).infused("2025-01-10").lab("ALT", 30, "2025-01-10T06:00", high=40)
    assert judged(book, protocol, analysis, "EX04A")["RESULT"] == "NE"


def test_without_an_upper_limit_on_its_record_a_value_is_not_evaluable(protocol, analysis) -> None:
    books = [
        without("ALT").lab("ALT", 30, -1, high=None),
        without("ALT").lab("ALT", 30, -1, high=0.0),
        eligible().lab("ALT", 30, -1, high=None),
    ]
    found = judged_each(books, protocol, analysis, "EX04A")
    assert found["RESULT"].tolist() == ["NE"] * 3
    assert found["FLAG"].tolist() == ["NO-LIMIT"] * 3


def test_a_censored_value_is_judged_by_its_bound(protocol, analysis) -> None:
    table = {"<5": ("PASS", ""), ">300": ("CONFLICT", ""), "<90": ("NE", "CENSORED"), ">70": ("NE", "CENSORED")}
    books = [without("ALT").lab("ALT", value, -1, high=40) for value in table]
    found = judged_each(books, protocol, analysis, "EX04A")[["RESULT", "FLAG"]]
    assert list(found.itertuples(index=False, name=None)) == list(table.values())


def test_urea_with_the_limit_of_urea_nitrogen_is_detected(protocol, analysis) -> None:
    table = [("UREA", 6, "mmol/L", 20.0), ("BUN", 15, "mg/dL", 7.1), ("BUN", 6, "mmol/L", 20.0)]
    books = [without("UREA").lab(test, value, -1, unit=unit, high=high) for test, value, unit, high in table]
    found = judged_each(books, protocol, analysis, "EX04D")
    assert found["RESULT"].tolist() == ["NE"] * 3
    assert found["FLAG"].tolist() == ["MIXED-LIMIT"] * 3


def test_text_in_place_of_a_number_is_no_result(protocol, analysis) -> None:
    book = without("ALT").lab("ALT", "haemolysed", -1, high=40)
    assert judged(book, protocol, analysis, "EX04A")["RESULT"] == "NE"


def test_clearance_is_by_cockcroft_gault_for_adults_and_schwartz_for_children(protocol, analysis) -> None:
    found = judged_each([eligible(age=age) for age in (17, 18, 40)], protocol, analysis, "EX04C")
    creatinine = 80 / 88.42
    expected = [0.413 * 170 / creatinine, 122 * 60 / (72 * creatinine), 100 * 60 / (72 * creatinine)]
    assert found["AVAL"].tolist() == pytest.approx(expected)
    assert found["UNIT"].tolist() == ["mL/min/1.73 m2", "mL/min", "mL/min"]
    assert found["LIMIT"].tolist() == [30, 30, 30]


def test_a_measured_clearance_takes_precedence_and_exactly_30_is_excluded(protocol, analysis) -> None:
    values = [(30, "mL/min"), (30.1, "mL/min"), (0.52, "mL/s")]
    books = [eligible().lab("CREATCLR", value, -6, unit=unit) for value, unit in values]
    found = judged_each(books, protocol, analysis, "EX04C")
    assert found["AVAL"].tolist() == pytest.approx([30, 30.1, 31.2])
    assert found["RESULT"].tolist() == ["CONFLICT", "PASS", "PASS"]
    assert found["EVIDENCE"].str.startswith("measured").all()


def test_a_weight_older_than_14_days_gives_no_estimate(protocol, analysis) -> None:
    books = []
    for day in (-14, -15):
        book = trial().subject("S01").lab("CREAT", 80, -2, unit="umol/L")
        books.append(
            form(book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(day))).infused(0)
        )
    found = judged_each(books, protocol, analysis, "EX04C")
    assert found["RESULT"].tolist() == ["PASS", "NE"]
    assert found["FLAG"].tolist() == ["", "SIZE-MISSING"]


def test_creatinine_needs_a_known_unit_and_its_low_bound_is_a_high_clearance(protocol, analysis) -> None:
    books = [without("CREAT").lab("CREAT", value, -2, unit=unit) for value, unit in ((80, "umol"), ("<20", "umol/L"))]
    found = judged_each(books, protocol, analysis, "EX04C")
    assert found["RESULT"].tolist() == ["NE", "PASS"]
    assert found["FLAG"].tolist() == ["UNIT", ""]


def test_schwartz_may_be_compared_de_indexed(protocol, analysis) -> None:
    # A small child: 35 per 1.73 m2 is far below 30 mL/min for the child's own body surface.
    book = without("CREAT", age=5).lab("CREAT", 0.413 * 100 / 35 * 88.42, -2, unit="umol/L")
    book.add("VS", VSTESTCD="HEIGHT", VSORRES=100, VSORRESU="cm", VSDTC=book.date(-1))
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=16, VSORRESU="kg", VSDTC=book.date(-1))
    results = {}
    for way in ("indexed", "deindexed", "both"):
        found = judged(book, protocol, analysis.model_copy(update={"schwartz_compare": way}), "EX04C")
        results[way] = (found["DATARESULT"], found["FLAG"])
    assert results == {
        "indexed": ("PASS", "FORMS-DIFFER"), "deindexed": ("FAIL", "FORMS-DIFFER"), "both": ("FAIL", ""),
    }  # fmt: skip


def test_a_screen_failure_is_judged_by_the_results_up_to_the_failure(protocol, analysis) -> None:
    book = screened(level="SCRNFAIL", without=("ALT",)).lab("ALT", 104, -5, high=40).lab("ALT", 30, 3, high=40)
    book.add("DS", DSDECOD="SCREEN FAILURE", DSSTDTC=book.date(-1))
    found = judged(form(book, EX04="Y"), protocol, analysis, "EX04A")
    assert (found["RESULT"], found["AVAL"]) == ("FAIL", 2.6)

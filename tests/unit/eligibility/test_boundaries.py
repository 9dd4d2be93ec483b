"""Boundary cases of the audit: which values and ages are listed as close to a limit, and how far they are from it."""

from __future__ import annotations

import pandas as pd

from support.eligible_subject import CUT, eligible, form, screened
from support.trial_builder import TrialBuilder, trial
from trialbook.eligibility.adie import audit
from trialbook.eligibility.boundaries import COLUMNS, boundary_cases
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CONSENT = "2025-01-03"  # of the first subject of a trial that is built


def cases(book: TrialBuilder, protocol, analysis, **keys: object) -> pd.DataFrame:
    domains, used = book.domains(), analysis.model_copy(update=keys)
    core = derive_subjects(StudyData(domains, protocol, used, CUT))
    return boundary_cases(audit(core, StudyData(domains, protocol, used, CUT)), core, domains, protocol, used)


def with_alt(*several: float) -> TrialBuilder:
    """An eligible subject for each ALT, in multiples of the upper limit of 40: S0, S1 and so on."""
    book = trial()
    for number, times in enumerate(several):
        form(screened(book, f"S{number}", without=("ALT",))).infused(0).lab("ALT", round(40 * times, 6), -2, high=40.0)
    return book


def born(*dates: str) -> TrialBuilder:
    """A subject for each birth date: S0, S1 and so on."""
    book = trial()
    for number, date in enumerate(dates):
        book.subject(f"S{number}", BRTHDTC=date).infused(0)
    return book


def each(found: pd.DataFrame, criterion: str, count: int) -> list[pd.DataFrame]:
    """The cases of a criterion of S0, S1 and so on."""
    own = found[found["CRITCD"].eq(criterion)]
    return [own[own["SUBJID"].eq(f"S{number}")] for number in range(count)]


# ALT in multiples of its upper limit -> distance from the limit of 2, in words; 10% of 2 is 0.2.
ALT = [
    (1.79, None), (1.8, "10% below the limit"), (1.9, "5% below the limit"), (2.0, "at the limit"),
    (2.05, "2.5% above the limit"), (2.2, "10% above the limit"), (2.21, None),
]  # fmt: skip


def test_a_value_within_a_tenth_of_its_limit_is_listed(protocol, analysis) -> None:
    book = with_alt(*(times for times, _ in ALT))
    for (times, near), found in zip(ALT, each(cases(book, protocol, analysis), "EX04A", len(ALT)), strict=True):
        assert found["NEAR"].tolist() == ([] if near is None else [near]), times
        assert found["DISTANCE"].round(9).tolist() == ([] if near is None else [round(times - 2, 9)]), times


def test_how_close_is_close_is_a_key(protocol, analysis) -> None:
    assert "EX04A" not in set(cases(with_alt(1.9), protocol, analysis, near_limit=0.04)["CRITCD"])
    assert "EX04A" in set(cases(with_alt(1.5), protocol, analysis, near_limit=0.25)["CRITCD"])


# birth date -> days from the day that decides: 4th birthday, 71st birthday (70 is inside as a whole).
AGES = [
    ("2021-02-03", None, None),  # turns 4 on 2025-02-03, 31 days after consent
    ("2021-02-02", -30, 4), ("2021-01-04", -1, 4), ("2021-01-03", 0, 4), ("2021-01-02", 1, 4), ("2020-12-04", 30, 4),
    ("2020-12-03", None, None),
    ("1954-02-03", None, None), ("1954-02-02", -30, 70), ("1954-01-04", -1, 70), ("1954-01-03", 0, 70),
    ("1953-12-04", 30, 70), ("1953-12-03", None, None),
]  # fmt: skip


def test_an_age_within_30_days_of_its_limit_is_listed(protocol, analysis) -> None:
    book = born(*(birth for birth, *_ in AGES))
    listed = each(cases(book, protocol, analysis), "IN02", len(AGES))
    for (birth, days, limit), found in zip(AGES, listed, strict=True):
        assert found["DISTANCE"].tolist() == ([] if days is None else [days]), birth
        assert found["LIMIT"].tolist() == ([] if limit is None else [limit]), birth


def test_under_the_strict_rule_the_70th_birthday_is_the_last_day_inside(protocol, analysis) -> None:
    """Consent on the birthday is the day before the turn; the day after it is the turn itself."""
    found = cases(born("1955-01-03", "1955-01-02"), protocol, analysis, age_rule="strict_70")
    assert [own["DISTANCE"].tolist() for own in each(found, "IN02", 2)] == [[-1.0], [0.0]]


def test_the_side_of_the_turn_agrees_with_the_audit(protocol, analysis) -> None:
    """Distance 0 or more is the far side: inside for the lowest age, outside for the highest."""
    births = ("2021-01-04", "2021-01-03", "1954-01-04", "1954-01-03")
    results = {}
    for birth, found in zip(births, each(cases(born(*births), protocol, analysis), "IN02", len(births)), strict=True):
        row = found.iloc[0]
        results[birth] = (row["DISTANCE"] >= 0, row["RESULT"])
    assert results == {
        "2021-01-04": (False, "FAIL"), "2021-01-03": (True, "PASS"), "1954-01-04": (False, "PASS"),
        "1954-01-03": (True, "FAIL"),
    }  # fmt: skip


def test_a_partial_birth_date_is_listed_by_the_closest_day_it_allows(protocol, analysis) -> None:
    found = cases(trial().subject("S01", BRTHDTC="2020-12").infused(0), protocol, analysis)
    row = found[found["CRITCD"].eq("IN02")].iloc[0]
    assert row["DISTANCE"] == 3
    assert (
        row["NEAR"] == "consent 3 days after the day that decides on 4 years at the closest; the birth date is partial"
    )


def test_a_birthday_on_29_february_is_on_1_march_of_common_years(protocol, analysis) -> None:
    book = trial().subject("S01", BRTHDTC="2020-02-29", RFICDTC="2025-02-28", start="2025-03-08").infused(0)
    keys = {"criteria": [c.model_copy(update={"parameters": {**c.parameters, "minimum_years": 5}})
                         if c.id == "IN02" else c for c in protocol.criteria]}  # fmt: skip
    found = cases(book, protocol.model_copy(update=keys), analysis)
    assert found.loc[found["CRITCD"].eq("IN02"), "DISTANCE"].tolist() == [-1]


def test_of_nobody_and_of_missing_values_nothing_is_listed(protocol, analysis) -> None:
    nobody = cases(trial(), protocol, analysis)
    assert list(nobody.columns) == COLUMNS
    assert nobody.empty
    assert cases(eligible().subject("S02", BRTHDTC=None, AGE=None).infused(0), protocol, analysis).empty
    assert cases(eligible(), protocol.model_copy(update={"criteria": []}), analysis).empty

"""Worst and best case of an endpoint: who is counted, which end is worst, who decides."""

import doctest

import pandas as pd
import pytest

from trialbook.results import bounds
from trialbook.results.ard import to_ard


def _bounds(high_is_worse):
    subjects = pd.DataFrame(
        {
            "SUBJID": ["001", "002", "003", "004"],
            "TRT01A": ["DL1", "DL1", "DL2", "DL2"],
            "LOW": [0, 1, 0, 0],
            "HIGH": [1, 1, 0, 1],
            "PENDING": [False, False, False, True],
        }
    )
    ard = to_ard(bounds.bounds_rows(subjects, ["DL1", "DL2", "DL3"], "ORR_D28", high_is_worse=high_is_worse))
    keys = ard["group1_level"] + " " + ard["context"] + " " + ard["stat_name"]
    return dict(zip(keys, ard["stat"], strict=True)), dict(zip(keys, ard["stat_text"], strict=True))


def test_the_cases_of_a_response_count_open_facts_low_first():
    stat, text = _bounds(high_is_worse=False)
    assert (stat["DL1 worst n"], stat["DL1 best n"], stat["DL1 worst N"]) == (1, 2, 2)
    assert (stat["Total worst n"], stat["Total best n"], stat["Total worst N"]) == (1, 2, 3)
    assert text["Total worst n"] == text["Total best estimate"] == "001"


def test_pending_subjects_enlarge_n_only_in_the_cases_that_say_so():
    stat, text = _bounds(high_is_worse=False)
    assert (stat["Total worst_with_pending n"], stat["Total best_with_pending n"]) == (1, 3)
    assert stat["Total best_with_pending N"] == 4
    assert text["Total best_with_pending n"] == "001, 004"


def test_the_worst_case_of_a_toxicity_is_the_high_one():
    stat, _ = _bounds(high_is_worse=True)
    assert (stat["Total worst n"], stat["Total best n"]) == (2, 1)


def test_nobody_counted_has_no_estimate():
    stat, _ = _bounds(high_is_worse=False)
    assert stat["DL3 worst n"] == stat["DL3 worst N"] == 0
    assert pd.isna(stat["DL3 worst estimate"])


def _words(*subjects):
    names = ["SUBJID", "TRT01A", "LOW", "HIGH", "PENDING"]
    frame = pd.DataFrame(list(subjects), columns=names)
    return to_ard(bounds.bounds_rows(frame, ["DL1", "DL2"], "ORR_D28", high_is_worse=False))


def test_the_sentence_names_both_cases_who_decides_and_the_pending():
    ard = _words(
        ("001", "DL1", 1, 1, False), ("003", "DL1", 0, 1, False),
        ("011", "DL2", 0, 1, False), ("012", "DL2", 0, 1, True),
    )  # fmt: skip
    assert bounds.bounds_text(ard, "ORR_D28") == "between 1 and 3 of 3, open: 003, 011; with pending 1 to 4 of 4"
    assert bounds.bounds_text(ard, "ORR_D28", "DL1") == "between 1 and 2 of 2, open: 003"
    assert bounds.not_evaluable_text(bounds.bounds_of(ard, "ORR_D28")) == "not evaluable (1 to 3 of 3)"


def test_nothing_open_is_said_in_three_words_and_nothing_reported_in_none():
    ard = _words(("001", "DL1", 1, 1, False))
    assert bounds.bounds_text(ard, "ORR_D28") == "nothing unknown"
    assert bounds.bounds_text(ard, "ORR_D28", "DL2") == ""
    assert bounds.bounds_text(ard, "OS_100") == ""


def test_a_toxicity_is_read_from_low_to_high_too():
    frame = pd.DataFrame({"SUBJID": ["1", "2"], "TRT01A": "DL1", "LOW": 0, "HIGH": [0, 1], "PENDING": False})
    ard = to_ard(bounds.bounds_rows(frame, ["DL1"], "DLT", high_is_worse=True))
    assert bounds.bounds_text(ard, "DLT") == "between 0 and 1 of 2, open: 2"


def _cases(variable, **cases):
    """An ARD of one endpoint: case to (n, N, estimate)."""
    rows = [row for case, counts in cases.items() for row in bounds.case_rows("Total", variable, case, *counts, "001")]
    return to_ard(rows)


def test_cases_are_told_by_rate_and_not_by_count():
    # 1 of 9 is more than 1 of 12, though less by count of subjects.
    low, high = (1, 12, 1 / 12), (1, 9, 1 / 9)
    ard = _cases("DLT", worst=high, best=low, worst_with_pending=high, best_with_pending=low)
    assert bounds.bounds_text(ard, "DLT") == "between 1 of 12 and 1 of 9, open: 001"


def test_survival_is_told_in_estimates_between_which_the_estimate_lies():
    low, high = (6, 9, 0.6875), (7, 9, 0.8021)
    ard = _cases("OS_100", worst=low, best=high, worst_with_pending=(6, 12, 0.5), best_with_pending=(10, 12, 10 / 12))
    found = bounds.bounds_of(ard, "OS_100")
    assert found.text == "between 0.688 and 0.802, open: 001; with pending 6 to 10 of 12"
    assert found.range == "0.688 to 0.802"


def test_nobody_counted_in_one_case_is_told_with_the_pending():
    none, all_dead = (0, 0, None), (0, 2, 0.0)
    ard = _cases("OS_100", worst=all_dead, best=none, worst_with_pending=all_dead, best_with_pending=(2, 2, 1.0))
    found = bounds.bounds_of(ard, "OS_100")
    assert bounds.not_evaluable_text(found) == "not evaluable (with pending 0 to 2 of 2)"
    assert found.text == "with pending 0 to 2 of 2, open: 001"


@pytest.mark.parametrize(
    ("n", "level", "told"),
    [
        (12, 0.95, "0 of 12: a rate above 22.1% is excluded at 95%"),
        (12, 0.975, "0 of 12: a rate above 26.5% is excluded at 97.5%"),
        (3, 0.95, "0 of 3: a rate above 63.2% is excluded at 95%"),
        (1, 0.95, "0 of 1: a rate above 95% is excluded at 95%"),
    ],
)
def test_what_was_not_seen_excludes_a_rate(n, level, told):
    # 1 - (1 - level)^(1/n): 0.22092 and 0.26465 for twelve subjects; rounded up, never down.
    assert bounds.excluded_text(0, n, level) == told
    said = float(told.split("above ")[1].split("%")[0]) / 100
    assert 0 <= said - (1 - (1 - level) ** (1 / n)) < 0.001 + 1e-12


def test_an_event_or_nobody_excludes_nothing():
    assert bounds.excluded_text(1, 12) == bounds.excluded_text(0, 0) == ""


def test_the_example_runs():
    assert doctest.testmod(bounds).failed == 0

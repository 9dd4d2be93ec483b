"""Worst and best case of an endpoint: who is counted, which end is worst, who decides."""

import doctest

import pandas as pd

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


def test_the_example_runs():
    assert doctest.testmod(bounds).failed == 0

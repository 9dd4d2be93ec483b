"""Overall grade: examples, the counts over all 250 combinations, and bounds where an organ is missing (§2.2)."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from trialbook.gvhd.grade import agvhd_grade, grade_bounds, grade_text


@pytest.mark.parametrize(
    ("stages", "grade"),
    [
        ((4, 0, 0, 0), 4), ((0, 0, 1, 0), 2), ((2, 0, 0, 0), 1), ((3, 1, 1, 1), 2), ((3, 3, 1, 3), 3),
        ((3, 0, 0, 0), 2), ((0, 0, 0, 2), 3), ((0, 0, 0, 0), 0), ((0, 4, 0, 0), 4), ((0, 0, 1, 4), 4),
    ],
)  # fmt: skip
def test_grade_of_organ_stages(stages, grade) -> None:
    assert agvhd_grade(*stages) == grade


def test_the_counts_over_all_combinations_of_stages() -> None:
    every = np.array(list(itertools.product(range(5), range(5), range(2), range(5)))).T
    assert Counter(agvhd_grade(*every).tolist()) == {0: 1, 1: 2, 2: 29, 3: 96, 4: 122}


def test_a_missing_organ_leaves_the_grade_open_unless_the_others_decide_it() -> None:
    stages = pd.DataFrame(
        [[3, np.nan, 0, 0], [4, np.nan, 0, 0], [0, 3, np.nan, 0], [2, 0, np.nan, 0]],
        columns=["SKIN", "LIVER", "UGI", "LGI"], dtype="float64",
    )  # fmt: skip
    bounds = grade_bounds(stages)
    assert bounds[["GRADELO", "GRADEHI"]].to_numpy().tolist() == [[2, 4], [4, 4], [3, 3], [1, 2]]
    assert grade_text(bounds["GRADE"]).tolist() == ["NE", "IV", "III", "NE"]


def test_grades_are_written_in_roman_numerals() -> None:
    assert grade_text(pd.Series([0.0, 1, 2, 3, 4, np.nan])).tolist() == ["0", "I", "II", "III", "IV", "NE"]

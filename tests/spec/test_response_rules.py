"""Response against baseline: the vectors of rulebook §2.6 and the counts over all 250 x 250 stage pairs."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from trialbook.gvhd.grade import agvhd_grade
from trialbook.gvhd.response_rules import respond

VECTORS = [
    # baseline, day 28, CIBMTR, CN (skin, liver, upper GI, lower GI)
    ((3, 1, 0, 2), (0, 0, 0, 0), "CR", "CR"),
    ((3, 1, 0, 2), (1, 1, 0, 2), "PR", "NR"),
    ((3, 1, 0, 2), (1, 2, 0, 1), "MR", "PD"),
    ((3, 1, 0, 2), (3, 1, 0, 2), "NR", "NR"),
    ((3, 1, 0, 2), (3, 1, 1, 2), "PD", "PD"),
    ((0, 0, 0, 3), (1, 0, 0, 1), "MR", "PD"),
    ((2, 0, 1, 0), (1, 0, 0, 0), "PR", "PR"),
    ((4, 0, 0, 0), (3, 0, 0, 0), "PR", "PR"),
    ((0, 0, 1, 1), (0, 0, 1, 0), "PR", "NR"),
    ((0, 0, 0, 0), (0, 0, 0, 0), "NE", "NE"),
    ((0, 0, 0, 0), (1, 0, 0, 0), "NE", "NE"),
]
COUNTS = {
    "CIBMTR": {"CR": 249, "PR": 9626, "MR": 42500, "PD": 9626, "NR": 249, "NE": 250},
    "CN": {"CR": 249, "PR": 2412, "PD": 52126, "NR": 7463, "NE": 250},
}
STAGES = np.array(list(itertools.product(range(5), range(5), range(2), range(5))))


def every_pair() -> tuple[np.ndarray, np.ndarray]:
    first, second = np.meshgrid(np.arange(len(STAGES)), np.arange(len(STAGES)))
    return STAGES[first.ravel()], STAGES[second.ravel()]


@pytest.mark.parametrize(("baseline", "day28", "cibmtr", "cn"), VECTORS)
def test_each_vector_of_the_rulebook(baseline, day28, cibmtr, cn) -> None:
    assert respond(baseline, day28, "CIBMTR").tolist() == [cibmtr]
    assert respond(baseline, day28, "CN").tolist() == [cn]


@pytest.mark.parametrize("rules", ["CIBMTR", "CN"])
def test_the_counts_over_all_pairs_of_stages(rules) -> None:
    baseline, day28 = every_pair()
    assert Counter(respond(baseline, day28, rules).tolist()) == COUNTS[rules]


def test_every_cn_responder_is_a_cibmtr_responder() -> None:
    baseline, day28 = every_pair()
    cn, cibmtr = respond(baseline, day28, "CN"), respond(baseline, day28, "CIBMTR")
    assert np.isin(cibmtr[np.isin(cn, ["CR", "PR"])], ["CR", "PR"]).all()


def test_a_missing_stage_gives_no_category() -> None:
    assert respond((3, 1, 0, 2), (np.nan, 0, 0, 0), "CIBMTR").tolist() == [""]


def test_an_unknown_rule_set_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown response rules"):
        respond((1, 0, 0, 0), (0, 0, 0, 0), "RECIST")


def test_the_response_is_not_the_change_of_grade() -> None:
    before, after = (4, 0, 0, 0), (3, 0, 0, 0)
    assert agvhd_grade(*before) == 4
    assert agvhd_grade(*after) == 2
    assert respond(before, after, "CIBMTR").tolist() == ["PR"]

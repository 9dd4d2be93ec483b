"""Binomial intervals and Beta posteriors agree with R for every x of n in the binomial oracle (iv)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialbook.statistics import intervals

pytestmark = pytest.mark.oracle
METHODS = {
    "clopper-pearson": (intervals.clopper_pearson, 1e-10),
    "wilson": (intervals.wilson, 1e-10),
    "jeffreys-central": (intervals.jeffreys, 1e-8),
    "mid-p": (intervals.midp, 5e-4),
    "clopper-pearson one-sided lower": (intervals.clopper_pearson_lower, 1e-10),
}


@pytest.fixture(scope="module")
def folder(oracles: Path) -> Path:
    return oracles / "iv_binomial"


@pytest.mark.parametrize("method", METHODS)
def test_interval_is_that_of_r(method: str, folder: Path) -> None:
    expected = pd.read_csv(folder / "binomial_ci.csv")
    function, tolerance = METHODS[method]
    rows = expected[expected["method"] == method]
    assert len(rows) >= 441
    for row in rows.itertuples():
        ours = function(row.x, row.n, row.conf_level)
        place = (row.x, row.n, row.conf_level)
        if method == "jeffreys-central":
            # That package reports the posterior mean, and one-sided limits at the ends, where 5.1 keeps both tails.
            if row.x in (0, row.n):
                continue
            row = row._replace(estimate=row.x / row.n)
        assert ours.estimate == pytest.approx(row.estimate, abs=1e-12), place
        assert ours.low == pytest.approx(row.lower, abs=tolerance), place
        assert ours.high == pytest.approx(row.upper, abs=tolerance), place


def test_posterior_is_that_of_r(folder: Path) -> None:
    expected = pd.read_csv(folder / "beta_binomial_posterior.csv")
    assert len(expected) == 2160
    for row in expected.itertuples():
        prior = (row.a0, row.b0)
        ours = intervals.beta_binomial(row.x, row.n, prior)
        theirs = (row.post_mean, row.q025, row.q975)
        assert (ours.estimate, ours.low, ours.high) == pytest.approx(theirs, abs=1e-10)
        greater = intervals.prob_greater(row.x, row.n, row.threshold, prior)
        assert greater == pytest.approx(row.pr_p_gt_threshold, abs=1e-10)

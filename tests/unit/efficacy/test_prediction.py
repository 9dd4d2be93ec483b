"""The probability that the response rate exceeds the rate of comparison at the planned number, against a plain sum."""

from __future__ import annotations

from math import comb

import pandas as pd
import pytest
from scipy.special import beta as beta_function

from support.default_keys import keys
from trialbook.core.described import look_of
from trialbook.efficacy.prediction import predictive_rows, predictive_table
from trialbook.protocol.models import Protocol
from trialbook.results.ard import ard_row, to_ard
from trialbook.statistics.intervals import clopper_pearson


def counted(n: int | None, total: int) -> pd.DataFrame:
    place = {"context": "clopper_pearson"}
    return to_ard(
        [ard_row("ORR_D28", "Total", "RSP28", name, value, **place) for name, value in (("n", n), ("N", total))]
    )


def found(results: pd.DataFrame, protocol: Protocol) -> dict[tuple[str, str, str], float | None]:
    rows = predictive_rows(results, protocol, keys())
    return {(row["variable_level"], row["context"], row["stat_name"]): row["stat"] for row in rows}


@pytest.mark.parametrize(("x", "n"), [(0, 0), (4, 7), (8, 11), (12, 12)])
def test_it_is_the_sum_over_all_further_responders(x: int, n: int, protocol: Protocol) -> None:
    ours, rest = found(counted(x, n), protocol), 12 - n
    enough = {
        "observed": [k > 4.8 for k in range(13)],
        "interval": [clopper_pearson(k, 12).low > 0.4 for k in range(13)],
    }
    for context, good in enough.items():
        assert ours["", context, "n"] == good.index(True)
        for rate in (0.4, 0.5, 0.6, 0.7):
            chance = sum(comb(rest, y) * rate**y * (1 - rate) ** (rest - y) for y in range(rest + 1) if good[x + y])
            assert ours[f"{rate:g}", context, "estimate"] == pytest.approx(chance), (context, rate)
        a, b = 1 + x, 1 + n - x
        prior = sum(
            comb(rest, y) * beta_function(a + y, b + rest - y) / beta_function(a, b)
            for y in range(rest + 1) if good[x + y]
        )  # fmt: skip
        assert ours["prior", context, "estimate"] == pytest.approx(prior), context


def test_the_table_names_the_assumed_rates_and_how_many_responders_it_takes(protocol: Protocol) -> None:
    rows = to_ard(list(predictive_rows(counted(4, 7), protocol, keys())))
    table = predictive_table(rows, protocol, keys())
    assert table["RATE"].tolist() == [
        "not known (prior Beta(1, 1) and the responses so far)",
        "40%",
        "50%",
        "60%",
        "70%",
    ]
    assert "with at least 5 responders, the 95% interval lies above it with 9." in look_of(table)["notes"][0]
    assert look_of(table)["labels"]["observed"] == "Observed rate above 40%"


def test_counts_that_are_not_evaluable_predict_nothing(protocol: Protocol) -> None:
    assert found(counted(None, 7), protocol) == {}
    assert "not evaluable" in look_of(predictive_table(to_ard([]), protocol, keys()))["empty"]

"""Kaplan-Meier agrees with R on every edge case, 6-MP and AML (tests/data/r_survival)."""

from __future__ import annotations

import pytest

from reference import r_results
from support.paths import TESTS

FOLDER = TESTS / "data" / "r_survival"
DATA = r_results.read(FOLDER, "data.csv")
CURVES = r_results.read(FOLDER, "km_curves.csv")
QUANTILES = r_results.read(FOLDER, "km_quantiles.csv")
FOLLOW_UP = r_results.read(FOLDER, "follow_up.csv")
SAMPLES = sorted(set(zip(CURVES["dataset"], CURVES["stratum"], strict=True)))


def of(frame, dataset: str, stratum: str):  # type: ignore[no-untyped-def]
    return frame[(frame["dataset"] == dataset) & (frame["stratum"] == stratum)]


@pytest.mark.parametrize(("dataset", "stratum"), SAMPLES)
def test_kaplan_meier_is_that_of_r(dataset: str, stratum: str) -> None:
    data = DATA[DATA["dataset"] == dataset]
    curve = r_results.curves(data, dataset, stratum)
    for transform, rows in of(CURVES, dataset, stratum).groupby("conf_type"):
        assert r_results.curve_differences(curve, rows) == [], transform
    assert r_results.quantile_differences(curve, of(QUANTILES, dataset, stratum)) == []
    follow_up = of(FOLLOW_UP, dataset, stratum).iloc[0]
    assert r_results.follow_up_differences(*r_results.sample(data, dataset, stratum), follow_up) == []


def test_every_sample_has_results_of_each_kind() -> None:
    assert len(SAMPLES) >= 24
    assert set(CURVES["conf_type"]) >= {"log-log", "log", "plain"}

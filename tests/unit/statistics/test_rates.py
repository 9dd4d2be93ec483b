"""Exact Poisson rates per time at risk (rulebook §3.6)."""

from __future__ import annotations

import math

import pytest

from trialbook.statistics.intervals import Interval, poisson_exact_rate


@pytest.mark.parametrize(
    ("events", "time", "printed"),
    [(3, 4.2, (0.714, 0.147, 2.087)), (0, 4.2, (0, 0, 0.878)), (12, 4.2, (2.857, 1.476, 4.991))],
)
def test_rates_are_those_of_the_rulebook(events: int, time: float, printed: tuple[float, ...]) -> None:
    rate = poisson_exact_rate(events, time)
    assert (rate.estimate, rate.low, rate.high) == pytest.approx(printed, abs=5e-4)


def test_without_time_at_risk_there_is_no_rate() -> None:
    assert poisson_exact_rate(0, 0) == Interval(None, None, None, "poisson_exact")


@pytest.mark.parametrize(("events", "time"), [(1, 0), (-1, 2), (1, -2), (1, math.inf), (1, math.nan)])
def test_events_without_time_are_refused(events: int, time: float) -> None:
    with pytest.raises(ValueError, match="time at risk"):
        poisson_exact_rate(events, time)

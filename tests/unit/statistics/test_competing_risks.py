"""Cumulative incidence of competing events (rulebook §5.2, oracle 4; §2.8)."""

from __future__ import annotations

import math

import pytest

from trialbook.statistics.competing_risks import aalen_johansen
from trialbook.statistics.kaplan_meier import kaplan_meier

TIMES = [5, 12, 12, 28, 40, 60, 61, 75, 100, 100, 120, 180]
CAUSES = [1, 1, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0]


def test_twelve_subjects_with_one_relapse() -> None:
    curve = aalen_johansen(TIMES, CAUSES)
    nrm = {5: 0.083333, 12: 0.166667, 40: 0.166667, 61: 0.288194, 100: 0.440104}
    assert {t: curve.at(1, t) for t in nrm} == pytest.approx(nrm, abs=5e-7)
    assert {t: curve.at(2, t) for t in (39, 40, 180)} == pytest.approx({39: 0, 40: 0.104167, 180: 0.104167}, abs=5e-7)


def test_the_events_and_being_free_of_them_sum_to_one() -> None:
    curve = aalen_johansen(TIMES, CAUSES)
    assert [free + nrm + relapse for free, nrm, relapse in zip(
        curve.event_free, curve.incidence[1], curve.incidence[2], strict=True
    )] == [1] * len(curve.times)  # fmt: skip


def test_one_minus_kaplan_meier_would_overstate_it() -> None:
    naive = 1 - float(kaplan_meier(TIMES, [int(c == 1) for c in CAUSES]).survival[-1])
    assert naive > aalen_johansen(TIMES, CAUSES).at(1, 180)


def test_a_cause_that_nobody_counts_is_refused() -> None:
    with pytest.raises(ValueError, match="cause 3"):
        aalen_johansen([1, 2], [1, 3])


def test_nobody_has_no_incidence() -> None:
    assert aalen_johansen([], []).times == ()


def test_limits_of_a_single_time_are_those_of_its_binomial_shares() -> None:
    """4 of 12 with the event at one time: variance p (1 - p) / (n - 1), limits log-log on the share."""
    curve = aalen_johansen([5] * 4 + [9] * 8, [1] * 4 + [0] * 8)
    assert curve.variance(1, 5) == pytest.approx(1 / 3 * 2 / 3 / 11)
    found = curve.interval(1, 9)
    half = 1.959963984540054 * curve.variance(1, 5) ** 0.5 / (1 / 3 * math.log(3))
    assert (found.low, found.high) == pytest.approx(((1 / 3) ** math.exp(half), (1 / 3) ** math.exp(-half)))


def test_a_share_of_none_or_all_has_no_limits() -> None:
    curve = aalen_johansen([5, 9], [1, 1])
    assert (curve.interval(2, 9).low, curve.interval(1, 9).high, curve.interval(1, 2).estimate) == (None, None, 0.0)
    assert aalen_johansen([], []).interval(1, 9).estimate is None


def test_limits_stay_within_0_and_1_and_hold_the_share() -> None:
    curve = aalen_johansen(TIMES, CAUSES)
    for cause in (1, 2):
        for time in curve.times:
            found = curve.interval(cause, time)
            if found.low is not None:
                assert 0 < found.low < found.estimate < found.high < 1


def test_a_share_is_reached_by_follow_up_or_when_each_had_an_event() -> None:
    """The last at risk relapses on day 22, another was censored on day 17: nothing is known of day 100 (A-81)."""
    assert not aalen_johansen([17, 22], [0, 2]).reaches(100)
    assert aalen_johansen([17, 22], [1, 2]).reaches(100)
    assert aalen_johansen([17, 100], [0, 0]).reaches(100)
    assert not aalen_johansen([], []).reaches(0)

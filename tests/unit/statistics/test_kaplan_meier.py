"""Kaplan-Meier reproduces the oracles of the rulebook (§5.2), and is exact where rounding would decide."""

from __future__ import annotations

from fractions import Fraction

import pytest

from trialbook.statistics.kaplan_meier import EXACT_UP_TO, kaplan_meier, limits, reverse_kaplan_meier

SIX_MP_EVENTS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
SIX_MP_CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
SIX_MP = kaplan_meier(SIX_MP_EVENTS + SIX_MP_CENSORED, [1] * 9 + [0] * 12)
TOY_TIMES = [5, 12, 12, 28, 40, 60, 61, 75, 100, 100, 120, 180]
TOY_EVENTS = [1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0]
TOY = kaplan_meier(TOY_TIMES, TOY_EVENTS)


# Freireich 1963, as printed by R (log interval), and the log-log interval; rulebook §5.2, oracle 1.
@pytest.mark.parametrize(
    ("time", "survival", "se", "log", "loglog"),
    [
        (6, 0.857, 0.0764, (0.720, 1.000), (0.6197, 0.9516)),
        (7, 0.807, 0.0869, (0.653, 0.996), (0.5631, 0.9228)),
        (10, 0.753, 0.0963, (0.586, 0.968), (0.5032, 0.8894)),
        (13, 0.690, 0.1068, (0.510, 0.935), (0.4316, 0.8491)),
        (16, 0.627, 0.1141, (0.439, 0.896), (0.3675, 0.8049)),
        (22, 0.538, 0.1282, (0.337, 0.858), (0.2678, 0.7468)),
        (23, 0.448, 0.1346, (0.249, 0.807), (0.1881, 0.6801)),
    ],
)
def test_six_mp(time: int, survival: float, se: float, log: tuple, loglog: tuple) -> None:  # type: ignore[type-arg]
    plain, k = SIX_MP.at(time, "log").survival, SIX_MP.times.index(time)
    assert plain.estimate == pytest.approx(survival, abs=5e-4)
    assert float(SIX_MP.survival[k]) * SIX_MP.greenwood[k] ** 0.5 == pytest.approx(se, abs=5e-5)
    assert (plain.low, plain.high) == pytest.approx(log, abs=5e-4)
    cloglog = SIX_MP.at(time, "log-log").survival
    assert (cloglog.low, cloglog.high) == pytest.approx(loglog, abs=5e-5)


def test_servais_2018_printed_a_log_interval() -> None:
    """6 of 33 alive at one year, 18.2% (8.82 to 37.5): R's default, not log-log (oracle 2)."""
    curve = kaplan_meier([100] * 27 + [400] * 6, [1] * 27 + [0] * 6)
    log, loglog = curve.at(365, "log").survival, curve.at(365, "log-log").survival
    assert (log.estimate, log.low, log.high) == pytest.approx((0.1818, 0.0882, 0.3749), abs=5e-5)
    assert (loglog.low, loglog.high) == pytest.approx((0.0738, 0.3279), abs=5e-5)


@pytest.mark.parametrize(
    ("day", "survival"), [(4, 1), (5, 0.916667), (12, 0.833333), (28, 0.833333), (40, 0.729167), (61, 0.607639),
                          (99, 0.607639), (100, 0.455729), (180, 0.455729)],
)  # fmt: skip
def test_twelve_subjects(day: int, survival: float) -> None:
    assert TOY.at(day).survival.estimate == pytest.approx(survival, abs=5e-7)


@pytest.mark.parametrize(("day", "low", "high"), [(61, 0.249508, 0.836300), (100, 0.125863, 0.742320)])
def test_twelve_subjects_loglog_interval(day: int, low: float, high: float) -> None:
    interval = TOY.at(day).survival
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-7)


def test_who_is_censored_on_the_day_is_still_at_risk_on_it() -> None:
    assert (TOY.at(28).n_risk, TOY.at(28).n_event) == (9, 2)
    assert (TOY.at(29).n_risk, TOY.at(100).n_event) == (8, 5)


def test_twelve_subjects_follow_up() -> None:
    reverse = reverse_kaplan_meier(TOY_TIMES, TOY_EVENTS)
    printed = {12: 0.9091, 28: 0.8081, 60: 0.6926, 75: 0.5541, 100: 0.4156, 120: 0.2078, 180: 0}
    assert {t: reverse.at(t).survival.estimate for t in printed} == pytest.approx(printed, abs=5e-5)
    assert reverse.median().estimate == 100


# Twelve subjects, k deaths by day 100, nobody censored before; oracle 5.
@pytest.mark.parametrize(
    ("k", "printed"),
    [(1, "0.917 (0.539-0.988)"), (2, "0.833 (0.482-0.956)"), (3, "0.750 (0.408-0.912)"), (4, "0.667 (0.337-0.860)"),
     (5, "0.583 (0.270-0.801)"), (6, "0.500 (0.208-0.736)"), (8, "0.333 (0.103-0.588)"), (11, "0.083 (0.005-0.311)")],
)  # fmt: skip
def test_twelve_subjects_without_censoring(k: int, printed: str) -> None:
    curve = kaplan_meier(list(range(10, 10 + k)) + [150] * (12 - k), [1] * k + [0] * (12 - k))
    s = curve.at(100).survival
    assert f"{s.estimate:.3f} ({s.low:.3f}-{s.high:.3f})" == printed
    assert curve.fully_followed_to(100)


@pytest.mark.parametrize(
    ("times", "events", "median"),
    [
        pytest.param([10, 20, 30, 40], [1, 1, 1, 1], 25, id="flat at one half: its middle"),
        pytest.param([10, 20, 30], [1, 1, 1], 20, id="a step across one half"),
        pytest.param([10, 20, 50, 60], [1, 1, 0, 0], 40, id="flat at one half to the end: to the last time"),
        pytest.param([10, 20, 30, 40], [1, 0, 0, 0], None, id="never down to one half"),
        pytest.param([10, 10, 10], [0, 0, 0], None, id="nobody died"),
        pytest.param([10, 10, 10], [1, 1, 1], 10, id="all on one day"),
        pytest.param([0, 0], [1, 1], 0, id="all on day 0"),
        pytest.param([], [], None, id="nobody"),
    ],
)
def test_median(times: list[float], events: list[int], median: float | None) -> None:
    assert kaplan_meier(times, events).median().estimate == median


def test_one_half_is_met_exactly_where_floating_point_misses_it() -> None:
    """8/9 x 7/8 x 6/7 x 3/4 is 1/2, in floating point 0.4999999999999999: the median would be 60 instead of 75."""
    curve = kaplan_meier([10, 20, 30, 40, 50, 60, 70, 80, 90], [1, 1, 1, 0, 0, 1, 0, 0, 0])
    assert 1.0 * (8 / 9) * (7 / 8) * (6 / 7) * (3 / 4) != 0.5
    assert curve.survival[5] == Fraction(1, 2)
    assert curve.median().estimate == 75


def test_at_s_of_1_and_0_there_is_no_loglog_interval() -> None:
    assert limits(1.0, 0.0, "log-log") == (None, None)
    assert limits(0.0, float("inf"), "log-log") == (None, None)
    assert limits(1.0, 0.0, "log") == (1.0, 1.0)


def test_times_that_differ_by_rounding_are_one_time() -> None:
    curve = kaplan_meier([0.1 + 0.2, 0.3, 5], [1, 1, 0])
    assert (len(curve.times), curve.n_event) == (2, (2, 0))


def test_survival_is_reported_only_as_far_as_somebody_was_followed() -> None:
    assert not TOY.reaches(181)
    assert TOY.reaches(180)
    assert kaplan_meier([3, 4], [1, 1]).reaches(1000)
    assert not kaplan_meier([], []).reaches(0)


@pytest.mark.parametrize(("times", "events"), [([-1], [1]), ([float("nan")], [0]), ([1], [2]), ([1, 2], [1])])
def test_what_is_no_survival_time_is_refused(times: list[float], events: list[int]) -> None:
    with pytest.raises(ValueError, match=r"time|event|cause"):
        kaplan_meier(times, events)


def test_large_samples_agree_with_the_exact_curve_of_their_copies() -> None:
    """Every subject replicated leaves S as it is; beyond the exact size the curve is in floating point."""
    times = [i * 97 % 301 for i in range(60)]
    events = [i * 7 % 3 % 2 for i in range(60)]
    small, copies = kaplan_meier(times, events), EXACT_UP_TO // 60 + 1
    large = kaplan_meier(times * copies, events * copies)
    assert not isinstance(large.survival[-1], Fraction)
    assert [float(s) for s in small.survival] == pytest.approx([float(s) for s in large.survival], abs=1e-12)
    assert large.median().estimate == small.median().estimate


def test_twelve_thousand_subjects_have_a_median() -> None:
    curve = kaplan_meier([i / 7 for i in range(12_000)], [i % 2 for i in range(12_000)])
    assert curve.n == 12_000
    assert 1100 < (curve.median().estimate or 0) < 1400

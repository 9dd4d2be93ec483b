"""Kaplan-Meier on random samples: equal to the slow exact engine, and true to what any survival curve must be."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from reference import survival as reference
from trialbook.statistics.competing_risks import aalen_johansen
from trialbook.statistics.kaplan_meier import kaplan_meier

SAMPLES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=12)
LIGHT = settings(max_examples=50, deadline=None)


def curve_of(sample: list[tuple[int, int]]):  # type: ignore[no-untyped-def]
    """`sample`: (time, CNSR) per subject."""
    return kaplan_meier([t for t, _ in sample], [1 - c for _, c in sample])


@LIGHT
@given(SAMPLES)
def test_the_curve_is_that_of_the_slow_exact_engine(sample: list[tuple[int, int]]) -> None:
    curve = curve_of(sample)
    assert list(curve.survival) == [reference.survival(sample, int(t)) for t in curve.times]
    assert curve.median().estimate == reference.median(sample)


@LIGHT
@given(SAMPLES)
def test_the_curve_starts_at_one_and_never_rises(sample: list[tuple[int, int]]) -> None:
    steps = [Fraction(1), *curve_of(sample).survival]
    assert all(0 <= later <= earlier for earlier, later in pairwise(steps))


@LIGHT
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_without_censoring_it_is_the_share_still_alive(times: list[int]) -> None:
    curve = kaplan_meier(times, [1] * len(times))
    assert list(curve.survival) == [Fraction(sum(t > when for t in times), len(times)) for when in curve.times]


@LIGHT
@given(SAMPLES, st.data())
def test_moving_a_censoring_between_two_deaths_changes_nothing(
    sample: list[tuple[int, int]], data: st.DataObject
) -> None:
    sample = [(2 * t, c) for t, c in sample] + [(11, 1)]
    deaths = sorted({t for t, c in sample if c == 0})
    low = max([t for t in deaths if t <= 11], default=0)
    high = min([t for t in deaths if t > 11], default=50)
    moved = [*sample[:-1], (data.draw(st.integers(low, high - 1)), 1)]
    assert [curve_of(moved).at(t).survival.estimate for t in deaths] == [
        curve_of(sample).at(t).survival.estimate for t in deaths
    ]


@LIGHT
@given(SAMPLES, st.integers(2, 9))
def test_stretching_time_stretches_the_median(sample: list[tuple[int, int]], factor: int) -> None:
    median, stretched = curve_of(sample).median(), curve_of([(factor * t, c) for t, c in sample]).median()
    assert stretched.estimate == (None if median.estimate is None else factor * median.estimate)


@LIGHT
@given(SAMPLES, st.integers(2, 4))
def test_copies_of_every_subject_leave_the_curve_and_narrow_the_interval(
    sample: list[tuple[int, int]], copies: int
) -> None:
    one, many = curve_of(sample), curve_of(sample * copies)
    assert one.survival == many.survival
    for (low, high), (nearer_low, nearer_high) in zip(one.band(), many.band(), strict=True):
        assert (low is None) == (nearer_low is None)
        if low is not None:
            assert low <= nearer_low
            assert nearer_high <= high


@LIGHT
@given(SAMPLES, st.randoms())
def test_the_order_of_subjects_does_not_matter(sample: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(sample, len(sample))
    assert curve_of(shuffled) == curve_of(sample)


@LIGHT
@given(SAMPLES)
def test_at_risk_events_and_censored_account_for_everybody(sample: list[tuple[int, int]]) -> None:
    curve = curve_of(sample)
    gone = 0
    for risk, event, censor in zip(curve.n_risk, curve.n_event, curve.n_censor, strict=True):
        assert risk + gone == len(sample)
        gone += event + censor
    assert gone == len(sample)


@LIGHT
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2)), min_size=1, max_size=12))
def test_competing_events_and_freedom_from_them_sum_to_one(sample: list[tuple[int, int]]) -> None:
    curve = aalen_johansen([t for t, _ in sample], [c for _, c in sample])
    rows = zip(curve.event_free, curve.incidence[1], curve.incidence[2], strict=True)
    assert [sum(row) for row in rows] == [1] * len(curve.times)
    any_event = kaplan_meier([t for t, _ in sample], [int(c > 0) for _, c in sample])
    assert curve.event_free == any_event.survival

"""Cumulative incidence of competing events (domain document §5.2, oracle 4; §2.8)."""

from __future__ import annotations

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

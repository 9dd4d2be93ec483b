"""Where a trial is with a stopping rule: against all endings of the open subjects."""

from __future__ import annotations

import itertools

import pytest

from trialbook.statistics.stopping_rules import Pocock, StoppingRule, calibrated_rule
from trialbook.statistics.stopping_rules_survival import PocockSurvival, calibrated_survival_rule
from trialbook.statistics.stopping_states import first_stop, monitoring_states, survival_monitoring_states

RULE = calibrated_rule(Pocock(), 12, 0.20, 0.10)
THREE_LOOKS = calibrated_rule(Pocock(), 12, 0.20, 0.10, looks=[4, 8, 12])
SURVIVAL = calibrated_survival_rule(PocockSurvival(), 12, 100, 0.30, 0.10)


@pytest.mark.parametrize("rule", [RULE, THREE_LOOKS], ids=["every subject", "three looks"])
def test_worst_and_best_are_those_of_all_endings_of_open_subjects(rule: StoppingRule) -> None:
    """Of all orders and outcomes of the open subjects: some stop in the worst case only, all stop in the best."""
    for n in range(9):
        for events in range(n + 1):
            if n and events >= rule.stop_at(n):
                continue
            stops = []
            for outcomes in itertools.product((0, 1), repeat=3):
                seen = [events + total for total in itertools.accumulate(outcomes)]
                stops.append(any(x >= rule.stop_at(n + k) for k, x in enumerate(seen, 1)))
            now, worst, best = monitoring_states(rule, events, n, 3)
            assert now.verdict != "stop"
            assert (worst.verdict == "stop") == any(stops), (n, events)
            assert (best.verdict == "stop") == all(stops), (n, events)
            assert best.events == events
            assert best.n == n + 3 or best.verdict == "stop"
            if rule is RULE and rule.can_stop(n + 1):
                assert (now.verdict == "next event stops") == (events + 1 >= rule.stop_at(n + 1)), (n, events)


def test_a_boundary_once_reached_is_not_undone() -> None:
    """3 of 3 stops; it would not be 3 of 8."""
    assert [tuple(state) for state in monitoring_states(RULE, 3, 3, 5)] == [
        ("now", 3, 3, 3, "stop"), ("worst", 8, 8, 5, "stop"), ("best", 3, 3, 3, "stop"),
    ]  # fmt: skip
    assert RULE.stop_at(8) > 3
    assert first_stop(RULE, [True] * 3 + [False] * 5) == 2
    assert first_stop(RULE, [False] * 5 + [True] * 3) is None


def test_a_worst_case_that_stops_at_an_earlier_look_alone_names_its_counts() -> None:
    found = {
        (n, events): worst
        for n in range(12)
        for events in range(n + 1)
        for worst in [monitoring_states(THREE_LOOKS, events, n, min(2, 12 - n))[1]]
    }
    assert found[3, 2].verdict == "stop"
    assert (found[3, 2].events, found[3, 2].n, found[3, 2].boundary) == (3, 4, 3)
    assert found[1, 1].boundary is None


def test_before_the_first_subject_and_without_open_ones() -> None:
    now, worst, best = monitoring_states(RULE, 0, 0, 0)
    assert {now.boundary, worst.boundary, best.boundary} == {None}
    assert {now.verdict, worst.verdict, best.verdict} == {"continue"}
    last = monitoring_states(RULE, 5, 12, 0)
    assert {state.verdict for state in last} == {"continue"}


@pytest.mark.parametrize(("events", "n", "open_subjects"), [(3, 2, 0), (-1, 2, 0), (0, 2, -1), (0, 10, 3)])
def test_counts_that_do_not_fit_are_refused(events: int, n: int, open_subjects: int) -> None:
    with pytest.raises(ValueError):
        monitoring_states(RULE, events, n, open_subjects)


def test_states_of_a_rule_for_the_time_to_an_event() -> None:
    first, second = SURVIVAL.limits[:2]
    now, worst, best = survival_monitoring_states(SURVIVAL, [first + 1], second - 5, [30, 40])
    assert (now.verdict, now.events, now.limit) == ("next event stops", 1, first)
    assert now.left == pytest.approx(5)
    assert (worst.verdict, worst.events, worst.follow_up) == ("stop", 3, second - 5)
    assert (best.verdict, best.follow_up, best.left) == ("continue", second + 65, None)
    # At the limit it stops; a limit that was kept to once stays reached.
    assert survival_monitoring_states(SURVIVAL, [first], 900, [])[0].verdict == "stop"
    assert survival_monitoring_states(SURVIVAL, [first - 1, 800], 900, [])[2].verdict == "stop"
    assert survival_monitoring_states(SURVIVAL, [first + 1e-9], 900, [])[0].verdict == "continue"
    assert survival_monitoring_states(SURVIVAL, [], 0, [])[0].verdict == "next event stops"
    for refused in (([5, 4], 9, []), ([5], 4, []), ([-1], 4, []), ([], 4, [-1])):
        with pytest.raises(ValueError):
            survival_monitoring_states(SURVIVAL, *refused)

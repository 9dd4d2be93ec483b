"""What holds for every escalation rule on every way through a trial: what is excluded stays closed, caps are kept."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialbook.dlt.designs.design import Action, History, Outcome, Pending
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.operating_characteristics.states import State, ask
from trialbook.protocol.analysis import Analysis

TODAY = pd.Timestamp("2025-06-30")
IDS = ("DL1", "DL2", "DL3")
TARGETS = (0.20, 0.25, 0.30, 0.33)


def never_above(action: Action, excluded: int) -> None:
    """The level advised, declared or confirmed lies below every level that is or was excluded."""
    if action.level is not None:
        assert 0 <= action.level < min(action.excluded_from, excluded, len(IDS))


@pytest.mark.parametrize("name", RULE_NAMES)
def test_no_rule_advises_a_level_above_one_it_has_excluded_on_any_path_of_12(name: str) -> None:
    """Every path of outcomes, one subject after another; `last` keeps what the CRM reads."""
    rule = make_rule(name, Analysis(), 3)
    start = State((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), -1)
    met, todo = {(start, 3)}, [(start, 3)]
    ends = 0
    while todo:
        state, excluded = todo.pop()
        action = ask(rule, IDS, state)
        never_above(action, excluded)
        assert sum(state.evaluable) <= 12
        if action.outcome != "ONGOING" or action.level is None:
            ends += 1
            continue
        level = action.level
        for dlt in (False, True):
            kept = rule.reads.last_cohort
            last = (*(state.last if level == state.current else ()), dlt)[-kept:] if kept else ()
            n = tuple(count + (k == level) for k, count in enumerate(state.evaluable))
            x = tuple(count + (k == level and dlt) for k, count in enumerate(state.dlts))
            following = (State(n, x, (0, 0, 0), (0, 0, 0), level, last), min(excluded, action.excluded_from))
            if following not in met:
                met.add(following)
                todo.append(following)
    assert ends > 10


@pytest.mark.parametrize("name", RULE_NAMES)
@settings(max_examples=25)
@given(data=st.data())
def test_nor_on_random_courses_with_pending_and_replaced_subjects(name: str, data: st.DataObject) -> None:
    """Subjects are treated where the rule says; windows close in any order, with or without a DLT, or early."""
    target = data.draw(st.sampled_from(TARGETS))
    rule = make_rule(name, Analysis(dlt_target=target), 3)
    outcomes: list[Outcome] = []
    pending: list[Pending] = []
    replaced: list[int] = []
    current: int | None = None
    excluded = len(IDS)
    for _ in range(40):
        history = History(IDS, tuple(outcomes), tuple(replaced), current)
        action = rule.next_action(history, tuple(pending), TODAY)
        never_above(action, excluded)
        excluded = min(excluded, action.excluded_from)
        assert len(outcomes) + len(pending) + len(replaced) <= 12
        if action.outcome != "ONGOING":
            break
        enrols = action.move != "WAIT" and action.level is not None
        if enrols and (not pending or data.draw(st.booleans())):
            assert action.level is not None
            current = action.level
            pending.append(Pending(current, data.draw(st.sampled_from([0.0, 0.25, 0.5, 0.9]))))
            continue
        assert pending, "the rule waits although nobody is pending"
        subject = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
        end = data.draw(st.sampled_from(["N", "N", "T", "X"]))
        if end == "X":
            replaced.append(subject.level)
        else:
            outcomes.append(Outcome(subject.level, end == "T"))


@pytest.mark.parametrize("name", RULE_NAMES)
@settings(max_examples=25)
@given(counts=st.lists(st.tuples(st.integers(0, 2), st.sampled_from("NTPX")), max_size=14))
def test_nor_on_histories_that_no_rule_would_have_led_to(name: str, counts: list[tuple[int, str]]) -> None:
    outcomes = tuple(Outcome(level, mark == "T") for level, mark in counts if mark in "NT")
    pending = tuple(Pending(level, 0.5) for level, mark in counts if mark == "P")
    replaced = tuple(level for level, mark in counts if mark == "X")
    history = History(IDS, outcomes, replaced, counts[-1][0] if counts else None)
    never_above(make_rule(name, Analysis(), 3).next_action(history, pending, TODAY), len(IDS))


@pytest.mark.parametrize("name", [n for n in RULE_NAMES if n not in ("3+3", "Rolling6", "CRM", "TITE-CRM")])
def test_a_level_stays_excluded_when_a_pending_subject_leaves(name: str) -> None:
    """Two DLTs and one pending exclude a level at a target of 0.20; so they do when the third is replaced.

    2 of 3 is too toxic: nobody in the place that is open again could change it. The CRM excludes no level of its own.
    """
    rule = make_rule(name, Analysis(dlt_target=0.20), 3)
    seen = (*[Outcome(0, False)] * 3, Outcome(1, True), Outcome(1, True))
    waiting = rule.next_action(History(IDS, seen, (), 1), (Pending(1, 0.5),), TODAY)
    left = rule.next_action(History(IDS, seen, (1,), 1), (), TODAY)
    assert left.excluded_from <= waiting.excluded_from
    assert (left.level, waiting.level) == (0, 0)

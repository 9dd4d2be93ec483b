"""What holds for every escalation rule on every way through a trial: what is excluded stays closed, caps are kept."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from support.default_keys import keys
from trialbook.dlt.designs.cohorts import CohortRule
from trialbook.dlt.designs.design import Action, Cap, History, Outcome, Pending
from trialbook.dlt.designs.registry import RULE_NAMES, make_rule
from trialbook.escalation_simulation.states import State, ask

TODAY = pd.Timestamp("2025-06-30")
IDS = ("DL1", "DL2", "DL3")
TARGETS = (0.20, 0.25, 0.30, 0.33)
COHORT_RULES = [name for name in RULE_NAMES if name not in ("3+3", "Rolling6")]
COUNTING = [name for name in COHORT_RULES if "CRM" not in name]


def never_above(action: Action, excluded: int) -> None:
    """The level advised, declared or confirmed lies below every level that is or was excluded."""
    if action.level is not None:
        assert 0 <= action.level < min(action.excluded_from, excluded, len(IDS))


@pytest.mark.parametrize("name", RULE_NAMES)
def test_no_rule_advises_a_level_above_one_it_has_excluded_on_any_path_of_12(name: str) -> None:
    """Every path of outcomes, one subject after another; `last` keeps what the CRM reads."""
    rule = make_rule(name, keys(), 3)
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
    rule = make_rule(name, keys(dlt_target=target), 3)
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
    never_above(make_rule(name, keys(), 3).next_action(history, pending, TODAY), len(IDS))


@pytest.mark.parametrize("name", COUNTING)
def test_a_level_stays_excluded_when_a_pending_subject_leaves(name: str) -> None:
    """Two DLTs and one pending exclude a level at a target of 0.20; so they do when the third is replaced.

    2 of 3 is too toxic: nobody in the place that is open again could change it. The CRM excludes no level of its own.
    """
    rule = make_rule(name, keys(dlt_target=0.20), 3)
    seen = (*[Outcome(0, False)] * 3, Outcome(1, True), Outcome(1, True))
    waiting = rule.next_action(History(IDS, seen, (), 1), (Pending(1, 0.5),), TODAY)
    left = rule.next_action(History(IDS, seen, (1,), 1), (), TODAY)
    assert left.excluded_from <= waiting.excluded_from
    assert (left.level, waiting.level) == (0, 0)


SUBJECTS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("NNTTPX")), min_size=1, max_size=11)


@pytest.mark.parametrize("name", COUNTING)
@settings(max_examples=60)
@given(marks=SUBJECTS, target=st.sampled_from(TARGETS), cohort=st.integers(3, 4), cap=st.sampled_from([12, 30]))
def test_a_level_is_left_with_an_open_place_when_and_only_when_it_is_too_toxic_whatever_comes(
    name: str, marks: list[tuple[int, str]], target: float, cohort: int, cap: int
) -> None:
    """The best that the rest of the cohort at the current level can bring, by another tail function than the rule's."""
    rule = make_rule(name, keys(dlt_target=target, cohort_size=cohort, n_cap=cap), 3)
    here = marks[-1][0]
    # Nobody at other levels has a DLT: what is said of the current level is said by it alone.
    marks = [(level, mark if level == here or mark != "T" else "N") for level, mark in marks]
    outcomes = tuple(Outcome(level, mark == "T") for level, mark in marks if mark in "NT")
    pending = tuple(Pending(level, 0.5) for level, mark in marks if mark == "P")
    replaced = tuple(level for level, mark in marks if mark == "X")
    history = History(IDS, outcomes, replaced, here)
    places = cap - len(marks)
    filled = sum(level == here and mark != "X" for level, mark in marks)
    rest = -filled % cohort if filled else cohort
    action = rule.next_action(history, pending, TODAY)
    if not rest or not places:
        return
    complete = filled + min(rest, places)
    dlts = history.dlts(here)
    hopeless = filled > 0 and complete >= 3 and beta.sf(target, 1 + dlts, 1 + complete - dlts) > 0.95
    stays = action.outcome == "ONGOING" and (action.move, action.level) == ("ENROL", here)
    assert stays != hopeless


@pytest.mark.parametrize("name", COHORT_RULES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_order_of_outcomes_within_a_cohort_changes_no_decision(name: str, data: st.DataObject) -> None:
    """Whole cohorts where the rule says, then the same with the outcomes of each cohort in another order."""
    rule = make_rule(name, keys(dlt_target=data.draw(st.sampled_from(TARGETS)), n_cap=30), 3)
    cohorts: list[tuple[int, list[bool]]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        past = tuple(Outcome(level, dlt) for level, dlts in cohorts for dlt in dlts)
        action = rule.next_action(History(IDS, past, (), cohorts[-1][0] if cohorts else None), (), TODAY)
        if action.outcome != "ONGOING" or action.level is None:
            break
        cohorts.append(
            (action.level, data.draw(st.lists(st.sampled_from([False, False, True]), min_size=3, max_size=3)))
        )
    shuffled = [(level, data.draw(st.permutations(dlts))) for level, dlts in cohorts]
    last = cohorts[-1][0]
    found = [
        rule.next_action(
            History(IDS, tuple(Outcome(level, dlt) for level, dlts in some for dlt in dlts), (), last), (), TODAY
        )
        for some in (cohorts, shuffled)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("name", COHORT_RULES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_dose_is_changed_on_complete_cohorts_only_unless_a_level_is_excluded(name: str, data: st.DataObject) -> None:
    """Random courses with pending and replaced subjects under any cohort size: each move, and what it rests on."""
    size = data.draw(st.integers(1, 4))
    rule = make_rule(name, keys(cohort_size=size, n_cap=14), 3)
    assert isinstance(rule, CohortRule)
    assert rule.cap == Cap(14)
    outcomes: list[Outcome] = []
    pending: list[Pending] = []
    replaced: list[int] = []
    current: int | None = None
    for _ in range(40):
        history = History(IDS, tuple(outcomes), tuple(replaced), current)
        action = rule.next_action(history, tuple(pending), TODAY)
        if action.outcome != "ONGOING" or action.level is None:
            break
        moves = action.move != "WAIT" and current is not None and action.level != current
        if moves and current is not None and current < action.excluded_from:
            counted = history.n(current) + sum(p.level == current for p in pending)
            assert counted > 0
            assert counted % size == 0
        if action.move != "WAIT" and (not pending or data.draw(st.booleans())):
            current = action.level
            pending.append(Pending(current, data.draw(st.sampled_from([0.0, 0.5, 0.9]))))
            continue
        subject = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
        end = data.draw(st.sampled_from(["N", "N", "T", "X"]))
        if end == "X":
            replaced.append(subject.level)
        else:
            outcomes.append(Outcome(subject.level, end == "T"))

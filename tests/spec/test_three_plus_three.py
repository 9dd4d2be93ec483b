"""The 3+3 rule, by the tables of the rulebook §4.4 and §4.4.1."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from reference.three_plus_three import Counts, advised, reachable
from support.dose_paths import history
from trialbook.dlt.designs.design import Action, Cap, History, Outcome, Pending
from trialbook.dlt.designs.three_plus_three import ThreePlusThree
from trialbook.escalation_simulation.states import State, ask

TODAY = pd.Timestamp("2025-06-30")
DUE = pd.Timestamp("2025-07-10")


def advice(path: str, levels: int = 3, rule: ThreePlusThree | None = None) -> str:
    past = history(path, levels)
    return (rule or ThreePlusThree()).next_action(past, (), TODAY).code(past.ids)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "ONGOING(START DL1)"),
        ("1N", "ONGOING(ENROL DL1)"),
        ("1NT", "ONGOING(ENROL DL1)"),
        ("1TT", "NO_DOSE"),
        ("1NNN", "ONGOING(ESCALATE DL2)"),
        ("1NNT", "ONGOING(EXPAND DL1)"),
        ("1NTT", "NO_DOSE"),
        ("1NNT 1N", "ONGOING(EXPAND DL1)"),
        ("1NNT 1T", "NO_DOSE"),
        ("1NNT 1NNN", "ONGOING(ESCALATE DL2)"),
        ("1NNN 2NN", "ONGOING(ENROL DL2)"),
        ("1NNN 2NNT", "ONGOING(EXPAND DL2)"),
        ("1NNN 2TT", "ONGOING(DE_ESCALATE DL1)"),
        ("1NNN 2NTT", "ONGOING(DE_ESCALATE DL1)"),
        ("1NNN 2NTT 1N", "ONGOING(EXPAND DL1)"),
        ("1NNN 2NTT 1NNT", "MTD_DECLARED(DL1)"),
        ("1NNN 2NTT 1NTT", "NO_DOSE"),
        ("1NNT 1NNN 2NTT", "MTD_DECLARED(DL1)"),
        ("1NNN 2NNT 2NNN", "ONGOING(ESCALATE DL3)"),
        ("1NNN 2NNN 3NNN", "ONGOING(EXPAND DL3)"),
        ("1NNN 2NNN 3NNN 3NNT", "MTD_DECLARED(DL3)"),
        ("1NNN 2NNN 3NNN 3NTT", "ONGOING(DE_ESCALATE DL2)"),
    ],
)
def test_the_default_rule_by_state(path: str, expected: str) -> None:
    assert advice(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("1NNN", "ONGOING(ESCALATE DL2)"),
        ("1NNT", "ONGOING(EXPAND DL1)"),
        ("1NTT", "NO_DOSE"),
        ("1NNN 2NNT 2NNN", "ONGOING(ESCALATE DL3)"),
        ("1NNN 2NNT 2NNT", "MTD_DECLARED(DL1)"),
        ("1NNN 2NTT", "MTD_DECLARED(DL1)"),
    ],
)
def test_the_strings_of_the_rulebook_without_deescalation(path: str, expected: str) -> None:
    assert advice(path, rule=ThreePlusThree(allow_deescalate=False)) == expected


def test_a_top_level_that_is_not_expanded_is_the_highest_tested_not_the_mtd() -> None:
    rule = ThreePlusThree(expand_top=False)
    assert advice("1NNN 2NNN 3NNN", rule=rule) == "MAX_TESTED_NOT_EXCEEDED(DL3)"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("1NNN 2NNN 3NNN 3NNN", "MTD_DECLARED(DL3)"),
        ("1NNN 2NNT 2NNN 3NNN", "CAP_REACHED(DL2)"),
        ("1NNN 2NNT 2NNN 3NNT", "CAP_REACHED(DL2)"),
        ("1NNN 2NNT 2NNN 3NTT", "MTD_DECLARED(DL2)"),
        ("1NNT 1NNN 2NNT 2NNN", "CAP_REACHED(DL2)"),
        ("1NNN 2NNN 3NNT 3NNT", "CAP_REACHED(none)"),
        ("1NNN 2NNN 3NNT 3NN", "ONGOING(EXPAND DL3)"),
    ],
)
def test_the_cap_of_12(path: str, expected: str) -> None:
    assert advice(path, rule=ThreePlusThree(Cap(12))) == expected


def test_a_replaced_subject_uses_a_place_unless_only_evaluable_ones_count() -> None:
    past = history("1NNN 2NNN 3NNN 3NN", 3)
    past = History(past.ids, past.outcomes, (2,), 2)
    assert ThreePlusThree(Cap(12)).next_action(past, (), TODAY).code(past.ids) == "CAP_REACHED(none)"
    by_evaluable = ThreePlusThree(Cap(12, "evaluable")).next_action(past, (), TODAY)
    assert by_evaluable.code(past.ids) == "ONGOING(EXPAND DL3)"


@pytest.mark.parametrize(
    ("path", "pending", "expected", "decides"),
    [
        ("1NN", [0], "ONGOING(WAIT DL1)", True),
        ("1N", [0], "ONGOING(ENROL DL1)", False),
        ("1NNT", [0], "ONGOING(EXPAND DL1)", False),
        ("1NNT", [0, 0, 0], "ONGOING(WAIT DL1)", True),
        ("1NNN 2TT", [1], "ONGOING(DE_ESCALATE DL1)", False),
        ("1NNN 2NNN", [1], "ONGOING(WAIT DL2)", True),
        ("1NN 2NNN", [0], "ONGOING(WAIT DL2)", True),
        ("1NNN", [1], "ONGOING(ENROL DL2)", False),
    ],
)
def test_3_plus_3_waits_for_pending_subjects(path: str, pending: list[int], expected: str, decides: bool) -> None:
    past = history(path, 3)
    waiting = tuple(Pending(level, 0.5, DUE) for level in pending)
    past = History(past.ids, past.outcomes, (), max(past.current or 0, *pending))
    action = ThreePlusThree().next_action(past, waiting, TODAY)
    assert action.code(past.ids) == expected
    assert action.decision_date == (DUE if decides else None)


def test_waiting_for_data_alone_has_no_date() -> None:
    past = history("1NN", 3)
    action = ThreePlusThree().next_action(past, (Pending(0, 0.5),), TODAY)
    assert (action.move, action.decision_date) == ("WAIT", None)


def asked(counts: Counts, cap: int = 12) -> Action:
    """What the rule says of a state of the second writing."""
    levels = len(counts.dlts)
    ids = tuple(f"DL{k + 1}" for k in range(levels))
    state = State(counts.evaluable, counts.dlts, counts.pending, (0,) * levels, counts.current)
    return ask(ThreePlusThree(Cap(cap)), ids, state)


def as_code(action: Action, levels: int = 3) -> str:
    """The code as the second writing says it."""
    code = action.code(tuple(f"DL{k + 1}" for k in range(levels)))
    return code.removeprefix("ONGOING(").removesuffix(")") if action.outcome == "ONGOING" else code


def test_a_second_writing_of_the_rule_agrees_on_every_state_of_12_subjects() -> None:
    """Subjects come one by one and windows close in any order: 590 states, 226 of them with nobody pending."""
    states = list(reachable(3, 12))
    assert (len(states), sum(not any(counts.pending) for counts in states)) == (590, 226)
    for counts in states:
        assert as_code(asked(counts)) == advised(counts, 12), counts


@pytest.mark.parametrize(("levels", "cap"), [(2, 12), (4, 18)])
def test_it_agrees_on_other_numbers_of_levels_and_subjects(levels: int, cap: int) -> None:
    for counts in reachable(levels, cap):
        assert as_code(asked(counts, cap), levels) == advised(counts, cap), counts


def test_with_pending_subjects_the_advice_lies_between_worst_and_best_case() -> None:
    """What is excluded now is excluded in the worst case too, and nobody is treated above the best case's level."""
    for counts in reachable(3, 12):
        now, worst, best = asked(counts), asked(counts.settled(dlt=True)), asked(counts.settled(dlt=False))
        assert worst.excluded_from <= now.excluded_from <= best.excluded_from, counts
        if now.outcome == "ONGOING" and now.move != "WAIT":
            assert _height(worst) <= _height(now) <= _height(best), counts
        if now.outcome != "ONGOING":
            assert as_code(now) == as_code(worst) == as_code(best), counts


def _height(action: Action) -> int:
    """The level of the next subject, or the one that is declared or confirmed; -1 = none."""
    return -1 if action.level is None else action.level


def test_no_state_advises_an_excluded_level() -> None:
    for counts in reachable(4, 18):
        action = asked(counts, 18)
        if action.level is not None:
            assert action.level < action.excluded_from
            assert all(counts.dlts[k] < 2 for k in range(action.level + 1))


@pytest.mark.parametrize(
    ("rates", "cap", "expected"),
    [
        (
            (0.05, 0.10, 0.20), 12,
            {"MTD_DECLARED(DL3)": 0.410, "MTD_DECLARED(DL2)": 0.079, "MTD_DECLARED(DL1)": 0.091, "NO_DOSE": 0.027,
             "CAP_REACHED(DL2)": 0.157, "CAP_REACHED(DL1)": 0.085, "CAP_REACHED(none)": 0.152},
        ),
        (
            (0.05, 0.10, 0.20), 18,
            {"MTD_DECLARED(DL3)": 0.578, "MTD_DECLARED(DL2)": 0.297, "MTD_DECLARED(DL1)": 0.098, "NO_DOSE": 0.027},
        ),
        (
            (0.10, 0.20, 0.35), 12,
            {"MTD_DECLARED(DL3)": 0.119, "MTD_DECLARED(DL2)": 0.135, "MTD_DECLARED(DL1)": 0.258, "NO_DOSE": 0.100,
             "CAP_REACHED(DL2)": 0.138, "CAP_REACHED(DL1)": 0.091, "CAP_REACHED(none)": 0.160},
        ),
        (
            (0.10, 0.20, 0.35), 18,
            {"MTD_DECLARED(DL3)": 0.205, "MTD_DECLARED(DL2)": 0.404, "MTD_DECLARED(DL1)": 0.290, "NO_DOSE": 0.101},
        ),
        ((0.01, 0.02, 0.05), 12, {"MTD_DECLARED(DL3)": 0.883}),
        ((0.25, 0.40, 0.55), 12, {"NO_DOSE": 0.446, "MTD_DECLARED(DL1)": 0.369}),
    ],
)  # fmt: skip
def test_the_exact_probabilities_of_the_rulebook(
    rates: tuple[float, ...], cap: int, expected: dict[str, float]
) -> None:
    """Cohorts of three are enrolled whole, as the printed probabilities assume."""
    found: dict[str, float] = {}
    rule = ThreePlusThree(Cap(cap))
    todo = [(history("", 3), 1.0)]
    while todo:
        past, chance = todo.pop()
        action = rule.next_action(past, (), TODAY)
        if action.outcome != "ONGOING" or action.level is None:
            code = action.code(past.ids)
            found[code] = found.get(code, 0) + chance
            continue
        p = rates[action.level]
        for marks in itertools.product((False, True), repeat=3):
            likely = chance
            for dlt in marks:
                likely *= p if dlt else 1 - p
            outcomes = (*past.outcomes, *(Outcome(action.level, dlt) for dlt in marks))
            todo.append((History(past.ids, outcomes, (), action.level), likely))
    assert sum(found.values()) == pytest.approx(1)
    for code, probability in expected.items():
        assert found.get(code, 0) == pytest.approx(probability, abs=0.0006), code

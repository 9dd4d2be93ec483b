"""The 3+3 rule, by the tables of the domain document §4.4 and §4.4.1."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pandas as pd
import pytest

from outcome_strings import history
from trialbook.dlt.designs.design import Cap, History, Outcome, Pending
from trialbook.dlt.designs.three_plus_three import ThreePlusThree

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
def test_the_strings_of_the_domain_document_without_deescalation(path: str, expected: str) -> None:
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


# A second implementation of the same rule, as a table over (n, x) of one level and a walk down from the top.
TABLE = {
    (0, 0): "enrol", (1, 0): "enrol", (2, 0): "enrol", (1, 1): "enrol", (2, 1): "enrol",
    (3, 0): "pass3", (3, 1): "to6", (4, 0): "to6", (4, 1): "to6", (5, 0): "to6", (5, 1): "to6",
    (6, 0): "pass6", (6, 1): "pass6",
}  # fmt: skip


def by_table(past: History, cap: int) -> str:
    counts = [(past.n(k), past.dlts(k)) for k in range(len(past.ids))]
    verdicts = [TABLE.get(count, "exceeds") for count in counts]
    if verdicts[0] == "exceeds":
        return "NO_DOSE"
    barred = verdicts.index("exceeds") if "exceeds" in verdicts else len(counts)
    at = max((k for k in range(barred) if counts[k][0]), default=0)
    confirmed = [past.ids[k] for k in range(barred) if verdicts[k] == "pass6"]
    full = len(past.outcomes) >= cap
    stop = f"CAP_REACHED({confirmed[-1] if confirmed else 'none'})"
    if verdicts[at] == "pass6" and at == barred - 1:
        return f"MTD_DECLARED({past.ids[at]})"
    if full:
        return stop
    if not past.outcomes:
        return "ONGOING(START DL1)"
    if verdicts[at] in ("pass3", "pass6") and at < barred - 1:
        return f"ONGOING(ESCALATE {past.ids[at + 1]})"
    if past.current is not None and past.current > at:
        return f"ONGOING(DE_ESCALATE {past.ids[at]})"
    return f"ONGOING({'ENROL' if verdicts[at] == 'enrol' else 'EXPAND'} {past.ids[at]})"


def reachable(levels: int, cap: int) -> Iterator[History]:
    """Every history that following the rule one subject at a time can lead to, up to the order within a level."""
    start = history("", levels)
    seen, todo = {((), None)}, [start]
    while todo:
        past = todo.pop()
        yield past
        action = ThreePlusThree(Cap(cap)).next_action(past, (), TODAY)
        if action.outcome != "ONGOING" or action.level is None:
            continue
        for dlt in (False, True):
            outcomes = tuple(sorted((*past.outcomes, Outcome(action.level, dlt))))
            key = (outcomes, action.level)
            if key not in seen:
                seen.add(key)
                todo.append(History(past.ids, outcomes, (), action.level))


def test_a_second_implementation_agrees_on_every_state_of_12_subjects() -> None:
    states = list(reachable(3, 12))
    assert len(states) == 150
    for past in states:
        action = ThreePlusThree(Cap(12)).next_action(past, (), TODAY)
        assert action.code(past.ids) == by_table(past, 12), past


def test_no_state_advises_an_excluded_level() -> None:
    for past in reachable(4, 18):
        action = ThreePlusThree(Cap(18)).next_action(past, (), TODAY)
        if action.level is not None:
            assert action.level < action.excluded_from
            assert all(past.dlts(k) < 2 for k in range(action.level + 1))


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
def test_the_exact_probabilities_of_the_domain_document(
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

"""Rolling six by its printed table and by the second wording of the rule (§4.8), over its 84 feasible states."""

from __future__ import annotations

import pandas as pd
import pytest

from support.dose_paths import history
from trialbook.dlt.designs.design import Cap, History, Pending
from trialbook.dlt.designs.rolling_six import DOWN, HOLD, SAME, UP, RollingSix, decision

TODAY = pd.Timestamp("2025-06-30")
DUE = pd.Timestamp("2025-07-10")
STATES = [(e, v, x) for e in range(7) for v in range(e + 1) for x in range(v + 1)]


@pytest.mark.parametrize(
    ("enrolled", "evaluable", "dlts", "expected"),
    [
        (0, 0, 0, SAME), (5, 2, 0, SAME), (6, 0, 0, HOLD), (6, 2, 0, HOLD), (3, 3, 0, UP), (4, 3, 0, SAME),
        (5, 3, 0, SAME), (6, 3, 0, HOLD), (4, 4, 0, UP), (5, 4, 0, SAME), (6, 4, 0, HOLD), (5, 5, 0, UP), (6, 5, 0, UP),
        (1, 1, 1, SAME), (5, 5, 1, SAME), (6, 1, 1, HOLD), (6, 5, 1, HOLD), (6, 6, 1, UP), (6, 6, 0, UP),
        (2, 2, 2, DOWN), (6, 6, 2, DOWN), (3, 3, 3, DOWN),
    ],
)  # fmt: skip
def test_the_printed_table(enrolled: int, evaluable: int, dlts: int, expected: str) -> None:
    assert decision(enrolled, evaluable, dlts) == expected


def by_words(enrolled: int, evaluable: int, dlts: int) -> str:
    """Two DLTs exclude; 3, 4 or 5 fully observed without DLT escalate; at six: all known with <= 1, or five + one."""
    pending = enrolled - evaluable
    if dlts > 1:
        return DOWN
    if enrolled in (3, 4, 5) and pending == 0 and dlts == 0:
        return UP
    if enrolled == 6:
        return UP if pending == 0 or (pending == 1 and dlts == 0) else HOLD
    return SAME


def test_both_wordings_agree_on_all_84_states() -> None:
    assert len(STATES) == 84
    for state in STATES:
        assert decision(*state) == by_words(*state), state


@pytest.mark.parametrize(
    ("path", "pending", "expected"),
    [
        ("", 0, "ONGOING(START DL1)"),
        ("1N", 4, "ONGOING(ENROL DL1)"),
        ("1N", 5, "ONGOING(WAIT DL1)"),
        ("1NNN", 0, "ONGOING(ESCALATE DL2)"),
        ("1TT", 2, "NO_DOSE"),
        ("1NNN 2TT", 0, "ONGOING(DE_ESCALATE DL1)"),
        ("1NNN 2TT 1NNN", 0, "MTD_DECLARED(DL1)"),
        ("1NNN 2NNN 3NNN", 0, "ONGOING(EXPAND DL3)"),
        ("1NNN 2NNN 3NNNNN", 1, "ONGOING(WAIT DL3)"),
        ("1NNN 2NNN 3NNNNNN", 0, "MTD_DECLARED(DL3)"),
    ],
)
def test_the_rule_over_levels(path: str, pending: int, expected: str) -> None:
    past = history(path, 3)
    level = past.current or 0
    past = History(past.ids, past.outcomes, (), level if path else None)
    waiting = tuple(Pending(level, 0.5, DUE) for _ in range(pending))
    assert RollingSix(Cap(12)).next_action(past, waiting, TODAY).code(past.ids) == expected


def test_the_cap_ends_it_with_the_confirmed_level() -> None:
    past = history("1NNNNNT 2NNTNNN", 3)
    assert RollingSix(Cap(12)).next_action(past, (), TODAY).code(past.ids) == "CAP_REACHED(DL2)"

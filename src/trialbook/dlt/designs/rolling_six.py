"""The rolling six design (Skolnik 2008; table of JAMA Netw Open 2020;3:e204787; §4.8)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.dlt.designs.design import (
    CAP_REACHED,
    DE_ESCALATE,
    ENROL,
    ESCALATE,
    EXPAND,
    MTD_DECLARED,
    NO_CAP,
    NO_DOSE,
    ONGOING,
    START,
    Action,
    Cap,
    History,
    Pending,
    Reads,
    wait,
)

SIX, TOO_MANY = 6, 2
SAME, HOLD, UP, DOWN = "SAME", "HOLD", "UP", "DOWN"


def decision(enrolled: int, evaluable: int, dlts: int) -> str:
    """SAME level, HOLD accrual, UP or DOWN for the next subject, from the counts of one level.

    | DLTs | evaluable      | enrolled                 | decision |
    |------|----------------|--------------------------|----------|
    | >= 2 | any            | any                      | DOWN     |
    | 0    | 3, 4 or 5      | as many as evaluable      | UP       |
    | 0    | 5              | 6                        | UP       |
    | 0, 1 | 6              | 6                        | UP       |
    | 0, 1 | otherwise      | 0-5                      | SAME     |
    | 0, 1 | otherwise      | 6                        | HOLD     |

    >>> decision(enrolled=3, evaluable=3, dlts=0), decision(enrolled=4, evaluable=3, dlts=0)
    ('UP', 'SAME')
    >>> decision(enrolled=6, evaluable=4, dlts=1), decision(enrolled=3, evaluable=2, dlts=2)
    ('HOLD', 'DOWN')
    """
    if dlts >= TOO_MANY:
        return DOWN
    if dlts == 0 and (3 <= evaluable == enrolled or (evaluable, enrolled) == (5, SIX)):
        return UP
    if evaluable >= SIX:
        return UP
    return SAME if enrolled < SIX else HOLD


@dataclass(frozen=True)
class RollingSix:
    """Rolling six: up to six subjects at a level, enrolled without waiting for the first three."""

    cap: Cap = NO_CAP

    @property
    def reads(self) -> Reads:
        """The counts of each level are enough."""
        return Reads()

    def next_action(self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp) -> Action:
        """The action advised at the end of the day `as_of`. Two DLTs exclude a level and those above.

        >>> from trialbook.dlt.designs.design import Outcome
        >>> history = History(("DL1", "DL2"), (Outcome(0, False), Outcome(0, False)), current=0)
        >>> RollingSix().next_action(history, (Pending(0, 0.5),), pd.Timestamp("2025-03-20")).because
        'DL1: 0 of 2 DLT: enrol up to 6 at DL1'
        """
        barred = [k for k in range(len(history.ids)) if history.dlts(k) >= TOO_MANY]
        open_levels = barred[0] if barred else len(history.ids)
        if open_levels == 0:
            return Action(NO_DOSE, f"{history.says(0)} DLT: the lowest level exceeds the MTD, no dose is left")
        treated = {o.level for o in history.outcomes} | {p.level for p in pending} | set(history.replaced)
        level = max((k for k in treated if k < open_levels), default=open_levels - 1 if barred else 0)
        here = [p for p in pending if p.level == level]
        enrolled = history.n(level) + len(here)
        advised = decision(enrolled, history.n(level), history.dlts(level))
        if advised == UP and level + 1 == open_levels:
            if enrolled >= SIX:
                return self._ended(history, pending, as_of, level, open_levels)
            advised = SAME
        if advised == HOLD:
            return wait(history, here, as_of, level, open_levels)
        goal = level + 1 if advised == UP else level
        if self.cap.places(history, pending) <= 0:
            return self._full(history, pending, as_of, open_levels)
        return self._go(history, goal, level, open_levels)

    def _go(self, history: History, goal: int, level: int, open_levels: int) -> Action:
        if history.current is None:
            return Action(ONGOING, f"nobody has been treated: start at {history.ids[0]}", 0, START, open_levels)
        going_down = history.current > goal
        move = DE_ESCALATE if going_down else ESCALATE if goal > level else ENROL if history.n(level) < 3 else EXPAND
        words = "go down to" if going_down else "escalate to" if goal > level else "enrol up to 6 at"
        seen = history.says(open_levels if going_down else level)
        return Action(ONGOING, f"{seen} DLT: {words} {history.ids[goal]}", goal, move, open_levels)

    def _ended(
        self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp, level: int, open_levels: int
    ) -> Action:
        if any(p.level == level for p in pending):
            return wait(history, [p for p in pending if p.level == level], as_of, level, open_levels)
        return Action(MTD_DECLARED, f"{history.says(level)} DLT, no open level above", level, "", open_levels)

    def _full(
        self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp, open_levels: int
    ) -> Action:  # fmt: skip
        awaited = [p for p in pending if p.level < open_levels]
        if awaited:
            return wait(history, awaited, as_of, max(p.level for p in awaited), open_levels)
        good = [k for k in range(open_levels) if history.n(k) >= SIX]
        because = f"the cap of {self.cap.limit} is reached before a decision"
        return Action(CAP_REACHED, because, good[-1] if good else None, "", open_levels)

"""The 3+3 rule (§4.4; Storer 1989, Korn 1994), with cap, expansion, de-escalation and pending subjects."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.core.messages import msg
from trialbook.dlt.designs.design import (
    CAP_REACHED,
    DE_ESCALATE,
    ENROL,
    ESCALATE,
    EXPAND,
    MAX_TESTED_NOT_EXCEEDED,
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

COHORT, EXPANDED, TOO_MANY = 3, 6, 2


@dataclass(frozen=True)
class ThreePlusThree:
    """The 3+3 rule. With n evaluable, x DLTs and p pending at the highest level that is tried and not excluded:

    | state                                              | action                                              |
    |----------------------------------------------------|-----------------------------------------------------|
    | x >= 2 (from n = 3; at once with `stop_at_two`)     | exclude this level and those above; look one lower  |
    | the lowest level is excluded                       | NO_DOSE                                             |
    | n + p below its size                               | enrol at this level, whatever is pending            |
    | p > 0, here or at a lower level                    | wait                                                |
    | 3 with 0, or 6 with <= 1, a level above is open     | escalate                                            |
    | 6 with <= 1, nothing above is open                 | MTD_DECLARED                                        |
    | 3 with 0, nothing above, not expanded              | MAX_TESTED_NOT_EXCEEDED at the top, else MTD_DECLARED |

    The size of a level is 3; it is 6 after 1 DLT of 3, from the fourth subject on, at the top level (`expand_top`,
    A-77) and below an excluded level (`allow_deescalate`). When the cap leaves no place for a subject that the rule
    asks for: CAP_REACHED, with the highest level that is confirmed (<= 1 DLT of 6).
    """

    cap: Cap = NO_CAP
    allow_deescalate: bool = True
    stop_at_two: bool = True
    expand_top: bool = True

    @property
    def reads(self) -> Reads:
        """The counts of each level are enough."""
        return Reads()

    def next_action(self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp) -> Action:
        """The action advised at the end of the day `as_of`.

        >>> from trialbook.dlt.designs.design import Outcome
        >>> history = History(("DL1", "DL2"), (Outcome(0, False),) * 3, current=0)
        >>> ThreePlusThree().next_action(history, (), pd.Timestamp("2025-03-20")).code(history.ids)
        'ONGOING(ESCALATE DL2)'
        >>> ThreePlusThree().next_action(history, (Pending(0, 0.5),), pd.Timestamp("2025-03-20")).code(history.ids)
        'ONGOING(WAIT DL1)'
        """
        open_levels = self._open_levels(history)
        if open_levels == 0:
            return Action(NO_DOSE, f"{history.says(0)} DLT: the lowest level exceeds the MTD, no dose is left")
        level = _highest_tried(history, pending, open_levels)
        here = [p for p in pending if p.level == level]
        awaited = [p for p in pending if p.level <= level]
        size = self._size(history, level, open_levels)
        if history.n(level) + len(here) < size:
            return self._enrol(history, pending, as_of, level, open_levels, _move(history, pending, level, size))
        if awaited:
            return wait(history, awaited, as_of, level, open_levels)
        if level + 1 < open_levels:
            return self._enrol(history, pending, as_of, level + 1, open_levels, ESCALATE)
        return self._ended(history, level, open_levels)

    def _open_levels(self, history: History) -> int:
        """How many levels, from the lowest, are not excluded."""
        smallest = TOO_MANY if self.stop_at_two else COHORT
        for level in range(len(history.ids)):
            if history.dlts(level) >= TOO_MANY and history.n(level) >= smallest:
                return level
        return len(history.ids)

    def _size(self, history: History, level: int, open_levels: int) -> int:
        n, x = history.n(level), history.dlts(level)
        if n < COHORT:
            return COHORT
        if x > 0 or n > COHORT:
            return EXPANDED
        nothing_above = level + 1 == open_levels
        at_top = open_levels == len(history.ids)
        expands = nothing_above and (self.expand_top if at_top else self.allow_deescalate)
        return EXPANDED if expands else COHORT

    def _enrol(
        self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp, level: int, open_levels: int,
        move: str,
    ) -> Action:  # fmt: skip
        """The move, if the cap leaves a place; else wait for what is pending, else the cap is reached."""
        places = self.cap.places(history, pending)
        if places > 0:
            few = (
                msg("; {places} of {limit} places left", places=places, limit=self.cap.limit) if places < COHORT else ""
            )
            waiting = sum(p.level == level for p in pending)
            seen = _grounds(history, level, open_levels, move) + (
                msg(", {waiting} pending", waiting=waiting) if waiting else ""
            )
            because = f"{seen}: {msg(MOVES[move], level=history.ids[level])}{few}"
            return Action(ONGOING, because, level, move, open_levels)
        awaited = [p for p in pending if p.level < open_levels]
        if awaited:
            return wait(history, awaited, as_of, max(p.level for p in awaited), open_levels)
        return self._cap_reached(history, open_levels)

    def _cap_reached(self, history: History, open_levels: int) -> Action:
        good = [k for k in range(open_levels) if history.n(k) >= EXPANDED and history.dlts(k) < TOO_MANY]
        tested = max((o.level for o in history.outcomes), default=None)
        highest = "no level was tested" if tested is None else f"highest level tested: {history.says(tested)} DLT"
        confirmed = f"highest level confirmed: {history.says(good[-1])} DLT" if good else "no level is confirmed by 6"
        because = f"the cap of {self.cap.limit} is reached before a decision; {highest}; {confirmed}"
        return Action(CAP_REACHED, because, good[-1] if good else None, "", open_levels)

    def _ended(self, history: History, level: int, open_levels: int) -> Action:
        at_top = open_levels == len(history.ids)
        if history.n(level) < EXPANDED and at_top:
            because = msg(
                "{says} DLT at the highest level, which this variant does not expand", says=history.says(level)
            )
            return Action(MAX_TESTED_NOT_EXCEEDED, because, level, "", open_levels)
        above = (
            msg("no higher level is planned")
            if at_top
            else msg("{says} DLT exceeds the MTD", says=history.says(open_levels))
        )
        return Action(
            MTD_DECLARED, msg("{says} DLT; {above}", says=history.says(level), above=above), level, "", open_levels
        )


MOVES = {
    START: "start at {level}", ENROL: "enrol at {level}", EXPAND: "enrol up to 6 at {level}",
    ESCALATE: "escalate to {level}", DE_ESCALATE: "go down and enrol at {level}",
}  # fmt: skip


def _highest_tried(history: History, pending: tuple[Pending, ...], open_levels: int) -> int:
    """The highest open level at which somebody was treated; one below the excluded ones if nobody was, else 0."""
    treated = {o.level for o in history.outcomes} | {p.level for p in pending} | set(history.replaced)
    tried = [level for level in treated if level < open_levels]
    if tried:
        return max(tried)
    return open_levels - 1 if open_levels < len(history.ids) else 0


def _move(history: History, pending: tuple[Pending, ...], level: int, size: int) -> str:
    if history.current is None:
        return START
    if history.current > level:
        return DE_ESCALATE
    return EXPAND if size == EXPANDED else ENROL


def _grounds(history: History, level: int, open_levels: int, move: str) -> str:
    """What was seen that leads to a move."""
    if move == START:
        return msg("nobody has been treated")
    if move == ESCALATE:
        return msg("{says} DLT", says=history.says(level - 1))
    if move == DE_ESCALATE:
        return msg(
            "{says} DLT exceeds the MTD, {says_2} DLT", says=history.says(open_levels), says_2=history.says(level)
        )
    return msg("{says} DLT", says=history.says(level))

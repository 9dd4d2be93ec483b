"""A site's own decision table as an escalation rule (A-209)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from trialbook.core.messages import msg
from trialbook.dlt.designs.cohorts import IntervalRule, at
from trialbook.dlt.designs.design import (
    CAP_REACHED,
    DE_ESCALATE,
    ENROL,
    ESCALATE,
    MTD_DECLARED,
    NO_DOSE,
    ONGOING,
    START,
    Action,
    History,
    Pending,
    wait,
)

OWN_TABLE = "decision table"
UP, DOWN, OUT = "E", "D", "DU"


@dataclass(frozen=True)
class OwnTable(IntervalRule):
    """The rule of a decision table: `rows` are the letters after one, two, ... cohorts, by number of DLTs.

    | state of the level treated last, or of the highest that is not excluded | action                       |
    |--------------------------------------------------------------------------|------------------------------|
    | DU, also where nobody pending and no open place could change it          | exclude it and those above   |
    | the cohort has open places                                               | enrol, whatever was seen     |
    | complete, and subjects pending here or at lower levels, but for D          | wait                         |
    | E, and the level above is open and has places                            | escalate                     |
    | S, or E that leads nowhere, and the level has places                     | enrol                        |
    | S, or E that leads nowhere, with the full number of the last row         | MTD_DECLARED                 |
    | D                                                                        | one level down; lowest: stay |

    Down to a level that has its full number the letter there decides. NO_DOSE where the lowest level is excluded, or
    has its full number and the table leads down. Without a place for whom the table asks: CAP_REACHED, with the highest
    level that has its full number and E or S there.
    """

    rows: tuple[tuple[str, ...], ...] = ()

    name: ClassVar[str] = OWN_TABLE

    @property
    def full(self) -> int:
        """Evaluable subjects with whom a level has its full number."""
        return len(self.rows) * self.cohort

    def decision(self, x: int, n: int) -> str:
        """E, S, D or DU for x DLTs of n evaluable subjects; blank where the table has no such number.

        >>> rule = OwnTable(0.3, rows=(("E", "S", "DU", "DU"),))
        >>> rule.decision(1, 3), rule.decision(1, 2)
        ('S', '')
        """
        if n < 1 or n % self.cohort or n > self.full:
            return ""
        return self.rows[n // self.cohort - 1][x]

    def letter(self, x: int, n: int) -> str:
        """E, S or D; what excludes a level leads down."""
        return DOWN if self.decision(x, n) == OUT else self.decision(x, n)

    def excluded_from(self, history: History, pending: tuple[Pending, ...]) -> int:
        """The lowest level that the table excludes whatever the rest of its cohort brings."""
        for level in range(len(history.ids)):
            n = history.n(level) + len(at(pending, level))
            if n and self._read(history.dlts(level), n + -n % self.cohort) == OUT:
                return level
        return len(history.ids)

    def _read(self, x: int, n: int) -> str:
        """The letter; of more subjects than the table has rows, that of its last row."""
        asked = min(n, self.full)
        return self.decision(min(x, asked), asked)

    def _here(self, history: History, pending: tuple[Pending, ...], level: int) -> tuple[int, str]:
        """Who counts at a level, and the letter if nobody pending has a DLT."""
        n = history.n(level) + len(at(pending, level))
        return n, self._read(history.dlts(level), n)

    def next_action(self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp) -> Action:
        """The action advised at the end of the day `as_of`.

        >>> from trialbook.dlt.designs.design import Outcome
        >>> rule = OwnTable(0.3, rows=(("E", "S", "DU", "DU"), ("E", "E", "DU", "DU", "DU", "DU", "DU")))
        >>> history = History(("DL1", "DL2"), (Outcome(0, True), Outcome(0, False), Outcome(0, False)), current=0)
        >>> rule.next_action(history, (), pd.Timestamp("2025-03-20")).because
        'DL1: 1 of 3 DLT, by the table S: enrol at DL1'
        """
        excluded = self.excluded_from(history, pending)
        if excluded == 0:
            return Action(NO_DOSE, msg("{seen} DLT: the table excludes the lowest level", seen=history.says(0)))
        if history.current is None:
            return self._treat(history, pending, as_of, 0, excluded, msg("nobody has been treated"))
        level = min(history.current, excluded - 1)
        down = level < history.current
        while True:
            n, letter = self._here(history, pending, level)
            seen = msg("{seen} DLT", seen=history.says(level))
            if n == 0 or n % self.cohort or (down and n < self.full):
                return self._treat(history, pending, as_of, level, excluded, seen)
            seen = msg("{seen} DLT, by the table {letter}", seen=history.says(level), letter=letter)
            if letter == DOWN and level > 0:
                level, down = level - 1, True
                continue
            awaited = tuple(p for p in pending if p.level <= level)
            if awaited:
                return wait(history, awaited, as_of, level, excluded)
            if letter == UP and not down and self._open(history, pending, level + 1, excluded):
                return self._treat(history, pending, as_of, level + 1, excluded, seen)
            if n < self.full:
                return self._treat(history, pending, as_of, level, excluded, seen)
            return self._full(history, pending, as_of, level, excluded)

    def _open(self, history: History, pending: tuple[Pending, ...], level: int, excluded: int) -> bool:
        return level < excluded and self._here(history, pending, level)[0] < self.full

    def _full(
        self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp, level: int, excluded: int
    ) -> Action:  # fmt: skip
        awaited = tuple(p for p in pending if p.level < excluded)
        if awaited:
            return wait(history, awaited, as_of, max(p.level for p in awaited), excluded)
        seen = history.says(level)
        if self._here(history, pending, level)[1] == DOWN:
            return Action(NO_DOSE, msg("{seen} DLT: the table leads below the lowest level", seen=seen))
        because = msg("{seen} DLT, the full number of subjects: the table leads no further", seen=seen)
        return Action(MTD_DECLARED, because, level, "", excluded)

    def _treat(
        self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp, level: int, excluded: int, seen: str
    ) -> Action:  # fmt: skip
        """Treat at a level, if the cap leaves a place; else wait for what is pending, else the cap is reached."""
        if self.cap.places(history, pending) > 0:
            now = history.current
            move = START if now is None else ESCALATE if level > now else DE_ESCALATE if level < now else ENROL
            because = msg(_WORDS[move], seen=seen, level=history.ids[level])
            return Action(ONGOING, because, level, move, excluded)
        awaited = tuple(p for p in pending if p.level < excluded)
        if awaited:
            return wait(history, awaited, as_of, max(p.level for p in awaited), excluded)
        good = [
            k for k in range(excluded)
            if history.n(k) >= self.full and self._read(history.dlts(k), history.n(k)) not in (DOWN, OUT)
        ]  # fmt: skip
        because = msg("the cap of {cap} is reached before the table has come to an end", cap=self.cap.limit)
        return Action(CAP_REACHED, because, good[-1] if good else None, "", excluded)


_WORDS = {
    START: "{seen}: start at {level}", ENROL: "{seen}: enrol at {level}", ESCALATE: "{seen}: escalate to {level}",
    DE_ESCALATE: "{seen}: go down to {level}",
}  # fmt: skip

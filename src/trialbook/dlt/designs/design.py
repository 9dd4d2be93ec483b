"""What every escalation rule is given and what it answers: counts by level, pending subjects, one action (§4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

import pandas as pd

from trialbook.core.messages import msg

# The outcome vocabulary A-78; an ongoing trial says which move is advised.
ONGOING, MTD_DECLARED, NO_DOSE = "ONGOING", "MTD_DECLARED", "NO_DOSE"
MAX_TESTED_NOT_EXCEEDED, CAP_REACHED = "MAX_TESTED_NOT_EXCEEDED", "CAP_REACHED"
START, ENROL, EXPAND, ESCALATE, DE_ESCALATE, WAIT = "START", "ENROL", "EXPAND", "ESCALATE", "DE_ESCALATE", "WAIT"


class Outcome(NamedTuple):
    """An evaluable subject: the index of the level received, and whether there was a DLT."""

    level: int
    dlt: bool


class Pending(NamedTuple):
    """A subject whose window is not closed: level, share of the window followed, last day of the window.

    `due` is None where only data, not time, can close it.
    """

    level: int
    weight: float
    due: pd.Timestamp | None = None


@dataclass(frozen=True)
class History:
    """The trial so far: level ids in order of escalation, evaluable subjects in order of first infusion.

    `replaced` holds the levels of treated subjects who are not evaluable, or do not count (backfill); `current` is the
    level of the subject treated last, None before the first. `known` says of each evaluable or pending subject at that
    level, in order of first infusion, whether the outcome is known; where it is empty, those pending were treated last.
    """

    ids: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()
    replaced: tuple[int, ...] = ()
    current: int | None = None
    known: tuple[bool, ...] = ()

    def n(self, level: int) -> int:
        """Evaluable subjects at a level."""
        return sum(o.level == level for o in self.outcomes)

    def dlts(self, level: int) -> int:
        """Evaluable subjects with a DLT at a level."""
        return sum(o.level == level and o.dlt for o in self.outcomes)

    def says(self, level: int) -> str:
        """`DL1: 1 of 3`: DLTs of evaluable subjects, for sentences.

        >>> history = History(("DL1", "DL2"), (Outcome(0, False), Outcome(0, True), Outcome(0, False)), current=0)
        >>> history.says(0), history.says(1)
        ('DL1: 1 of 3', 'DL2: 0 of 0')
        """
        return msg("{level}: {n} of {total}", level=self.ids[level], n=self.dlts(level), total=self.n(level))

    def resolved(self, pending: Iterable[Pending], dlt: bool) -> History:
        """The trial if every pending subject ended with, or without, a DLT.

        >>> history = History(("DL1",), (Outcome(0, False),), current=0)
        >>> history.resolved([Pending(0, 0.4)], dlt=True).says(0)
        'DL1: 1 of 2'
        """
        return replace(self, outcomes=(*self.outcomes, *(Outcome(p.level, dlt) for p in pending)), known=())

    def last_cohort(self, pending: Iterable[Pending], level: int, size: int) -> tuple[bool, ...]:
        """The known outcomes (DLT or not) among the `size` evaluable or pending subjects treated last at a level.

        >>> history = History(("DL1",), (Outcome(0, True), Outcome(0, False)), current=0)
        >>> history.last_cohort([Pending(0, 0.4)], 0, 2)
        (False,)
        """
        own = [o.dlt for o in self.outcomes if o.level == level]
        known = self.known if level == self.current else ()
        places = known or (True,) * len(own) + (False,) * sum(p.level == level for p in pending)
        return tuple(own[len(own) - sum(places[-size:]) :])


@dataclass(frozen=True)
class Action:
    """What a rule advises. `level` is where the move leads, or the level that the outcome names.

    `excluded_from` is the lowest level that the rule excludes (the number of levels when none is); `because` is the
    rule's sentence; `decision_date` the day from which the waiting can end.
    """

    outcome: str
    because: str
    level: int | None = None
    move: str = ""
    excluded_from: int = 0
    decision_date: pd.Timestamp | None = None

    def code(self, ids: tuple[str, ...]) -> str:
        """`ONGOING(ESCALATE DL2)`, `MTD_DECLARED(DL1)`, `CAP_REACHED(none)`, `NO_DOSE`.

        >>> Action(ONGOING, "", 1, ESCALATE).code(("DL1", "DL2")), Action(CAP_REACHED, "").code(("DL1", "DL2"))
        ('ONGOING(ESCALATE DL2)', 'CAP_REACHED(none)')
        """
        if self.outcome == NO_DOSE:
            return NO_DOSE
        name = "none" if self.level is None else ids[self.level]
        return f"{self.outcome}({self.move} {name})" if self.move else f"{self.outcome}({name})"


def read_code(code: str) -> tuple[str, str, str]:
    """What `Action.code` has written: outcome, move (blank where the trial has ended) and level (blank for none).

    >>> read_code("ONGOING(ESCALATE DL2)"), read_code("CAP_REACHED(none)"), read_code("NO_DOSE")
    (('ONGOING', 'ESCALATE', 'DL2'), ('CAP_REACHED', '', ''), ('NO_DOSE', '', ''))
    """
    outcome, _, rest = code.partition("(")
    inside = rest.removesuffix(")")
    move, _, level = inside.partition(" ") if outcome == ONGOING else ("", "", inside)
    return outcome, move, "" if level == "none" else level


@dataclass(frozen=True)
class Reads:
    """What a rule reads beyond the counts of each level: needed to tell states of a trial apart.

    `last_cohort`: the outcomes among so many subjects treated last at the current level; `follow_up`: of pending
    subjects `nothing`, the
    `sum` of the shares followed at the current level, or the share of `each`.
    """

    last_cohort: int = 0
    follow_up: Literal["nothing", "sum", "each"] = "nothing"


class Rule(Protocol):
    """An escalation rule: from what is known at a date to the next action. Rules are frozen and hashable."""

    def __hash__(self) -> int:
        """Equal rules are the same key of what was asked before."""
        ...

    @property
    def reads(self) -> Reads:
        """What it reads beyond the counts of evaluable, DLT, pending and replaced subjects of each level."""
        ...

    def next_action(self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp) -> Action:
        """The action advised at the end of the day `as_of`."""
        ...


@dataclass(frozen=True)
class Cap:
    """The enrolment cap and whom it counts (A-73)."""

    limit: int
    counts: Literal["treated", "evaluable"] = "treated"

    def places(self, history: History, pending: tuple[Pending, ...]) -> int:
        """Subjects who may still be treated.

        >>> history = History(("DL1",), (Outcome(0, False),), replaced=(0,))
        >>> Cap(12).places(history, ()), Cap(12, "evaluable").places(history, ())
        (10, 11)
        """
        used = len(history.outcomes) + len(pending)
        if self.counts == "treated":
            used += len(history.replaced)
        return self.limit - used


NO_CAP = Cap(10**9)


def wait(history: History, pending: Iterable[Pending], as_of: pd.Timestamp, level: int, excluded_from: int) -> Action:
    """Wait at a level for these pending subjects; the decision date is the day on which the last window closes.

    >>> history = History(("DL1",), (Outcome(0, False), Outcome(0, False)), current=0)
    >>> waiting = Pending(0, 0.5, pd.Timestamp("2025-04-02"))
    >>> wait(history, [waiting], pd.Timestamp("2025-03-20"), 0, 1).because
    'DL1: 0 of 2 DLT, 1 pending: wait to 2025-04-02'
    """
    waiting = tuple(pending)
    dates = [p.due for p in waiting if p.due is not None and p.due > as_of]
    last = max(dates) if dates else None
    for_what = (
        msg("to {date}", date=f"{last:%Y-%m-%d}")
        if last is not None
        else msg("for data that would close windows already past")
    )
    return Action(
        ONGOING,
        msg("{says} DLT, {n} pending: wait {for_what}", says=history.says(level), n=len(waiting), for_what=for_what),
        level,
        WAIT,
        excluded_from,
        last,
    )

"""The states of a trial that a rule can tell apart, and what it advises in each (asked once, then looked up)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from trialbook.dlt.designs.design import ONGOING, WAIT, Action, History, Outcome, Pending, Rule

# No decision of a rule depends on the calendar date; windows that are open have no last day here.
ANY_DAY = pd.Timestamp("2000-01-01")


class State(NamedTuple):
    """Counts of each level, and what else a rule may read (`designs.design.Reads`).

    `evaluable`, `dlts`, `pending` and `replaced` hold one count per level; `current` is the level treated last, -1
    before the first; `last` the known outcomes of the cohort treated last at it (True = DLT), the oldest first;
    `followed` the pending subjects as (level, share of the window followed), all shares alike where a rule reads their
    sum only.
    """

    evaluable: tuple[int, ...]
    dlts: tuple[int, ...]
    pending: tuple[int, ...]
    replaced: tuple[int, ...]
    current: int
    last: tuple[bool, ...] = ()
    followed: tuple[tuple[int, float], ...] = ()

    def history(self, ids: tuple[str, ...]) -> History:
        """A history with these counts, in which the last outcomes at the current level are `last`.

        Pending subjects at it come before these: as many of them as its last cohort has room for belong to it. Of the
        earlier outcomes those with a DLT come last, as nothing better is known.
        """
        outcomes: list[Outcome] = []
        for level, (n, x) in enumerate(zip(self.evaluable, self.dlts, strict=True)):
            last = self.last if level == self.current else ()
            earlier_dlts = x - sum(last)
            earlier = n - len(last)
            outcomes += [Outcome(level, k >= earlier - earlier_dlts) for k in range(earlier)]
            outcomes += [Outcome(level, dlt) for dlt in last]
        replaced = tuple(level for level, count in enumerate(self.replaced) for _ in range(count))
        if self.current < 0:
            return History(ids, tuple(outcomes), replaced)
        earlier, waiting = self.evaluable[self.current] - len(self.last), self.pending[self.current]
        known = (*[True] * earlier, *[False] * waiting, *[True] * len(self.last))
        return History(ids, tuple(outcomes), replaced, self.current, known)

    def waiting(self) -> tuple[Pending, ...]:
        """The pending subjects; those without a share of their own have followed none of the window."""
        known = [sum(level == at for at, _ in self.followed) for level in range(len(self.pending))]
        unknown = [Pending(level, 0.0) for level, count in enumerate(self.pending) for _ in range(count - known[level])]
        return (*unknown, *(Pending(level, share) for level, share in self.followed))


def ask(rule: Rule, ids: tuple[str, ...], state: State) -> Action:
    """What the rule advises in a state."""
    return rule.next_action(state.history(ids), state.waiting(), ANY_DAY)


@lru_cache(maxsize=65_536)
def answer(rule: Rule, ids: tuple[str, ...], state: State) -> tuple[str, int | None]:
    """(outcome, level) in a state; a rule that waits is (WAIT, level)."""
    action = ask(rule, ids, state)
    waits = action.outcome == ONGOING and action.move == WAIT
    return (WAIT if waits else action.outcome, action.level)

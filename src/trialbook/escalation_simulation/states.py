"""The states of a trial that a rule can tell apart, and its advice in each, asked once and then looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialbook.dlt.designs.design import ONGOING, WAIT, Action, History, Outcome, Pending, Rule

# ----------------------------------------------------------------------------------------------------
# Decisions for many trials at once: equal states are found, the rule is asked once for each that is new.


Ints = NDArray[np.int64]
# Bits of a signed integer that a key may fill.
ROOM = 62
# Above this many remembered states (follow-up in days makes nearly every state new) memory is worth more than time.
MOST_REMEMBERED = 200_000


class Lookup:
    """Remembers one whole number per state. A state is a column of small non-negative numbers."""

    def __init__(self, decide: Callable[[tuple[int, ...]], int]) -> None:
        self._decide = decide
        # By the layout of the numbers first: equal keys of two layouts are different states.
        self._known: dict[tuple[int, ...], dict[tuple[int, ...] | int, int]] = {}

    def __call__(self, rows: Sequence[Ints], bits: Sequence[int]) -> Ints:
        """The number of each column of `rows`; row k fits into bits[k] bits."""
        codes, uniques = pd.factorize(_packed(rows, bits))
        first = np.empty(len(uniques), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        known = self._known.setdefault(tuple(bits), {})
        if len(known) > MOST_REMEMBERED:
            known.clear()
        # A key that has been compressed means something in this call alone: the state itself is remembered instead.
        exact = sum(bits) <= ROOM
        keys: list[tuple[int, ...] | int]
        keys = uniques.tolist() if exact else [tuple(int(row[k]) for row in rows) for k in first]
        found = [known.get(key, -1) for key in keys]
        for position, number in enumerate(found):
            if number < 0:
                state = tuple(int(row[first[position]]) for row in rows)
                found[position] = known[keys[position]] = self._decide(state)
        return np.array(found, dtype=np.int64)[codes]


def _packed(rows: Sequence[Ints], bits: Sequence[int]) -> Ints:
    """One number per column, equal where and only where the columns are equal; compressed where they do not fit."""
    key, used = rows[0].astype(np.int64), bits[0]
    for row, size in zip(rows[1:], bits[1:], strict=True):
        if used + size > ROOM:
            key, used = _compressed(key)
        if used + size > ROOM:
            row, size = _compressed(row)
        key = (key << size) | row
        used += size
    return key


def _compressed(values: Ints) -> tuple[Ints, int]:
    """Numbers that are equal where the values are, as small as possible, and the bits that the largest needs."""
    codes = pd.factorize(values)[0].astype(np.int64)
    return codes, max(int(codes.max(initial=0)).bit_length(), 1)


# ----------------------------------------------------------------------------------------------------

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

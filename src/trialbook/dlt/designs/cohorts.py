"""What the model-assisted and model-based rules share: whole cohorts, exclusion, the cap, waiting (§4.5.1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import pandas as pd

from trialbook.core.messages import msg
from trialbook.dlt.designs.design import (
    DE_ESCALATE,
    ENROL,
    ESCALATE,
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
from trialbook.statistics.intervals import prob_greater

# ----------------------------------------------------------------------------------------------------
# The MTD at the end of an interval design: isotonic estimates of the DLT rates (Liu and Yuan 2015; §4.5).


def pool_adjacent_violators(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The weighted least-squares fit that never falls: neighbours that fall are pooled to their weighted mean.

    >>> pool_adjacent_violators([0.1, 0.3, 0.2], [3, 3, 3])
    [0.1, 0.25, 0.25]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, total, size = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, mass, count = blocks.pop()
            mean = (before * mass + mean * total) / (mass + total)
            total, size = total + mass, size + count
        blocks.append((mean, total, size))
    return [mean for mean, _, size in blocks for _ in range(size)]


def isotonic_rates(n: Sequence[int], x: Sequence[int]) -> list[float]:
    """DLT rates (x + 0.05)/(n + 0.1), made to rise with dose, weighted by one over their variance.

    >>> [round(rate, 3) for rate in isotonic_rates([3, 6, 3], [0, 1, 1])]
    [0.016, 0.172, 0.339]
    """
    rates = [(k + 0.05) / (m + 0.1) for m, k in zip(n, x, strict=True)]
    weights = [
        (m + 0.1) ** 2 * (m + 1.1) / ((k + 0.05) * (m - k + 0.05)) for m, k in zip(n, x, strict=True)
    ]  # fmt: skip
    return pool_adjacent_violators(rates, weights)


def select_mtd(
    n: Sequence[int], x: Sequence[int], target: float, excluded_from: int, below: float = 1.0
) -> int | None:  # fmt: skip
    """The level whose isotonic rate is closest to the target, among those treated and not excluded; None without one.

    Only levels with an isotonic rate under `below` are looked at (`boundMTD` of CRAN BOIN: the de-escalation boundary).

    Ties of a pooled rate are broken by a tiny term that rises with dose, as in CRAN BOIN: the highest of them is
    taken when the rate is below the target, the lowest when it is above.

    >>> select_mtd([3, 6, 3], [0, 1, 2], target=0.3, excluded_from=3)
    1
    >>> select_mtd([0, 0, 0], [0, 0, 0], target=0.3, excluded_from=3) is None
    True
    """
    tried = [level for level in range(excluded_from) if n[level] > 0]
    rates = isotonic_rates([n[level] for level in tried], [x[level] for level in tried])
    told_apart = [rate + (k + 1) * 1e-10 for k, rate in enumerate(rates)]
    # Rates rise with dose: those under a bound are the first.
    distances = [abs(rate - target) for rate in told_apart if below >= 1 or rate < below]
    return tried[distances.index(min(distances))] if distances else None


# ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def too_toxic(x: int, n: int, target: float, certainty: float, smallest: int) -> bool:
    """Whether Pr(rate > target | Beta(1 + x, 1 + n - x)) exceeds `certainty`, with at least `smallest` subjects.

    >>> too_toxic(3, 3, 0.3, 0.95, 3), too_toxic(2, 3, 0.3, 0.95, 3)
    (True, False)
    """
    probability = prob_greater(x, n, target)
    return n >= smallest and probability is not None and probability > certainty


def at(pending: tuple[Pending, ...], level: int) -> tuple[Pending, ...]:
    """The pending subjects of one level.

    >>> at((Pending(0, 0.5), Pending(1, 0.2)), 1)
    (Pending(level=1, weight=0.2, due=None),)
    """
    return tuple(p for p in pending if p.level == level)


@dataclass(frozen=True)
class CohortRule(ABC):
    """A rule that fills a cohort at the current level and then moves one level, stays, or excludes (§4.5.1, A-145).

    The cohort at a level is complete when its evaluable and pending subjects are a whole multiple of `cohort`: who is
    not evaluable fills no place, and a level that is returned to keeps its count. With an open place the rule enrols
    at the level, whatever was seen there, unless no outcome of the rest of the cohort could change that the level is
    too toxic. A complete cohort is decided on by `next_level`, the rule itself, when nobody is pending, when the rule
    reads pending subjects itself, or when the DLTs seen lead down whatever is pending. A cohort that the cap cuts
    short is judged by what there is.

    `extrasafe_offset` lowers the certainty that is needed to exclude the lowest level (0 = it is that of all levels).
    """

    target: float
    certainty: float = 0.95
    cohort: int = 3
    cap: Cap = NO_CAP
    extrasafe_offset: float = 0.0

    name: ClassVar[str] = ""
    # The rule reads pending subjects itself (by their follow-up), so that a full cohort need not be waited for.
    reads_pending: ClassVar[bool] = False
    # Fewest evaluable subjects of a complete cohort for the exclusion of a level.
    smallest: ClassVar[int] = 3

    @property
    def reads(self) -> Reads:
        """The counts of each level are enough, unless a rule says otherwise."""
        return Reads()

    @abstractmethod
    def next_level(self, history: History, pending: tuple[Pending, ...], level: int, excluded_from: int) -> int | None:
        """The level for the next cohort; None = suspend accrual. `pending` are those of all levels."""

    def open_places(self, history: History, pending: tuple[Pending, ...], level: int) -> int:
        """Places of the cohort at a level that nobody fills; all of them where nobody counts yet."""
        filled = history.n(level) + len(at(pending, level))
        return -filled % self.cohort if filled else self.cohort

    def still_to_come(self, history: History, pending: tuple[Pending, ...], level: int) -> int:
        """The open places of the cohort at a level, as far as the cap lets them be filled."""
        return min(self.open_places(history, pending, level), max(self.cap.places(history, pending), 0))

    def excluded_from(self, history: History, pending: tuple[Pending, ...]) -> int:
        """The lowest level that is too toxic whatever the rest of its cohort brings; the number of levels if none.

        Pending subjects and open places are taken as free of DLT. That keeps a level excluded when a pending subject
        leaves: the place is open again, and the best case is the same.
        """
        for level in range(len(history.ids)):
            x, n = history.dlts(level), history.n(level) + len(at(pending, level))
            complete = n + self.still_to_come(history, pending, level)
            certainty = self.certainty if level else self.certainty - self.extrasafe_offset
            if n and too_toxic(x, complete, self.target, certainty, self.smallest):
                return level
        return len(history.ids)

    def awaited(self, pending: tuple[Pending, ...], level: int) -> tuple[Pending, ...]:
        """The pending subjects without whom a full cohort at this level says nothing yet."""
        return at(pending, level)

    @property
    def mtd_below(self) -> float:
        """The estimated DLT rate of an MTD is below this (1 = no bound)."""
        return 1.0

    def mtd(self, history: History, excluded_from: int) -> int | None:
        """The MTD when the trial has ended: by isotonic regression."""
        levels = range(len(history.ids))
        n, x = [history.n(k) for k in levels], [history.dlts(k) for k in levels]
        return select_mtd(n, x, self.target, excluded_from, self.mtd_below)

    def next_action(self, history: History, pending: tuple[Pending, ...], as_of: pd.Timestamp) -> Action:
        """The action advised at the end of the day `as_of`.

        >>> from trialbook.dlt.designs.design import Outcome
        >>> from trialbook.dlt.designs.interval import Boin
        >>> history = History(("DL1", "DL2"), (Outcome(0, True), Outcome(0, False), Outcome(0, False)), current=0)
        >>> Boin(0.3).next_action(history, (), pd.Timestamp("2025-03-20")).because
        'DL1: 1 of 3 DLT: stay at DL1'
        """
        excluded = self.excluded_from(history, pending)
        if excluded == 0:
            return Action(NO_DOSE, f"{history.says(0)} DLT: the lowest level is too toxic, no dose is left")
        awaited = tuple(p for p in pending if p.level < excluded)
        if self.cap.places(history, pending) <= 0:
            if awaited:
                return wait(history, awaited, as_of, max(p.level for p in awaited), excluded)
            return self._ended(history, excluded)
        if history.current is None:
            return Action(ONGOING, f"nobody has been treated: start at {history.ids[0]}", 0, START, excluded)
        if history.current >= excluded:
            return self._go(history, excluded - 1, excluded)
        level = history.current
        places = self.open_places(history, pending, level)
        if places:
            return self._fill(history, level, places, excluded)
        goal = self.next_level(history, pending, level, excluded)
        needed = self.awaited(pending, level)
        if goal is None or (goal >= level and needed and not self.reads_pending):
            return wait(history, needed, as_of, level, excluded)
        return self._go(history, goal, excluded)

    def _fill(self, history: History, level: int, places: int, excluded: int) -> Action:
        seen = msg(
            "{says} DLT, {cohort} of {cohort_2} places of the cohort filled",
            says=history.says(level),
            cohort=self.cohort - places,
            cohort_2=self.cohort,
        )
        return Action(ONGOING, msg("{seen}: enrol at {ids}", seen=seen, ids=history.ids[level]), level, ENROL, excluded)

    def _go(self, history: History, level: int, excluded: int) -> Action:
        now = history.current if history.current is not None else level
        move, words = (
            (ESCALATE, "escalate to")
            if level > now
            else (DE_ESCALATE, "go down to")
            if level < now
            else (ENROL, "stay at")
        )
        return Action(ONGOING, f"{history.says(now)} DLT: {words} {history.ids[level]}", level, move, excluded)

    def _ended(self, history: History, excluded: int) -> Action:
        chosen = self.mtd(history, excluded)
        if chosen is None:
            return Action(NO_DOSE, f"the cap of {self.cap.limit} is reached and no level can be chosen")
        because = f"the cap of {self.cap.limit} is reached; {history.ids[chosen]} is closest to the target rate"
        return Action(MTD_DECLARED, because, chosen, "", excluded)


@dataclass(frozen=True)
class IntervalRule(CohortRule):
    """A rule whose decision depends on n and x of the current level alone: E up, S stay, D down."""

    @abstractmethod
    def letter(self, x: int, n: int) -> str:
        """E, S or D for x DLTs of n; exclusion (DU) comes before it."""

    def decision(self, x: int, n: int) -> str:
        """E, S, D or DU, as in the printed tables.

        >>> from trialbook.dlt.designs.interval import Boin
        >>> Boin(0.3).decision(1, 3), Boin(0.3).decision(3, 3)
        ('S', 'DU')
        """
        return "DU" if too_toxic(x, n, self.target, self.certainty, self.smallest) else self.letter(x, n)

    def next_level(self, history: History, pending: tuple[Pending, ...], level: int, excluded_from: int) -> int | None:
        """One level up or down by the letter, within the levels that are open; pending count as free of DLT."""
        n = history.n(level) + len(at(pending, level))
        step = {"E": 1, "S": 0, "D": -1}[self.letter(history.dlts(level), n)] if n else 0
        return min(max(level + step, 0), excluded_from - 1)

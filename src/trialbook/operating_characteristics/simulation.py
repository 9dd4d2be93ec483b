"""Simulates many trials of one plan side by side: NumPy over trials, one step per decision, whole calendar days.

A subject who comes on a day is treated by what was known at the end of the day before, as a committee decides from a
data cut. The rule is the one of `dlt.designs`, asked once per state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialbook.operating_characteristics.lookup import Ints
from trialbook.operating_characteristics.plan import Plan
from trialbook.operating_characteristics.questions import WAITS, questions_of

# What is known of a subject; a place that is not taken yet is EMPTY.
EMPTY, PENDING, NO_DLT, DLT, LEFT = 0, 1, 2, 3, 4
NEVER = 2**30


@dataclass(frozen=True)
class Trials:
    """What came of each trial: the code of its ending (`Plan.codes`), days from the first infusion to it, and the
    subjects treated, with DLT and not evaluable by level (rows) and trial."""

    ending: Ints
    days: Ints
    treated: Ints
    dlts: Ints
    left: Ints


class Draws(NamedTuple):
    """All chance of a trial, one value per place: of a DLT, the day it (or leaving) falls on, of leaving, and the
    days to the next patient. Only who comes while a rule waits, and is lost, is drawn later."""

    dlt: NDArray[np.float64]
    day: NDArray[np.int32]
    loss: NDArray[np.float64]
    gap: NDArray[np.float64]


def draw(plan: Plan, shape: tuple[int, int], rng: np.random.Generator) -> Draws:
    """The draws of a number of places (rows) in a number of trials (columns)."""
    dlt = rng.random(shape)
    day = rng.integers(0, plan.window + 1, shape, dtype=np.int32)
    loss = rng.random(shape) if plan.not_evaluable else np.ones(shape)
    gap = rng.exponential(plan.accrual_days, shape) if plan.accrual_days else np.zeros(shape)
    return Draws(dlt, day, loss, gap)


def simulate(plan: Plan, trials: int, seed: np.random.SeedSequence) -> Trials:
    """Runs `trials` trials of a plan to their end; the same seed gives the same trials."""
    run = _Run(plan, trials, np.random.default_rng(seed))
    while run.active.size:
        run.step()
    return run.result()


class _Run:
    """The trials of one call.

    Arrays of subjects have one row per place, in order of first infusion, and one column per trial. `day` is the day
    on which the next decision is made, from what was known the day before; `arrives` the day of the next patient.
    """

    def __init__(self, plan: Plan, trials: int, rng: np.random.Generator) -> None:
        self.plan, self.rng = plan, rng
        self.questions = questions_of(plan)
        self.rates = np.array(plan.rates)
        shape = (plan.cap.limit, trials)
        self.status = np.zeros(shape, dtype=np.int8)
        self.level = np.full(shape, -1, dtype=np.int8)
        self.since = np.zeros(shape, dtype=np.int32)
        self.becomes = np.zeros(shape, dtype=np.int8)
        self.known_on = np.full(shape, NEVER, dtype=np.int32)
        self.draws = draw(plan, shape, rng)
        self.counts = np.zeros((len(plan.ids), trials), dtype=np.int64)
        self.number = np.zeros(trials, dtype=np.int64)
        self.current = np.full(trials, -1, dtype=np.int64)
        self.day = np.zeros(trials, dtype=np.int32)
        self.clock = np.zeros(trials)
        self.arrives = np.zeros(trials, dtype=np.int32)
        self.ending = np.zeros(trials, dtype=np.int64)
        self.active = np.arange(trials)

    def step(self) -> None:
        """One decision in each trial that goes on, and what follows from it."""
        self._learn()
        here = self.active
        advised = self.questions.answers(self, here)
        last_level = len(self.plan.ids)
        ends, waits = advised > last_level, advised == WAITS
        if ends.any():
            self.ending[here[ends]] = advised[ends] - last_level - 1
            self.active = here[~ends]
        if waits.any():
            self._wait(here[waits])
        enrols = ~ends & ~waits
        self._enrol(here[enrols], advised[enrols] - 1)

    def _learn(self) -> None:
        """What became known by the end of the day before the decision."""
        at = np.flatnonzero(self.known_on < self.day)
        if not at.size:
            return
        became = self.becomes.ravel()[at]
        trials = len(self.day)
        np.add.at(
            self.counts.ravel(), self.level.ravel()[at] * np.int64(trials) + at % trials, self.questions.change[became]
        )  # fmt: skip
        self.status.ravel()[at] = became
        self.known_on.ravel()[at] = NEVER

    def _wait(self, trial: Ints) -> None:
        """To the day after the next window closes, or the next DLT; who comes meanwhile is lost or queues."""
        known = self.known_on.min(axis=0)[trial]
        if (known == NEVER).any():
            raise RuntimeError("the rule waits although nobody is pending")
        self.day[trial] = known + 1
        if self.plan.arrivals == "lost":
            late = trial[self.arrives[trial] <= known]
            # A Poisson stream has no memory: the next patient after a given day is a fresh draw away.
            again = self.rng.exponential(self.plan.accrual_days, late.size) if self.plan.accrual_days else 0.0
            self.clock[late] = self.day[late] + again
            self.arrives[late] = self.clock[late].astype(np.int32)

    def _enrol(self, trial: Ints, level: Ints) -> None:
        """Treats whoever has come; where nobody has yet, time goes on to the next event."""
        come = self.arrives[trial] <= self.day[trial]
        self._treat(trial[come], level[come])
        news = self.known_on.min(axis=0)[trial]
        self.day[trial] = np.minimum(np.maximum(self.arrives[trial], self.day[trial]), news + 1)

    def _treat(self, trial: Ints, level: Ints) -> None:
        plan, place, day = self.plan, self.number[trial], self.day[trial]
        if place.size and place.max() >= len(self.status):
            self._more_places()
        # Positions in the arrays of subjects taken as one row: several times faster than a pair of indices.
        at = place * len(self.day) + trial
        self.level.ravel()[at] = level
        self.status.ravel()[at] = PENDING
        self.since.ravel()[at] = day
        stays = np.full(len(trial), plan.window, dtype=np.int32)
        became = np.full(len(trial), NO_DLT, dtype=np.int8)
        drawn = self.draws.day.ravel()[at]
        if plan.not_evaluable:
            lost = self.draws.loss.ravel()[at] < plan.not_evaluable
            became[lost], stays[lost] = LEFT, np.minimum(drawn[lost], max(plan.window - 1, 0))
        toxic = self.draws.dlt.ravel()[at] < self.rates[level]
        became[toxic], stays[toxic] = DLT, drawn[toxic]
        self.becomes.ravel()[at] = became
        self.known_on.ravel()[at] = day + stays
        self.counts[level, trial] += self.questions.change[PENDING]
        self.current[trial] = level
        self.number[trial] = place + 1
        free_from = day + plan.stagger_days
        base = np.maximum(self.clock[trial], free_from) if plan.arrivals == "lost" else self.clock[trial]
        self.clock[trial] = base + self.draws.gap.ravel()[at]
        self.arrives[trial] = np.maximum(self.clock[trial].astype(np.int32), free_from)

    def _more_places(self) -> None:
        """Where only evaluable subjects count, more than the cap may be treated."""
        shape = (self.plan.cap.limit, self.status.shape[1])
        more = draw(self.plan, shape, self.rng)
        before: list[Any] = list(self.draws)
        self.draws = Draws(*(np.vstack([old, new]) for old, new in zip(before, list[Any](more), strict=True)))
        for name, value in (("status", EMPTY), ("level", -1), ("since", 0), ("becomes", 0), ("known_on", NEVER)):
            old = getattr(self, name)
            setattr(self, name, np.vstack([old, np.full(shape, value, dtype=old.dtype)]))

    def result(self) -> Trials:
        """Counts by level of all who were treated; a DLT that was still ahead at the end counts."""

        def by_level(chosen: NDArray[np.bool_]) -> Ints:
            rows = [(chosen & (self.level == level)).sum(axis=0) for level in range(len(self.plan.ids))]
            return np.array(rows, dtype=np.int64)

        days = (self.day - 1 - self.since[0]).clip(min=0).astype(np.int64)
        return Trials(
            self.ending,
            days,
            *(by_level(chosen) for chosen in (self.level >= 0, self.becomes == DLT, self.becomes == LEFT)),
        )

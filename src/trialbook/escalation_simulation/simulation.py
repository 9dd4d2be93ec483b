"""Simulates many trials of one plan side by side: NumPy over trials, one step per decision, whole calendar days.

A subject who comes on a day is treated by what was known at the end of the day before, as a committee decides from a
data cut. The rule is the one of `dlt.designs`, asked once per state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from trialbook.dlt.designs.design import ONGOING, WAIT
from trialbook.escalation_simulation.plan import Plan
from trialbook.escalation_simulation.states import Ints, Lookup, State, ask

# ----------------------------------------------------------------------------------------------------
# What a simulation asks a rule: the state of each trial as small numbers, and the rule's answer as one number.


# An answer: 0 = wait, 1 to L = enrol at this level, L + 1 + code = ended (`Plan.codes`).
WAITS = 0
EVALUABLE, DLTS, WAITING, REPLACED = range(4)
# Bits of one count: four of them make the word of a level.
NARROW, WIDE = 4, 13


class Subjects(Protocol):
    """The arrays of a simulation that a state is read from."""

    counts: Ints
    current: Ints
    status: NDArray[np.int8]
    level: NDArray[np.int8]
    since: NDArray[np.int32]
    day: NDArray[np.int32]


class Questions:
    """The states of many trials, and the answers to them, for one rule; answers are remembered."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        exact_fit = plan.cap.counts == "treated" and plan.cap.limit < 2**NARROW
        self.size = NARROW if exact_fit else WIDE
        unit = [1 << (self.size * kind) for kind in range(4)]
        # What each status adds to the word of its level, by the codes of `simulation`: EMPTY to LEFT.
        self.change = np.array(
            [0, unit[WAITING], unit[EVALUABLE] - unit[WAITING], unit[EVALUABLE] + unit[DLTS] - unit[WAITING],
             unit[REPLACED] - unit[WAITING]], dtype=np.int64,
        )  # fmt: skip
        self.look_up = Lookup(self._answer)

    def answers(self, subjects: Subjects, trial: Ints) -> Ints:
        """The answer in each of the named trials, from what is known there."""
        rows = [word[trial] for word in subjects.counts]
        bits = [4 * self.size] * len(rows)
        rows.append(subjects.current[trial] + 1)
        bits.append(len(self.plan.ids).bit_length())
        reads = self.plan.rule.reads
        if reads.last_cohort:
            rows.append(self._last(subjects, trial, reads.last_cohort))
            bits.append(2 * reads.last_cohort.bit_length())
        if reads.follow_up == "sum":
            days = self._followed(subjects, trial)
            days[subjects.level[:, trial] != subjects.current[trial]] = 0
            rows.append(days.clip(min=0).sum(axis=0).astype(np.int64))
            bits.append((len(days) * max(self.plan.window, 1)).bit_length())
        if reads.follow_up == "each":
            width = self.plan.window + 1
            days = self._followed(subjects, trial)
            codes = np.where(days >= 0, subjects.level[:, trial].astype(np.int64) * width + days + 1, 0)
            codes = np.sort(codes, axis=0)
            # The places that nobody is pending in sort first; rows without anyone say nothing.
            rows += list(codes[codes.any(axis=1)])
            bits += [(width * len(self.plan.ids)).bit_length()] * (len(rows) - len(bits))
        return self.look_up(rows, bits)

    def _followed(self, subjects: Subjects, trial: Ints) -> Ints:
        """Days followed of each pending subject up to the day before the decision; -1 where nobody is pending."""
        days = (subjects.day[trial] - 1 - subjects.since[:, trial]).clip(0, self.plan.window)
        return np.where(subjects.status[:, trial] == 1, days, -1).astype(np.int64)

    def _last(self, subjects: Subjects, trial: Ints, cohort: int) -> Ints:
        """How many outcomes of those treated last at the current level are known, and how many of them are DLTs."""
        places, seen, toxic = (np.zeros(len(trial), dtype=np.int64) for _ in range(3))
        for status, level in zip(subjects.status[::-1], subjects.level[::-1], strict=True):
            status, level = status[trial], level[trial]
            counted = (level == subjects.current[trial]) & (status >= 1) & (status <= 3) & (places < cohort)
            places += counted
            seen += counted & (status >= 2)
            toxic += counted & (status == 3)
        return (seen << cohort.bit_length()) | toxic

    def _answer(self, numbers: tuple[int, ...]) -> int:
        """Asks the rule about the state that these numbers say."""
        state = self._state(numbers)
        action = ask(self.plan.rule, self.plan.ids, state)
        if action.outcome != ONGOING:
            return len(self.plan.ids) + 1 + self.plan.ending(action.outcome, action.level)
        return WAITS if action.move == WAIT or action.level is None else action.level + 1

    def _state(self, numbers: tuple[int, ...]) -> State:
        levels, mask = len(self.plan.ids), (1 << self.size) - 1
        counts = [tuple((word >> (self.size * kind)) & mask for word in numbers[:levels]) for kind in range(4)]
        current, rest = numbers[levels] - 1, list(numbers[levels + 1 :])
        last: tuple[bool, ...] = ()
        reads, window = self.plan.rule.reads, max(self.plan.window, 1)
        if reads.last_cohort:
            seen, toxic = divmod(rest.pop(0), 1 << reads.last_cohort.bit_length())
            last = (False,) * (seen - toxic) + (True,) * toxic
        followed: tuple[tuple[int, float], ...] = ()
        if reads.follow_up == "sum" and current >= 0 and counts[WAITING][current]:
            number = counts[WAITING][current]
            followed = ((current, rest[0] / (number * window)),) * number
        if reads.follow_up == "each":
            followed = tuple(((code - 1) // (self.plan.window + 1), (code - 1) % (self.plan.window + 1) / window)
                             for code in rest if code)  # fmt: skip
        return State(
            counts[EVALUABLE], counts[DLTS], counts[WAITING], counts[REPLACED], current, last, followed
        )  # fmt: skip


def questions_of(plan: Plan) -> Questions:
    """The questions of a plan; plans that differ in rates or accrual alone share what was answered."""
    return _questions(plan.without_course())


@lru_cache(maxsize=16)
def _questions(plan: Plan) -> Questions:
    return Questions(plan)


# ----------------------------------------------------------------------------------------------------

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
        """Treats the patients who have come; where nobody has yet, time moves to the next event."""
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


# ----------------------------------------------------------------------------------------------------
# Sums over simulated trials: whole numbers only, so that neither order nor the number of parts changes a digit.


@dataclass(frozen=True)
class Tally:
    """Sums over trials; `squares` are those of the numbers of subjects, for the error of a simulation.

    The last place of an array by level is the total; `unsafe` counts subjects treated above the target rate; `days`
    is how many trials took 0, 1, 2, ... days.
    """

    trials: int
    endings: Ints
    treated: Ints
    dlts: Ints
    left: Ints
    unsafe: Ints
    squares: Ints
    days: Ints

    def __add__(self, other: Tally) -> Tally:
        """The tally of both."""
        longest = max(len(self.days), len(other.days))
        days = np.zeros(longest, dtype=np.int64)
        days[: len(self.days)] += self.days
        days[: len(other.days)] += other.days
        return Tally(
            self.trials + other.trials, self.endings + other.endings, self.treated + other.treated,
            self.dlts + other.dlts, self.left + other.left, self.unsafe + other.unsafe, self.squares + other.squares,
            days,
        )  # fmt: skip


def tally(plan: Plan, trials: Trials) -> Tally:
    """The sums over simulated trials."""
    above = np.array([rate > plan.target for rate in plan.rates])
    unsafe = trials.treated[above].sum(axis=0)
    counted = [_with_total(counts) for counts in (trials.treated, trials.dlts, trials.left)]
    return Tally(
        trials=len(trials.ending),
        endings=np.bincount(trials.ending, minlength=len(plan.codes)).astype(np.int64),
        treated=counted[0].sum(axis=1), dlts=counted[1].sum(axis=1), left=counted[2].sum(axis=1),
        unsafe=unsafe.sum(keepdims=True),
        squares=np.concatenate([*((c**2).sum(axis=1) for c in counted), (unsafe**2).sum(keepdims=True)]),
        days=np.bincount(trials.days).astype(np.int64),
    )  # fmt: skip


def _with_total(counts: Ints) -> Ints:
    return np.vstack([counts, counts.sum(axis=0)])

"""What a simulation asks a rule: the state of each trial as small numbers, and the rule's answer as one number."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trialbook.dlt.designs.design import ONGOING, WAIT
from trialbook.operating_characteristics.lookup import Ints, Lookup
from trialbook.operating_characteristics.plan import Plan
from trialbook.operating_characteristics.states import State, ask

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

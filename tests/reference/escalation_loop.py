"""One simulated trial of an escalation rule as a plain Python loop over days and events: slow, and easy to follow.

`trialbook.escalation_simulation.simulation` does the same for many trials at once; given the same draws both must
end every trial alike (patients who come while the rule waits queue, since lost ones need further draws).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from trialbook.dlt.designs.design import History, Outcome, Pending, Rule
from trialbook.escalation_simulation.plan import Plan

NO_DLT, DLT, LEFT = "N", "T", "X"
TODAY = pd.Timestamp("2000-01-01")


class Subject(NamedTuple):
    """Who was treated: level, day of infusion, the day on which the outcome is known, and the outcome."""

    level: int
    since: int
    known_on: int
    becomes: str


class Ended(NamedTuple):
    """How a trial ended: the code of A-78, days to it, subjects treated and with DLT by level."""

    code: str
    days: int
    treated: list[int]
    dlts: list[int]


# From the subjects so far and the last day that is known: a level to treat at, None to wait, or the ending.
Decide = Callable[[list[Subject], int], int | str | None]


def one_trial(
    plan: Plan, dlt: Sequence[float], day: Sequence[int], loss: Sequence[float], gap: Sequence[float], decide: Decide
) -> Ended:
    """Runs one trial with these draws, one per place in order of first infusion."""
    subjects: list[Subject] = []
    today, clock, arrives = 0, 0.0, 0
    while True:
        advised = decide(subjects, today - 1)
        if isinstance(advised, str):
            break
        news = min((s.known_on for s in subjects if s.known_on >= today), default=None)
        if advised is None:
            assert news is not None, "the rule waits although nobody is pending"
            today = news + 1
            continue
        if arrives <= today:
            place = len(subjects)
            toxic = dlt[place] < plan.rates[advised]
            becomes = DLT if toxic else LEFT if loss[place] < plan.not_evaluable else NO_DLT
            stays = {DLT: day[place], LEFT: min(day[place], max(plan.window - 1, 0)), NO_DLT: plan.window}[becomes]
            subjects.append(Subject(advised, today, today + stays, becomes))
            clock += gap[place]
            arrives = max(int(clock), today + plan.stagger_days)
            news = min(s.known_on for s in subjects if s.known_on >= today)
        assert news is not None or arrives > today
        today = max(arrives, today) if news is None else min(max(arrives, today), news + 1)
    levels = range(len(plan.ids))
    treated = [sum(s.level == k for s in subjects) for k in levels]
    toxic_at = [sum(s.level == k and s.becomes == DLT for s in subjects) for k in levels]
    return Ended(advised, today - 1 - subjects[0].since, treated, toxic_at)


def asking(rule: Rule, plan: Plan) -> Decide:
    """Decides by asking the rule itself, with what is known on the day."""

    def decide(subjects: list[Subject], known: int) -> int | str | None:
        outcomes = tuple(
            Outcome(s.level, s.becomes == DLT) for s in subjects if s.known_on <= known and s.becomes != LEFT
        )  # fmt: skip
        replaced = tuple(s.level for s in subjects if s.known_on <= known and s.becomes == LEFT)
        pending = tuple(
            Pending(s.level, min(max(known - s.since, 0) / max(plan.window, 1), 1.0))
            for s in subjects
            if s.known_on > known
        )
        current = subjects[-1].level if subjects else None
        places = [
            s.known_on <= known for s in subjects if s.level == current and (s.known_on > known or s.becomes != LEFT)
        ]
        history = History(plan.ids, outcomes, replaced, current, tuple(places))
        action = rule.next_action(history, pending, TODAY)
        if action.outcome != "ONGOING":
            return action.code(plan.ids)
        return None if action.move == "WAIT" else action.level

    return decide


def by_table(advised: Callable[..., str], counts: Callable[..., object], plan: Plan) -> Decide:
    """Decides by the second writing of the 3+3 (`three_plus_three.advised` of its `Counts`)."""
    levels = len(plan.ids)

    def decide(subjects: list[Subject], known: int) -> int | str | None:
        n, x, pending = [0] * levels, [0] * levels, [0] * levels
        for subject in subjects:
            if subject.known_on > known:
                pending[subject.level] += 1
            else:
                n[subject.level] += 1
                x[subject.level] += subject.becomes == DLT
        current = subjects[-1].level if subjects else -1
        code = advised(counts(tuple(n), tuple(x), tuple(pending), current), plan.cap.limit)
        move, _, level = code.partition(" ")
        if not level:
            return code
        return None if move == "WAIT" else int(level[2:]) - 1

    return decide

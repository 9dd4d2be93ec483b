"""Exact probabilities of how a trial goes on from any state, by enumeration of all outcomes (§4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialbook.dlt.designs.design import WAIT, History, Pending
from trialbook.dlt.pathways import chance_still
from trialbook.escalation_simulation.plan import Plan
from trialbook.escalation_simulation.states import State, answer
from trialbook.escalation_simulation.summary import DLTS, LEFT, TREATED, UNSAFE, Row, frame, probability_rows
from trialbook.results.ard import TOTAL
from trialbook.statistics import added

# Above this cap the states are too many to enumerate at the pace of a page; a simulation answers instead.
MOST_EXACT = 18
# The fates of a subject.
FREE, TOXIC, GONE = 0, 1, 2


@dataclass
class _Expected:
    """Probability of each ending, and expected further subjects per level: treated, DLTs, not evaluable."""

    endings: dict[str, float] = field(default_factory=dict)
    treated: list[float] = field(default_factory=list)
    dlts: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)


def exact_characteristics(
    plan: Plan, past: History | None = None, pending: Sequence[Pending] = (), *, together: bool = True
) -> pd.DataFrame:
    """The table of `summary.characteristics`, exactly, without days and errors, from a state of the trial on.

    `past` and `pending` are the trial so far (default: nobody treated); subjects counted are those still to come, and
    DLTs those still to come of pending subjects too. `together`: as many as the rule lets in are treated at once,
    before any of their windows closes, as when patients abound; otherwise each is awaited before the next.
    """
    start = past or History(plan.ids)
    expected = _enumerate(plan, _state(plan, start, pending), tuple(pending), together)
    rows: list[Row] = [(measure, level, p, None) for measure, level, p in probability_rows(plan, expected.endings)]
    for measure, counts in ((TREATED, expected.treated), (DLTS, expected.dlts), (LEFT, expected.left)):
        rows += [(measure, name, count, None) for name, count in zip(plan.ids, counts, strict=True)]
        rows.append((measure, TOTAL, added(counts), None))
    above = [n for n, rate in zip(expected.treated, plan.rates, strict=True) if rate > plan.target]
    rows.append((UNSAFE, TOTAL, added(above), None))
    return frame(plan, rows)


def _enumerate(plan: Plan, start: State, pending: tuple[Pending, ...], together: bool) -> _Expected:
    levels = range(len(plan.ids))
    found = _Expected({}, [0.0 for _ in levels], [0.0 for _ in levels], [0.0 for _ in levels])
    layer: dict[tuple[State, tuple[Pending, ...]], float] = {(start, pending): 1.0}
    while layer:
        following: dict[tuple[State, tuple[Pending, ...]], float] = {}
        for (state, waiting), chance in layer.items():
            ending, coming = _next_subjects(plan, state, waiting, together)
            if ending:
                found.endings[ending] = found.endings.get(ending, 0.0) + chance
                continue
            if not coming and not waiting:
                raise RuntimeError("the rule waits although nobody is pending")
            for level in coming:
                found.treated[level] += chance
            everybody = (*waiting, *(Pending(level, 0.0) for level in coming))
            current = coming[-1] if coming else state.current
            for after, p in _resolved(plan, state, everybody, current, found, chance):
                following[after, ()] = following.get((after, ()), 0.0) + p
        layer = following
    return found


def _next_subjects(
    plan: Plan, state: State, waiting: tuple[Pending, ...], together: bool
) -> tuple[str, list[int]]:  # fmt: skip
    """The ending that is reached, or the levels of those who are treated next; none while the rule waits."""
    coming: list[int] = []
    now = _with_pending(state, waiting)
    while True:
        outcome, level = answer(plan.rule, plan.ids, now)
        if outcome == WAIT or (coming and not together):
            return "", coming
        if outcome != "ONGOING" or level is None:
            # A subject who is pending when a trial ends cannot change it: the ending is final.
            return ("" if coming else plan.codes[plan.ending(outcome, level)]), coming
        coming.append(level)
        counts = list(now.pending)
        counts[level] += 1
        kept = now.last if level == now.current else ()
        room = max(plan.rule.reads.last_cohort - counts[level], 0)
        now = now._replace(pending=tuple(counts), current=level, last=kept[len(kept) - min(room, len(kept)) :])


def _with_pending(state: State, waiting: tuple[Pending, ...]) -> State:
    counts = tuple(sum(p.level == level for p in waiting) for level in range(len(state.evaluable)))
    return state._replace(pending=counts, followed=tuple((p.level, p.weight) for p in waiting))


def _resolved(
    plan: Plan, state: State, everybody: tuple[Pending, ...], current: int, found: _Expected, chance: float
) -> Iterator[tuple[State, float]]:  # fmt: skip
    """Every way in which the windows of `everybody` can close, with its probability; equal states are merged."""
    merged = {state._replace(pending=tuple(0 for _ in state.pending), followed=(), current=current, last=_last(
        plan, state, current)): chance}  # fmt: skip
    for subject in everybody:
        chances = _chances(plan, subject)
        found.dlts[subject.level] += chance * chances[TOXIC]
        found.left[subject.level] += chance * chances[GONE]
        following: dict[State, float] = {}
        for before, p in merged.items():
            for end in (FREE, TOXIC, GONE):
                if chances[end] > 0:
                    after = _after(plan, before, subject.level, end)
                    following[after] = following.get(after, 0.0) + p * chances[end]
        merged = following
    yield from merged.items()


def _last(plan: Plan, state: State, current: int) -> tuple[bool, ...]:
    return state.last if current == state.current and plan.rule.reads.last_cohort else ()


def _chances(plan: Plan, subject: Pending) -> tuple[float, float, float]:
    toxic = chance_still(plan.rates[subject.level], subject.weight)
    gone = (1 - toxic) * chance_still(plan.not_evaluable, subject.weight)
    return 1 - toxic - gone, toxic, gone


def _after(plan: Plan, state: State, level: int, end: int) -> State:
    """The state after the window of one subject has closed."""

    def one_more(counts: tuple[int, ...]) -> tuple[int, ...]:
        return (*counts[:level], counts[level] + 1, *counts[level + 1 :])

    if end == GONE:
        return state._replace(replaced=one_more(state.replaced))
    kept, last = plan.rule.reads.last_cohort, state.last
    if kept and level == state.current:
        last = (*last, end == TOXIC)[-kept:]
    dlts = one_more(state.dlts) if end == TOXIC else state.dlts
    return state._replace(evaluable=one_more(state.evaluable), dlts=dlts, last=last)


def _state(plan: Plan, past: History, pending: Sequence[Pending]) -> State:
    levels = range(len(plan.ids))
    current = -1 if past.current is None else past.current
    return State(
        tuple(past.n(k) for k in levels), tuple(past.dlts(k) for k in levels), tuple(0 for _ in levels),
        tuple(past.replaced.count(k) for k in levels), current,
        past.last_cohort(pending, current, kept) if (kept := plan.rule.reads.last_cohort) else (),
    )  # fmt: skip

"""Where a trial is with a safety stopping rule: now, and in the worst and the best case of subjects still open."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from trialbook.statistics import added
from trialbook.statistics.stopping_rules import StoppingRule
from trialbook.statistics.stopping_rules_survival import SurvivalStoppingRule

CONTINUE, STOP, NEXT_EVENT_STOPS = "continue", "stop", "next event stops"
NOW, WORST, BEST = "now", "worst", "best"


class MonitoringState(NamedTuple):
    """One case of a rule for an event that each subject has or has not.

    `boundary` is the fewest events of `n` evaluated subjects that stop, None where no number of them does.
    """

    case: str
    events: int
    n: int
    boundary: int | None
    verdict: str


def monitoring_states(rule: StoppingRule, events: int, n: int, open_subjects: int) -> tuple[MonitoringState, ...]:
    """The cases now, worst (every open subject has the event) and best (none has).

    `events` of `n` evaluated subjects had it; `open_subjects` are not evaluated yet. A boundary that has been reached
    is not undone by later subjects: the counts of the best case are those of the first look that stops. The worst
    case has the counts with all open subjects, or of the first look that stops where the last one does not.
    `next event stops`: it does so in any subject, if nobody is evaluated in between without the event (where the rule
    does not look after every subject: until the next look). Raises ValueError for counts that do not fit.

    >>> from trialbook.statistics.stopping_rules import Pocock, calibrated_rule
    >>> rule = calibrated_rule(Pocock(), n_max=12, p0=0.20, alpha=0.10)
    >>> for state in monitoring_states(rule, events=2, n=4, open_subjects=2):
    ...     print(state.case, f"{state.events}/{state.n}", state.boundary, state.verdict)
    now 2/4 3 continue
    worst 4/6 4 stop
    best 2/6 4 continue
    """
    if not 0 <= events <= n or open_subjects < 0:
        raise ValueError(f"{events} events of {n} evaluated subjects with {open_subjects} open mean nothing")
    if n + open_subjects > rule.n_max:
        raise ValueError(f"the rule looks at {rule.n_max} subjects, not at {n + open_subjects}")
    now = _state(rule, NOW, events, n)
    looks = range(open_subjects + 1)
    worst = [_state(rule, WORST, events + k, n + k) for k in looks]
    best = [_state(rule, BEST, events, n + k) for k in looks]
    # At the end it stops, or at a look before it.
    on_the_way = next((state for state in worst if state.verdict == STOP), worst[-1])
    return (
        now,
        worst[-1] if worst[-1].verdict == STOP else on_the_way,
        next((state for state in best if state.verdict == STOP), best[-1]),
    )


def further_events(rule: StoppingRule, events: int, n: int) -> int | None:
    """How many more events stop, if they are the next that are seen; None where no number of them does.

    Where the rule does not look after every subject: by the first look that can hold them.

    >>> from trialbook.statistics.stopping_rules import Pocock, calibrated_rule
    >>> rule = calibrated_rule(Pocock(), n_max=12, p0=0.20, alpha=0.10)
    >>> further_events(rule, 2, 4), further_events(rule, 2, 6), further_events(rule, 3, 12)
    (2, 3, None)
    """
    for more in range(1, rule.n_max - n + 1):
        look = next((m for m in range(n + more, rule.n_max + 1) if rule.can_stop(m)), None)
        if look is not None and events + more >= rule.stop_at(look):
            return more
    return None


def further_events_in(rule: SurvivalStoppingRule, events: int, follow_up: float) -> int | None:
    """The same of a rule for the time to an event: the events that stop if they came today."""
    most = rule.first_event + len(rule.limits) - 1
    for more in range(1, most - events + 1):
        limit = rule.limit(events + more)
        if limit is not None and follow_up <= limit:
            return more
    return None


def first_stop(rule: StoppingRule, outcomes: Sequence[bool]) -> int | None:
    """After how many subjects the boundary was first reached; None when it was not.

    `outcomes` say of each subject, in the order of evaluation, whether there was an event. Raises ValueError for more
    subjects than the rule looks at.

    >>> from trialbook.statistics.stopping_rules import Pocock, calibrated_rule
    >>> first_stop(calibrated_rule(Pocock(), n_max=12, p0=0.20, alpha=0.10), [True, False, True, True, False])
    4
    """
    events = 0
    for n, outcome in enumerate(outcomes, 1):
        events += bool(outcome)
        if events >= rule.stop_at(n):
            return n
    return None


def _state(rule: StoppingRule, case: str, events: int, n: int) -> MonitoringState:
    boundary = rule.stop_at(n) if n and rule.can_stop(n) else None
    verdict = STOP if boundary is not None and events >= boundary else CONTINUE
    next_look = next((m for m in range(n + 1, rule.n_max + 1) if rule.can_stop(m)), None)
    # Where the rule cannot stop at the next subjects, more of them are evaluated before the event can count.
    if verdict == CONTINUE and next_look is not None and events + 1 >= rule.stop_at(next_look):
        verdict = NEXT_EVENT_STOPS
    return MonitoringState(case, events, n, boundary, verdict)


# ----------------------------------------------------------------------------------------------------


class SurvivalMonitoringState(NamedTuple):
    """One case of a rule for the time to an event: events, total follow-up in days, and the limit of these events.

    `limit` is the most follow-up at the last event with which it stops; None without an event that can. `left` is the
    follow-up in which one more event would stop: None where none would.
    """

    case: str
    events: int
    follow_up: float
    limit: float | None
    left: float | None
    verdict: str


def survival_monitoring_states(
    rule: SurvivalStoppingRule, follow_up_at_events: Sequence[float], follow_up: float, open_days: Sequence[float]
) -> tuple[SurvivalMonitoringState, ...]:
    """The cases now, worst (every open subject has the event at once) and best (all end their windows without it).

    `follow_up_at_events`: the total follow-up of all subjects, in days, at each event, in order; `follow_up`: that of
    today; `open_days`: the days of the window that each open subject still has. A limit that was kept to at an event
    stays reached. Raises ValueError for follow-up that falls or is negative.

    >>> from trialbook.statistics.stopping_rules_survival import PocockSurvival, calibrated_survival_rule
    >>> rule = calibrated_survival_rule(PocockSurvival(), n_max=12, tau=100, p0=0.30, alpha=0.10)
    >>> for state in survival_monitoring_states(rule, [60.0], follow_up=130.0, open_days=[70.0, 100.0]):
    ...     print(state.case, state.events, state.follow_up, state.verdict)
    now 1 130.0 continue
    worst 3 130.0 stop
    best 1 300.0 continue
    """
    times = [*follow_up_at_events, follow_up]
    falls = any(after < before for before, after in itertools.pairwise(times))
    if times[0] < 0 or falls or any(days < 0 for days in open_days):
        raise ValueError(f"total follow-up never falls and is not negative: {times}, open: {list(open_days)}")
    seen, number = list(follow_up_at_events), len(open_days)
    now = _survival_state(rule, NOW, seen, follow_up)
    worst = _survival_state(rule, WORST, [*seen, *[follow_up] * number], follow_up)
    best = _survival_state(rule, BEST, seen, follow_up + added(open_days))
    return now, worst, best


def _survival_state(
    rule: SurvivalStoppingRule, case: str, seen: Sequence[float], follow_up: float
) -> SurvivalMonitoringState:  # fmt: skip
    limits = [rule.limit(k) for k in range(1, len(seen) + 2)]
    reached = any(limit is not None and at <= limit for at, limit in zip(seen, limits, strict=False))
    upcoming = limits[-1]
    left = upcoming - follow_up if upcoming is not None and upcoming >= follow_up else None
    verdict = STOP if reached else NEXT_EVENT_STOPS if left is not None else CONTINUE
    return SurvivalMonitoringState(case, len(seen), follow_up, limits[len(seen) - 1] if seen else None, left, verdict)

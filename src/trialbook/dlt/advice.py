"""What the rule in force advises at a cut, between the worst and the best case of what is still open (§4.3, §4.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from trialbook.dlt.designs.design import (
    CAP_REACHED,
    DE_ESCALATE,
    ENROL,
    ESCALATE,
    EXPAND,
    MAX_TESTED_NOT_EXCEEDED,
    MTD_DECLARED,
    NO_DOSE,
    ONGOING,
    START,
    WAIT,
    Action,
    History,
    Outcome,
    Pending,
)
from trialbook.dlt.designs.registry import NO_RULE, RULE_NAMES, make_rule
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, DLT, EVALUABLE, PENDING, WAITING

COMMITTEE = "The Safety Review Committee decides."
MOVES = {
    START: "start at", ENROL: "enrol at", EXPAND: "enrol up to 6 at", ESCALATE: "escalate to",
    DE_ESCALATE: "go down to", WAIT: "wait at",
}  # fmt: skip
# How a trial ends: in words with the dose level that is declared, and without one.
ENDS = {
    MTD_DECLARED: ("declare {} the maximum tolerated dose", "no maximum tolerated dose"),
    MAX_TESTED_NOT_EXCEEDED: ("stop: {}, the highest dose, is tolerated", "stop: the highest dose is tolerated"),
    CAP_REACHED: ("stop: no place is left, {} is confirmed", "stop: no place is left, no dose is confirmed"),
}  # fmt: skip


@dataclass(frozen=True)
class Advice:
    """The advice of one rule at one cut; never a decision.

    `code` is one word of the outcome vocabulary A-78 with its level (`ONGOING(ESCALATE DL2)`, `MTD_DECLARED(DL1)`,
    `NO_DOSE`); `level` the dose level id that it names, blank for none. `worst` and `best` are the codes if every
    pending subject ended with, or without, a DLT; the best case also clears what is counted but not yet adjudicated.
    `decision_date` is the day on which the last open window of a level that is not excluded closes: no decision on
    these subjects is possible before; None where no window is waited for.
    """

    rule: str
    code: str
    sentence: str
    level: str
    decision_date: pd.Timestamp | None
    best: str
    worst: str

    @property
    def rule_id(self) -> str:
        """The rule's id in the results, in lower case: `3+3`, `boin`."""
        return self.rule.lower()

    @property
    def date_text(self) -> str:
        """The decision date as ISO text, `-` when no date is being waited for."""
        return NOT_ESTIMABLE if self.decision_date is None else f"{self.decision_date:%Y-%m-%d}"


def advice(
    addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp, rule: str | None = None
) -> Advice:
    """The advice of `rule` (default: the protocol's) from ADDLT.

    Subjects with DLT, PENDING-ADJ and UNRESOLVED count as DLT, PENDING and PENDING-DATA are pending, NOT-EVAL only
    use a place under the cap. Raises UsageError when the rule cannot be made from the parameters.
    """
    name = rule or analysis.escalation_rule
    if name == NO_RULE:
        nothing = f"No escalation rule is in force. {COMMITTEE}"
        return Advice(name, NOT_ESTIMABLE, nothing, "", None, NOT_ESTIMABLE, NOT_ESTIMABLE)
    engine = make_rule(name, analysis, len(protocol.level_ids))
    past, pending = trial_history(addlt, protocol.level_ids)
    now = engine.next_action(past, pending, cut_date)
    worst = engine.next_action(past.resolved(pending, dlt=True), (), cut_date)
    cleared, _ = trial_history(addlt, protocol.level_ids, counted=(DLT,))
    best = engine.next_action(cleared.resolved(pending, dlt=False), (), cut_date)
    return Advice(
        rule=name,
        code=now.code(past.ids),
        sentence=_sentence(name, now, len(past.outcomes), cut_date),
        level="" if now.level is None else past.ids[now.level],
        decision_date=now.decision_date or _last_window(now, pending, cut_date),
        best=best.code(past.ids),
        worst=worst.code(past.ids),
    )


def alternatives(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp) -> list[Advice]:
    """What every other rule would say. The CRM rules are left out where their skeleton does not fit the levels."""
    fits = len(analysis.crm_skeleton) == len(protocol.level_ids)
    others = [name for name in RULE_NAMES if name != analysis.escalation_rule and (fits or "CRM" not in name)]
    return [advice(addlt, protocol, analysis, cut_date, name) for name in others]


class Course(NamedTuple):
    """A treated subject as the rules see it: level id, status, share of the window followed, its last day."""

    level: str
    status: str
    followed: float
    ends: pd.Timestamp


def trial_history(
    addlt: pd.DataFrame, level_ids: list[str], counted: tuple[str, ...] = COUNTED_AS_DLT
) -> tuple[History, tuple[Pending, ...]]:
    """The history and the pending subjects of ADDLT, in order of first infusion; `counted` are the statuses that are
    a DLT. Subjects whose level is not one of the protocol's have no place in it (`notes` names them)."""
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")
    named = listed[["TRT01A", "DLTSTAT", "FUPFRAC", "WINENDT"]].itertuples(index=False)
    return history_of([Course(*one) for one in named], level_ids, counted)


def history_of(
    courses: Iterable[Course], level_ids: list[str], counted: tuple[str, ...] = COUNTED_AS_DLT
) -> tuple[History, tuple[Pending, ...]]:
    """The same from subjects in order of first infusion."""
    outcomes: list[Outcome] = []
    pending: list[Pending] = []
    replaced: list[int] = []
    current: int | None = None
    known: list[tuple[int, bool]] = []
    for course in courses:
        if course.level not in level_ids:
            continue
        current = level_ids.index(course.level)
        if course.status in (*EVALUABLE, *WAITING):
            known.append((current, course.status in EVALUABLE))
        if course.status in EVALUABLE:
            outcomes.append(Outcome(current, course.status in counted))
        elif course.status in WAITING:
            due = course.ends if course.status == PENDING else None
            pending.append(Pending(current, float(course.followed), due))
        else:
            replaced.append(current)
    at_current = tuple(is_known for level, is_known in known if level == current)
    return History(tuple(level_ids), tuple(outcomes), tuple(replaced), current, at_current), tuple(pending)


def _last_window(action: Action, pending: tuple[Pending, ...], cut_date: pd.Timestamp) -> pd.Timestamp | None:
    """When the last window at an open level closes, while the trial goes on."""
    dates = [p.due for p in pending if p.level < action.excluded_from and p.due is not None and p.due > cut_date]
    return max(dates) if dates and action.outcome == ONGOING else None


def plain_code(code: str) -> str:
    """An advice code as words: `ONGOING(ESCALATE DL2)` is `escalate to DL2`, `NO_DOSE` is `no dose is tolerable`."""
    if code == NO_DOSE:
        return "no dose is tolerable"
    for outcome, (words, without) in ENDS.items():
        if code.startswith(f"{outcome}("):
            level = code.removeprefix(f"{outcome}(").removesuffix(")")
            return without if level == "none" else words.format(level)
    if not code.startswith(f"{ONGOING}("):
        return code
    move, level = code.removeprefix(f"{ONGOING}(").removesuffix(")").split(" ", 1)
    return f"{MOVES[move]} {level}"


def _sentence(name: str, action: Action, evaluable: int, cut_date: pd.Timestamp) -> str:
    who = f"{evaluable} DLT-evaluable subject{'' if evaluable == 1 else 's'}"
    return f"Advice by rule {name}, given {who} at the cut {cut_date:%Y-%m-%d}: {action.because}. {COMMITTEE}"

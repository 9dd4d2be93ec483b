"""What the rule in force advises at a cut, with its worst and best case (§4.3, §4.4), and notes for the committee."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from trialbook.core.messages import joined, msg, plural
from trialbook.dlt.backfill import backfill_notes, counting
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
    Cap,
    History,
    Outcome,
    Pending,
    read_code,
)
from trialbook.dlt.designs.registry import NO_RULE, make_rule, rules_beside
from trialbook.dlt.events import AWAITED, CONFIRMED, NO_EVENT, UNDATED
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE
from trialbook.subjects.dlt_status import (
    COUNTED_AS_DLT,
    DLT,
    EVALUABLE,
    NOT_EVALUABLE,
    PENDING,
    PENDING_ADJUDICATION,
    PENDING_DATA,
    UNRESOLVED,
    WAITING,
)

# ----------------------------------------------------------------------------------------------------
# What the rule in force advises at a cut, between the worst and the best case of what is still open (§4.3, §4.4).


COMMITTEE = msg("The Safety Review Committee decides.")
MOVES = {
    START: "start at {level}", ENROL: "enrol at {level}", EXPAND: "enrol up to 6 at {level}",
    ESCALATE: "escalate to {level}", DE_ESCALATE: "go down to {level}", WAIT: "wait at {level}",
}  # fmt: skip
# How a trial ends: in words with the dose level that is declared, and without one.
ENDS = {
    MTD_DECLARED: ("declare {level} the maximum tolerated dose", "no maximum tolerated dose"),
    MAX_TESTED_NOT_EXCEEDED: ("stop: {level}, the highest dose, is tolerated", "stop: the highest dose is tolerated"),
    CAP_REACHED: (
        "stop: the cap is reached and no MTD can be named; {level} is the highest confirmed level",
        "stop: the cap is reached and no MTD can be named; no level is confirmed",
    ),
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
    others = rules_beside(analysis, len(protocol.level_ids))
    return [advice(addlt, protocol, analysis, cut_date, name) for name in others]


class Course(NamedTuple):
    """A treated subject as the rules see it: level id, status, share of the window followed, its last day.

    `backfill`: treated at a level that the escalation had left; `counts`: the rule counts the subject.
    """

    level: str
    status: str
    followed: float
    ends: pd.Timestamp
    backfill: bool = False
    counts: bool = True


def trial_history(
    addlt: pd.DataFrame, level_ids: list[str], counted: tuple[str, ...] = COUNTED_AS_DLT
) -> tuple[History, tuple[Pending, ...]]:
    """The history and the pending subjects of ADDLT, in order of first infusion; `counted` are the statuses that are
    a DLT. Subjects whose level is not one of the protocol's have no place in it (`notes` names them)."""
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")
    backfill, counts = counting(listed)
    named = ("TRT01A", "DLTSTAT", "FUPFRAC", "WINENDT")
    told = zip(*(listed[name] for name in named), backfill, counts, strict=True)
    return history_of([Course(*one) for one in told], level_ids, counted)


def places_left(analysis: Analysis, history: History, pending: tuple[Pending, ...]) -> int:
    """How many subjects may still be treated under the enrolment cap of the analysis (A-73)."""
    return max(0, Cap(analysis.n_cap, analysis.cap_counts).places(history, pending))


def history_of(
    courses: Iterable[Course], level_ids: list[str], counted: tuple[str, ...] = COUNTED_AS_DLT
) -> tuple[History, tuple[Pending, ...]]:
    """The same from subjects in order of first infusion.

    A backfill subject leaves the current level as it is; who does not count is in the cap alone (A-210).
    """
    outcomes: list[Outcome] = []
    pending: list[Pending] = []
    replaced: list[int] = []
    current: int | None = None
    known: list[tuple[int, bool]] = []
    for course in courses:
        if course.level not in level_ids:
            continue
        level = level_ids.index(course.level)
        current = current if course.backfill else level
        if not course.counts:
            replaced.append(level)
            continue
        if course.status in (*EVALUABLE, *WAITING):
            known.append((level, course.status in EVALUABLE))
        if course.status in EVALUABLE:
            outcomes.append(Outcome(level, course.status in counted))
        elif course.status in WAITING:
            due = course.ends if course.status == PENDING else None
            pending.append(Pending(level, float(course.followed), due))
        else:
            replaced.append(level)
    at_current = tuple(is_known for level, is_known in known if level == current)
    return History(tuple(level_ids), tuple(outcomes), tuple(replaced), current, at_current), tuple(pending)


def _last_window(action: Action, pending: tuple[Pending, ...], cut_date: pd.Timestamp) -> pd.Timestamp | None:
    """When the last window at an open level closes, while the trial goes on."""
    dates = [p.due for p in pending if p.level < action.excluded_from and p.due is not None and p.due > cut_date]
    return max(dates) if dates and action.outcome == ONGOING else None


def plain_code(code: str) -> str:
    """An advice code as words: `ONGOING(ESCALATE DL2)` is `escalate to DL2`, `NO_DOSE` is `no dose is tolerable`."""
    outcome, move, level = read_code(code)
    if outcome == NO_DOSE:
        return "no dose is tolerable"
    if outcome in ENDS:
        words, without = ENDS[outcome]
        return msg(words, level=level) if level else without
    return msg(MOVES[move], level=level) if move else code


def _sentence(name: str, action: Action, evaluable: int, cut_date: pd.Timestamp) -> str:
    who = plural("{n} DLT-evaluable subject", "{n} DLT-evaluable subjects", evaluable)
    return msg(
        "Advice by rule {name}, given {who} at the cut {cut_date:%Y-%m-%d}: {because}. {COMMITTEE}",
        name=name,
        who=who,
        cut_date=cut_date,
        because=action.because,
        COMMITTEE=COMMITTEE,
    )


# ----------------------------------------------------------------------------------------------------

# Roles of events that decide a status.
DECIDING = (CONFIRMED, AWAITED, UNDATED)


class Note(NamedTuple):
    """A sentence, and whether it is a warning."""

    kind: Literal["info", "warning"]
    text: str


def committee_notes(addlt: pd.DataFrame, advice: Advice, protocol: Protocol, analysis: Analysis) -> list[Note]:
    """The notes of a cut, warnings first; each names its subjects."""
    says = {
        PENDING_ADJUDICATION: msg("counted as DLT: a candidate DLT has not been adjudicated (A-71)"),
        UNRESOLVED: msg("counted as DLT: a partial onset date leaves open whether the event lies in the window (A-65)"),
        PENDING_DATA: msg("still pending although the window has closed: data are missing (A-74)"),
    }
    unnamed = addlt["DLTSTAT"].eq(UNRESOLVED) & addlt["REASON"].str.startswith(NO_EVENT)
    notes = [
        Note("warning", f"{_who(rows, status)}: {words}.")
        for status, words in says.items()
        if (rows := addlt[~unnamed])["DLTSTAT"].eq(status).any()
    ]
    if unnamed.any():
        said = msg("counted as DLT: the committee's flag Y names no adverse event that is in the data (A-161)")
        notes.append(Note("warning", f"{_who(addlt[unnamed], UNRESOLVED)}: {said}."))
    unplaced = addlt[~addlt["TRT01A"].isin(protocol.level_ids)]
    if len(unplaced):
        notes.append(
            Note(
                "warning", msg("{names}: the dose level is not known; left out of the advice.", names=_names(unplaced))
            )
        )
    told, warned = backfill_notes(addlt)
    notes += [Note("warning", text) for text in warned]
    places = places_left(analysis, *trial_history(addlt, protocol.level_ids))
    notes += _replacements(addlt, analysis, places)
    notes += _places(places, analysis)
    notes += [Note("info", text) for text in told]
    if advice.best != advice.worst:
        cases = msg(
            "worst case {plain_code}, best case {plain_code_2}",
            plain_code=plain_code(advice.worst),
            plain_code_2=plain_code(advice.best),
        )
        notes.append(Note("info", msg("What is open may lead to: {cases}.", cases=cases)))
    elif advice.best != advice.code:
        notes.append(
            Note(
                "info",
                msg(
                    "Whatever the outcome of the open cases, the advice will then be: {plain_code}.",
                    plain_code=plain_code(advice.best),
                ),
            )
        )
    return notes


def late_report_notes(events: pd.DataFrame, addlt: pd.DataFrame, cut_date: pd.Timestamp) -> list[Note]:
    """Warnings of deciding events that began by the cut but were reported after it (AEDTC): they count."""
    late = events[events["ROLE"].isin(DECIDING) & (events["KNOWNDT"] > cut_date)]
    names = addlt.set_index("USUBJID")["SUBJID"].to_dict()
    return [
        Note("warning", f"{names.get(row.USUBJID, '')} ({row.TRT01A}): {row.AEDECOD} was reported on "
             f"{row.KNOWNDT:%Y-%m-%d}, after the cut; its onset lies before it, so it counts.")
        for row in late.itertuples()
    ]  # fmt: skip


def _replacements(addlt: pd.DataFrame, analysis: Analysis, places: int) -> list[Note]:
    """Who is replaced and why, and whether it counts towards the cap; a subject under-dosed but with a DLT stays."""
    place = msg("still counts towards the cap (A-73)") if analysis.cap_counts == "treated" else ""
    out = (
        msg("not evaluable, may be replaced") if places > 0
        else msg("not evaluable, not replaced as the cap leaves no place")
    )  # fmt: skip
    listed = addlt.sort_values("USUBJID", kind="stable")
    replaced = listed[listed["DLTSTAT"].eq(NOT_EVALUABLE)]
    lost = joined([out, place], "; ")
    notes = [
        Note("warning", f"{row.SUBJID} ({row.TRT01A or 'no level'}): {row.REASON}; {lost}.")
        for row in replaced.itertuples()
    ]
    kept = listed[listed["DLTSTAT"].isin(COUNTED_AS_DLT) & (listed["DOSEFRAC"] < analysis.dlt_min_dose_frac)]
    notes += [
        Note(
            "info",
            msg(
                "{SUBJID} ({TRT01A}): received {DOSEFRAC:.0%} of the dose due, but a DLT always counts.",
                SUBJID=row.SUBJID,
                TRT01A=row.TRT01A,
                DOSEFRAC=row.DOSEFRAC,
            ),
        )
        for row in kept.itertuples()
    ]
    return notes


def _places(places: int, analysis: Analysis) -> list[Note]:
    if places > 0:
        return [
            Note(
                "info",
                msg(
                    "{places} of {n_cap} places are left ({cap_counts} subjects count).",
                    places=places,
                    n_cap=analysis.n_cap,
                    cap_counts=analysis.cap_counts,
                ),
            )
        ]
    return [
        Note(
            "warning",
            msg(
                "The cap of {n_cap} {cap_counts} subjects is reached.",
                n_cap=analysis.n_cap,
                cap_counts=analysis.cap_counts,
            ),
        )
    ]


def _who(addlt: pd.DataFrame, status: str) -> str:
    return _names(addlt[addlt["DLTSTAT"].eq(status)])


def _names(subjects: pd.DataFrame) -> str:
    """`S01 (DL1), S02 (DL2)`."""
    pairs = subjects.sort_values("USUBJID", kind="stable")[["SUBJID", "TRT01A"]].itertuples(index=False)
    return ", ".join(f"{subject} ({level or 'no level'})" for subject, level in pairs)

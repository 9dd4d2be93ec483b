"""Time travel: the advice as it would have been at each earlier date, from the data of this cut (what was known when).

The limits: these are the data of this cut, cut down by their own dates, not the database of that day. An event counts
from its onset, or from its reporting date (AEDTC) where the export has one; the committee's flag has no date and
counts from the same day; a value that was corrected later appears as corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from trialbook.dlt.advice import Course, history_of, plain_code
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, EVALUABLE, NO_DLT, PENDING, WAITING

LIMITS = (
    "From the data of this cut, by their own dates: an event counts from its onset, or from its reporting date where "
    "the export has one, the committee's flag from the same day. It is not the database of that day."
)
COLUMNS = ["date", "news", "treated", "evaluable", "counted", "pending", "code", "advice", "level"]


def advice_over_time(
    addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:  # fmt: skip
    """One row per date on which something became known, up to and including the cut, sorted by date.

    `date`; `news` in words; subjects treated, evaluable, counted as DLT and pending by then; the advice of the rule in
    force as `code` (A-78) and in words; the dose `level` that it names, blank for none. The last row is the advice at
    the cut. Empty without a rule or a treated subject. `addlt` needs USUBJID SUBJID TRT01A TRTSDT DLTSTAT STATDT
    WINENDT FUPFRAC.
    """
    rows = []
    subjects = _subjects(addlt)
    if analysis.escalation_rule != NO_RULE:
        rule = make_rule(analysis.escalation_rule, analysis, len(protocol.level_ids))
        for date in event_dates(subjects, cut_date):
            then = [course_at(one, date) for one in subjects if one.treated <= date]
            past, pending = history_of(then, protocol.level_ids)
            action = rule.next_action(past, pending, date)
            counts = [sum(c.status in group for c in then) for group in (EVALUABLE, COUNTED_AS_DLT, WAITING)]
            code = action.code(past.ids)
            level = "" if action.level is None else past.ids[action.level]
            rows.append((date, _news(subjects, date, cut_date), len(then), *counts, code, plain_code(code), level))
    types = {"date": "datetime64[s]", **dict.fromkeys(("news", "code", "advice", "level"), "str")}
    counted = dict.fromkeys(("treated", "evaluable", "counted", "pending"), "int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype({**types, **counted})


class Subject(NamedTuple):
    """What ADDLT of the cut says of a subject; `known` is STATDT."""

    name: str
    treated: pd.Timestamp
    known: pd.Timestamp
    course: Course


def _subjects(addlt: pd.DataFrame) -> list[Subject]:
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")
    return [
        Subject(row.SUBJID, row.TRTSDT, row.STATDT, Course(row.TRT01A, row.DLTSTAT, row.FUPFRAC, row.WINENDT))
        for row in listed.itertuples()
    ]


def event_dates(subjects: Sequence[Subject], cut_date: pd.Timestamp) -> list[pd.Timestamp]:
    """The days up to the cut on which a subject was treated, a status became known, or a window closed before it."""
    days = {day for one in subjects for day in (one.treated, one.known)}
    days |= {one.course.ends for one in subjects if one.course.ends < one.known}
    return sorted({day for day in days if day < cut_date} | {cut_date}) if subjects else []


def course_at(subject: Subject, date: pd.Timestamp) -> Course:
    """A treated subject as it would have been seen at the end of `date`.

    Before its status was known a subject is PENDING while its window is open, and free of DLT after that: a DLT that
    was reported late was not seen at the time.
    """
    now = subject.course
    status = now.status if subject.known <= date else PENDING if now.ends > date else NO_DLT
    followed = (date - subject.treated).days / max((now.ends - subject.treated).days, 1)
    return now._replace(status=status, followed=min(max(followed, 0.0), now.followed))


_SAYS = {
    "DLT": "DLT", "PENDING-ADJ": "candidate DLT, counted", "UNRESOLVED": "event without a certain onset, counted",
    "NO-DLT": "window closed without DLT", "NOT-EVAL": "not evaluable", "PENDING-DATA": "window closed, data missing",
}  # fmt: skip


def _news(subjects: Sequence[Subject], date: pd.Timestamp, cut_date: pd.Timestamp) -> str:
    """What became known on a day, the infusions first: `009 treated at DL2; 009: DLT`."""
    said = [f"{one.name} treated at {one.course.level or 'no level'}" for one in subjects if one.treated == date]
    known = [one for one in subjects if one.known == date and one.course.status != PENDING]
    said += [f"{one.name}: {_SAYS[one.course.status]}" for one in known]
    silent = [one for one in subjects if one.course.ends == date < one.known]
    said += [f"{one.name}: window closed, nothing reported yet" for one in silent]
    return "; ".join([*said, *(["the cut"] if date == cut_date else [])])

"""The advice at each earlier date, and changes of status and advice since the previous cut (rulebook §8, P36)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from trialbook.core.messages import msg, plural
from trialbook.dlt.advice import Advice, Course, Note, history_of, plain_code
from trialbook.dlt.backfill import counting
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dlt_status import (
    COUNTED_AS_DLT,
    DLT,
    EVALUABLE,
    NO_DLT,
    NOT_EVALUABLE,
    PENDING,
    PENDING_ADJUDICATION,
    WAITING,
)

# ----------------------------------------------------------------------------------------------------
# Time travel: the advice as it would have been at each earlier date, from the data of this cut (what was known when).
#
# The limits: these are the data of this cut, cut down by their own dates, not the database of that day. An event counts
# from its onset, or from its reporting date (AEDTC) where the export has one; the committee's flag has no date and
# counts from the same day; a value that was corrected later appears as corrected.


LIMITS = msg(
    "From the data of this cut, by their own dates: an event counts from its onset, or from its reporting date where "
    "the export has one, the committee's flag from the same day. It is not the database of that day."
)
TIMELINE_COLUMNS = ["date", "news", "treated", "evaluable", "counted", "pending", "code", "advice", "level"]


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
    subjects = subjects_of(addlt)
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
    return pd.DataFrame(rows, columns=TIMELINE_COLUMNS).astype({**types, **counted})


class Subject(NamedTuple):
    """What ADDLT of the cut says of a subject; `known` is STATDT."""

    name: str
    treated: pd.Timestamp
    known: pd.Timestamp
    course: Course


def subjects_of(addlt: pd.DataFrame) -> list[Subject]:
    """The treated subjects in the order of first infusion, as `course_at` takes them."""
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")
    flags = zip(*counting(listed), strict=True)
    return [
        Subject(
            row.SUBJID, row.TRTSDT, row.STATDT, Course(row.TRT01A, row.DLTSTAT, row.FUPFRAC, row.WINENDT, *said)
        )
        for row, said in zip(listed.itertuples(), flags, strict=True)
    ]  # fmt: skip


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
    "DLT": "DLT",
    "PENDING-ADJ": msg("candidate DLT, counted"),
    "UNRESOLVED": msg("event without a certain onset, counted"),
    "NO-DLT": msg("window closed without DLT"),
    "NOT-EVAL": msg("not evaluable"),
    "PENDING-DATA": msg("window closed, data missing"),
}


def _news(subjects: Sequence[Subject], date: pd.Timestamp, cut_date: pd.Timestamp) -> str:
    """What became known on a day, the infusions first: `009 treated at DL2; 009: DLT`."""
    said: list[str] = [
        msg("{name} treated at {level}", name=one.name, level=one.course.level or msg("no level"))
        for one in subjects
        if one.treated == date
    ]
    known = [one for one in subjects if one.known == date and one.course.status != PENDING]
    said += [f"{one.name}: {_SAYS[one.course.status]}" for one in known]
    silent = [one for one in subjects if one.course.ends == date < one.known]
    said += [msg("{name}: window closed, nothing reported yet", name=one.name) for one in silent]
    return "; ".join([*said, *([msg("the cut")] if date == cut_date else [])])


# ----------------------------------------------------------------------------------------------------

CHANGE_COLUMNS = ["SUBJID", "TRT01A", "BEFORE", "NOW", "CHANGE"]
NEW, GONE = msg("treated since the last cut"), msg("no longer in the data")
CLOSED, SEEN = msg("window closed without a DLT"), msg("DLT since the last cut")
LATE = "restated: onset before the last cut, reported after it"
CLEARED = "restated: no longer a DLT (Y to N, or the record has changed)"
CONFIRMED, REFUTED = "the committee has confirmed the DLT", "the committee has decided: no DLT"
LEFT, OTHER = "no longer evaluable", "restated: the data have changed"
# What was reported to the committee at the last cut has changed.
RESTATED = (LATE, CLEARED, OTHER, GONE)


def status_changes(
    addlt: pd.DataFrame, before: pd.DataFrame | None, last_cut: pd.Timestamp | None
) -> pd.DataFrame:  # fmt: skip
    """Subjects whose status is another than at the last cut, sorted by USUBJID: SUBJID TRT01A BEFORE NOW CHANGE.

    `before` is ADDLT of the previous build (None or empty: no rows). CHANGE is the first case that fits:

    | before         | now             | change                                                              |
    |----------------|-----------------|---------------------------------------------------------------------|
    | absent         | any             | treated since the last cut                                          |
    | any            | absent          | no longer in the data                                               |
    | PENDING-ADJ    | DLT             | confirmed by the committee                                          |
    | PENDING-ADJ    | not counted     | decided: no DLT                                                     |
    | counted        | not counted     | restated: no longer a DLT                                           |
    | not counted    | counted         | restated when known by the last cut's date, else DLT since          |
    | pending        | NO-DLT          | window closed                                                       |
    | pending        | NOT-EVAL        | no longer evaluable                                                 |
    | otherwise      |                 | restated: the data have changed                                     |
    """
    if before is None or before.empty:
        return pd.DataFrame(columns=CHANGE_COLUMNS, dtype="str")
    names = ["USUBJID", "SUBJID", "TRT01A", "DLTSTAT"]
    both = before[names].merge(addlt[[*names, "DLTDT"]], on="USUBJID", how="outer", suffixes=("_OLD", ""))
    both = both.sort_values("USUBJID", kind="stable")
    rows = []
    for row in both.itertuples():
        old = "" if pd.isna(row.DLTSTAT_OLD) else row.DLTSTAT_OLD
        new = "" if pd.isna(row.DLTSTAT) else row.DLTSTAT
        if old == new:
            continue
        subject, level = (row.SUBJID, row.TRT01A) if new else (row.SUBJID_OLD, row.TRT01A_OLD)
        rows.append((subject, level, old or "-", new or "-", _kind(old, new, row.DLTDT, last_cut)))
    return pd.DataFrame(rows, columns=CHANGE_COLUMNS).astype("str")


def date_of_cut(adsl: pd.DataFrame | None) -> pd.Timestamp | None:
    """CUTDT of an earlier build's ADSL; None without one."""
    return None if adsl is None or adsl.empty else pd.Timestamp(adsl["CUTDT"].max())


def _kind(old: str, new: str, onset: pd.Timestamp, last_cut: pd.Timestamp | None) -> str:
    counted, was_counted = new in COUNTED_AS_DLT, old in COUNTED_AS_DLT
    if not old:
        return NEW
    if not new:
        return GONE
    if old == PENDING_ADJUDICATION:
        return CONFIRMED if new == DLT else OTHER if counted else REFUTED
    if was_counted:
        return OTHER if counted else CLEARED
    if counted:
        return LATE if last_cut is not None and pd.notna(onset) and onset <= last_cut else SEEN
    if old in WAITING and new == NO_DLT:
        return CLOSED
    return LEFT if old in WAITING and new == NOT_EVALUABLE else OTHER


def advice_before(results: pd.DataFrame | None, rule_id: str) -> str:
    """The code that the rule gave at the last cut, from its ARD; blank when it gave none."""
    if results is None:
        return ""
    own = results["analysis_id"].eq("DLT_ADVICE") & results["variable"].eq(rule_id) & results["context"].eq("")
    said = results.loc[own & results["stat_name"].eq("advice"), "stat_text"]
    return str(said.iloc[0]) if len(said) else ""


def change_sentence(changes: pd.DataFrame, given: Advice, code_before: str, last_cut: str | None) -> str:
    """The advice then and now, and how many subjects changed."""
    if last_cut is None:
        return msg("There is no earlier cut to compare with.")
    then, now = plain_code(code_before), plain_code(given.code)
    moved: str = (
        msg("still {now}", now=now)
        if then == now
        else msg("{now}; at the cut {last_cut} it was {then}", now=now, last_cut=last_cut, then=then)
    )
    if not code_before:
        moved = msg("{now}; there is no advice by this rule from the cut {last_cut}", now=now, last_cut=last_cut)
    number = len(changes)
    who = (
        msg("No subject has another status")
        if number == 0
        else plural("{n} subject changed", "{n} subjects changed", number)
    )
    return msg(
        "The advice is {moved}. {who} since the cut {last_cut}.",
        moved=moved,
        who=who,
        last_cut=last_cut,
    )


def change_notes(changes: pd.DataFrame) -> list[Note]:
    """Warnings: what was reported to the committee at the last cut and has changed."""
    return [
        Note("warning", f"{row.SUBJID} ({row.TRT01A}): {row.BEFORE} at the last cut, now {row.NOW}: {row.CHANGE}.")
        for row in changes.itertuples()
        if row.CHANGE in RESTATED
    ]

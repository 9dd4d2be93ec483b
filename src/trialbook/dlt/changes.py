"""What changed since the previous cut in the DLT status of each subject and in the advice (domain document §8, P36)."""

from __future__ import annotations

import pandas as pd

from trialbook.dlt.advice import COMMITTEE, Advice, plain_code
from trialbook.dlt.notes import Note
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, DLT, NO_DLT, NOT_EVALUABLE, PENDING_ADJUDICATION, WAITING

COLUMNS = ["SUBJID", "TRT01A", "BEFORE", "NOW", "CHANGE"]
NEW, GONE = "treated since the last cut", "no longer in the data"
CLOSED, SEEN = "window closed without a DLT", "DLT since the last cut"
LATE = "restated: onset before the last cut, reported after it"
CLEARED = "restated: no longer a DLT (Y to N, or the record has changed)"
CONFIRMED, REFUTED = "the committee has confirmed the DLT", "the committee has decided: no DLT"
LEFT, OTHER = "no longer evaluable", "restated: the data have changed"
# What the committee was told at the last cut is no longer so.
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
        return pd.DataFrame(columns=COLUMNS, dtype="str")
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
    return pd.DataFrame(rows, columns=COLUMNS).astype("str")


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
        return f"There is no earlier cut to compare with. {COMMITTEE}"
    then, now = plain_code(code_before), plain_code(given.code)
    moved = f"still {now}" if then == now else f"{now}; at the cut {last_cut} it was {then}"
    if not code_before:
        moved = f"{now}; there is no advice by this rule from the cut {last_cut}"
    number = len(changes)
    who = "No subject has another status" if number == 0 else f"{number} subject{'' if number == 1 else 's'} changed"
    return f"The advice is {moved}. {who} since the cut {last_cut}. {COMMITTEE}"


def change_notes(changes: pd.DataFrame) -> list[Note]:
    """Loud notes: what the committee was told at the last cut and is no longer so."""
    return [
        Note("warning", f"{row.SUBJID} ({row.TRT01A}): {row.BEFORE} at the last cut, now {row.NOW}: {row.CHANGE}.")
        for row in changes.itertuples()
        if row.CHANGE in RESTATED
    ]

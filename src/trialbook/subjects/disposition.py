"""Milestones of each subject from DS and DM: consent, screen failure, end of study (A-15, A-16)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date
from trialbook.domains import Domains

CONSENT = "INFORMED CONSENT OBTAINED"
SCREEN_FAILURE = "SCREEN FAILURE"
COMPLETED = "COMPLETED"
# End-of-study terms of this trial (interface §3); another trial marks them by DSCAT "DISPOSITION EVENT".
_END_TERMS = ("COMPLETED", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "DEATH")
_END_CATEGORY = "DISPOSITION EVENT"


def consent_dtc(domains: Domains) -> pd.Series:
    """ISO text of the consent date by USUBJID, complete or partial: DM RFICDTC, else the earliest consent in DS."""
    dm = domains["DM"].set_index("USUBJID")["RFICDTC"]
    ds = domains["DS"]
    signed = ds[ds["DSDECOD"].str.upper().eq(CONSENT) & ds["DSSTDTC"].notna()]
    first = signed.sort_values(["USUBJID", "DSSTDTC"], kind="stable").groupby("USUBJID")["DSSTDTC"].first()
    return dm.fillna(first.reindex(dm.index)).astype("str")


def screen_failure_date(domains: Domains) -> pd.Series:
    """Date of the screen failure by USUBJID (NaT where its date is not complete), for those who failed by DS."""
    ds = domains["DS"]
    failed = ds[ds["DSDECOD"].str.upper().eq(SCREEN_FAILURE)]
    dates = pd.DataFrame({"USUBJID": failed["USUBJID"], "DAY": complete_date(failed["DSSTDTC"])})
    return dates.groupby("USUBJID")["DAY"].max().astype("datetime64[s]")


def end_of_study(domains: Domains, treated: pd.Series) -> pd.DataFrame:
    """EOSSTT and DCSREAS by the USUBJID index of `treated` (bool).

    In order: screen failure by DS or ARMCD (EOSSTT blank, DCSREAS says so), completed, discontinued with its DS term
    as the reason, else ongoing for the treated and blank for the others.
    """
    ds = domains["DS"]
    term = ds["DSDECOD"].str.upper()
    category = ds["DSCAT"].str.upper()
    ending = term.isin(_END_TERMS) | (category.eq(_END_CATEGORY) & ~term.eq(SCREEN_FAILURE))
    ends = ds.assign(_term=term)[ending].sort_values(["USUBJID", "DSSTDTC", "DSSEQ"], kind="stable")
    last = ends.groupby("USUBJID")["_term"].last().reindex(treated.index)
    status = pd.Series("", index=treated.index, dtype="str").mask(treated, "ONGOING")
    status = status.mask(last.notna(), "DISCONTINUED").mask(last.eq(COMPLETED), COMPLETED)
    reason = last.mask(last.eq(COMPLETED)).fillna("").astype("str")
    arm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["ARMCD"].reindex(treated.index)
    failed = (treated.index.isin(screen_failure_date(domains).index) | arm.str.upper().eq("SCRNFAIL")) & ~treated
    return pd.DataFrame({"EOSSTT": status.mask(failed, ""), "DCSREAS": reason.mask(failed, SCREEN_FAILURE)})


def left_words(status: str, reason: str) -> str:
    """How a living subject left the trial: `left the trial: withdrawal by subject`; blank for who goes on or completed.

    >>> left_words("DISCONTINUED", "WITHDRAWAL BY SUBJECT")
    'left the trial: withdrawal by subject'
    """
    if status != "DISCONTINUED":
        return ""
    return f"left the trial: {reason.lower()}" if reason else "left the trial"


def left_text(subjects: pd.DataFrame) -> pd.Series:
    """`left_words` of each subject behind a semicolon, on its index; blank without EOSSTT."""
    if "EOSSTT" not in subjects:
        return pd.Series("", index=subjects.index, dtype="str")
    pairs = zip(subjects["EOSSTT"].fillna(""), subjects["DCSREAS"].fillna(""), strict=True)
    words = pd.Series([left_words(str(status), str(reason)) for status, reason in pairs], subjects.index, dtype="str")
    return ("; " + words).where(words.ne(""), "")

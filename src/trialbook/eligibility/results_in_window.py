"""Test results in the eligibility window: the last one before the infusion decides (A-10, A-11, P16)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.eligibility.screening import Screening


def in_window(records: pd.DataFrame, screening: Screening, days: int) -> pd.DataFrame:
    """The records (USUBJID ADT TIME PREDOSE) of REL_DAY -days..0, with the columns of the subject added (A-10).

    On the day of the infusion a record counts when its time is not after the infusion, or when time is not known on
    either side, only if its visit or time point says pre-dose.
    """
    rows = screening.add_subject(records)
    same_day = rows["TREATED"] & (rows["ADT"] == rows["REFDT"])
    before = (rows["TIME"] <= rows["REFTIME"]) | (
        rows["PREDOSE"].astype(bool) & ~(rows["TIME"] > rows["REFTIME"])
    )  # fmt: skip
    first = rows["ANCHORDT"] - pd.Timedelta(days=days)
    inside = (rows["ADT"] >= first) & (rows["ADT"] <= rows["REFDT"]) & (before | ~same_day)
    return rows[inside].reset_index(drop=True)


def last_result(rows: pd.DataFrame, badness: pd.Series) -> pd.DataFrame:
    """The last record of each subject by date and time; of several at one time the one with the highest `badness`.

    A record without a time counts as the earliest of its day. The sequence number breaks what ties remain.
    """
    ordered = rows.assign(_late=rows["TIME"].fillna(-1.0), _bad=badness.fillna(-np.inf))
    ordered = ordered.sort_values(["USUBJID", "ADT", "_late", "_bad", "SRCDOM", "SRCSEQ"], kind="stable")
    return ordered.drop_duplicates("USUBJID", keep="last").drop(columns=["_late", "_bad"]).reset_index(drop=True)


def window_text(screening: Screening, days: int) -> pd.Series:
    """The window of each subject in words, on the index of `screening.subjects`."""
    people = screening.subjects
    first = (people["ANCHORDT"] - pd.Timedelta(days=days)).dt.strftime("%Y-%m-%d")
    return first + " to " + people["REFDT"].dt.strftime("%Y-%m-%d")

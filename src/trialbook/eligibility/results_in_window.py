"""Test results in the eligibility window: the last one before the infusion decides (A-10, A-11, P16)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.eligibility.screening import Screening


def in_window(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """The results (`Screening.results`) of REL_DAY -days..0, those of the day of the infusion only where BEFORE it.

    >>> days = pd.to_datetime(["2025-03-01", "2025-02-01", "2025-03-05"])
    >>> rows = pd.DataFrame({"ADT": days, "ANCHORDT": pd.Timestamp("2025-03-05"), "BEFORE": [True, True, False]})
    >>> in_window(rows, 7)["ADT"].astype("str").tolist()
    ['2025-03-01']
    """
    first = rows["ANCHORDT"] - pd.Timedelta(days=days)
    return rows[rows["BEFORE"] & (rows["ADT"] >= first)].reset_index(drop=True)


def last_result(rows: pd.DataFrame, badness: pd.Series) -> pd.DataFrame:
    """The last record of each subject by date and time; of several at one time the one with the highest `badness`.

    A record without a time counts as the earliest of its day. The sequence number breaks what ties remain.

    >>> rows = pd.DataFrame({
    ...     "USUBJID": "001", "ADT": pd.to_datetime(["2025-03-01", "2025-03-01"]), "TIME": float("nan"), "SRCDOM": "LB",
    ...     "SRCSEQ": [1, 2], "VALUE": [60.0, 45.0],
    ... })
    >>> last_result(rows, badness=rows["VALUE"])["VALUE"].tolist()
    [60.0]
    """
    ordered = rows.assign(_late=rows["TIME"].fillna(-1.0), _bad=badness.fillna(-np.inf))
    ordered = ordered.sort_values(["USUBJID", "ADT", "_late", "_bad", "SRCDOM", "SRCSEQ"], kind="stable")
    return ordered.drop_duplicates("USUBJID", keep="last").drop(columns=["_late", "_bad"]).reset_index(drop=True)


def window_text(screening: Screening, days: int) -> pd.Series:
    """The window of each subject in words, on the index of `screening.subjects`."""
    people = screening.subjects
    first = (people["ANCHORDT"] - pd.Timedelta(days=days)).dt.strftime("%Y-%m-%d")
    return first + " to " + people["REFDT"].dt.strftime("%Y-%m-%d")

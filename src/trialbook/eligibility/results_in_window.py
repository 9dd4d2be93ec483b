"""Test results in the eligibility window: the last one before the infusion decides (A-10, A-11, P16)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialbook.dates import complete_date, time_of_day
from trialbook.domains import RESULT_DOMAINS, Domains
from trialbook.eligibility.screening import Screening
from trialbook.gvhd.findings import PREDOSE


def results_of(domains: Domains, sources: Sequence[str], tests: Sequence[str]) -> pd.DataFrame:
    """The results of some test codes from some findings domains (LB, RS, QS, MB, IS).

    Returns USUBJID TEST ADT TIME (seconds, NaN without) PREDOSE (label says before the dose) TEXT (upper case) VALUE
    SIGN UNIT LOW HIGH SRCDOM SRCSEQ. Left out: records without a result or without a complete date.
    """
    parts = [_of_domain(domains[code], code, tests) for code in sources]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["ADT"].notna() & frame["TEXT"].fillna("").ne("")].reset_index(drop=True)


def _of_domain(rows: pd.DataFrame, code: str, tests: Sequence[str]) -> pd.DataFrame:
    rows = rows[rows[f"{code}TESTCD"].isin(tests)]
    parsed = code in RESULT_DOMAINS
    value = rows[f"{code}ORRESN"] if parsed else pd.to_numeric(rows[f"{code}ORRES"], errors="coerce")
    labels = [rows[name].fillna("") for name in ("VISIT", f"{code}TPT") if name in rows]
    label = pd.Series("", index=rows.index, dtype="str").str.cat(labels, sep=" ") if labels else None
    blank = pd.Series(np.nan, index=rows.index, dtype="float64")
    limits = {part: rows.get(f"{code}ORNR{part}", blank) for part in ("LO", "HI")}
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "TEST": rows[f"{code}TESTCD"],
            "ADT": complete_date(rows[f"{code}DTC"]),
            "TIME": time_of_day(rows[f"{code}DTC"]),
            "PREDOSE": False if label is None else label.str.contains(PREDOSE, case=False, regex=True),
            "TEXT": rows[f"{code}ORRES"].str.strip().str.upper(),
            "VALUE": value.astype("float64"),
            "SIGN": rows[f"{code}ORRESOP"].fillna("") if parsed else "",
            "UNIT": rows[f"{code}ORRESU"].fillna("") if f"{code}ORRESU" in rows else "",
            "LOW": limits["LO"].astype("float64"),
            "HIGH": limits["HI"].astype("float64"),
            "SRCDOM": pd.Series(code, index=rows.index, dtype="str"),
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
        }
    )


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

"""Test results of the findings domains in one shape, for every criterion that looks at a measurement."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.dates import complete_date, time_of_day
from trialbook.domains import RESULT_DOMAINS, Domains
from trialbook.gvhd.findings import PREDOSE

SOURCES = ("LB", "RS", "QS", "MB", "IS")


def all_results(domains: Domains) -> pd.DataFrame:
    """Every result of LB, RS, QS, MB and IS.

    Returns USUBJID TEST ADT TIME (seconds, NaN without) PREDOSE (label says before the dose) TEXT (upper case) VALUE
    SIGN UNIT LOW HIGH SRCDOM SRCSEQ. Left out: records without a result or without a complete date.
    """
    filled = [code for code in SOURCES if len(domains[code])] or ["LB"]
    frame = pd.concat([_of_domain(domains[code], code) for code in filled], ignore_index=True)
    return frame[frame["ADT"].notna() & frame["TEXT"].fillna("").ne("")].reset_index(drop=True)


def _of_domain(rows: pd.DataFrame, code: str) -> pd.DataFrame:
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

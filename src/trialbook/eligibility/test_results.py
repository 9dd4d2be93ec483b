"""Test results of the findings domains in one shape, for every criterion that looks at a measurement."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from trialbook.dates import complete_date, time_of_day
from trialbook.domains import RESULT_DOMAINS
from trialbook.gvhd.findings import PREDOSE

_PREDOSE = re.compile(PREDOSE, re.IGNORECASE)
# Variables of a record that may say something of the sample.
_NOTES = ("COM", "SPCCND", "REASND")


def results_of(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    """The results among the records of one findings domain (LB, VS, RS, QS, FA, MB, IS).

    Returns USUBJID TEST ADT TIME (seconds, NaN without) PREDOSE (label says before the dose) TEXT (upper case) VALUE
    SIGN UNIT LOW HIGH LLOQ (limit of quantification) NOTE (remarks on the sample) SRCDOM SRCSEQ. Left out: records
    without a result or without a complete date.
    """
    frame = _of_domain(rows, code)
    return frame[frame["ADT"].notna() & frame["TEXT"].fillna("").ne("")].reset_index(drop=True)


def _of_domain(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    parsed = code in RESULT_DOMAINS
    value = rows[f"{code}ORRESN"] if parsed else pd.to_numeric(rows[f"{code}ORRES"], errors="coerce")
    blank = pd.Series(np.nan, index=rows.index, dtype="float64")
    label = _joined(rows, ["VISIT", f"{code}TPT"])
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "TEST": rows[f"{code}TESTCD"],
            "ADT": complete_date(rows[f"{code}DTC"]),
            "TIME": time_of_day(rows[f"{code}DTC"]),
            "PREDOSE": label.map({text: bool(_PREDOSE.search(text)) for text in label.unique()}).astype("bool"),
            "TEXT": rows[f"{code}ORRES"].str.strip().str.upper(),
            "VALUE": value.astype("float64"),
            "SIGN": rows[f"{code}ORRESOP"].fillna("") if parsed else "",
            "UNIT": rows[f"{code}ORRESU"].fillna("") if f"{code}ORRESU" in rows else "",
            "LOW": rows.get(f"{code}ORNRLO", blank).astype("float64"),
            "HIGH": rows.get(f"{code}ORNRHI", blank).astype("float64"),
            "LLOQ": pd.to_numeric(rows.get(f"{code}LLOQ", blank), errors="coerce").astype("float64"),
            "NOTE": _joined(rows, [f"{code}{part}" for part in _NOTES]),
            "SRCDOM": pd.Series(code, index=rows.index, dtype="str"),
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
        }
    )  # fmt: skip


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series:
    """The texts of the variables that were delivered, joined by blanks."""
    text = pd.Series("", index=rows.index, dtype="str")
    for name in names:
        if name in rows:
            text = text.str.cat(rows[name].fillna("").astype("str"), sep=" ")
    return text

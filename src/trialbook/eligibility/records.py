"""The records that a check looked at, in one shape: results, conditions, organ findings, vital signs, milestones."""

from __future__ import annotations

import pandas as pd

IN_WINDOW, WORST, CONSIDERED, PART = "in the window", "worst in the window", "considered", "part of it"
RECORD = ["USUBJID", "ROLE", "SRCDOM", "SRCSEQ", "ADT", "WHAT", "VALUE", "UNIT", "LIMIT", "SAYS"]

_NOTHING = pd.DataFrame({name: pd.Series(dtype="str") for name in RECORD})


def records(
    rows: pd.DataFrame, role: str, what: str | pd.Series, value: str | pd.Series, **others: object
) -> pd.DataFrame:
    """Records in the shape of `RECORD`; `rows` has USUBJID SRCDOM SRCSEQ ADT.

    `others`: UNIT, LIMIT (of the record itself or of the criterion), SAYS (the result by this record alone).
    """
    if rows.empty:
        return _NOTHING
    columns: dict[str, object] = {"UNIT": "", "LIMIT": float("nan"), "SAYS": "", **others}
    return rows[["USUBJID", "SRCDOM", "SRCSEQ", "ADT"]].assign(ROLE=role, WHAT=what, VALUE=value, **columns)[RECORD]


def result_records(rows: pd.DataFrame, role: str = IN_WINDOW, says: str | pd.Series = "") -> pd.DataFrame:
    """Test results (`test_results` shape) with the upper limit of normal on the record."""
    return records(rows, role, rows["TEST"], rows["TEXT"], UNIT=rows["UNIT"], LIMIT=rows["HIGH"], SAYS=says)


def condition_records(rows: pd.DataFrame, said: pd.Series, says: str | pd.Series = "") -> pd.DataFrame:
    """Histories, events, drugs and procedures (`conditions` shape); `said`: each in words."""
    return records(rows, CONSIDERED, rows["TERM"], said, SAYS=says)


def organ_records(rows: pd.DataFrame, role: str) -> pd.DataFrame:
    """Collected stages and raw findings of acute GVHD (`gvhd.findings` shape)."""
    return records(rows, role, rows["TEST"], rows["TEXT"], UNIT=rows["UNIT"])

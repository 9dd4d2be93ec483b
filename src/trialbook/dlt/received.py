"""The dose level planned for each subject against what each infusion gave (P10, P12; §0.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.dlt.notes import Note
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dosing import infusion_levels

COLUMNS = ["SUBJID", "TRT01P", "TRT01A", "INFNO", "EXSTDT", "DAY", "DOSEKG", "LEVEL", "REMARK"]
NOT_PLANNED, OTHER, NO_LEVEL = "not the level planned", "another level than the first infusion", "no level of the trial"


def infusions_received(
    addlt: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """Each infusion of the treated subjects in order: level planned (TRT01P), level of the subject (TRT01A, that of
    its first infusion), dose per kg and the level that it is (LEVEL), and a REMARK where they differ.

    Columns: SUBJID TRT01P TRT01A INFNO EXSTDT DAY DOSEKG LEVEL REMARK, sorted by first infusion and INFNO.
    """
    given = infusion_levels(domains, protocol, analysis, cut_date)
    listed = addlt[["USUBJID", "SUBJID", "TRT01P", "TRT01A", "TRTSDT"]].merge(given, on="USUBJID", suffixes=("", "_EX"))
    by_cells = any(level.cells_per_kg is not None for level in protocol.dose_levels)
    listed = listed.sort_values(["TRTSDT", "USUBJID", "INFNO"], kind="stable").reset_index(drop=True)
    level = listed["LEVEL"]
    cases = [
        (level.eq("") & by_cells, NO_LEVEL),
        (listed["INFNO"].gt(1) & level.ne("") & level.ne(listed["TRT01A"]), OTHER),
        (listed["INFNO"].eq(1) & listed["TRT01P"].ne(listed["TRT01A"]), NOT_PLANNED),
    ]
    remark = pd.Series("", index=listed.index, dtype="str")
    for true, words in cases:
        remark = remark.mask(true.fillna(False).astype(bool) & remark.eq(""), words)
    day = (listed["EXSTDT"] - listed["TRTSDT"]).dt.days.astype("Int64")
    return listed.assign(DAY=day, REMARK=remark)[COLUMNS]


def dose_notes(received: pd.DataFrame) -> list[Note]:
    """Loud notes on infusions at another level than planned or than the first, one per infusion."""
    says = {
        OTHER: "the subject stays at the level of its first infusion (P10)",
        NOT_PLANNED: "analysed at the level received",
        NO_LEVEL: "please check dose, unit and weight (P12)",
    }
    return [
        Note(
            "warning",
            f"{row.SUBJID} (planned {row.TRT01P or 'no level'}): infusion {row.INFNO} on day {row.DAY} was "
            f"{f'{row.LEVEL}, ' if row.LEVEL else ''}{row.REMARK}; {says[row.REMARK]}.",
        )
        for row in received[received["REMARK"].ne("")].itertuples()
    ]

"""Baseline blood counts: a cytopenia that was grade 4 before the infusion is no DLT (domain document §4.1, rule 3)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.dates import complete_date
from trialbook.units import si_factor

# The columns of LB that a count is made from.
COLUMNS = ["USUBJID", "LBTESTCD", "LBSEQ", "LBDTC", "LBORRESN", "LBORRESU", "LBSTRESN", "LBSTRESU"]


def grade_4_at_baseline(lb: pd.DataFrame, subjects: pd.DataFrame, below: Mapping[str, float]) -> pd.DataFrame:
    """Whether the last count on or before the first infusion was grade 4 already: USUBJID LBTESTCD GRADE4 (bool).

    `below` gives the limit of each test in 10^9/L. A count without a known unit or a complete date is left out; a
    subject without a count has no row, so the cytopenia then counts as new.
    """
    counts = lb.loc[lb["LBTESTCD"].isin(list(below)), COLUMNS]
    collected = counts["LBORRESN"] * si_factor(counts["LBTESTCD"], counts["LBORRESU"])
    standard = counts["LBSTRESN"] * si_factor(counts["LBTESTCD"], counts["LBSTRESU"])
    counts = counts.assign(COUNT=collected.fillna(standard), DATE=complete_date(counts["LBDTC"]))
    counts = counts.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID")
    counts = counts[counts["COUNT"].notna() & (counts["DATE"] <= counts["TRTSDT"])]
    last = counts.sort_values(["USUBJID", "LBTESTCD", "DATE", "LBSEQ"], kind="stable")
    last = last.drop_duplicates(["USUBJID", "LBTESTCD"], keep="last")
    grade4 = (last["COUNT"] < last["LBTESTCD"].map(dict(below)).astype("float64")).astype(bool)
    return last[["USUBJID", "LBTESTCD"]].assign(GRADE4=grade4).reset_index(drop=True)

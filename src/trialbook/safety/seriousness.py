"""The criteria of seriousness of an adverse event record, and whether one of them is ticked (P23)."""

from __future__ import annotations

import pandas as pd

SERIOUSNESS_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


def criterion_ticked(ae: pd.DataFrame) -> pd.Series:
    """Whether one of the seriousness criteria of an AE record is Y; those that a frame does not hold are not."""
    collected = [name for name in SERIOUSNESS_CRITERIA if name in ae.columns]
    if not collected:
        return pd.Series(False, index=ae.index)
    return ae[collected].apply(lambda column: column.str.upper().eq("Y")).fillna(False).any(axis=1)

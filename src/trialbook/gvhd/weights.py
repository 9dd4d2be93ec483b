"""Which body weight holds on a day: the last before it, else the first after it."""

from __future__ import annotations

import pandas as pd

from trialbook.subjects.weights import last_on_or_before


def weight_on(weights: pd.DataFrame, asked: pd.DataFrame) -> pd.Series:
    """Kilograms for each row of `asked` (USUBJID DAY): the last weight on or before DAY, else the subject's first.

    `weights`: USUBJID VSDT VALUE VSSEQ, as `trialbook.subjects.weights.weights` returns it. NaN where the subject has
    none.
    """
    before = last_on_or_before(asked, weights)["VALUE"].astype("float64")
    first = weights.drop_duplicates("USUBJID").set_index("USUBJID")["VALUE"]
    return before.fillna(asked["USUBJID"].map(first).astype("float64"))

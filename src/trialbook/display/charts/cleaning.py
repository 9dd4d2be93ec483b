"""Charts of the cleaning step: where values are missing."""

from __future__ import annotations

import altair as alt
import pandas as pd

from trialbook.display.theme import PALETTE

ROW = 15


def missing_bars(missing: pd.DataFrame) -> alt.Chart:
    """Share of records without a value, one bar per variable that has any, by domain. Columns NAME, DOMAIN, SHARE.

    NAME is `AE.AEENDTC`; the rows stay in their order; bars are labelled, so colour carries nothing.
    """
    return (
        alt.Chart(missing)
        .mark_bar(color=PALETTE[0])
        .encode(
            x=alt.X("SHARE:Q", title="Share of records without a value", axis=alt.Axis(format="%"),
                    scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("NAME:N", title=None, sort=list(missing["NAME"])),
        )
        .properties(height=alt.Step(ROW))
    )  # fmt: skip

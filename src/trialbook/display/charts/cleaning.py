"""Charts of the cleaning step: where values are missing."""

from __future__ import annotations

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.theme import ALL_SHARE, INK, LINE, NO_SHARE, PAPER, SERIES

ROW = 15
VISIT_ROW = 26


def missing_bars(missing: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F26: share of records without a value, a bar per variable that has any, with its numbers. Columns NAME SHARE OF.

    NAME is `AE.AEENDTC`; the rows stay in their order; bars are labelled, so colour carries nothing.
    """
    base = alt.Chart(missing).encode(
        x=alt.X("SHARE:Q", title=msg("Share of records without a value"), axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1])),
        y=alt.Y("NAME:N", title=None, sort=list(missing["NAME"])),
    )  # fmt: skip
    said = base.mark_text(align="left", dx=5, fontSize=10, color=INK).encode(text="OF:N")
    return alt.layer(base.mark_bar(color=SERIES), said).properties(height=alt.Step(ROW))


def missing_visits(missing: pd.DataFrame) -> alt.LayerChart:
    """F25: share of the subjects seen at a visit who have no result of it, by domain: VISIT DOMAIN SHARE WITHOUT.

    Each tile carries the number of subjects, so colour alone says nothing; a blank tile was not planned.
    """
    base = alt.Chart(missing).encode(
        x=alt.X("DOMAIN:N", title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("VISIT:N", title=None, sort=list(dict.fromkeys(missing["VISIT"]))),
    )
    tiles = base.mark_rect(stroke=LINE).encode(
        color=alt.Color("SHARE:Q", title=msg("Without a result"), legend=alt.Legend(format="%"),
                        scale=alt.Scale(domain=[0, 1], range=[NO_SHARE, ALL_SHARE], interpolate="rgb"))
    )  # fmt: skip
    numbers = base.mark_text().encode(
        text="WITHOUT:Q", color=alt.condition("datum.SHARE > 0.5", alt.value(PAPER), alt.value(INK))
    )
    return (tiles + numbers).properties(height=alt.Step(VISIT_ROW), width=alt.Step(70))

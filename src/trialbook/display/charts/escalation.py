"""Charts of dose escalation: the diary of who was treated at which level, and with what outcome (F16)."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.display.theme import INK, PALETTE, PAPER, QUIET

# Outcome -> shape and fill: a DLT is filled, a pending subject hollow; the shape says it without colour.
MARKS = {
    "DLT": ("diamond", PALETTE[1]),
    "counted as DLT": ("triangle-up", PALETTE[4]),
    "no DLT": ("circle", "#c6dbef"),
    "pending": ("circle", PAPER),
    "not evaluable": ("cross", QUIET),
}
MOST_NAMES = 20
STEP, ROW = 44, 70


def escalation_diary_chart(diary: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """Enrolment order against dose level, one mark per subject, joined in the order of first infusion.

    `diary`: order subject level outcome, from `dlt.views.escalation_diary`; `levels`: all dose levels, lowest first.
    Subjects are named up to `MOST_NAMES` of them.
    """
    present = [name for name in MARKS if name in set(diary["outcome"])]
    known = [*levels, *sorted(set(diary["level"]) - set(levels))]
    x = alt.X("order:O", title="Enrolment order (first infusion)", axis=alt.Axis(labelAngle=0))
    y = alt.Y("level:N", title="Dose level", sort=known[::-1], scale=alt.Scale(domain=known[::-1]))
    legend = alt.Legend(orient="bottom", symbolSize=140, symbolStrokeWidth=1.5)
    shapes = alt.Scale(domain=present, range=[MARKS[name][0] for name in present])
    fills = alt.Scale(domain=present, range=[MARKS[name][1] for name in present])
    shape = alt.Shape("outcome:N", title="Outcome", legend=legend, scale=shapes)
    fill = alt.Fill("outcome:N", title="Outcome", legend=legend, scale=fills)
    # The same ink for all, encoded so that the legend outlines its hollow symbol too.
    ink = alt.Scale(domain=present, range=[INK] * len(present))
    stroke = alt.Stroke("outcome:N", title="Outcome", legend=legend, scale=ink)
    path = alt.Chart(diary[["order", "level"]]).mark_line(color=QUIET, strokeWidth=1, opacity=0.7)
    base = alt.Chart(diary[["order", "level", "outcome", "subject"]])
    marks = base.mark_point(size=170, strokeWidth=1.5, opacity=1)
    marks = marks.encode(x=x, y=y, shape=shape, fill=fill, stroke=stroke)
    layers = [path.encode(x=x, y=y, order="order:Q"), marks]
    if len(diary) <= MOST_NAMES:
        layers.append(base.mark_text(dy=-17, fontSize=11, color=INK).encode(x=x, y=y, text="subject:N"))
    width = STEP if len(diary) <= MOST_NAMES else STEP // 3
    return alt.layer(*layers).properties(width=width * max(len(diary), 6), height=ROW * len(known))

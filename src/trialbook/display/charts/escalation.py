"""Charts of dose escalation: who was treated at which level with what outcome (F16), and the advice over time."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.theme import ADVICE, DLT_OUTCOMES, INK, QUIET

# A DLT is filled, a pending subject hollow; the shape says it without colour.
MARKS = {
    "DLT": "diamond",
    "counted as DLT": "triangle-up",
    "no DLT": "circle",
    "pending": "circle",
    "not evaluable": "cross",
}
MOST_NAMES = 20
STEP, ROW = 44, 70


def escalation_diary_chart(diary: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """Enrolment order against dose level, one mark per subject, joined in the order of first infusion.

    `diary`: order subject level outcome, from `dlt.tables.escalation_diary`; `levels`: all dose levels, lowest first.
    Subjects are named up to `MOST_NAMES` of them.
    """
    present = [name for name in MARKS if name in set(diary["outcome"])]
    known = [*levels, *sorted(set(diary["level"]) - set(levels))]
    x = alt.X("order:O", title=msg("Enrolment order (first infusion)"), axis=alt.Axis(labelAngle=0))
    y = alt.Y("level:N", title=msg("Dose level"), sort=known[::-1], scale=alt.Scale(domain=known[::-1]))
    legend = alt.Legend(orient="bottom", symbolSize=140, symbolStrokeWidth=1.5)
    shapes = alt.Scale(domain=present, range=[MARKS[name] for name in present])
    fills = alt.Scale(domain=present, range=[DLT_OUTCOMES[name] for name in present])
    shape = alt.Shape("outcome:N", title=msg("Outcome"), legend=legend, scale=shapes)
    fill = alt.Fill("outcome:N", title=msg("Outcome"), legend=legend, scale=fills)
    # The same ink for all, encoded so that the legend outlines its hollow symbol too.
    ink = alt.Scale(domain=present, range=[INK] * len(present))
    stroke = alt.Stroke("outcome:N", title=msg("Outcome"), legend=legend, scale=ink)
    path = alt.Chart(diary[["order", "level"]]).mark_line(color=QUIET, strokeWidth=1, opacity=0.7)
    base = alt.Chart(diary[["order", "level", "outcome", "subject"]])
    marks = base.mark_point(size=170, strokeWidth=1.5, opacity=1)
    marks = marks.encode(x=x, y=y, shape=shape, fill=fill, stroke=stroke)
    layers = [path.encode(x=x, y=y, order="order:Q"), marks]
    if len(diary) <= MOST_NAMES:
        layers.append(base.mark_text(dy=-17, fontSize=11, color=INK).encode(x=x, y=y, text="subject:N"))
    width = STEP if len(diary) <= MOST_NAMES else STEP // 3
    return alt.layer(*layers).properties(width=width * max(len(diary), 6), height=ROW * len(known))


# What the advice was; the shape says it without colour.
ADVICE_MARKS = {
    "treat at this level": "circle",
    "wait at this level": "circle",
    "the rule has ended": "diamond",
}
NO_LEVEL = "none"


def advice_timeline_chart(timeline: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """The dose level that the rule named on each date: a step line, hollow where nobody might be treated.

    `timeline`: date code level, from `dlt.over_time.advice_over_time`; `levels`: all dose levels, lowest first.
    """
    waits = timeline["code"].str.startswith("ONGOING(WAIT")
    ended = ~timeline["code"].str.startswith("ONGOING(")
    kinds = list(ADVICE_MARKS)
    said = pd.Series(kinds[0], index=timeline.index).mask(waits, kinds[1]).mask(ended, kinds[2])
    level = timeline["level"].mask(timeline["level"].eq(""), NO_LEVEL)
    drawn = timeline[["date"]].assign(level=level.astype("str"), said=said.astype("str"))
    order = [NO_LEVEL, *levels] if level.eq(NO_LEVEL).any() else [*levels]
    present = [name for name in kinds if name in set(drawn["said"])]
    x = alt.X("date:T", title=msg("Date"), axis=alt.Axis(format="%Y-%m-%d", labelAngle=-40))
    y = alt.Y("level:N", title=msg("Dose level of the advice"), sort=order[::-1], scale=alt.Scale(domain=order[::-1]))
    legend = alt.Legend(orient="bottom", symbolSize=110, symbolStrokeWidth=1.5)
    shape = alt.Shape(
        "said:N", title=msg("Advice"), legend=legend,
        scale=alt.Scale(domain=present, range=[ADVICE_MARKS[name] for name in present]),
    )  # fmt: skip
    fill = alt.Fill(
        "said:N", title=msg("Advice"), legend=legend,
        scale=alt.Scale(domain=present, range=[ADVICE[name] for name in present]),
    )  # fmt: skip
    ink = alt.Scale(domain=present, range=[INK] * len(present))
    stroke = alt.Stroke("said:N", title=msg("Advice"), legend=legend, scale=ink)
    line = alt.Chart(drawn[["date", "level"]]).mark_line(interpolate="step-after", color=QUIET, strokeWidth=1.5)
    marks = alt.Chart(drawn).mark_point(size=110, strokeWidth=1.5, opacity=1)
    layers = [line.encode(x=x, y=y), marks.encode(x=x, y=y, shape=shape, fill=fill, stroke=stroke)]
    return alt.layer(*layers).properties(width=560, height=ROW * len(order))

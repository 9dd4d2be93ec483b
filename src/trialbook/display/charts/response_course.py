"""Charts of each subject's course: grade with steroids, and the change of the grade from baseline (F4, F6)."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.display.charts.response import WIDTH
from trialbook.display.picked import standing_out
from trialbook.display.theme import INK, PALETTE, QUIET

PER_ROW = 4
APART = 0.5  # of a grade, between the first and the last subject
DAYS = "Days since the first infusion"
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
GRADE_AXIS = alt.Axis(values=[0, 1, 2, 3, 4], grid=True)


def grade_trajectories(courses: pd.DataFrame) -> alt.FacetChart:
    """F4: one small panel per subject: the grade as a stepped line with its assessments, steroids as an area below.

    `courses`: SUBJECT DAY KIND VALUE from `grade_courses`; both share an axis: grade 0 to 4, and mg/kg/day.
    """
    base = alt.Chart(courses).encode(
        x=alt.X("DAY:Q", title=None, axis=alt.Axis(values=[0, 28, 56])),
        y=alt.Y("VALUE:Q", title=None, axis=GRADE_AXIS, scale=alt.Scale(domainMin=0, nice=False)),
    )
    clear = standing_out("SUBJECT")
    area = base.transform_filter("datum.KIND === 'steroids'").mark_area(interpolate="step-after", color="#c9a227")
    line = base.transform_filter("datum.KIND === 'grade'").mark_line(interpolate="step-after", color=PALETTE[0])
    points = base.transform_filter("datum.KIND === 'grade'").mark_point(size=26, filled=True, color=PALETTE[0])
    start = alt.Chart(courses).mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1).encode(x=alt.XDatum(0))
    panel = alt.layer(
        area.encode(opacity=standing_out("SUBJECT", shown=0.35, faded=0.06)), start,
        line.encode(opacity=clear), points.encode(opacity=clear),
    )  # fmt: skip
    return panel.properties(width=(WIDTH - 130) / PER_ROW, height=80).facet(
        alt.Facet("SUBJECT:N", title=None, header=alt.Header(labelPadding=2)), columns=PER_ROW, spacing=12
    )


def grade_spider(changes: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """F6: a line per subject, the change of the grade from baseline; below 0 is better.

    `changes`: SUBJECT LEVEL DAY CHANGE from `grade_changes`; each dose level keeps its colour and dash. Lines are set
    apart by a fraction of a grade, so that subjects with the same course can be told apart.
    """
    order = sorted(set(changes["SUBJECT"]))
    apart = {name: (k - (len(order) - 1) / 2) * APART / max(len(order), 1) for k, name in enumerate(order)}
    changes = changes.assign(SHOWN=changes["CHANGE"] + changes["SUBJECT"].map(apart).astype("float64"))
    drawn = [level for level in levels if level in set(changes["LEVEL"])]
    colours = [PALETTE[list(levels).index(level) % len(PALETTE)] for level in drawn]
    dashes = [DASHES[list(levels).index(level) % len(DASHES)] for level in drawn]
    key = alt.Legend(symbolType="stroke", symbolSize=300)
    base = alt.Chart(changes).encode(
        x=alt.X("DAY:Q", title=DAYS),
        y=alt.Y("SHOWN:Q", title="Change of the grade", axis=alt.Axis(tickMinStep=1)),
        detail="SUBJECT:N",
        color=alt.Color("LEVEL:N", title="Dose level", scale=alt.Scale(domain=drawn, range=colours), legend=key),
        opacity=standing_out("SUBJECT", shown=0.85),
    )
    dash = alt.StrokeDash("LEVEL:N", title="Dose level", scale=alt.Scale(domain=drawn, range=dashes), legend=key)
    zero = alt.Chart(pd.DataFrame({"ZERO": [0]})).mark_rule(color=INK, opacity=0.6).encode(y=alt.Y("ZERO:Q"))
    # The last assessment carries the name.
    last = changes.sort_values("DAY", kind="stable").drop_duplicates("SUBJECT", keep="last")
    names = alt.Chart(last).mark_text(align="left", dx=6, fontSize=10, color=INK).encode(
        x="DAY:Q", y="SHOWN:Q", text="SUBJECT:N", opacity=standing_out("SUBJECT", faded=0.0)
    )  # fmt: skip
    lines = base.mark_line(interpolate="linear").encode(strokeDash=dash)
    return alt.layer(zero, lines, base.mark_point(size=30, filled=True), names).properties(width=WIDTH, height=320)

"""Charts of each subject's course: grade with steroids, and the change of the grade from baseline (F4, F6)."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.figures import standing_out
from trialbook.display.theme import (
    ACCENT,
    DARKEST,
    EVENT_MARK,
    INK,
    LINE,
    PAPER,
    QUIET,
    RESPONSE_CATEGORIES,
    SEQUENTIAL,
    SERIES,
    STEROIDS,
    dose_level_colour,
)

# ----------------------------------------------------------------------------------------------------
# Charts of the response: organ stages over time, change of stages, categories by level, rates (F3, F5, F12, F15).


ROW, WIDTH = 13, 640
STAGES = ["0", "1", "2", "3", "4"]
MARKS = {"new therapy": "triangle-up", "death": "cross"}


def organ_heatmap(course: pd.DataFrame, rows: Sequence[str]) -> alt.FacetChart:
    """F3: one strip per subject, a row per organ, a square per assessment on its day; colour and digit = stage.

    `course`: SUBJECT ROW DAY KIND STAGE from `organ_course`; `rows`: the order of rows. What was not assessed is blank.
    """
    base = alt.Chart(course)
    x = alt.X("DAY:Q", title=msg("Days since the first infusion"), axis=alt.Axis(tickMinStep=7))
    y = alt.Y("ROW:N", title=None, sort=list(rows))
    clear = standing_out("SUBJECT")
    stages = base.transform_filter("datum.KIND == 'stage'").encode(x=x, y=y, opacity=clear)
    colour = alt.Color("STAGE:N", title=msg("Stage"), scale=alt.Scale(domain=STAGES, range=SEQUENTIAL))
    squares = stages.mark_square(size=150, stroke=LINE, strokeWidth=1).encode(color=colour)
    on_dark = alt.condition("datum.STAGE >= 3", alt.value(PAPER), alt.value(INK))
    digits = stages.mark_text(fontSize=9).encode(text="STAGE:N", color=on_dark)
    shape = alt.Shape("KIND:N", title=msg("Event"), scale=alt.Scale(domain=list(MARKS), range=list(MARKS.values())))
    events = base.transform_filter("datum.KIND != 'stage'").encode(x=x, y=y, shape=shape, opacity=clear)
    marks = events.mark_point(size=60, filled=True, color=EVENT_MARK)
    header = alt.Header(labelAngle=0, labelAlign="left")
    return (
        alt.layer(squares, digits, marks)
        .properties(width=WIDTH, height=alt.Step(ROW))
        .facet(row=alt.Row("SUBJECT:N", title=None, header=header), spacing=6)
    )


def stage_waterfall(changes: pd.DataFrame, order: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """F5: a bar per mature subject, change of the sum of stages, coloured by response and named at its end.

    `changes`: SUBJECT CHANGE RESPONSE LABEL from `stage_changes`; `order`: the categories.
    """
    base = alt.Chart(changes).encode(
        y=alt.Y("SUBJECT:N", title=None, sort=list(changes["SUBJECT"])),
        x=alt.X("CHANGE:Q", title=msg("Change of the sum of organ stages"), axis=alt.Axis(tickMinStep=1)),
        opacity=standing_out("SUBJECT"),
    )
    drawn = [name for name in order if name in set(changes["RESPONSE"])]
    bars = base.mark_bar(height=11).encode(color=_response_colour("RESPONSE", drawn))
    # A change of 0 has no bar: the tick shows that the subject is there.
    ticks = base.mark_tick(color=INK, thickness=1.5, size=11)
    names = base.mark_text(align="left", dx=6, fontSize=10, color=INK).encode(x=alt.XDatum(0), text="LABEL:N")
    better = names.transform_filter("datum.CHANGE <= 0")
    worse = names.mark_text(align="right", dx=-6, fontSize=10, color=INK).transform_filter("datum.CHANGE > 0")
    return alt.layer(bars, ticks, better, worse).properties(width=WIDTH, height=alt.Step(18))


def response_stack(
    shares: pd.DataFrame, levels: Sequence[str], order: Sequence[str]
) -> alt.LayerChart | alt.FacetChart:
    """F12: subjects by category as one bar per level, pending subjects white with an outline.

    `shares`: LEVEL CATEGORY SUBJECTS (several rows of one category are added); `levels` and `order` fix the orders.
    """
    stacked = shares.groupby(["LEVEL", "CATEGORY"], as_index=False)["SUBJECTS"].sum()
    rank = {name: k for k, name in enumerate(order)}
    stacked = stacked.assign(RANK=stacked["CATEGORY"].map(rank)).sort_values(["LEVEL", "RANK"])
    stacked["UNTIL"] = stacked.groupby("LEVEL")["SUBJECTS"].cumsum()
    stacked["FROM"] = stacked["UNTIL"] - stacked["SUBJECTS"]
    stacked["MIDDLE"] = (stacked["FROM"] + stacked["UNTIL"]) / 2
    drawn = [name for name in order if name in set(stacked["CATEGORY"])]
    base = alt.Chart(stacked).encode(y=alt.Y("LEVEL:N", title=None, sort=list(levels)))
    x = alt.X("FROM:Q", title=msg("Subjects"), axis=alt.Axis(tickMinStep=1))
    bars = base.mark_bar(height=20, stroke=QUIET, strokeWidth=0.8).encode(
        x=x, x2="UNTIL:Q", color=_response_colour("CATEGORY", drawn)
    )
    light = alt.condition("datum.RANK <= 1", alt.value(PAPER), alt.value(DARKEST))
    numbers = base.mark_text(fontSize=11).encode(x="MIDDLE:Q", text="SUBJECTS:Q", color=light)
    return alt.layer(bars, numbers).properties(width=WIDTH, height=alt.Step(30))


def rate_forest(rates: pd.DataFrame, comparison: float) -> alt.LayerChart | alt.FacetChart:
    """F15: a point with its limits per row; circles of this trial, open diamonds of others; dashed = comparison rate.

    `rates`: ROW KIND ESTIMATE LOW HIGH from `forest_rows`, in order.
    """
    kinds = list(dict.fromkeys(rates["KIND"]))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("ROW:N", title=None, sort=list(rates["ROW"]), axis=alt.Axis(labelLimit=330))
    colour = alt.Color("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=[ACCENT, QUIET][: len(kinds)]))
    shape = alt.Shape("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "diamond"][: len(kinds)]))
    base = alt.Chart(rates).encode(y=y, color=colour)
    limits = base.mark_rule(strokeWidth=1.6).encode(
        x=alt.X("LOW:Q", title=msg("Response rate"), scale=scale), x2="HIGH:Q"
    )
    points = base.mark_point(size=75, filled=True, opacity=1).encode(x=alt.X("ESTIMATE:Q", scale=scale), shape=shape)
    line = alt.Chart(pd.DataFrame({"RATE": [comparison]})).mark_rule(strokeDash=[4, 3], color=QUIET)
    return alt.layer(line.encode(x=alt.X("RATE:Q", scale=scale)), limits, points).properties(
        width=WIDTH - 160, height=alt.Step(22)
    )  # fmt: skip


def _response_colour(field: str, drawn: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(drawn), range=[RESPONSE_CATEGORIES[name] for name in drawn])
    return alt.Color(f"{field}:N", title=msg("Response"), scale=scale, legend=alt.Legend(symbolStrokeColor=QUIET))


# ----------------------------------------------------------------------------------------------------

PER_ROW = 4
APART = 0.5  # of a grade, between the first and the last subject
DAYS = msg("Days since the first infusion")
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
    area = base.transform_filter("datum.KIND === 'steroids'").mark_area(interpolate="step-after", color=STEROIDS)
    line = base.transform_filter("datum.KIND === 'grade'").mark_line(interpolate="step-after", color=SERIES)
    points = base.transform_filter("datum.KIND === 'grade'").mark_point(size=26, filled=True, color=SERIES)
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
    colours = [dose_level_colour(list(levels).index(level)) for level in drawn]
    dashes = [DASHES[list(levels).index(level) % len(DASHES)] for level in drawn]
    key = alt.Legend(symbolType="stroke", symbolSize=300)
    base = alt.Chart(changes).encode(
        x=alt.X("DAY:Q", title=DAYS),
        y=alt.Y("SHOWN:Q", title=msg("Change of the grade"), axis=alt.Axis(tickMinStep=1)),
        detail="SUBJECT:N",
        color=alt.Color("LEVEL:N", title=msg("Dose level"), scale=alt.Scale(domain=drawn, range=colours), legend=key),
        opacity=standing_out("SUBJECT", shown=0.85),
    )
    dash = alt.StrokeDash("LEVEL:N", title=msg("Dose level"), scale=alt.Scale(domain=drawn, range=dashes), legend=key)
    zero = alt.Chart(pd.DataFrame({"ZERO": [0]})).mark_rule(color=INK, opacity=0.6).encode(y=alt.Y("ZERO:Q"))
    # The last assessment carries the name.
    last = changes.sort_values("DAY", kind="stable").drop_duplicates("SUBJECT", keep="last")
    names = alt.Chart(last).mark_text(align="left", dx=6, fontSize=10, color=INK).encode(
        x="DAY:Q", y="SHOWN:Q", text="SUBJECT:N", opacity=standing_out("SUBJECT", faded=0.0)
    )  # fmt: skip
    lines = base.mark_line(interpolate="linear").encode(strokeDash=dash)
    return alt.layer(zero, lines, base.mark_point(size=30, filled=True), names).properties(width=WIDTH, height=320)

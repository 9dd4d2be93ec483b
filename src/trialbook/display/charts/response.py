"""Charts of the response: organ stages, grade and steroids, change, categories, rates (F3 to F6, F12, F15, F19)."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.charts.common import (
    DAYS,
    apart,
    level_colours,
    level_shapes,
    tips,
)
from trialbook.display.figures import linked, standing_out
from trialbook.display.theme import (
    ACCENT,
    DISEASE,
    EVENT_MARK,
    INK,
    LINE,
    ON_DARK,
    PAPER,
    QUIET,
    RESPONSE_CATEGORIES,
    STEROIDS,
    TOXICITY,
)

# ----------------------------------------------------------------------------------------------------
# Charts of the response: organ stages over time, change of stages, categories by level, rates (F3, F5, F12, F15, F19).


ROW, WIDTH = 15, 640
STAGES = ["0", "1", "2", "3", "4"]
MARKS = {"new therapy": "triangle-up", "death": "cross"}
# More subjects than this have one row each: the overall grade in place of four organs, and narrow bars.
ROWS_PER_ORGAN = 24


def organ_heatmap(course: pd.DataFrame, rows: Sequence[str]) -> alt.FacetChart | alt.LayerChart:
    """F3: one strip per subject, a row per organ, a square per assessment on its day; colour and digit = stage.

    `course`: SUBJECT LEVEL ROW DAY KIND STAGE from `organ_course`; `rows`: the order of rows. What was not assessed is
    blank. Of many subjects each has one row, with the overall grade.
    """
    many = course["SUBJECT"].nunique() > ROWS_PER_ORGAN
    drawn = course.assign(WHO=course["SUBJECT"] + ", " + course["LEVEL"])
    base = alt.Chart(drawn)
    x = alt.X("DAY:Q", title=DAYS, axis=alt.Axis(tickMinStep=7), scale=alt.Scale(nice=False, padding=9))
    who = list(dict.fromkeys(drawn.sort_values(["LEVEL", "SUBJECT"], kind="stable")["WHO"]))
    y = alt.Y("WHO:N", title=None, sort=who) if many else alt.Y("ROW:N", title=None, sort=list(rows))
    clear = standing_out("SUBJECT")
    hover = tips("DAY", SUBJECT=msg("Subject"), ROW=msg("Organ"), DAY="Day", STAGE=msg("Stage"))
    stages = base.transform_filter("datum.KIND == 'stage'").encode(x=x, y=y, opacity=clear, tooltip=hover)
    title = msg("Overall grade") if many else msg("Stage")
    colour = alt.Color("STAGE:N", title=title, scale=alt.Scale(domain=STAGES, range=list(DISEASE)))
    squares = stages.mark_square(size=170, stroke=QUIET, strokeWidth=0.6).encode(color=colour)
    on_dark = alt.condition("datum.STAGE >= 3", alt.value(PAPER), alt.value(INK))
    digits = stages.mark_text(fontSize=10).encode(text="STAGE:N", color=on_dark)
    shape = alt.Shape("KIND:N", title=msg("Event"), scale=alt.Scale(domain=list(MARKS), range=list(MARKS.values())))
    events = base.transform_filter("datum.KIND != 'stage'").encode(x=x, y=y, shape=shape, opacity=clear)
    marks = events.mark_point(size=70, filled=True, color=EVENT_MARK)
    panel = alt.layer(squares, digits, marks).properties(width=WIDTH, height=alt.Step(ROW))
    if many:
        return linked(panel)
    header = alt.Header(labelAngle=0, labelAlign="left")
    return linked(panel.facet(row=alt.Row("WHO:N", title=None, header=header, sort=who), spacing=8))


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
    bars = base.mark_bar(height=11, stroke=QUIET, strokeWidth=0.6).encode(color=_response_colour("RESPONSE", drawn))
    # A change of 0 has no bar: the tick shows that the subject is there.
    ticks = base.mark_tick(color=INK, thickness=1.5, size=11)
    names = base.mark_text(align="left", dx=6, fontSize=10, color=INK).encode(x=alt.XDatum(0), text="LABEL:N")
    better = names.transform_filter("datum.CHANGE <= 0")
    worse = names.mark_text(align="right", dx=-6, fontSize=10, color=INK).transform_filter("datum.CHANGE > 0")
    return linked(alt.layer(bars, ticks, better, worse).properties(width=WIDTH, height=alt.Step(18)))


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
    # The category is on the bar: shades of grey paper need not be matched with the legend.
    stacked["SAID"] = [
        msg("{category} {n}", category=name, n=n) if len(name) <= 2 * n + 2 else str(n)
        for name, n in zip(stacked["CATEGORY"], stacked["SUBJECTS"], strict=True)
    ]
    dark = alt.FieldOneOfPredicate(field="CATEGORY", oneOf=list(ON_DARK))
    said = alt.Chart(stacked).encode(y=alt.Y("LEVEL:N", title=None, sort=list(levels)))
    numbers = said.mark_text(fontSize=11).encode(
        x="MIDDLE:Q", text="SAID:N", color=alt.condition(dark, alt.value(PAPER), alt.value(INK))
    )
    return alt.layer(bars, numbers).properties(width=WIDTH, height=alt.Step(30))


def rate_forest(rates: pd.DataFrame, comparison: float) -> alt.LayerChart | alt.FacetChart:
    """F15: a point with its limits per row; circles of this trial, open diamonds of others; dashed = comparison rate.

    `rates`: ROW KIND ESTIMATE LOW HIGH from `forest_rows`, in order.
    """
    kinds = list(dict.fromkeys(rates["KIND"]))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("ROW:N", title=None, sort=list(rates["ROW"]), axis=alt.Axis(labelLimit=340))
    colour = alt.Color("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=[ACCENT, QUIET][: len(kinds)]))
    shape = alt.Shape("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "diamond"][: len(kinds)]))
    base = alt.Chart(rates).encode(y=y, color=colour)
    limits = base.mark_rule(strokeWidth=1.6).encode(
        x=alt.X("LOW:Q", title=msg("Response rate"), scale=scale), x2="HIGH:Q"
    )
    points = base.mark_point(size=75, filled=True, opacity=1).encode(x=alt.X("ESTIMATE:Q", scale=scale), shape=shape)
    line = alt.Chart(pd.DataFrame({"RATE": [comparison]})).mark_rule(strokeDash=[4, 3], color=QUIET)
    return alt.layer(line.encode(x=alt.X("RATE:Q", scale=scale)), limits, points).properties(
        width=WIDTH - 260, height=alt.Step(22)
    )  # fmt: skip


def _response_colour(field: str, drawn: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(drawn), range=[RESPONSE_CATEGORIES[name] for name in drawn])
    return alt.Color(f"{field}:N", title=msg("Response"), scale=scale, legend=alt.Legend(symbolStrokeColor=QUIET))


BENEFIT, RISK = "response", "DLT"


def benefit_and_risk(rates: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """F19: response rate and DLT rate of each dose level on one axis, with their limits and counts.

    `rates`: LEVEL KIND (response, DLT) ROW ESTIMATE LOW HIGH SAID of `response_figures.benefit_rows`.
    """
    kinds = [kind for kind in (BENEFIT, RISK) if kind in set(rates["KIND"])]
    hues = {BENEFIT: RESPONSE_CATEGORIES["PR"], RISK: TOXICITY}
    scale = alt.Scale(domain=kinds, range=[hues[kind] for kind in kinds])
    shapes = alt.Scale(domain=kinds, range=[{BENEFIT: "circle", RISK: "diamond"}[kind] for kind in kinds])
    top = alt.Legend(orient="top", symbolSize=95)
    base = alt.Chart(rates).encode(
        y=alt.Y("ROW:N", title=None, sort=list(rates["ROW"])),
        color=alt.Color("KIND:N", title=None, scale=scale, legend=top),
    )
    zero_to_one = alt.Scale(domain=[0, 1])
    limits = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("LOW:Q", title=msg("Share of subjects with 95% limits"), scale=zero_to_one), x2="HIGH:Q"
    )
    points = base.mark_point(size=95, filled=True, opacity=1).encode(
        x=alt.X("ESTIMATE:Q", scale=zero_to_one), shape=alt.Shape("KIND:N", title=None, scale=shapes, legend=top)
    )
    said = base.mark_text(align="left", dx=6, fontSize=11).encode(x=alt.XDatum(1), text="SAID:N", color=alt.value(INK))
    return alt.layer(limits, points, said).properties(width=WIDTH - 240, height=alt.Step(20))


# ----------------------------------------------------------------------------------------------------

PER_ROW, PANEL_HEIGHT = 4, 80
LEVEL_HEIGHT, NAME_GAP = 130, 11
SET_APART = 0.14  # of a grade, between subjects with the same course
GRADE_AXIS = alt.Axis(values=[0, 1, 2, 3, 4], grid=True, titleFontWeight="normal")


def grade_trajectories(courses: pd.DataFrame) -> alt.FacetChart:
    """F4: one small panel per subject: the grade as a stepped line with its assessments, steroids as an area behind.

    `courses`: SUBJECT LEVEL DAY KIND VALUE from `grade_courses`. The axis is the grade; the steroid dose has a scale
    of its own: the highest dose of the trial, named once below, fills a panel.
    """
    drawn = courses.assign(WHO=courses["SUBJECT"] + ", " + courses["LEVEL"])
    base = alt.Chart().encode(x=alt.X("DAY:Q", title=msg("Day"), axis=alt.Axis(tickCount=4, grid=False)))
    clear = standing_out("SUBJECT")
    doses = courses.loc[courses["KIND"] == "steroids", "VALUE"]
    top = float(doses.max()) if len(doses) and doses.max() > 0 else 1.0
    names = {"grade": msg("grade"), "steroids": msg("systemic steroids, scaled to their highest dose")}
    drawn = drawn.assign(
        NAME=drawn["KIND"].map(names).astype("str"),
        SHOWN=drawn["VALUE"].astype("float64").where(drawn["KIND"] == "grade", drawn["VALUE"] * 4 / top),
    )
    grade = alt.Y("SHOWN:Q", axis=GRADE_AXIS, scale=alt.Scale(domain=[0, 4], nice=False), title=msg("grade"))
    area = base.transform_filter("datum.KIND === 'steroids'").mark_area(interpolate="step-after")
    of_grade = base.transform_filter("datum.KIND === 'grade'").encode(y=grade, opacity=clear)
    of_kind = alt.Color(
        "NAME:N", title=None, legend=alt.Legend(orient="top", labelLimit=400, symbolOpacity=1),
        scale=alt.Scale(domain=list(names.values()), range=[DISEASE[4], STEROIDS]),
    )  # fmt: skip
    line = of_grade.mark_line(interpolate="step-after").encode(color=of_kind)
    points = of_grade.mark_point(size=30, filled=True, color=DISEASE[4])
    start = base.mark_rule(color=QUIET, strokeDash=[2, 3], strokeWidth=1).encode(x=alt.XDatum(0))
    panel = alt.layer(
        area.encode(y=grade, color=of_kind, opacity=standing_out("SUBJECT", shown=0.45, faded=0.06)),
        start,
        line,
        points,
        data=drawn,
    )  # fmt: skip
    many = courses["SUBJECT"].nunique() > ROWS_PER_ORGAN
    across = PER_ROW + 2 if many else PER_ROW
    who = list(dict.fromkeys(drawn.sort_values(["LEVEL", "SUBJECT"], kind="stable")["WHO"]))
    return linked(panel.properties(width=(WIDTH - 100) / across, height=PANEL_HEIGHT).facet(
        alt.Facet("WHO:N", title=None, sort=who, header=alt.Header(labelPadding=2)), columns=across, spacing=12
    ))  # fmt: skip


GRADE_ROWS = ("IV", "III", "II", "I", "0", "died", "not assessed", "pending")
COLUMN_WIDTH, STATE_ROW = 220, 40


def grade_flow(moves: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F13: circles for the subjects of each grade at baseline, day 14 and day 28, lines for those who move on.

    `moves`: TIME STATE NEXT SUBJECTS WHO of `grade_moves`. The number is in the circle and beside the line.
    """
    times = list(dict.fromkeys(moves["TIME"]))
    rows = [state for state in GRADE_ROWS if state in {*moves["STATE"], *moves["NEXT"]}]
    place = {state: k for k, state in enumerate(rows)}
    shade = dict(zip(("0", "I", "II", "III", "IV"), DISEASE, strict=True))
    nodes = moves.groupby(["TIME", "STATE"], sort=False, as_index=False)["SUBJECTS"].sum()
    nodes = nodes.assign(
        AT=nodes["TIME"].map(times.index).astype("float64"), ROW=nodes["STATE"].map(place).astype("float64"),
        HUE=nodes["STATE"].map(shade).fillna(PAPER).astype("str"),
        INKED=pd.Series(INK, index=nodes.index).mask(nodes["STATE"].isin(["III", "IV"]), PAPER).astype("str"),
    )  # fmt: skip
    lines = moves[moves["NEXT"] != ""]
    # Numbers also where there is no line: an empty column would stay one of texts.
    lines = lines.assign(
        AT=lines["TIME"].map(times.index).astype("float64"), ROW=lines["STATE"].map(place).astype("float64"),
        END=lines["NEXT"].map(place).astype("float64"),
    )  # fmt: skip
    lines = lines.assign(TO=lines["AT"] + 1)
    # A third of the way, so that the numbers of lines which cross are apart.
    lines = lines.assign(NEAR=lines["AT"] + 0.3, BESIDE=lines["ROW"] + 0.3 * (lines["END"] - lines["ROW"]))
    across = alt.Scale(domain=[-0.2, len(times) - 0.8], nice=False)
    down = alt.Scale(domain=[len(rows) - 0.5, -0.5], nice=False)
    x, y = alt.X("AT:Q", scale=across, axis=None), alt.Y("ROW:Q", scale=down, axis=None)
    most = int(moves["SUBJECTS"].max()) if len(moves) else 1
    width = alt.StrokeWidth("SUBJECTS:Q", legend=None, scale=alt.Scale(domain=[1, max(most, 2)], range=[1.5, 14]))
    ways = alt.Chart(lines).mark_rule(color=LINE, opacity=1).encode(
        x=x, y=y, x2="TO:Q", y2="END:Q", strokeWidth=width,
        tooltip=tips("SUBJECTS", STATE=msg("Grade"), NEXT=msg("Grade at the next time"), SUBJECTS=msg("Subjects"),
                     WHO=msg("Who")),
    )  # fmt: skip
    counts = (
        alt.Chart(lines)
        .mark_text(fontSize=10, dy=-6, color=INK)
        .encode(
            x=alt.X("NEAR:Q", scale=across, axis=None), y=alt.Y("BESIDE:Q", scale=down, axis=None), text="SUBJECTS:Q"
        )
    )
    at_node = alt.Chart(nodes).encode(x=x, y=y)
    circles = at_node.mark_circle(size=620, stroke=QUIET, strokeWidth=1, opacity=1).encode(
        fill=alt.Fill("HUE:N", scale=None, legend=None)
    )
    numbers = at_node.mark_text(fontSize=11, fontWeight="bold").encode(
        text="SUBJECTS:Q", color=alt.Color("INKED:N", scale=None, legend=None)
    )
    heads = alt.Chart(pd.DataFrame({"TIME": times, "AT": [float(k) for k in range(len(times))]})).mark_text(
        fontSize=12, fontWeight="bold", color=INK
    ).encode(x=x, y=alt.value(-12), text="TIME:N")  # fmt: skip
    names = pd.DataFrame({"STATE": rows, "ROW": [float(k) for k in range(len(rows))]})
    names["SAID"] = [msg("grade {grade}", grade=state) if state in shade else state for state in rows]
    sides = (
        alt.Chart(names).mark_text(align="right", fontSize=12, color=INK).encode(x=alt.value(-6), y=y, text="SAID:N")
    )
    return alt.layer(ways, counts, circles, numbers, heads, sides).properties(
        width=COLUMN_WIDTH * len(times), height=STATE_ROW * max(len(rows), 1)
    )  # fmt: skip


def grade_spider(changes: pd.DataFrame, levels: Sequence[str]) -> alt.VConcatChart:
    """F6: a stepped line per subject, the change of the grade from baseline; below 0 is better. A panel per dose level.

    `changes`: SUBJECT LEVEL DAY CHANGE from `grade_changes`. A line holds until the next assessment. Lines are set
    apart by a fraction of a grade, so that subjects with the same course can be told apart.
    """
    last_day = float(changes["DAY"].max()) if len(changes) else 1.0
    days = alt.Scale(domain=[float(changes["DAY"].min()) if len(changes) else 0.0, last_day], nice=False)
    low, high = min(float(changes["CHANGE"].min()), -1.0) - 0.6, max(float(changes["CHANGE"].max()), 1.0) + 0.6
    drawn = [level for level in levels if level in set(changes["LEVEL"])]
    panels = []
    for level in drawn:
        own = changes[changes["LEVEL"] == level]
        order = sorted(set(own["SUBJECT"]))
        gap = min(SET_APART, 0.9 / max(len(order), 1))
        offset = {name: (k - (len(order) - 1) / 2) * gap for k, name in enumerate(order)}
        own = own.assign(SHOWN=own["CHANGE"] + own["SUBJECT"].map(offset).astype("float64"))
        # Without a count Vega leaves out every other one of the values.
        whole = list(range(int(low), int(high) + 1))
        value = alt.Y("SHOWN:Q", title=msg("Change of grade"), scale=alt.Scale(domain=[low, high], nice=False),
                      axis=alt.Axis(values=whole, tickCount=len(whole), labelOverlap=False))  # fmt: skip
        x = alt.X("DAY:Q", title=DAYS if level == drawn[-1] else None, scale=days)
        base = alt.Chart(own).encode(
            x=x, y=value, detail="SUBJECT:N", opacity=standing_out("SUBJECT"),
            color=alt.Color("LEVEL:N", title=msg("Dose level"), scale=level_colours(levels)),
            tooltip=tips("DAY", "CHANGE", SUBJECT=msg("Subject"), DAY="Day", CHANGE=msg("Change of grade")),
        )  # fmt: skip
        zero = alt.Chart(pd.DataFrame({"ZERO": [0]})).mark_rule(color=LINE).encode(
            y=alt.Y("ZERO:Q", title=value["title"], axis=value["axis"], scale=value["scale"])
        )  # fmt: skip
        # The last assessment carries the name, at the edge of the panel.
        last = own.sort_values("DAY", kind="stable").drop_duplicates("SUBJECT", keep="last")
        last = last.assign(NAMED=apart(list(last["SHOWN"]), (low, high), LEVEL_HEIGHT, NAME_GAP))
        at = alt.Chart(last).encode(opacity=standing_out("SUBJECT", faded=0.0))
        rules = at.mark_rule(color=QUIET, strokeWidth=0.5, strokeDash=[2, 2]).encode(
            x=x, y=value, x2=alt.value(WIDTH + 6), y2="NAMED:Q"
        )
        names = at.mark_text(align="left", dx=8, fontSize=10, color=INK).encode(
            x=alt.value(WIDTH), y=alt.Y("NAMED:Q"), text="SUBJECT:N"
        )
        named = [rules, names] if len(last) * NAME_GAP <= LEVEL_HEIGHT else []
        points = base.mark_point(size=34, filled=True).encode(
            shape=alt.Shape("LEVEL:N", title=msg("Dose level"), scale=level_shapes(levels))
        )
        lines = base.mark_line(interpolate="step-after", strokeWidth=1.6)
        panels.append(alt.layer(zero, lines, points, *named).properties(width=WIDTH, height=LEVEL_HEIGHT, title=level))
    return linked(alt.vconcat(*(panels or [alt.Chart(changes).mark_point()]), spacing=8))

"""Charts of survival: Kaplan-Meier curves with numbers at risk, cumulative incidence, swimmer plot (F1, F2, F14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.charts.common import DASHES, DAYS, length, level_colours, level_dashes, tips
from trialbook.display.figures import linked, standing_out
from trialbook.display.theme import FIRST_EVENTS, INK, PAPER, PICKED, QUIET, TOXICITY
from trialbook.efficacy.swimmer import first_lanes
from trialbook.results.ard import TOTAL

WIDTH = 640
ROW, NARROW_ROW, MOST_WIDE = 28, 16, 24
# Pixels of a letter beside a bar, on average.
SAID_LETTER = 5.4
STAR = "M0,-.7L.2,-.25L.7,-.22L.31,.1L.44,.6L0,.32L-.44,.6L-.31,.1L-.7,-.22L-.2,-.25Z"
# Not the circle, which ends the bar of a subject who was not seen lately.
HOURGLASS = "M-.6,-.6L.6,-.6L-.6,.6L.6,.6Z"
SHAPES = {
    "infusion": "triangle-down",
    "response at day 28": STAR,
    "no response at day 28": "stroke",
    "serious adverse event": "square",
    "DLT": "diamond",
    "new systemic therapy": "triangle-up",
    "relapse": HOURGLASS,
    "death": "cross",
    "death, day not known": "wedge",
}
# Where on the row of a subject each is: a DLT that is serious on the day of the infusion is three marks, not one.
ABOVE, BELOW = ("infusion",), ("DLT",)
CAUSES = {"NRM": msg("death without relapse"), "RELAPSE": "relapse"}
# How the follow-up of a subject ends: an arrow goes on, an open circle has not been seen lately.
ENDS = {"alive": "triangle-right", "not seen lately": "circle"}


def kaplan_meier_chart(
    steps: pd.DataFrame, at_risk: pd.DataFrame, subjects: pd.DataFrame, levels: Sequence[str], days: Sequence[int]
) -> alt.VConcatChart:
    """Survival curves with a tick for each censored subject, the band of the total, and the numbers at risk below.

    A subject picked elsewhere on the page is circled on the curve of the total, where its follow-up ends. Where few
    are at risk (FEW) a curve is faint, and has no band.

    `steps`: level day survival low high n_censor FEW, from `curve_steps`; `at_risk`: level day n ROW; `subjects`:
    subject day survival, from `curve_points`; `levels`: all dose levels, so that a level keeps its colour when another
    has no curve; `days`: upright lines.
    """
    drawn = list(dict.fromkeys(steps["level"]))
    scale = alt.Scale(domain=[0, length(steps["day"], at_risk["day"])], nice=False)
    x = alt.X("day:Q", title=DAYS, scale=scale)
    y = alt.Y("survival:Q", title=msg("Survival probability"), scale=alt.Scale(domain=[0, 1]))
    key = alt.Legend(symbolType="stroke", symbolSize=300, symbolOpacity=1)
    colour = alt.Color(
        "level:N", title=msg("Dose level"), scale=_shown(level_colours([*levels, TOTAL]), drawn), legend=key
    )
    dash = alt.StrokeDash(
        "level:N", title=msg("Dose level"), scale=_shown(level_dashes([TOTAL, *levels]), drawn), legend=key
    )
    band = alt.Chart(_band(steps)).mark_area(interpolate="step-after", opacity=0.13, color=INK)
    faint = alt.Chart(steps).mark_line(interpolate="step-after", strokeWidth=1.4, opacity=0.35)
    line = alt.Chart(steps[~steps["FEW"]]).mark_line(interpolate="step-after", strokeWidth=2.2)
    ticks = alt.Chart(steps[steps["n_censor"] > 0]).mark_tick(orient="vertical", size=12, thickness=2)
    circles = alt.Chart(subjects).mark_point(size=150, filled=False, strokeWidth=2.5, color=PICKED)
    curves = alt.layer(
        _upright(days, x),
        band.encode(x=x, y=alt.Y("low:Q", title=msg("Survival probability")), y2="high:Q"),
        faint.encode(x=x, y=y, color=colour, strokeDash=dash),
        line.encode(x=x, y=y, color=colour, strokeDash=dash),
        ticks.encode(x=x, y=y, color=colour),
        circles.encode(x=x, y=y, opacity=standing_out("subject", faded=0.0, unpicked=0.0)),
    ).properties(width=WIDTH, height=300)
    table = alt.Chart(at_risk, title=alt.TitleParams(msg("Number at risk"), fontSize=12)).mark_text(color=INK)
    order = alt.Y(
        "ROW:N", title=None, sort=list(dict.fromkeys(at_risk["ROW"])),
        axis=alt.Axis(domain=False, ticks=False, grid=False, labelPadding=16),
    )  # fmt: skip
    below = table.encode(x=alt.X("day:Q", axis=None, scale=scale), y=order, text="n:Q")
    rows = max(at_risk["ROW"].nunique(), 1)
    return linked(alt.vconcat(curves, below.properties(width=WIDTH, height=20 * rows), spacing=6))


def _shown(scale: alt.Scale, drawn: Sequence[str]) -> alt.Scale:
    """The scale of all levels, with those in its legend that are drawn."""
    look = dict(zip(scale["domain"], scale["range"], strict=True))
    return alt.Scale(domain=list(drawn), range=[look[level] for level in drawn])


def incidence_chart(steps: pd.DataFrame, days: Sequence[int]) -> alt.LayerChart | alt.FacetChart:
    """Cumulative incidence of death without relapse and of relapse, each with its band of limits: event (NRM, RELAPSE)
    day incidence low high."""
    named = steps.assign(event=steps["event"].map(CAUSES))
    x = alt.X("day:Q", title=DAYS, scale=alt.Scale(domain=[0, length(steps["day"], pd.Series(days))], nice=False))
    events = list(CAUSES.values())
    colours = alt.Scale(domain=events, range=[FIRST_EVENTS[code] for code in CAUSES])
    key = alt.Legend(symbolType="stroke", symbolSize=300, symbolOpacity=1)
    line = alt.Chart(named).mark_line(interpolate="step-after")
    sure = named.dropna(subset=["low", "high"])
    # Shaded with a literal colour each, so that the legend shows the lines alone.
    limits = [
        alt.Chart(sure[sure["event"] == event])
        .mark_area(interpolate="step-after", opacity=0.12, color=FIRST_EVENTS[code])
        .encode(x=x, y=alt.Y("low:Q", title=msg("Cumulative incidence")), y2="high:Q")
        for code, event in CAUSES.items()
    ]
    dashes = alt.Scale(domain=events, range=DASHES[:2])
    curves = line.encode(
        x=x,
        y=alt.Y("incidence:Q", title=msg("Cumulative incidence"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("event:N", title=msg("First event"), scale=colours, legend=key),
        strokeDash=alt.StrokeDash("event:N", title=msg("First event"), scale=dashes, legend=key),
    )
    return alt.layer(_upright(days, x), *limits, curves).properties(width=WIDTH, height=240)


def swimmer_chart(
    bars: pd.DataFrame, marks: pd.DataFrame, levels: Sequence[str], days: Sequence[int]
) -> alt.LayerChart | alt.FacetChart:
    """F1: one bar per subject from the first infusion to death or last contact, with marks of events.

    `bars`: subject level day status response end said, in the order to draw; `marks`: subject day event. An arrow goes
    on, an open circle was not seen lately; what is said of a subject is at the end of the bar. Of a crowd the first of
    `swimmer.first_lanes`.
    """
    bars = first_lanes(bars, marks)
    marks = marks[marks["subject"].isin(bars["subject"])]
    many = len(bars) > MOST_WIDE
    # What is said of a subject stays left of the legend: the axis goes on as far as the longest text needs.
    last = length(bars["day"], marks["day"], pd.Series(days))
    widest = [
        float(day) / max(1 - SAID_LETTER * len(str(said)) / WIDTH, 0.4)
        for day, said in zip(bars["day"], bars["said"], strict=True)
    ]
    room = max([1.1 * last, *widest])
    x = alt.X("day:Q", title=DAYS, scale=alt.Scale(domain=[-4, room],
                                                   nice=False))  # fmt: skip
    y = alt.Y("subject:N", title=msg("Subject"), sort=bars["subject"].tolist())
    colour = alt.Color("level:N", title=msg("Dose level"), scale=level_colours(levels))
    seen = [event for event in SHAPES if event in set(marks["event"])]
    shape = alt.Shape(
        "event:N", title=msg("Event"), scale=alt.Scale(domain=seen, range=[SHAPES[e] for e in seen]),
        legend=alt.Legend(symbolSize=90, symbolStrokeColor=INK),
    )  # fmt: skip
    clear = standing_out("subject")
    bar = alt.Chart(bars.assign(start=0)).mark_bar(height=8).encode(
        x=x, x2="start:Q", y=y, color=colour, opacity=standing_out("subject", shown=0.8),
        tooltip=tips("day", subject=msg("Subject"), level=msg("Dose level"), day=msg("Followed to day"),
                     said=msg("Course")),
    )  # fmt: skip
    # The level is given in words too: its colours are alike on grey paper.
    told = alt.Chart(bars).mark_text(align="left", dx=16, fontSize=10, color=INK).encode(
        x=x, y=y, text="said:N", opacity=clear
    )  # fmt: skip
    ends = [
        alt.Chart(bars[bars["end"] == end]).mark_point(
            shape=shape_of_end, size=80, filled=True, fill=PAPER, stroke=INK, strokeWidth=1.6, xOffset=6
        ).encode(x=x, y=y, opacity=clear)
        for end, shape_of_end in ENDS.items()
    ]  # fmt: skip
    layers = []
    for events, down in (
        (ABOVE, -7),
        (BELOW, 8),
        (tuple(event for event in SHAPES if event not in (*ABOVE, *BELOW)), 0),
    ):
        own = alt.Chart(marks[marks["event"].isin(events)])
        style: dict[str, Any] = (
            {"filled": True, "color": TOXICITY} if events == BELOW else {"filled": False, "color": INK}
        )
        point = own.mark_point(
            size=110 if events == BELOW else 60, strokeWidth=1.8, yOffset=0 if many else down, **style
        )
        layers.append(point.encode(x=x, y=y, shape=shape, opacity=clear))
    chart = alt.layer(_upright(days, x), bar, *ends, *layers, told)
    return linked(chart.properties(width=WIDTH, height=(NARROW_ROW if many else ROW) * max(len(bars), 3)))


def _upright(days: Sequence[int], x: alt.X) -> alt.Chart:
    rules = alt.Chart(pd.DataFrame({"day": [float(day) for day in days if day]}))
    return rules.mark_rule(color=QUIET, opacity=0.5, strokeDash=[2, 3], strokeWidth=1).encode(x=x)


def _band(steps: pd.DataFrame) -> pd.DataFrame:
    """The band of the total while enough are at risk; carried to the step on which everybody is dead, where it has no
    limits of its own.
    """
    total = steps[steps["level"].eq(TOTAL) & ~steps["FEW"]]
    limits = total[["low", "high"]].ffill(limit=1)
    return total.assign(low=limits["low"], high=limits["high"]).dropna(subset=["low", "high"])

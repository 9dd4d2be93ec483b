"""Charts of survival: Kaplan-Meier curves with numbers at risk, cumulative incidence, swimmer plot (F1, F2, F14)."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.figures import standing_out
from trialbook.display.theme import FIRST_EVENTS, INK, PICKED, QUIET, dose_level_colour
from trialbook.results.ard import TOTAL

WIDTH = 640
ROW = 20
DAYS = msg("Days since the first infusion")
STAR = "M0,-.7L.2,-.25L.7,-.22L.31,.1L.44,.6L0,.32L-.44,.6L-.31,.1L-.7,-.22L-.2,-.25Z"
SHAPES = {
    "infusion": "triangle-down",
    "response at day 28": STAR,
    "no response at day 28": "stroke",
    "serious adverse event": "square",
    "DLT": "diamond",
    "new systemic therapy": "triangle-up",
    "relapse": "circle",
    "death": "cross",
    "death, day not known": "wedge",
}
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
CAUSES = {"NRM": msg("death without relapse"), "RELAPSE": "relapse"}


def kaplan_meier_chart(
    steps: pd.DataFrame, at_risk: pd.DataFrame, subjects: pd.DataFrame, levels: Sequence[str], days: Sequence[int]
) -> alt.VConcatChart:
    """Survival curves with a tick for each censored subject, the band of the total, and the numbers at risk below.

    A subject picked elsewhere on the page is circled on the curve of the total, where its follow-up ends.

    `steps`: level day survival low high n_censor, from `curve_steps`; `at_risk`: level day n; `subjects`:
    subject day survival, from `curve_points`; `levels`: all dose levels, so that a level keeps its colour when another
    has no curve; `days`: upright lines.
    """
    drawn = list(dict.fromkeys(steps["level"]))
    scale = alt.Scale(domain=[0, _last(steps["day"], at_risk["day"])], nice=False)
    x = alt.X("day:Q", title=DAYS, scale=scale)
    y = alt.Y("survival:Q", title=msg("Survival probability"), scale=alt.Scale(domain=[0, 1]))
    key = alt.Legend(symbolType="stroke", symbolSize=300)
    colours = alt.Scale(domain=drawn, range=[_colour(level, levels) for level in drawn])
    colour = alt.Color("level:N", title=msg("Dose level"), scale=colours, legend=key)
    dashes = alt.Scale(domain=drawn, range=[DASHES[k % len(DASHES)] for k in range(len(drawn))])
    dash = alt.StrokeDash("level:N", title=msg("Dose level"), scale=dashes, legend=key)
    band = alt.Chart(_band(steps)).mark_area(interpolate="step-after", opacity=0.15, color=INK)
    line = alt.Chart(steps).mark_line(interpolate="step-after").encode(x=x, y=y, color=colour, strokeDash=dash)
    ticks = alt.Chart(steps[steps["n_censor"] > 0]).mark_tick(orient="vertical", size=12, thickness=2)
    circles = alt.Chart(subjects).mark_point(size=150, filled=False, strokeWidth=2.5, color=PICKED)
    curves = alt.layer(
        _upright(days, x),
        band.encode(x=x, y=alt.Y("low:Q", title=msg("Survival probability")), y2="high:Q"),
        line,
        ticks.encode(x=x, y=y, color=colour),
        circles.encode(x=x, y=y, opacity=standing_out("subject", faded=0.0, unpicked=0.0)),
    ).properties(width=WIDTH, height=300)
    table = alt.Chart(at_risk, title=alt.TitleParams(msg("Number at risk"), fontSize=12)).mark_text(color=INK)
    order = alt.Y(
        "level:N", title=None, sort=drawn, axis=alt.Axis(domain=False, ticks=False, grid=False, labelPadding=16)
    )
    below = table.encode(x=alt.X("day:Q", axis=None, scale=scale), y=order, text="n:Q")
    return alt.vconcat(curves, below.properties(width=WIDTH, height=ROW * len(drawn)), spacing=6)


def incidence_chart(steps: pd.DataFrame, days: Sequence[int]) -> alt.LayerChart | alt.FacetChart:
    """Cumulative incidence of death without relapse and of relapse, each with its band of limits: event (NRM, RELAPSE)
    day incidence low high."""
    named = steps.assign(event=steps["event"].map(CAUSES))
    x = alt.X("day:Q", title=DAYS, scale=alt.Scale(domain=[0, _last(steps["day"], pd.Series(days))], nice=False))
    events = list(CAUSES.values())
    colours = alt.Scale(domain=events, range=[FIRST_EVENTS[code] for code in CAUSES])
    line = alt.Chart(named).mark_line(interpolate="step-after")
    band = alt.Chart(named.dropna(subset=["low", "high"])).mark_area(interpolate="step-after", opacity=0.12)
    limits = band.encode(
        x=x, y=alt.Y("low:Q", title=msg("Cumulative incidence")), y2="high:Q",
        color=alt.Color("event:N", title=msg("First event"), scale=colours),
    )  # fmt: skip
    curves = line.encode(
        x=x,
        y=alt.Y("incidence:Q", title=msg("Cumulative incidence"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("event:N", title=msg("First event"), scale=colours),
        strokeDash=alt.StrokeDash(
            "event:N", title=msg("First event"), scale=alt.Scale(domain=events, range=DASHES[:2])
        ),
    )
    return alt.layer(_upright(days, x), limits, curves).properties(width=WIDTH, height=240)


def swimmer_chart(
    bars: pd.DataFrame, marks: pd.DataFrame, levels: Sequence[str], days: Sequence[int]
) -> alt.LayerChart | alt.FacetChart:
    """F1: one bar per subject from the first infusion to death or last contact; an arrow = alive; marks of events.

    `bars`: subject level day status response, in the order to draw; `marks`: subject day event. The level and the
    response at day 28, or PENDING, are at the end of the bar.
    """
    x = alt.X(
        "day:Q", title=DAYS, scale=alt.Scale(domain=[0, 1.12 * _last(bars["day"], marks["day"], pd.Series(days))])
    )
    y = alt.Y("subject:N", title=msg("Subject"), sort=bars["subject"].tolist())
    colours = alt.Scale(domain=list(levels), range=[_colour(level, levels) for level in levels])
    colour = alt.Color("level:N", title=msg("Dose level"), scale=colours)
    seen = [event for event in SHAPES if event in set(marks["event"])]
    shape = alt.Shape("event:N", title=msg("Event"), scale=alt.Scale(domain=seen, range=[SHAPES[e] for e in seen]))
    clear = standing_out("subject")
    bar = alt.Chart(bars.assign(start=0)).mark_bar(height=8).encode(
        x=x, x2="start:Q", y=y, color=colour, opacity=standing_out("subject", shown=0.55)
    )  # fmt: skip
    # The level is given in words too: its colours are alike on grey paper.
    words = bars.assign(
        told=[", ".join(filter(None, pair)) for pair in zip(bars["level"], bars["response"], strict=True)]
    )
    told = alt.Chart(words).mark_text(align="left", dx=16, fontSize=10, color=INK).encode(
        x=x, y=y, text="told:N", opacity=clear
    )  # fmt: skip
    arrow = alt.Chart(bars[bars["status"] == "alive"]).mark_point(shape="triangle-right", size=110, xOffset=5)
    point = alt.Chart(marks).mark_point(size=70, filled=False, strokeWidth=1.8, color=INK)
    return alt.layer(
        _upright(days, x), bar, arrow.encode(x=x, y=y, color=colour, opacity=clear),
        point.encode(x=x, y=y, shape=shape, opacity=clear), told,
    ).properties(width=WIDTH, height=ROW * max(len(bars), 3))  # fmt: skip


def _upright(days: Sequence[int], x: alt.X) -> alt.Chart:
    rules = alt.Chart(pd.DataFrame({"day": [float(day) for day in days if day]}))
    return rules.mark_rule(color=QUIET, opacity=0.5, strokeDash=[2, 3], strokeWidth=1).encode(x=x)


def _band(steps: pd.DataFrame) -> pd.DataFrame:
    """The band of the total; carried to the step on which everybody is dead, where it has no limits of its own."""
    total = steps[steps["level"].eq(TOTAL)]
    limits = total[["low", "high"]].ffill(limit=1)
    return total.assign(low=limits["low"], high=limits["high"]).dropna(subset=["low", "high"])


def _colour(level: str, levels: Sequence[str]) -> str:
    """Ink for the total; each dose level has one colour on every chart."""
    return INK if level == TOTAL else dose_level_colour(list(levels).index(level))


def _last(*days: pd.Series) -> float:
    known = pd.concat([d.astype("float64") for d in days]).dropna()
    return float(known.max()) if len(known) else 1.0

"""Charts of dose escalation: diary (F16), states of the rule (F20), advice over time (F27), pathways (F28)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.charts.common import tips
from trialbook.display.figures import linked, standing_out
from trialbook.display.theme import ADVICE, DLT_OUTCOMES, INK, PAPER, PATHWAY_SAYS, QUIET, RULE_SAYS, TOXICITY

# A DLT is filled, a pending subject hollow; the shape says it without colour.
MARKS = {
    "DLT": "diamond",
    "counted as DLT": "triangle-up",
    "no DLT": "circle",
    "pending": "circle",
    "not evaluable": "cross",
}
MOST_NAMES = 20
# Dates that have a place of their own on the axis of the advice.
MOST_DATES = 40
STEP, ROW = 44, 70


def escalation_diary_chart(
    diary: pd.DataFrame, levels: Sequence[str], heads: Mapping[str, str] | None = None
) -> alt.LayerChart | alt.FacetChart:
    """F16: enrolment order against dose level, one mark per subject, joined in the order of first infusion.

    `diary`: order subject level outcome DATE TERM, from `dlt.figures.dated_diary`; `levels`: all dose levels, lowest
    first; `heads`: how they are named. Subjects are named up to `MOST_NAMES` of them, with dates and DLTs.
    """
    said = dict(heads or {})
    named = len(diary) <= MOST_NAMES
    diary = diary.assign(
        HEAD=[said.get(level, level) for level in diary["level"]],
        WHEN=[
            f"{order}: {date}" for order, date in zip(diary["order"], diary.get("DATE", diary["order"]), strict=True)
        ],
        TERM=diary.get("TERM", ""),
    )
    present = [name for name in MARKS if name in set(diary["outcome"])]
    known = [said.get(level, level) for level in [*levels, *sorted(set(diary["level"]) - set(levels))]]
    place = alt.X("WHEN:O", sort=list(diary["WHEN"]), axis=alt.Axis(labelAngle=-50)) if named else alt.X(
        "order:O", axis=alt.Axis(labelAngle=0, labelOverlap=True)
    )  # fmt: skip
    x = place.title(msg("Enrolment order, and day of the first infusion") if named else msg("Enrolment order"))
    y = alt.Y("HEAD:N", title=msg("Dose level"), sort=known[::-1], scale=alt.Scale(domain=known[::-1]))
    legend = alt.Legend(orient="bottom", symbolSize=140, symbolStrokeWidth=1.5)
    shapes = alt.Scale(domain=present, range=[MARKS[name] for name in present])
    fills = alt.Scale(domain=present, range=[DLT_OUTCOMES[name] for name in present])
    shape = alt.Shape("outcome:N", title=msg("Outcome"), legend=legend, scale=shapes)
    fill = alt.Fill("outcome:N", title=msg("Outcome"), legend=legend, scale=fills)
    # The same ink for all, encoded so that the legend outlines its hollow symbol too.
    ink = alt.Scale(domain=present, range=[INK] * len(present))
    stroke = alt.Stroke("outcome:N", title=msg("Outcome"), legend=legend, scale=ink)
    base = alt.Chart(diary[["order", "WHEN", "level", "HEAD", "outcome", "subject", "TERM"]])
    path = base.mark_line(color=QUIET, strokeWidth=1, opacity=0.7)
    clear = standing_out("subject")
    marks = base.mark_point(size=170, strokeWidth=1.5, opacity=1).encode(
        x=x, y=y, shape=shape, fill=fill, stroke=stroke, opacity=clear,
        tooltip=tips(subject=msg("Subject"), level=msg("Dose level"), outcome=msg("Outcome"), WHEN=msg("First day"),
                     TERM=msg("Event")),
    )  # fmt: skip
    layers = [path.encode(x=x, y=y, order="order:Q"), marks]
    if named:
        layers.append(base.mark_text(dy=-17, fontSize=11, color=INK).encode(x=x, y=y, text="subject:N"))
        events = base.mark_text(dy=20, fontSize=10, color=TOXICITY, fontWeight="bold")
        layers.append(events.encode(x=x, y=y, text="TERM:N"))
    width = STEP if named else STEP // 3
    return linked(alt.layer(*layers).properties(width=width * max(len(diary), 6), height=ROW * len(known)))


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
    # A place for each date, not to scale: advices of the same week do not cover each other.
    spread = len(timeline) <= MOST_DATES
    drawn = timeline[["date"]].assign(
        level=level.astype("str"), said=said.astype("str"), day=timeline["date"].dt.strftime("%Y-%m-%d").astype("str")
    )
    order = [NO_LEVEL, *levels] if level.eq(NO_LEVEL).any() else [*levels]
    present = [name for name in kinds if name in set(drawn["said"])]
    x = (
        alt.X("day:O", title=msg("Date on which something became known (not to scale)"), axis=alt.Axis(labelAngle=-50))
        if spread
        else alt.X("date:T", title=msg("Date"), axis=alt.Axis(format="%Y-%m-%d", labelAngle=-40))
    )
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
    line = alt.Chart(drawn[["date", "day", "level"]]).mark_line(interpolate="step-after", color=QUIET, strokeWidth=1.5)
    marks = alt.Chart(drawn).mark_point(size=110, strokeWidth=1.5, opacity=1)
    layers = [line.encode(x=x, y=y, order="date:T"), marks.encode(x=x, y=y, shape=shape, fill=fill, stroke=stroke)]
    return alt.layer(*layers).properties(width=max(560, 22 * len(drawn)) if spread else 560, height=ROW * len(order))


def rule_states(states: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F20: what the rule says of a level by evaluable subjects and DLTs; where a level is, there is a thick rim.

    Columns of `dlt.figures.level_states`.
    """
    says = [name for name in RULE_SAYS if name in set(states["SAYS"])]
    scale = alt.Scale(domain=says, range=[RULE_SAYS[name] for name in says])
    base = alt.Chart(states).encode(
        x=alt.X("EVALUABLE:O", title=msg("Evaluable subjects of a level"), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("DLTS:O", title=msg("Subjects with a DLT"), sort="descending"),
        tooltip=tips(SAYS=msg("What the rule says"), HERE=msg("Levels in this state"), REACH=msg("Within the cap")),
        opacity=alt.condition("datum.REACH === ''", alt.value(1), alt.value(0.35)),
    )
    tiles = base.mark_rect(stroke=PAPER, strokeWidth=2).encode(
        fill=alt.Fill("SAYS:N", title=msg("The rule says"), scale=scale, legend=alt.Legend(symbolStrokeColor=QUIET))
    )
    here = base.transform_filter("datum.HERE !== ''")
    rims = here.mark_rect(fillOpacity=0, stroke=INK, strokeWidth=3)
    words = base.mark_text(fontSize=10, dy=-8, color=INK).encode(text="SAYS:N")
    levels = here.mark_text(fontSize=11, dy=9, fontWeight="bold", color=INK).encode(text="HERE:N")
    wide = 104 if states["EVALUABLE"].max() <= 6 else 84
    return alt.layer(tiles, rims, words, levels).properties(width=alt.Step(wide), height=alt.Step(44))


# Room for a state and between the states of one cohort and the next.
ACROSS, DOWNWARDS, HALF = 150, 30, 0.4


def pathway_chart(nodes: pd.DataFrame, edges: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F28: the states that a trial may come to, a column per cohort, with what follows from each.

    `nodes` and `edges`: `escalation_simulation.courses.course_graph`.
    """
    place = nodes.groupby("COHORT").cumcount()
    size = nodes.groupby("COHORT")["SEEN"].transform("size")
    middle = place - (size - 1) / 2
    at = dict(zip(zip(nodes["COHORT"].astype(int), place.astype(int), strict=True), middle, strict=True))
    column, row = nodes["COHORT"].astype("float64"), middle.astype("float64")
    said = nodes["LEVEL"].astype("str") + " " + nodes["SEEN"].astype("str") + " " + nodes["MARK"].astype("str")
    drawn = nodes.assign(
        X=column - HALF, X2=column + HALF, MIDDLE=column, Y=row - HALF, Y2=row + HALF, MID=row, SAYS=said
    )  # fmt: skip
    lines = pd.DataFrame(
        {
            "X": edges["COHORT"] - 1 + HALF,
            "X2": edges["COHORT"] - HALF,
            "Y": [at[cohort - 1, origin] for cohort, origin in zip(edges["COHORT"], edges["FROM"], strict=True)],
            "Y2": [at[cohort, goal] for cohort, goal in zip(edges["COHORT"], edges["TO"], strict=True)],
        },
        dtype="float64",
    )
    kinds = [name for name in PATHWAY_SAYS if name in set(nodes["KIND"])]
    scale = alt.Scale(domain=kinds, range=[PATHWAY_SAYS[name] for name in kinds])
    last = int(nodes["COHORT"].max()) if len(nodes) else 0
    across = alt.Scale(domain=[-0.5, last + 0.5], nice=False)
    x = alt.X("X:Q", title=msg("Cohorts from now on (0: now)"), scale=across,
              axis=alt.Axis(values=list(range(last + 1)), format="d", grid=False))  # fmt: skip
    most = float(size.max()) if len(nodes) else 1.0
    downwards = alt.Scale(domain=[most / 2, -most / 2], nice=False)
    y = alt.Y("Y:Q", title=None, axis=None, scale=downwards)
    links = alt.Chart(lines).mark_rule(color=QUIET, strokeWidth=1).encode(x=x, x2="X2:Q", y=y, y2="Y2:Q")
    base = alt.Chart(drawn)
    boxes = base.mark_rect(stroke=QUIET, strokeWidth=1, cornerRadius=3).encode(
        x=x, x2="X2:Q", y=y, y2="Y2:Q",
        fill=alt.Fill("KIND:N", title=msg("What follows"), scale=scale,
                      legend=alt.Legend(orient="bottom", symbolStrokeColor=QUIET)),
        tooltip=tips(LEVEL=msg("Dose level"), SEEN=msg("DLT / evaluable"), NEXT=msg("What follows")),
    )  # fmt: skip
    words = base.mark_text(fontSize=11, color=INK).encode(
        x=alt.X("MIDDLE:Q", scale=across), y=alt.Y("MID:Q", scale=downwards, axis=None), text="SAYS:N"
    )  # fmt: skip
    return alt.layer(links, boxes, words).properties(
        width=ACROSS * (last + 1), height=max(DOWNWARDS * most, 2 * DOWNWARDS)
    )

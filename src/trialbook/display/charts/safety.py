"""Charts of safety: terms by level, event timelines, hours, laboratory results, liver, cuts (F7 to F11, F17 to F21).

Charts that show subjects let the subject that a reader picks stand out in all of them (`picked`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.charts.common import (
    DAYS,
    apart,
    end_names,
    level_colours,
    level_dashes,
    level_shapes,
    tips,
)
from trialbook.display.figures import linked, standing_out
from trialbook.display.theme import (
    ALANINE,
    BILIRUBIN,
    EVENT_GRADES,
    INK,
    LABORATORY_GRADES,
    LIMIT,
    LINE,
    NO_SHARE,
    PAPER,
    QUIET,
    SEVERITY,
    TIMELINE_INFUSION,
)
from trialbook.results.ard import TOTAL

SHIFT_ORDER = ["missing", "0", "1", "2", "3", "4"]
ROW, PANEL_WIDTH, PANEL_HEIGHT, SQUARE = 16, 300, 190, 380
COLUMN, TERM_ROW, NAME_GAP = 92, 24, 12
# More subjects than this have one row each on the timeline, and no names at their lines.
ROWS_PER_EVENT, MOST_NAMED = 24, 14
DARK_GRADES = ("grade 4", "grade 5")
TILE = 46
DASH, LONG_DASH = [4, 3], [8, 4]


def term_dots(dots: pd.DataFrame, levels: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """F7: a dot per term and dose level: number of subjects, colour = worst grade, dark rim = related.

    Columns of `figures.term_dots`. DLT, fatal and serious are words beside the dot.
    """
    columns, terms = [*levels, TOTAL], list(dict.fromkeys(dots["TERM"]))
    base = alt.Chart(dots).encode(
        x=alt.X("LEVEL:N", sort=columns, scale=alt.Scale(domain=columns), title=None,
                axis=alt.Axis(orient="top", labelAngle=0, domain=False, grid=True)),
        y=alt.Y("TERM:N", sort=terms, title=None, axis=alt.Axis(grid=True, domain=False)),
        tooltip=tips(
            "SUBJECTS", TERM=msg("Event"), LEVEL=msg("Dose level"), SUBJECTS=msg("Subjects"), WORST=msg("Worst grade"),
            RELATION=msg("Relation"), MARK=msg("Marked"),
        ),
    )  # fmt: skip
    relations = sorted(dots["RELATION"].unique(), reverse=True)
    rims = {"related to the product": INK}
    most = int(dots["SUBJECTS"].max()) if len(dots) else 0
    circles = base.mark_circle(opacity=1, strokeWidth=2.2).encode(
        size=alt.Size("SUBJECTS:Q", legend=None, scale=alt.Scale(domain=[1, max(most, 2)],
                                                                  range=[170, 470])),
        fill=alt.Fill("WORST:N", title=msg("Worst grade"), scale=_grades(dots["WORST"]),
                      legend=alt.Legend(symbolStrokeColor=QUIET, symbolSize=130, offset=34)),
        stroke=alt.Stroke("RELATION:N", title=msg("Rim"), scale=alt.Scale(
            domain=relations, range=[rims.get(name, LINE) for name in relations]),
            legend=alt.Legend(symbolFillColor=PAPER, symbolSize=170, symbolStrokeWidth=2.2, offset=34)),
    )  # fmt: skip
    dark = alt.FieldOneOfPredicate(field="WORST", oneOf=list(DARK_GRADES))
    numbers = base.mark_text(fontSize=11, fontWeight="bold").encode(
        text="SUBJECTS:Q", color=alt.condition(dark, alt.value(PAPER), alt.value(INK))
    )
    words = base.mark_text(align="left", dx=13, fontSize=10, color=INK).encode(text="MARK:N")
    return alt.layer(circles, numbers, words).properties(
        width=COLUMN * len(columns), height=TERM_ROW * max(len(terms), 1)
    )  # fmt: skip


def _grades(words: pd.Series) -> alt.Scale:
    """The scale of the grades of events, those that occur."""
    present = [name for name in EVENT_GRADES if name in set(words)]
    return alt.Scale(domain=present, range=[EVENT_GRADES[name] for name in present])


def timeline(events: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F8: one row per term and subject on the days since the first infusion, coloured by grade; lines = infusions.

    Columns SUBJECT TRT01A KIND TERM FROM UNTIL GRADE MARK ONGOING. A dot marks the onset, so that an event of one day
    is seen, an arrow one that goes on; the text beside the bar is its grade, and says what is serious, related or new.
    Of many subjects each has one row, with the terms in the words of each mark.
    """
    many = events["SUBJECT"].nunique() > ROWS_PER_EVENT
    who, is_event = events["SUBJECT"] + ", " + events["TRT01A"], events["KIND"] == "event"
    rows = events.assign(ROW=who if many else who + ": " + events["TERM"])
    happened = rows[is_event].sort_values(["SUBJECT", "FROM", "TERM"], kind="stable")
    # An infusion is drawn through every row of its subject, so that it crosses them as a line.
    given = rows.loc[~is_event, ["SUBJECT", "FROM"]].rename(columns={"FROM": "GIVEN"})
    given = given.merge(happened[["SUBJECT", "ROW"]].drop_duplicates(), on="SUBJECT")
    order = list(dict.fromkeys(happened["ROW"]))
    row = alt.Y("ROW:N", title=None, sort=order, scale=alt.Scale(domain=order), axis=alt.Axis(labelLimit=330))
    x = alt.X("FROM:Q", title=DAYS, axis=alt.Axis(tickMinStep=1))
    base = alt.Chart(happened).encode(
        x=x, y=row, fill=alt.Fill("GRADE:N", title=msg("Grade"), scale=_grades(events["GRADE"])),
        opacity=standing_out("SUBJECT"),
        tooltip=tips(
            "FROM", "UNTIL", SUBJECT=msg("Subject"), TERM=msg("Event"), GRADE=msg("Grade"), MARK=msg("Marked"),
            FROM=msg("From day"), UNTIL=msg("Until day"), ONGOING=msg("Ongoing"),
        ),
    )  # fmt: skip
    rim: dict[str, Any] = {"stroke": INK, "strokeWidth": 0.7}
    bars = base.mark_bar(height=9, **rim).encode(x2="UNTIL:Q")
    starts = base.mark_point(size=45, filled=True, **rim)
    only_ongoing = alt.condition("datum.ONGOING == 'ongoing'", alt.value(70), alt.value(0))
    goes_on = base.mark_point(shape="triangle-right", filled=True, xOffset=4, **rim)
    goes_on = goes_on.encode(x="UNTIL:Q", size=only_ongoing)
    infusions = alt.Chart(given).mark_tick(color=TIMELINE_INFUSION, thickness=1.5, size=ROW).encode(
        x="GIVEN:Q", y=row, opacity=standing_out("SUBJECT")
    )  # fmt: skip
    layers = [infusions, bars, starts, goes_on]
    if not many:
        words = base.mark_text(align="left", dx=11, fontSize=10)
        layers.append(words.encode(x="UNTIL:Q", text="MARK:N", fill=alt.value(INK)))
        # A line above the first row of each subject but the first.
        firsts = happened.drop_duplicates("SUBJECT")["ROW"].iloc[1:]
        between = alt.Chart(pd.DataFrame({"ROW": firsts})).mark_rule(color=LINE, strokeWidth=1)
        layers.insert(0, between.encode(y=alt.Y("ROW:N", title=None, sort=order, bandPosition=0)))
    return linked(alt.layer(*layers).properties(width=520, height=alt.Step(ROW)))


def infusion_hours(events: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F18: hours from an infusion to the onset of events, a row per subject; a line where only the day is known.

    Columns of `figures.infusion_hours`.
    """
    x = alt.X(
        "HOURS:Q", title=msg("Hours since the infusion"), scale=alt.Scale(domainMin=0), axis=alt.Axis(tickMinStep=1)
    )
    # Events of one subject at one time have rows of their own.
    rows = events.assign(ROW=events["SUBJECT"] + "  " + events["NAME"])
    base = alt.Chart(rows).encode(
        x=x, y=alt.Y("ROW:N", title=None, sort=list(rows["ROW"]), axis=alt.Axis(labelLimit=420, grid=True)),
        opacity=standing_out("SUBJECT"),
        tooltip=tips("HOURS", SUBJECT=msg("Subject"), NAME=msg("Event"), KNOWN=msg("Hour of onset"),
                     HOURS=msg("Hours since the infusion")),
    )  # fmt: skip
    spans = base.mark_rule(color=QUIET, strokeWidth=3).encode(x2="UNTIL:Q")
    shapes = alt.Scale(domain=["known", "only the day is known"], range=["circle", "square"])
    points = base.mark_point(size=110, filled=True, stroke=INK, strokeWidth=0.8).encode(
        fill=alt.Fill("GRADE:N", title=msg("Grade"), scale=_grades(events["GRADE"])),
        shape=alt.Shape("KNOWN:N", title=msg("Hour of onset"), scale=shapes),
    )
    return linked(alt.layer(spans, points).properties(width=420, height=alt.Step(ROW + 6)))


def lab_panel(
    results: pd.DataFrame, bands: pd.DataFrame, limits: pd.DataFrame, infusions: pd.DataFrame, levels: Sequence[str]
) -> alt.ConcatChart:
    """F9: one panel per test with a line per subject, named at its end; CTCAE grades as bands, limits of normal.

    `results`: SUBJECT TRT01A TEST DAY VALUE; `bands`: TEST GRADE LOW HIGH of `grade_bands`; `limits`: TEST NAME VALUE
    of `normal_limits`; `infusions`: SUBJECT DAY of those after the first. Multiples of ULN are on a log scale.
    """
    key = alt.Legend(symbolType="stroke", symbolSize=300)
    colour = alt.Color("TRT01A:N", title=msg("Dose level"), scale=level_colours(levels), legend=key)
    dash = alt.StrokeDash("TRT01A:N", title=msg("Dose level"), scale=level_dashes(levels), legend=key)
    named = results["SUBJECT"].nunique() <= MOST_NAMED
    panels = []
    subject, clear = alt.Detail("SUBJECT:N"), standing_out("SUBJECT", shown=0.95, unpicked=0.95)
    hover = tips("DAY", "VALUE", SUBJECT=msg("Subject"), TRT01A=msg("Dose level"), DAY="Day", VALUE=msg("Result"))
    last = float(results["DAY"].max()) if len(results) else 1.0
    first = float(results["DAY"].min()) if len(results) else 0.0
    days = alt.X("DAY:Q", title=DAYS, scale=alt.Scale(domain=[first, last], nice=False))
    later = infusions[infusions["SUBJECT"].isin(results["SUBJECT"]) & (infusions["DAY"] > 0)]
    given = alt.Chart(later[["SUBJECT", "DAY"]]).mark_point(
        shape="triangle-up", size=40, filled=True, color=TIMELINE_INFUSION
    ).encode(x=days, y=alt.value(PANEL_HEIGHT - 4), opacity=clear)  # fmt: skip
    start = alt.Chart(pd.DataFrame({"DAY": [0]})).mark_rule(strokeDash=DASH, color=QUIET).encode(x="DAY:Q")
    for test in dict.fromkeys(results["TEST"]):
        logarithmic = test.endswith("(x ULN)")
        own, own_limits = results[results["TEST"] == test], limits[limits["TEST"] == test]
        low, high = _domain(own["VALUE"], own_limits["VALUE"], logarithmic)
        scale = alt.Scale(
            type="log" if logarithmic else "linear",
            domain=[low, high],
            nice=False,
            clamp=True,
            zero=alt.Undefined if logarithmic else False,
        )
        value = alt.Y(
            "VALUE:Q",
            title=test,
            scale=scale,
            axis=alt.Axis(
                format=".3~g",
                **({"values": [0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50]} if logarithmic else {"tickCount": 6}),
            ),
        )
        # One copy of the data for all panels, each of which draws its own test.
        of_test = alt.Chart().transform_filter(alt.FieldEqualPredicate(field="TEST", equal=test))
        lines = of_test.mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=1.4).encode(
            x=days, y=value, color=colour, strokeDash=dash, detail=subject, opacity=clear, tooltip=hover
        )  # fmt: skip
        layers = _background(bands[bands["TEST"] == test], own_limits, value, (low, high), logarithmic=logarithmic)
        layers += [lines, start, given]
        if named:
            ends = end_names(own, (low, high), PANEL_HEIGHT, logarithmic=logarithmic)
            at = alt.Chart(ends[["SUBJECT", "DAY", "VALUE", "NAMED"]]).encode(
                opacity=standing_out("SUBJECT", faded=0.0)
            )
            layers.append(at.mark_rule(color=LINE, strokeWidth=0.7).encode(
                x=days, y=value, x2=alt.value(PANEL_WIDTH + 6), y2="NAMED:Q"))  # fmt: skip
            layers.append(at.mark_text(align="left", fontSize=10, color=INK, dx=8).encode(
                x=alt.value(PANEL_WIDTH), y=alt.Y("NAMED:Q", scale=scale), text="SUBJECT:N"))  # fmt: skip
        panels.append(alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT))
    return linked(alt.concat(*panels, data=results, columns=2, spacing={"row": 14, "column": 44}))


def _domain(values: pd.Series, limits: pd.Series, logarithmic: bool) -> tuple[float, float]:
    """The axis of one test: all results, and the limits of normal where they are near."""
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        return min(low * 0.85, 0.5), max(high * 1.2, 1.5)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    near = limits[limits.between(low - (high - low), high + (high - low))]
    return max(min(low, *near, high) - room, 0.0), max(high, *near, low) + room


def _background(
    bands: pd.DataFrame, limits: pd.DataFrame, value: alt.Y, domain: tuple[float, float], *, logarithmic: bool
) -> list[alt.Chart]:
    """The grades of one panel as bands up to its edge, the limits of normal as lines, and the names of both.

    `value` is the axis of the results. The names share the right edge and are set apart where they would cover each
    other; a limit that is off the axis is left out.
    """
    seen = bands.assign(
        LOW=bands["LOW"].fillna(domain[0]).clip(*domain), HIGH=bands["HIGH"].fillna(domain[1]).clip(*domain),
        SHADE=bands["GRADE"].map(LABORATORY_GRADES),
    )  # fmt: skip
    seen = seen[seen["LOW"] < seen["HIGH"]]
    drawn = limits[limits["VALUE"].between(*domain)]
    axis = {"title": value["title"], "scale": value["scale"], "axis": value["axis"]}
    layers = []
    if len(seen):
        # A literal shade: a scale of its own would mix with that of the dose levels.
        layers.append(alt.Chart(seen[["LOW", "HIGH", "SHADE"]]).mark_rect().encode(
            y=alt.Y("LOW:Q", **axis), y2=alt.Y2("HIGH:Q"), fill=alt.Fill("SHADE:N", scale=None, legend=None)
        ))  # fmt: skip
    if len(drawn):
        rule = alt.Chart(drawn[["VALUE"]]).mark_rule(color=LIMIT, strokeDash=LONG_DASH, strokeWidth=1)
        layers.append(rule.encode(y=alt.Y("VALUE:Q", **axis)))
    middle = (seen["LOW"] * seen["HIGH"]) ** 0.5 if logarithmic else (seen["LOW"] + seen["HIGH"]) / 2
    names = pd.concat([
        # With the shade that it names: what colour says is written.
        pd.DataFrame({"NAME": seen["GRADE"], "AT": middle, "HUE": QUIET, "SHADE": seen["SHADE"]}),
        pd.DataFrame({"NAME": drawn["NAME"], "AT": drawn["VALUE"], "HUE": LIMIT}),
    ], ignore_index=True)  # fmt: skip
    if len(names):
        names["AT"] = apart(list(names["AT"]), domain, PANEL_HEIGHT, NAME_GAP, logarithmic=logarithmic)
        words = alt.Chart(names).mark_text(align="right", baseline="bottom", fontSize=10, dx=-3, dy=-1)
        layers.append(words.encode(
            x=alt.value(PANEL_WIDTH), y=alt.Y("AT:Q", **axis), text="NAME:N",
            fill=alt.Fill("HUE:N", scale=None, legend=None),
        ))  # fmt: skip
    return layers


def liver_courses(courses: pd.DataFrame, transaminase: float, bilirubin: float) -> alt.FacetChart:
    """F17: one small panel per subject: transaminase and bilirubin as multiples of ULN, with the two limits.

    Columns of `lab_figures.liver_courses`.
    """
    kinds = list(dict.fromkeys(courses["KIND"]))
    hues = {"ALT or AST, the higher": ALANINE, "total bilirubin": BILIRUBIN}
    colours = alt.Scale(domain=kinds, range=[hues[kind] for kind in kinds])
    dashes = alt.Scale(domain=kinds, range=[[1, 0] if hues[kind] == ALANINE else [5, 2] for kind in kinds])
    key = alt.Legend(symbolType="stroke", symbolSize=300, orient="top", labelLimit=300)
    low, high = float(courses["VALUE"].min()), float(courses["VALUE"].max())
    scale = alt.Scale(type="log", domain=[min(low * 0.9, 0.4), max(high * 1.1, transaminase * 1.3)], nice=False)
    base = alt.Chart().encode(opacity=standing_out("SHOWN"))
    value = alt.Y(
        "VALUE:Q", title=msg("x ULN"), scale=scale, axis=alt.Axis(values=[0.5, 1, 2, 3, 5, 8, 20], format=".3~g")
    )
    lines = base.mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.6).encode(
        x=alt.X("DAY:Q", title=msg("Day"), axis=alt.Axis(tickCount=4)), y=value,
        color=alt.Color("KIND:N", title=None, scale=colours, legend=key),
        strokeDash=alt.StrokeDash("KIND:N", title=None, scale=dashes, legend=key),
        tooltip=tips("DAY", "VALUE", SUBJECT=msg("Subject"), KIND=msg("Test"), DAY="Day", VALUE=msg("Multiple of ULN")),
    )  # fmt: skip
    rules = [
        alt.Chart().mark_rule(color=colour, strokeDash=DASH, strokeWidth=1).encode(y=alt.YDatum(limit))
        for colour, limit in ((ALANINE, transaminase), (BILIRUBIN, bilirubin))
    ]
    shown = [str(subject).partition(",")[0] for subject in courses["SUBJECT"]]
    data = courses.assign(SHOWN=pd.Series(shown, index=courses.index, dtype="str"))
    panel = alt.layer(*rules, lines, data=data).properties(width=150, height=104)
    header = alt.Header(labelFontSize=12, labelPadding=2)
    return linked(panel.facet(alt.Facet("SUBJECT:N", title=None, header=header), columns=4, spacing=12))


# The names of the quadrants, and whether each is right and on top.
QUADRANTS = (
    (msg("Hy's law range"), 1, 1), (msg("Temple's corollary"), 1, 0), (msg("cholestasis"), 0, 1),
    (msg("below both limits"), 0, 0),
)  # fmt: skip


def hepatic_screen(
    points: pd.DataFrame, transaminase: float, bilirubin: float, unit: str, levels: Sequence[str]
) -> alt.LayerChart | alt.FacetChart:
    """F10: peak transaminase (X) against peak bilirubin (Y), both logarithmic, with the criteria as lines.

    An arrow leads from the start (X0, Y0: the baseline) to the peak. Columns SUBJECT TRT01A X Y X0 Y0. The quadrants
    are named, and everybody outside of the lowest one is named too.
    """
    x_range, y_range = (
        [min(0.3, 0.9 * float(points[[name, f"{name}0"]].min().min())),
         max(3 * limit, 1.25 * float(points[[name, f"{name}0"]].max().max()))]
        for name, limit in (("X", transaminase), ("Y", bilirubin))
    )  # fmt: skip
    across, up = (alt.Scale(type="log", domain=ends, nice=False) for ends in (x_range, y_range))
    axis = alt.Axis(values=[0.3, 0.5, 1, 2, 3, 5, 10, 20, 50], format=".3~g")
    x = alt.X("X:Q", scale=across, axis=axis, title=msg("ALT or AST, peak, {unit}", unit=unit))
    y = alt.Y("Y:Q", scale=up, axis=axis, title=msg("Bilirubin, peak, {unit}", unit=unit))
    base = alt.Chart(points).encode(opacity=standing_out("SUBJECT"))
    arrows = base.mark_rule(color=QUIET, strokeWidth=1).encode(
        x=alt.X("X0:Q", scale=across, axis=axis, title=x["title"]),
        y=alt.Y("Y0:Q", scale=up, axis=axis, title=y["title"]),
        x2="X:Q", y2="Y:Q",
    )  # fmt: skip
    starts = base.mark_point(filled=False, size=30, color=QUIET).encode(x="X0:Q", y="Y0:Q")
    ends = base.mark_point(filled=True, size=90, stroke=INK, strokeWidth=0.8).encode(
        x=x, y=y,
        fill=alt.Fill("TRT01A:N", title=msg("Dose level"), scale=level_colours(levels)),
        shape=alt.Shape("TRT01A:N", title=msg("Dose level"), scale=level_shapes(levels)),
        tooltip=tips(
            "X", "Y", "X0", "Y0", SUBJECT=msg("Subject"), TRT01A=msg("Dose level"), X=msg("ALT or AST, peak"),
            Y=msg("Bilirubin, peak"), X0=msg("ALT or AST, baseline"), Y0=msg("Bilirubin, baseline"),
        ),
    )  # fmt: skip
    outside = points[(points["X"] >= transaminase) | (points["Y"] >= bilirubin)]
    bold: dict[str, Any] = {"dy": -11, "fontSize": 11, "fontWeight": "bold", "color": INK}
    names = alt.Chart(outside[["SUBJECT", "X", "Y"]]).mark_text(**bold).encode(
        x="X:Q", y="Y:Q", text="SUBJECT:N", opacity=standing_out("SUBJECT")
    )  # fmt: skip
    at_ta = alt.Chart(pd.DataFrame({"X": [transaminase]})).mark_rule(color=LIMIT, strokeDash=DASH).encode(x="X:Q")
    at_bili = alt.Chart(pd.DataFrame({"Y": [bilirubin]})).mark_rule(color=LIMIT, strokeDash=DASH).encode(y="Y:Q")
    corners = [
        alt.Chart(pd.DataFrame({"X": [x_range[right]], "Y": [y_range[top]], "SAID": [said]})).mark_text(
            align="right" if right else "left", baseline="top" if top else "bottom", dx=-4 if right else 4,
            dy=4 if top else -4, fontSize=10, color=QUIET,
        ).encode(x="X:Q", y="Y:Q", text="SAID:N")
        for said, right, top in QUADRANTS
    ]  # fmt: skip
    return linked(
        alt.layer(*corners, arrows, starts, ends, at_ta, at_bili, names).properties(width=SQUARE, height=SQUARE)
    )


def shift_heatmap(cells: pd.DataFrame) -> alt.FacetChart:
    """F11: per test, subjects by baseline grade (row) and worst grade after it (column), as numbers.

    Columns TEST BASELINE WORST SUBJECTS COURSE. What got worse has the colour of its worst grade; the rest is pale.
    """
    order = [grade for grade in SHIFT_ORDER if grade in {*cells["BASELINE"], *cells["WORST"]}]
    worse = cells["COURSE"].eq("worse")
    shade = cells["WORST"].map({str(grade): colour for grade, colour in enumerate(SEVERITY, 1)})
    drawn = cells.assign(
        SHADE=shade.where(worse, NO_SHARE).fillna(NO_SHARE).astype("str"),
        INK=pd.Series(INK, index=cells.index).mask(worse & cells["WORST"].eq("4"), PAPER).astype("str"),
    )
    base = alt.Chart(drawn).encode(
        x=alt.X(
            "WORST:O", sort=order, title=msg("Worst grade"), axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=order)
        ),
        y=alt.Y("BASELINE:O", sort=order[::-1], title=msg("Baseline"), scale=alt.Scale(domain=order[::-1])),
        tooltip=tips(
            "SUBJECTS", TEST=msg("Test"), BASELINE=msg("Baseline grade"), WORST=msg("Worst grade"),
            SUBJECTS=msg("Subjects"), COURSE=msg("Compared with baseline"),
        ),
    )  # fmt: skip
    tiles = base.mark_rect(stroke=QUIET, strokeWidth=0.3).encode(fill=alt.Fill("SHADE:N", scale=None, legend=None))
    numbers = base.mark_text(fontSize=11).encode(text="SUBJECTS:Q", color=alt.Color("INK:N", scale=None, legend=None))
    size = {"width": TILE * len(order), "height": 22 * len(order)}
    facet = alt.layer(tiles, numbers).properties(**size)
    header = alt.Header(labelLimit=TILE * len(order) + 20, labelFontSize=11)
    tests = alt.Facet("TEST:N", title=None, sort=list(dict.fromkeys(cells["TEST"])), header=header)
    return facet.facet(tests, columns=3, spacing=16)


def events_by_cut(points: pd.DataFrame, kinds: Sequence[str], levels: Sequence[str]) -> alt.HConcatChart:
    """F24: cumulative events as each cut reported them: a small panel per kind with an axis of its own, a bar per cut.

    `points`: CUT KIND LEVEL EVENTS of `new_since_cut.signal_points`. A bar is stacked by dose level, with the total on
    top of it.
    """
    panels: list[Any] = []
    for kind in [kind for kind in kinds if kind in set(points["KIND"])]:
        own = points[points["KIND"] == kind]
        most = max(int(own["EVENTS"].max()), 4)
        rank = {level: position for position, level in enumerate(levels)}
        of_levels = own[own["LEVEL"] != TOTAL].assign(RANK=own["LEVEL"].map(rank))
        base = alt.Chart().encode(x=alt.X("CUT:O", title=None, axis=alt.Axis(labelAngle=-90)))
        value = alt.Y("EVENTS:Q", title=msg("Events so far") if not panels else None, axis=alt.Axis(tickMinStep=1),
                      scale=alt.Scale(domain=[0, most * 1.1], nice=False))  # fmt: skip
        bars = base.mark_bar(size=18, stroke=PAPER, strokeWidth=0.8).encode(
            y=value, order="RANK:Q", color=alt.Color("LEVEL:N", title=msg("Dose level"), scale=level_colours(levels)),
            tooltip=tips("EVENTS", CUT="Cut", KIND=msg("Events"), LEVEL=msg("Dose level"), EVENTS=msg("Number")),
        ).properties(data=of_levels)  # fmt: skip
        numbers = base.mark_text(dy=-7, fontSize=11, color=INK).encode(y=value, text="EVENTS:Q")
        panel = alt.layer(bars, numbers.properties(data=own[own["LEVEL"] == TOTAL]), title=kind)
        panels.append(panel.properties(width=PANEL_WIDTH / 3, height=PANEL_HEIGHT - 60))
    return alt.hconcat(*panels, spacing=22)


def since_last_cut(rows: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F21: subjects at the last cut (open) and now (filled), a line between them. Columns ROW BEFORE NOW CHANGE."""
    y = alt.Y("ROW:N", title=None, sort=list(rows["ROW"]), axis=alt.Axis(grid=True, labelLimit=300))
    x = alt.X("BEFORE:Q", title=msg("Subjects"), scale=alt.Scale(domainMin=0), axis=alt.Axis(tickMinStep=1))
    base = alt.Chart(rows).encode(
        y=y, tooltip=tips("BEFORE", "NOW", ROW=msg("Subjects with"), BEFORE=msg("At the last cut"), NOW=msg("Now"))
    )
    lines = base.mark_rule(color=QUIET, strokeWidth=2).encode(x=x, x2="NOW:Q")
    then = base.mark_point(size=80, filled=True, fill=PAPER, stroke=INK, strokeWidth=1.4, opacity=1).encode(x=x)
    now = base.mark_point(size=80, filled=True, color=INK, opacity=1).encode(x="NOW:Q")
    words = base.mark_text(align="left", dx=9, fontSize=11, color=INK).encode(x="NOW:Q", text="CHANGE:N")
    moved = words.transform_filter("datum.BEFORE != datum.NOW")
    return alt.layer(lines, now, then.transform_filter("datum.BEFORE != datum.NOW"), moved).properties(
        width=420, height=alt.Step(ROW + 6)
    )  # fmt: skip

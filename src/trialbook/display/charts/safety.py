"""Charts of safety: terms by frequency, event timelines, laboratory panels, liver, shifts, events by cut (F7 to F11).

Charts that show subjects let the subject that a reader picks stand out in all of them (`picked`).
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.figures import standing_out
from trialbook.display.theme import (
    EVENT_GRADES,
    INK,
    LABORATORY_GRADES,
    PAPER,
    QUIET,
    SERIES,
    TERM_GRADES,
    TIMELINE_INFUSION,
    dose_level_colour,
)

DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
SHIFT_ORDER = ["missing", "0", "1", "2", "3", "4"]
DAYS = msg("Days since the first infusion")
NUMBERS = {"SUBJECTS", "FROM", "UNTIL", "DAY", "VALUE", "X", "Y", "X0", "Y0", "EVENTS"}
ROW, PANEL_WIDTH, PANEL_HEIGHT, SQUARE = 16, 300, 170, 330


def term_dots(dots: pd.DataFrame) -> alt.Chart:
    """F7: subjects per term; circle = any grade, smaller diamond = grade 3 or more, triangle = an event without a
    grade. Columns TERM, KIND, SUBJECTS.
    """
    named = {"Any grade": ("circle", 170), "Grade 3 or more": ("diamond", 60), "Not graded": ("triangle-up", 60)}
    kinds = [name for name in named if name != "Not graded" or (dots["KIND"] == name).any()]
    shapes, sizes = (list(part) for part in zip(*(named[name] for name in kinds), strict=True))
    colours = [TERM_GRADES[name] for name in kinds]
    return (
        alt.Chart(dots)
        .mark_point(filled=True, opacity=1)
        .encode(
            x=alt.X("SUBJECTS:Q", title=msg("Subjects"), axis=alt.Axis(tickMinStep=1), scale=alt.Scale(domainMin=0)),
            y=alt.Y("TERM:N", sort=list(dict.fromkeys(dots["TERM"])), title=None),
            color=alt.Color("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=colours)),
            shape=alt.Shape("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=shapes)),
            size=alt.Size("KIND:N", legend=None, scale=alt.Scale(domain=kinds, range=sizes)),
            tooltip=_tips(TERM=msg("Event"), KIND=msg("Grade"), SUBJECTS=msg("Subjects")),
        )
        .properties(height=alt.Step(ROW + 4))
    )


def timeline(events: pd.DataFrame) -> alt.FacetChart:
    """F8: one row per event on the days since the first infusion, by subject, coloured by grade; lines = infusions.

    Columns SUBJECT KIND TERM FROM UNTIL GRADE MARK ONGOING. A dot marks the onset, so that an event of one day is
    seen; the text beside the bar is its grade, and says what is serious and what is new.
    """
    # An infusion has no row of its own: it borrows a term of its subject, so that no empty row is drawn.
    terms = events[events["KIND"] == "event"].groupby("SUBJECT")["TERM"].first()
    drawn = events.assign(TERM=events["TERM"].where(events["KIND"] == "event", events["SUBJECT"].map(terms)))
    base = alt.Chart(drawn).encode(opacity=standing_out("SUBJECT"))
    grades = alt.Scale(domain=list(EVENT_GRADES), range=list(EVENT_GRADES.values()))
    of_events = base.transform_filter("datum.KIND == 'event'").encode(
        x=alt.X("FROM:Q", title=DAYS, axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("TERM:N", title=None, sort=alt.EncodingSortField("FROM", op="min")),
        color=alt.Color("GRADE:N", title=None, scale=grades),
        tooltip=_tips(
            SUBJECT=msg("Subject"),
            TERM=msg("Event"),
            GRADE=msg("Grade"),
            MARK=msg("Marked"),
            FROM=msg("From day"),
            UNTIL=msg("Until day"),
            ONGOING=msg("Ongoing"),
        ),
    )
    infusions = base.transform_filter("datum.KIND == 'infusion'").mark_rule(color=TIMELINE_INFUSION, strokeWidth=1.5)
    bars = of_events.mark_bar(height=9, stroke=QUIET, strokeWidth=0.6).encode(x2="UNTIL:Q")
    marks = of_events.mark_text(align="left", dx=4, fontSize=10, color=INK).encode(x="UNTIL:Q", text="MARK:N")
    layers = alt.layer(
        infusions.encode(x="FROM:Q"), bars, of_events.mark_point(size=45, stroke=QUIET, strokeWidth=0.6),
        marks.encode(color=alt.value(INK)),
    )  # fmt: skip
    header = alt.Header(labelAngle=0, labelAnchor="start", labelOrient="top", labelPadding=2)
    facet = layers.properties(height=alt.Step(ROW), width=520).facet(
        row=alt.Row("SUBJECT:N", title=None, header=header), spacing=4
    )
    return facet.resolve_scale(y="independent")


def lab_panel(results: pd.DataFrame, bands: pd.DataFrame) -> alt.ConcatChart:
    """F9: one panel per test with a line per subject; CTCAE grades as bands; multiples of ULN on a log scale.

    `results`: SUBJECT TRT01A TEST DAY VALUE; `bands`: TEST GRADE NAME LOW HIGH of `grade_bands`.
    """
    colour, dash = _of_level(results, "strokeDash")
    panels = []
    subject, clear = alt.Detail("SUBJECT:N"), standing_out("SUBJECT", shown=0.85, unpicked=0.85)
    tips = _tips(SUBJECT=msg("Subject"), TRT01A=msg("Dose level"), DAY="Day", VALUE=msg("Result"))
    start = alt.Chart(pd.DataFrame({"DAY": [0]})).mark_rule(strokeDash=[3, 3], color=QUIET).encode(x="DAY:Q")
    for test in dict.fromkeys(results["TEST"]):
        scale = alt.Scale(type="log") if test.endswith("(x ULN)") else alt.Scale(zero=True)
        days, value = alt.X("DAY:Q", title=DAYS), alt.Y("VALUE:Q", title=test, scale=scale)
        # One copy of the data for all panels, each of which draws its own test.
        of_test = alt.Chart().transform_filter(alt.FieldEqualPredicate(field="TEST", equal=test))
        lines = of_test.mark_line(point=alt.OverlayMarkDef(size=16), strokeWidth=1.2).encode(
            x=days, y=value, color=colour, strokeDash=dash, detail=subject, opacity=clear, tooltip=tips
        )  # fmt: skip
        layers = [*_bands(bands[bands["TEST"] == test], value), lines, start]
        panels.append(alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT))
    return alt.concat(*panels, data=results, columns=2)


def _bands(bands: pd.DataFrame, value: alt.Y) -> list[alt.Chart]:
    """The grades of one panel as grey bands with their names at the right; `value` is the axis of its results."""
    if bands.empty:
        return []
    low, high = alt.Y("LOW:Q", title=value["title"], scale=value["scale"]), alt.Y2("HIGH:Q")
    shaded = alt.Chart(bands.assign(SHADE=bands["GRADE"].map(LABORATORY_GRADES)))
    names = shaded.mark_text(align="right", baseline="bottom", fontSize=10, color=QUIET, dx=-2, dy=-1)
    # A literal shade: a scale of its own would mix with that of the dose levels.
    return [
        shaded.mark_rect().encode(y=low, y2=high, fill=alt.Fill("SHADE:N", scale=None, legend=None)),
        names.encode(x=alt.value(PANEL_WIDTH), y=low, text=alt.Text("NAME:N")),
    ]


def hepatic_screen(
    points: pd.DataFrame, transaminase: float, bilirubin: float, unit: str
) -> alt.LayerChart | alt.FacetChart:
    """F10: peak transaminase (X) against peak bilirubin (Y), both logarithmic, with the criteria as lines.

    An arrow leads from the start (X0, Y0: the baseline) to the peak. Columns SUBJECT TRT01A X Y X0 Y0.
    """
    log = alt.Scale(type="log")
    colour, shape = _of_level(points, "shape")
    base = alt.Chart(points).encode(opacity=standing_out("SUBJECT"))
    arrows = base.mark_rule(color=QUIET, strokeWidth=1).encode(
        x=alt.X("X0:Q", scale=log, title=msg("ALT or AST, peak, {unit}", unit=unit)),
        y=alt.Y("Y0:Q", scale=log, title=msg("Bilirubin, peak, {unit}", unit=unit)),
        x2="X:Q",
        y2="Y:Q",
    )
    starts = base.mark_point(filled=False, size=30, color=QUIET).encode(x="X0:Q", y="Y0:Q")
    ends = base.mark_point(filled=True, size=80).encode(
        x="X:Q",
        y="Y:Q",
        color=colour,
        shape=shape,
        tooltip=_tips(
            SUBJECT=msg("Subject"),
            TRT01A=msg("Dose level"),
            X=msg("ALT or AST, peak"),
            Y=msg("Bilirubin, peak"),
            X0=msg("ALT or AST, baseline"),
            Y0=msg("Bilirubin, baseline"),
        ),
    )
    dash = [4, 3]
    at_ta = alt.Chart(pd.DataFrame({"X": [transaminase]})).mark_rule(color=QUIET, strokeDash=dash).encode(x="X:Q")
    at_bili = alt.Chart(pd.DataFrame({"Y": [bilirubin]})).mark_rule(color=QUIET, strokeDash=dash).encode(y="Y:Q")
    return alt.layer(arrows, starts, ends, at_ta, at_bili).properties(width=SQUARE, height=SQUARE)


def shift_heatmap(cells: pd.DataFrame) -> alt.FacetChart:
    """F11: per test, subjects by baseline grade (row) and worst grade after it (column). TEST BASELINE WORST SUBJECTS.

    What got worse is right of the diagonal; the numbers are written, so that no shade has to be read.
    """
    order = [grade for grade in SHIFT_ORDER if grade in {*cells["BASELINE"], *cells["WORST"]}]
    half = float(cells["SUBJECTS"].max()) / 2
    base = alt.Chart(cells).encode(
        x=alt.X(
            "WORST:O", sort=order, title=msg("Worst grade"), axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=order)
        ),
        y=alt.Y("BASELINE:O", sort=order[::-1], title=msg("Baseline"), scale=alt.Scale(domain=order[::-1])),
        tooltip=_tips(
            TEST=msg("Test"), BASELINE=msg("Baseline grade"), WORST=msg("Worst grade"), SUBJECTS=msg("Subjects")
        ),
    )
    tiles = base.mark_rect(stroke=QUIET, strokeWidth=0.3).encode(
        color=alt.Color("SUBJECTS:Q", title=msg("Subjects"), scale=alt.Scale(domainMin=0), legend=None)
    )
    ink = alt.condition(f"datum.SUBJECTS > {half:g}", alt.value(PAPER), alt.value(INK))
    numbers = base.mark_text(fontSize=11).encode(text="SUBJECTS:Q", color=ink)
    size = {"width": 24 * len(order), "height": 20 * len(order)}
    facet = alt.layer(tiles, numbers).properties(**size)
    return facet.facet(alt.Facet("TEST:N", title=None, sort=list(dict.fromkeys(cells["TEST"]))), columns=4, spacing=14)


def events_by_cut(points: pd.DataFrame, kinds: list[str]) -> alt.FacetChart:
    """Cumulative events as each cut reported them: a small panel per kind, a bar per cut. Columns CUT KIND EVENTS."""
    base = alt.Chart(points).encode(
        x=alt.X("CUT:O", title=None, axis=alt.Axis(labelAngle=-90)),
        y=alt.Y("EVENTS:Q", title=msg("Events so far"), axis=alt.Axis(tickMinStep=1)),
        tooltip=_tips(CUT="Cut", KIND=msg("Events"), EVENTS=msg("Number")),
    )
    bars = base.mark_bar(color=SERIES, size=18)
    numbers = base.mark_text(dy=-7, fontSize=11, color=INK).encode(text="EVENTS:Q")
    panel = alt.layer(bars, numbers).properties(width=PANEL_WIDTH / 3, height=PANEL_HEIGHT - 40)
    return panel.facet(column=alt.Column("KIND:N", title=None, sort=kinds), spacing=18)


def _of_level(frame: pd.DataFrame, channel: str) -> tuple[alt.Color, alt.Shape | alt.StrokeDash]:
    """Colour and a second channel of the dose levels of a frame, so that they are told apart without colour."""
    levels = sorted(frame["TRT01A"].unique())
    colours = alt.Scale(domain=levels, range=[dose_level_colour(position) for position in range(len(levels))])
    if channel == "shape":
        colour = alt.Color("TRT01A:N", title=msg("Dose level"), scale=colours)
        return colour, alt.Shape("TRT01A:N", title=msg("Dose level"), scale=alt.Scale(domain=levels))
    dashes = [DASHES[position % len(DASHES)] for position in range(len(levels))]
    key = alt.Legend(symbolType="stroke", symbolSize=300)
    dash = alt.StrokeDash("TRT01A:N", title=msg("Dose level"), scale=alt.Scale(domain=levels, range=dashes), legend=key)
    return alt.Color("TRT01A:N", title=msg("Dose level"), scale=colours, legend=key), dash


def _tips(**labels: str) -> list[alt.Tooltip]:
    """What a mark says when it is pointed at: columns with the names that readers see."""
    return [alt.Tooltip(f"{name}:{'Q' if name in NUMBERS else 'N'}", title=title) for name, title in labels.items()]

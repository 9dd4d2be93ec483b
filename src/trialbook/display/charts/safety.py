"""Charts of safety: terms by frequency, event timelines, laboratory panels, and the hepatic screen (F7 to F10)."""

from __future__ import annotations

import altair as alt
import pandas as pd

from trialbook.display.theme import PALETTE, QUIET

GRADE_ORDER = ["grade 1", "grade 2", "grade 3", "grade 4", "grade 5", "grade not given"]
# Light to dark with severity, and grey for none: readable without colour vision and on paper.
GRADE_COLOURS = ["#c6dbef", "#6baed6", "#E69F00", "#D55E00", "#000000", "#b0b7c1"]
ROW, PANEL_WIDTH, PANEL_HEIGHT, SQUARE = 16, 300, 170, 330


def term_dots(dots: pd.DataFrame) -> alt.Chart:
    """F7: subjects per term; circle = any grade, smaller diamond = grade 3 or more. Columns TERM, KIND, SUBJECTS."""
    kinds = ["Any grade", "Grade 3 or more"]
    return (
        alt.Chart(dots)
        .mark_point(filled=True, opacity=1)
        .encode(
            x=alt.X("SUBJECTS:Q", title="Subjects", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(domainMin=0)),
            y=alt.Y("TERM:N", sort=list(dict.fromkeys(dots["TERM"])), title=None),
            color=alt.Color("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=PALETTE[:2])),
            shape=alt.Shape("KIND:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "diamond"])),
            size=alt.Size("KIND:N", legend=None, scale=alt.Scale(domain=kinds, range=[170, 60])),
        )
        .properties(height=alt.Step(ROW + 4))
    )


def timeline(events: pd.DataFrame) -> alt.FacetChart:
    """F8: one row per event on the days since the first infusion, by subject, coloured by grade; lines = infusions.

    Columns USUBJID KIND TERM FROM UNTIL GRADE. A dot marks the onset, so that an event of one day is seen.
    """
    # An infusion has no row of its own: it borrows a term of its subject, so that no empty row is drawn.
    terms = events[events["KIND"] == "event"].groupby("USUBJID")["TERM"].first()
    drawn = events.assign(TERM=events["TERM"].where(events["KIND"] == "event", events["USUBJID"].map(terms)))
    base = alt.Chart(drawn)
    of_events = base.transform_filter("datum.KIND == 'event'").encode(
        x=alt.X("FROM:Q", title="Days since the first infusion", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("TERM:N", title=None, sort=alt.EncodingSortField("FROM", op="min")),
        color=alt.Color("GRADE:N", title=None, scale=alt.Scale(domain=GRADE_ORDER, range=GRADE_COLOURS)),
    )
    infusions = base.transform_filter("datum.KIND == 'infusion'").mark_rule(color=PALETTE[2]).encode(x="FROM:Q")
    layers = alt.layer(infusions, of_events.mark_bar(height=9).encode(x2="UNTIL:Q"), of_events.mark_point(size=45))
    header = alt.Header(labelAngle=0, labelAnchor="start", labelOrient="top", labelPadding=2)
    facet = layers.properties(height=alt.Step(ROW), width=520).facet(
        row=alt.Row("USUBJID:N", title=None, header=header), spacing=4
    )
    return facet.resolve_scale(y="independent")


def lab_panel(results: pd.DataFrame) -> alt.ConcatChart:
    """F9: one panel per test with a line per subject; liver tests as multiples of ULN on a log scale."""
    levels = sorted(results["TRT01A"].unique())
    colour = alt.Color("TRT01A:N", title="Dose level", scale=alt.Scale(domain=levels, range=PALETTE[: len(levels)]))
    panels = []
    for test in dict.fromkeys(results["TEST"]):
        one = results[results["TEST"] == test]
        scale = alt.Scale(type="log") if test.endswith("(x ULN)") else alt.Scale(zero=True)
        lines = (
            alt.Chart(one)
            .mark_line(point=alt.OverlayMarkDef(size=16), strokeWidth=1.2, opacity=0.8)
            .encode(
                x=alt.X("DAY:Q", title="Days since the first infusion"),
                y=alt.Y("VALUE:Q", title=test, scale=scale),
                color=colour,
                detail="USUBJID:N",
            )
            .properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)
        )
        start = alt.Chart(pd.DataFrame({"DAY": [0]})).mark_rule(strokeDash=[3, 3], color=QUIET).encode(x="DAY:Q")
        panels.append(alt.layer(lines, start))
    return alt.concat(*panels, columns=2)


def hepatic_screen(
    points: pd.DataFrame, transaminase: float, bilirubin: float, unit: str
) -> alt.LayerChart | alt.FacetChart:
    """F10: peak transaminase (X) against peak bilirubin (Y), both logarithmic, with the criteria as lines.

    An arrow leads from the start (X0, Y0: the baseline) to the peak. Columns USUBJID TRT01A X Y X0 Y0.
    """
    levels = sorted(points["TRT01A"].unique())
    log = alt.Scale(type="log")
    base = alt.Chart(points)
    arrows = base.mark_rule(color=QUIET, strokeWidth=1).encode(
        x=alt.X("X0:Q", scale=log, title=f"ALT or AST, peak, {unit}"),
        y=alt.Y("Y0:Q", scale=log, title=f"Bilirubin, peak, {unit}"),
        x2="X:Q",
        y2="Y:Q",
    )
    starts = base.mark_point(filled=False, size=30, color=QUIET).encode(x="X0:Q", y="Y0:Q")
    ends = base.mark_point(filled=True, size=80).encode(
        x="X:Q",
        y="Y:Q",
        color=alt.Color("TRT01A:N", title="Dose level", scale=alt.Scale(domain=levels, range=PALETTE[: len(levels)])),
        shape=alt.Shape("TRT01A:N", title="Dose level", scale=alt.Scale(domain=levels)),
        detail="USUBJID:N",
    )
    dash = [4, 3]
    at_ta = alt.Chart(pd.DataFrame({"X": [transaminase]})).mark_rule(color=QUIET, strokeDash=dash).encode(x="X:Q")
    at_bili = alt.Chart(pd.DataFrame({"Y": [bilirubin]})).mark_rule(color=QUIET, strokeDash=dash).encode(y="Y:Q")
    return alt.layer(arrows, starts, ends, at_ta, at_bili).properties(width=SQUARE, height=SQUARE)

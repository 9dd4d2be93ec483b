"""Charts of eligibility: the matrix of subjects and criteria."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.display.theme import INK, LINE, PAPER

CELL_WIDTH, CELL_HEIGHT = 30, 20
# Result -> letter in the cell, fill, ink. The letter says what the colour says, for readers who see no colour.
CODES = {
    "PASS": ("P", "#c6dbef", INK),
    "ATT-PASS": ("p", "#f1f4f8", INK),
    "FAIL": ("F", "#D55E00", PAPER),
    "ATT-FAIL": ("f", "#E69F00", INK),
    "CONFLICT": ("C", "#CC79A7", INK),
    "NE": ("?", "#566173", PAPER),
    "WAIVED": ("W", "#009E73", PAPER),
    "PENDING": ("-", "#ffffff", INK),
}


def audit_matrix(cells: pd.DataFrame, criteria: Sequence[str]) -> alt.LayerChart:
    """One cell per subject and criterion, coloured and lettered by its result.

    `cells`: subject level criterion result, from `eligibility.views.matrix`; `criteria`: all audit columns in order.
    """
    drawn = cells.assign(row=cells["subject"] + " " + cells["level"])
    drawn["letter"] = drawn["result"].map({code: letter for code, (letter, _, _) in CODES.items()})
    drawn["code"] = drawn["letter"] + "  " + drawn["result"]
    present = [code for code in CODES if code in set(drawn["result"])]
    names = [f"{CODES[code][0]}  {code}" for code in present]
    x = alt.X("criterion:N", sort=list(criteria), title="Criterion", axis=alt.Axis(orient="top", labelAngle=-60))
    y = alt.Y("row:N", sort=list(dict.fromkeys(drawn["row"])), title="Subject and dose level")
    fill = alt.Color(
        "code:N",
        title="Result",
        scale=alt.Scale(domain=names, range=[CODES[code][1] for code in present]),
        legend=alt.Legend(orient="bottom", columns=4, symbolType="square", symbolStrokeColor=LINE),
    )
    ink = alt.Color("code:N", scale=alt.Scale(domain=names, range=[CODES[code][2] for code in present]), legend=None)
    base = alt.Chart(drawn[["row", "criterion", "code", "letter"]])
    squares = base.mark_rect(stroke=LINE, strokeWidth=1).encode(x=x, y=y, color=fill)
    letters = base.mark_text(fontSize=12).encode(x=x, y=y, text="letter:N", color=ink)
    rows = drawn["row"].nunique()
    chart = alt.layer(squares, letters).resolve_scale(color="independent")
    return chart.properties(width=CELL_WIDTH * len(criteria), height=CELL_HEIGHT * max(1, rows))

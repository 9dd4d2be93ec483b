"""Charts of eligibility: the flow of subjects, and the matrix of subjects and criteria."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.theme import AUDIT_RESULTS, FLOW_BOX, INK, LINE, PAPER, QUIET
from trialbook.eligibility.audit_results import RESULT_WORDS
from trialbook.eligibility.tables import LETTERS
from trialbook.subjects.flow import LEVEL_SIDE

CELL_WIDTH, CELL_HEIGHT = 30, 20
LONGEST_HOVER = 220


def audit_matrix(cells: pd.DataFrame, criteria: Sequence[str]) -> alt.LayerChart:
    """One cell per subject and criterion, coloured by its result, and lettered for readers who see no colour.

    `cells`: subject level criterion result evidence, from `eligibility.tables.matrix`; `criteria`: all audit columns in
    order. Hovering over a cell shows its evidence.
    """
    drawn = cells.assign(row=cells["subject"] + " " + cells["level"])
    drawn["evidence"] = [textwrap.shorten(text, LONGEST_HOVER, placeholder=" ...") for text in cells["evidence"]]
    drawn["letter"] = drawn["result"].map(LETTERS)
    named = {code: msg("{letter}: {result}", letter=LETTERS[code], result=said) for code, said in RESULT_WORDS.items()}
    drawn["code"] = drawn["result"].map(named).astype("str")
    present = [code for code in AUDIT_RESULTS if code in set(drawn["result"])]
    names = [named[code] for code in present]
    x = alt.X("criterion:N", sort=list(criteria), title=msg("Criterion"), axis=alt.Axis(orient="top", labelAngle=-90))
    y = alt.Y("row:N", sort=list(dict.fromkeys(drawn["row"])), title=msg("Subject and dose level"))
    fill = alt.Color(
        "code:N",
        title=msg("Result"),
        scale=alt.Scale(domain=names, range=[AUDIT_RESULTS[code][0] for code in present]),
        legend=alt.Legend(orient="bottom", columns=4, symbolType="square", symbolStrokeColor=LINE, labelLimit=220),
    )
    ink = alt.Color(
        "code:N", scale=alt.Scale(domain=names, range=[AUDIT_RESULTS[code][1] for code in present]), legend=None
    )
    base = alt.Chart(drawn[["row", "criterion", "code", "letter", "evidence"]])
    hover = [
        alt.Tooltip("row:N", title=msg("Subject")), alt.Tooltip("criterion:N", title=msg("Criterion")),
        alt.Tooltip("code:N", title=msg("Result")), alt.Tooltip("evidence:N", title=msg("Evidence")),
    ]  # fmt: skip
    squares = base.mark_rect(stroke=LINE, strokeWidth=1).encode(x=x, y=y, color=fill, tooltip=hover)
    letters = base.mark_text(fontSize=12).encode(x=x, y=y, text="letter:N", color=ink, tooltip=hover)
    rows = drawn["row"].nunique()
    chart = alt.layer(squares, letters).resolve_scale(color="independent")
    return chart.properties(width=CELL_WIDTH * len(criteria), height=CELL_HEIGHT * max(1, rows))


# The way on goes down at the left, those who leave it or wait are at the right, the dose levels side by side below.
BOX_WIDTH, BOX_GAP, LINE_HEIGHT, PADDING = 190, 22, 16, 8
LEVEL_WIDTH, LEVEL_GAP, MOST_ACROSS = 120, 14, 4
# Pixels of a letter of 12 px, on average; bold ones are wider. A box is as wide as its text may be.
LETTER, BOLD_LETTER = 6.1, 6.9


def flow_chart(boxes: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """F22: the flow of subjects (CONSORT): boxes with their numbers, those who left or wait beside them, and a box for
    each dose level below.

    `boxes`: box side n says, from `subjects.flow.flow_boxes`. A dashed border says that subjects are pending.
    """
    placed: list[tuple[float, float, float, float, str]] = []
    lines: list[tuple[float, float, str, bool]] = []
    top = 0.0
    levels = boxes[boxes["side"] == LEVEL_SIDE]
    for row in boxes[boxes["side"] != LEVEL_SIDE].itertuples():
        x, wide = (0, BOX_WIDTH) if row.side == "" else (BOX_WIDTH + BOX_GAP, 2 * BOX_WIDTH)
        top += _box(placed, lines, (x, top, wide), row.side, f"{row.box}: {row.n}", row.says) + 14
    across = min(max(len(levels), 1), MOST_ACROSS)
    heights = [0.0]
    for k, row in enumerate(levels.itertuples()):
        if k % across == 0:
            top, heights = top + max(heights) + 10 * (k > 0), [0.0]
        x = (k % across) * (LEVEL_WIDTH + LEVEL_GAP)
        heights.append(_box(placed, lines, (x, top, LEVEL_WIDTH), LEVEL_SIDE, f"{row.box}: {row.n}", row.says))
    height = top + max(heights)
    frame = pd.DataFrame(placed, columns=["x", "x2", "y", "y2", "side"])
    words = pd.DataFrame(lines, columns=["x", "y", "text", "head"])
    width = max(3 * BOX_WIDTH + BOX_GAP, across * (LEVEL_WIDTH + LEVEL_GAP))
    horizontal = alt.X("x:Q", scale=alt.Scale(domain=[0, width], nice=False), axis=None)
    down = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
    drawn = [_ways(frame, horizontal, down)]
    for side, dash in (("", [1, 0]), ("out", [1, 0]), ("pending", [4, 3]), (LEVEL_SIDE, [1, 0])):
        kind = alt.Chart(frame.loc[frame["side"].eq(side), ["x", "x2", "y", "y2"]])
        fill = FLOW_BOX if side in ("", LEVEL_SIDE) else PAPER
        box = kind.mark_rect(fill=fill, stroke=INK, strokeWidth=1, strokeDash=dash, cornerRadius=3)
        drawn.append(box.encode(x=horizontal, x2="x2", y=down, y2="y2"))
    for head in (True, False):
        said = alt.Chart(words.loc[words["head"].eq(head), ["x", "y", "text"]])
        text = said.mark_text(align="left", baseline="middle", fontSize=12, fontWeight="bold" if head else "normal")
        drawn.append(text.encode(x=horizontal, y=down, text="text:N"))
    return alt.layer(*drawn).properties(width=width, height=height)


def _box(
    placed: list[tuple[float, float, float, float, str]], lines: list[tuple[float, float, str, bool]],
    place: tuple[float, float, float], side: str, head: str, says: str,
) -> float:  # fmt: skip
    """Adds a box with its text, broken so that it stays inside; its height."""
    x, top, wide = place
    room = wide - 2 * PADDING
    heads = textwrap.wrap(head, max(int(room / BOLD_LETTER), 8))
    texts = [line for part in says.split("; ") for line in textwrap.wrap(part, max(int(room / LETTER), 8))]
    height = (len(heads) + len(texts)) * LINE_HEIGHT + 2 * PADDING
    placed.append((x, x + wide, top, top + height, side))
    lines += [
        (x + PADDING, top + PADDING + (k + 0.5) * LINE_HEIGHT, text, k < len(heads))
        for k, text in enumerate([*heads, *texts])
    ]
    return height


def _ways(frame: pd.DataFrame, across: alt.X, down: alt.Y) -> alt.Chart:
    """The line down the way on, from it to each box beside, and from the last one to each dose level."""
    middle, main = BOX_WIDTH / 2, frame[frame["side"] == ""]
    ways = [(middle, middle, main["y"].min(), main["y2"].max())] if len(main) else []
    beside = frame[frame["side"].isin(["out", "pending"])]
    ways += [(middle, row.x, (row.y + row.y2) / 2, (row.y + row.y2) / 2) for row in beside.itertuples()]
    end = float(main["y2"].max()) if len(main) else 0.0
    for row in frame[frame["side"] == LEVEL_SIDE].itertuples():
        centre = (row.x + row.x2) / 2
        ways += [(middle, centre, end + 7, end + 7), (centre, centre, end + 7, row.y), (middle, middle, end, end + 7)]
    data = pd.DataFrame(ways, columns=["x", "x2", "y", "y2"], dtype="float64")
    return alt.Chart(data).mark_rule(color=QUIET, strokeWidth=1.5).encode(x=across, x2="x2", y=down, y2="y2")

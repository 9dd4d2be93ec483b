"""A plain DataFrame as a house table, for frames that a cell shows as they are."""

from __future__ import annotations

import pandas as pd

from trialbook.display.blocks import Block
from trialbook.display.grid import Grid, as_text, box, cells_of, number_columns
from trialbook.display.tables import MOST_ROWS
from trialbook.display.text import safe, visible

UNNAMED = "row"


def frame_block(frame: pd.DataFrame) -> Block:
    """The first rows of a frame, as many as pandas shows (`display.max_rows`), with its index where that says anything.

    Missing values are blank and numbers stand right, as in every house table. Columns keep their names; those with
    several levels are joined by a slash.
    """
    most = min(pd.get_option("display.max_rows") or MOST_ROWS, MOST_ROWS)
    plain = _with_index(frame.head(most))
    if not len(plain.columns) or not len(frame):
        names = ", ".join(str(name) for name in plain.columns)
        text = f"No records; columns: {names}." if names else "An empty frame."
        return Block(f'<p class="tb tb-sentence">{safe(text)}</p>', visible(text))
    # By position: a frame may hold two columns of one name.
    heads = {str(k): visible(str(name)) for k, name in enumerate(plain.columns)}
    plain.columns = pd.Index(list(heads))
    grid = Grid(cells_of(plain), heads, number_columns(plain), whole=len(frame))
    count = f"The first {grid.rows} of {len(frame)} rows." if len(frame) > grid.rows else ""
    said = f'<p class="tb-count">{count}</p>' if count else ""
    text = "\n".join(line for line in (count, as_text(grid)) if line)
    return Block(f'<div class="tb tb-table">{said}{box(grid, "Table")}</div>', visible(text))


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its index as first columns, but for one that only counts the rows."""
    frame = frame.copy()
    frame.columns = pd.Index([_name(name) for name in frame.columns])
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return frame.reset_index(drop=True)
    labels = [
        pd.Series(frame.index.get_level_values(level), name=name or UNNAMED)
        for level, name in enumerate(frame.index.names)
    ]
    return pd.concat([*labels, frame.reset_index(drop=True)], axis=1)


def _name(name: object) -> str:
    return " / ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)

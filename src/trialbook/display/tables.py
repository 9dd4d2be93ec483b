"""Tables for reading, made with great_tables; every text from data is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.display.blocks import Block


def table(
    frame: pd.DataFrame,
    title: str,
    *,
    subtitle: str = "",
    labels: Mapping[str, str] | None = None,
    group: str | None = None,
    notes: Sequence[str] = (),
    empty: str = "No records.",
) -> Block:
    """A listing or table: one row per row of `frame`, in its order.

    `labels` names columns for readers; `group` is a column whose values become row-group headings; `notes` are
    footnotes; an empty frame is shown as the sentence `empty`, never as a bare header.
    """
    from html import escape

    shown = frame.rename(columns=dict(labels or {})).astype("object").where(frame.notna().to_numpy(), "")
    html = f"<h4>{escape(title)}</h4>" + (shown.to_html(index=False) if len(frame) else f"<p>{escape(empty)}</p>")
    return Block(html + "".join(f"<p>{escape(n)}</p>" for n in notes), shown.to_string(index=False))


def ard_table(
    ard: pd.DataFrame,
    title: str,
    *,
    columns: Sequence[str],
    headers: Mapping[str, str],
    stats: str = "{n} ({p}) [{events}]",
    row_labels: Mapping[str, str] | None = None,
    row: str = "variable",
    subtitle: str = "",
    notes: Sequence[str] = (),
    empty: str = "No records.",
    pct_min_n: int = 10,
) -> Block:
    """A table that is a view of ARD rows: a row per `row` value (ARD column `variable` or `variable_level`), a column
    per group level.

    `columns` are the group1 levels in order (dose level ids, then Total); `headers` their texts ("DL1 (N=3)").
    `stats` is the cell pattern over stat names, filled with each row's `stat_text`; the share is left out of a cell
    whose N is below `pct_min_n`.
    """
    raise NotImplementedError("the display helper fills this in")

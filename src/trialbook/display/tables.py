"""Tables for reading, made with great_tables; every text from data is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.display.blocks import Block
from trialbook.display.table_pattern import Pattern, table_pattern
from trialbook.display.text import safe, show, visible, width

LONG_TABLE = 200
# A page must stay readable and small: a table shows so many rows, says so, and the files of the build hold them all.
MOST_ROWS = 500
LONG_CELL = 36
KEY_WIDTH = 16
INDENT = "\u2003"


@dataclass(frozen=True)
class _Grid:
    """The cells of a table as visible text by column, the column heads, and which columns are what."""

    cells: Mapping[str, list[str]]
    heads: Mapping[str, str]
    right: Sequence[str]
    group: str | None = None
    stub: str | None = None
    whole: int = 0

    @property
    def rows(self) -> int:
        """Number of rows that are shown; `whole` is how many there are."""
        return len(next(iter(self.cells.values()), []))

    @property
    def shown(self) -> list[str]:
        return [name for name in self.cells if name != self.group]


def table(
    frame: pd.DataFrame,
    title: str,
    *,
    subtitle: str = "",
    labels: Mapping[str, str] | None = None,
    group: str | None = None,
    notes: Sequence[str] = (),
    empty: str = "No records.",
    digits: Mapping[str, int] | None = None,
    right: Sequence[str] = (),
    stub: str | None = None,
) -> Block:
    """A listing or table: one row per row of `frame`, in its order.

    `labels` names columns for readers; `group` is a column whose values become row-group headings; `notes` are
    footnotes; `digits` fixes the decimals of a number column; `right` names text columns that stand right like
    numbers; `stub` is the column whose values head their rows. Missing values are blank, numbers stand right, hidden
    characters are written out; an empty frame is shown as the sentence `empty`, never as a bare header. Of more than
    `MOST_ROWS` rows the first are shown, and the table says so.
    """
    whole, frame = len(frame), frame.head(MOST_ROWS).reset_index(drop=True)
    names = [str(name) for name in frame.columns]
    cells = {
        name: [visible(show(value, (digits or {}).get(name))) for value in frame.iloc[:, position]]
        for position, name in enumerate(names)
    }
    numbers = [name for position, name in enumerate(names) if name in right or _is_number(frame.iloc[:, position])]
    heads = {name: visible((labels or {}).get(name, name)) for name in names}
    return _block(_Grid(cells, heads, numbers, group, stub, whole), title, subtitle, notes, empty)


def ard_table(
    ard: pd.DataFrame,
    title: str,
    *,
    columns: Sequence[str],
    headers: Mapping[str, str],
    stats: str = "{n} ({p}) [{events}]",
    row_labels: Mapping[str, str] | None = None,
    row: str = "variable",
    group: str | None = None,
    stub: str = "",
    subtitle: str = "",
    notes: Sequence[str] = (),
    empty: str = "No records.",
    pct_min_n: int = 10,
) -> Block:
    """A table that is a view of ARD rows: a row per `row` value (ARD column `variable`, `variable_level` or `context`),
    a column per group level.

    `columns` are the group1 levels in order (dose level ids, then Total); `headers` their texts ("DL1 (N=3)").
    `stats` is the cell pattern over stat names, filled with each row's `stat_text`; a part in brackets falls away
    where its statistic is absent, and the share where N is below `pct_min_n`. A cell without any estimable number
    reads "-"; a cell without ARD rows is blank. `group` is an ARD column whose values head row groups (the SOC over
    its preferred terms); `row_labels` gives a row value its text ("" = any term); `stub` heads the row labels.

    Raises ValueError when one cell would hold two different numbers: the ARD then needs a narrower selection.
    """
    keys = [*([group] if group else []), row]
    wanted = ard[ard["group1_level"].isin(list(columns))]
    twice = wanted[wanted.duplicated([*keys, "group1_level", "stat_name"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(f"two numbers for one cell: {first[row]!r}, {first['group1_level']}, {first['stat_name']}")
    cells: dict[tuple[str, ...], dict[str, dict[str, tuple[float, str]]]] = {}
    for record in wanted.to_dict("records"):
        levels = cells.setdefault(tuple(str(record[key]) for key in keys), {})
        levels.setdefault(record["group1_level"], {})[record["stat_name"]] = (record["stat"], record["stat_text"])
    names = [*(["group"] if group else []), "row", *columns]
    rows = [
        (*key[:-1], (row_labels or {}).get(key[-1], key[-1]),
         *(_ard_cell(levels.get(level, {}), stats, pct_min_n) for level in columns))
        for key, levels in cells.items()
    ]  # fmt: skip
    by_column = {name: [visible(r[k]) for r in rows] for k, name in enumerate(names)}
    heads = {"group": "", "row": visible(stub), **{level: visible(headers.get(level, level)) for level in columns}}
    grid = _Grid(by_column, heads, list(columns), "group" if group else None, "row")
    return _block(grid, title, subtitle, notes, empty)


def _ard_cell(stats: Mapping[str, tuple[float, str]], pattern: str, pct_min_n: int) -> str:
    """The pattern filled with the statistics of one row at one level."""
    if not stats:
        return ""
    texts = {name: text for name, (_, text) in stats.items()}
    total = stats.get("N", (float("nan"), ""))[0]
    if total < pct_min_n:
        texts.pop("p", None)
    asked = [name for name in re.findall(r"\{([^}]+)\}", pattern) if name in texts]
    if total == 0 or all(texts[name] == "-" for name in asked):
        return "-"
    return _fill(pattern, texts)


def _fill(pattern: str, texts: Mapping[str, str]) -> str:
    """The pattern with `{name}` replaced; a bracketed part falls away when it lacks a name or says nothing."""

    def bracket(found: re.Match[str]) -> str:
        names = re.findall(r"\{([^}]+)\}", found[0])
        known = all(name in texts for name in names) and any(texts[name] != "-" for name in names)
        return found[0] if known or not names else ""

    kept = re.sub(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])", bracket, pattern)
    return re.sub(r"\{([^}]+)\}", lambda found: texts.get(found[1], "-"), kept).strip()


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _block(grid: _Grid, title: str, subtitle: str, notes: Sequence[str], empty: str) -> Block:
    """The table as HTML with its heading and notes around the box that scrolls, and its plain-text twin."""
    count = f"{grid.rows} rows" if grid.rows > LONG_TABLE else ""
    if grid.whole > grid.rows:
        count = f"The first {grid.rows} of {grid.whole} rows; the files of this build hold all of them"
    html = [f'<div class="tb tb-table"><p class="tb-title">{safe(title)}</p>']
    html += [f'<p class="tb-subtitle">{safe(subtitle)}</p>'] if subtitle else []
    html += [f'<p class="tb-count">{count}</p>'] if count else []
    html += [_box(grid, title) if grid.rows else f"<p>{safe(empty)}</p>"]
    if notes:
        html += ['<div class="tb-notes">', *(f"<p>{safe(note)}</p>" for note in notes), "</div>"]
    lines = [title, subtitle, count, _as_text(grid) if grid.rows else empty, *notes]
    return Block("".join([*html, "</div>"]), "\n".join(visible(line) for line in lines if line))


def _box(grid: _Grid, title: str) -> str:
    """The table itself, in a box that scrolls sideways, and up and down when it is long."""
    kinds = "tb-box tb-tall" if grid.rows > LONG_TABLE else "tb-box"
    # A short first column stays in sight while the rest scrolls sideways.
    is_key = grid.stub or max(width(text) for text in grid.cells[grid.shown[0]]) <= KEY_WIDTH
    keyed = " tb-keyed" if is_key else ""
    return (
        f'<div class="{kinds}" tabindex="0"><table class="gt_table{keyed}" aria-label="{safe(title)}">'
        f"{_filled(grid)}</table></div>"
    )


def _filled(grid: _Grid) -> str:
    """Head and body of the table: the pattern for such columns, filled with cells and labels as escaped HTML."""
    alignments = tuple("right" if name in grid.right else "left" for name in grid.shown)
    pattern = table_pattern(alignments, grid.shown.index(grid.stub) if grid.stub else None, grid.group is not None)
    columns = [[_cell(text) for text in grid.cells[name]] for name in grid.shown]
    rows = [pattern.row.filled(cells) for cells in zip(*columns, strict=True)]
    return pattern.around([_head(grid.heads[name]) for name in grid.shown], _grouped(grid, pattern, rows))


def _grouped(grid: _Grid, pattern: Pattern, rows: list[str]) -> list[str]:
    """The rows under the headings of their groups, groups in the order in which they first appear."""
    if grid.group is None:
        return rows
    groups: dict[str, list[str]] = {}
    for label, row in zip(grid.cells[grid.group], rows, strict=True):
        groups.setdefault(label, []).append(row)
    return [line for label, lines in groups.items() for line in (pattern.heading(_head(label)), *lines)]


def _head(text: str) -> str:
    return safe(text).replace("\n", "<br>")


def _cell(text: str) -> str:
    shown = _head(text.lstrip(INDENT))
    if text.startswith(INDENT):
        return f'<span class="tb-in">{shown}</span>'
    return f'<span class="tb-long">{shown}</span>' if width(text) > LONG_CELL else shown


def _as_text(grid: _Grid) -> str:
    """The table in a fixed-width font, at most LONG_TABLE rows."""
    columns = []
    for name, values in grid.cells.items():
        texts = [" ".join(text.split()) for text in (grid.heads[name], *values[:LONG_TABLE])]
        wide = min(max(width(text) for text in texts), 40)
        pad = [" " * max(wide - width(text), 0) for text in texts]
        columns.append([p + t if name in grid.right else t + p for t, p in zip(texts, pad, strict=True)])
    lines = ["  ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
    more = max(grid.whole, grid.rows) - LONG_TABLE
    return "\n".join([*lines, *([f"... and {more} more rows"] if more > 0 else [])])

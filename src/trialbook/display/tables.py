"""Tables for reading; every text from data is escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from trialbook.display.blocks import Block
from trialbook.display.table_body import (
    LONG_TABLE,
    Around,
    Detail,
    Grid,
    Popovers,
    Subjects,
    as_text,
    box,
    cells_of,
    number_columns,
)
from trialbook.display.text import safe, visible
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS

# A page must stay readable and small: a table shows so many rows, says so, and the files of the build hold them all.
MOST_ROWS = 500


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
    details: Mapping[tuple[int, str], Detail] | None = None,
    subject: str = "",
    linked: Collection[str] = (),
) -> Block:
    """A listing or table: one row per row of `frame`, in its order.

    `labels` names columns for readers; `group` is a column whose values become row-group headings; `notes` are
    footnotes; `digits` fixes the decimals of a number column; `right` names text columns that stand right like
    numbers; `stub` is the column whose values head their rows. Missing values are blank, numbers stand right, hidden
    characters are written out; an empty frame is shown as the sentence `empty`, never as a bare header. Of more than
    `MOST_ROWS` rows the first are shown, and the table says so.

    `details` (by position of the row and column) are the records that a cell opens to; `subject` is the column of
    subject ids, of which those in `linked` lead to their profile page: see `trialbook.display.table_body`.
    """
    whole, frame = len(frame), frame.head(MOST_ROWS).reset_index(drop=True)
    cells = cells_of(frame, digits)
    unknown = sorted({column for _, column in details or {}} - set(cells))
    if unknown:
        raise ValueError(f"details for a column that the table does not have: {unknown[0]!r}")
    numbers = [*number_columns(frame), *right]
    heads = {name: visible((labels or {}).get(name, name)) for name in cells}
    subjects = Subjects(subject, linked)
    popovers = Popovers(title, subjects)
    around = {**subjects.links(frame), **_buttons(details or {}, cells, popovers)}
    return _block(Grid(cells, heads, numbers, group, stub, whole, around), title, subtitle, notes, empty, popovers)


def _buttons(
    details: Mapping[tuple[int, str], Detail], cells: Mapping[str, list[str]], popovers: Popovers
) -> dict[tuple[int, str], Around]:
    """The button around each cell that says something and has records behind it."""
    found = {}
    for (row, column), detail in details.items():
        if 0 <= row < len(cells[column]) and cells[column][row]:
            button = popovers.button(detail)
            if button is not None:
                found[row, column] = button
    return found


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
    details: Mapping[tuple[str, ...], Detail] | None = None,
    subject: str = "",
    linked: Collection[str] = (),
) -> Block:
    """A table that is a view of ARD rows: a row per `row` value (ARD column `variable`, `variable_level` or `context`),
    a column per group level.

    `columns` are the group1 levels in order (dose level ids, then Total); `headers` their texts ("DL1 (N=3)").
    `stats` is the cell pattern over stat names, filled with each row's `stat_text`; a part in brackets falls away
    where its statistic is absent, and the share where N is below `pct_min_n`. A part in `<>` does so too, and is shown
    without these marks. A cell without any estimable number reads "-"; one that is not evaluable (`NE`) says so, with
    n.low and n.high of N where the rows have them; a cell without ARD rows is blank. `group` is an ARD column whose
    values head row groups (the SOC over its preferred terms); `row_labels` gives a row value its text ("" = any term);
    `stub` heads the row labels.

    `details` (by group value if there is a `group`, row value and level, as they stand in the ARD) are the records
    that a cell opens to, `subject` and `linked` lead from them to profile pages: see `trialbook.display.table_body`.

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
    popovers = Popovers(title, Subjects(subject, linked))
    positions = {key: position for position, key in enumerate(cells)}
    wanted_details = {
        (positions[key[:-1]], key[-1]): detail
        for key, detail in (details or {}).items()
        if key[:-1] in positions and key[-1] in columns
    }
    around = _buttons(wanted_details, by_column, popovers)
    grid = Grid(by_column, heads, list(columns), "group" if group else None, "row", around=around)
    return _block(grid, title, subtitle, notes, empty, popovers)


def _ard_cell(stats: Mapping[str, tuple[float, str]], pattern: str, pct_min_n: int) -> str:
    """The pattern filled with the statistics of one row at one level."""
    if not stats:
        return ""
    texts = {name: text for name, (_, text) in stats.items()}
    total = stats.get("N", (float("nan"), ""))[0]
    if total < pct_min_n:
        texts.pop("p", None)
    asked = [name for name in re.findall(r"\{([^}]+)\}", pattern) if name in texts]
    if any(texts[name] == NOT_EVALUABLE for name in asked) and total != 0:
        bounds = f" ({texts['n.low']} to {texts['n.high']} of {texts['N']})" if "n.low" in texts else ""
        return NOT_EVALUABLE_WORDS + bounds
    if total == 0 or all(texts[name] == "-" for name in asked):
        return "-"
    return _fill(pattern, texts)


def _fill(pattern: str, texts: Mapping[str, str]) -> str:
    """The pattern with `{name}` replaced; a bracketed part falls away when it lacks a name or says nothing."""

    def bracket(found: re.Match[str]) -> str:
        names = re.findall(r"\{([^}]+)\}", found[0])
        known = all(name in texts for name in names) and any(texts[name] != "-" for name in names)
        return found[0].removeprefix("<").removesuffix(">") if known or not names else ""

    kept = re.sub(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>)", bracket, pattern)
    return re.sub(r"\{([^}]+)\}", lambda found: texts.get(found[1], "-"), kept).strip()


def _block(
    grid: Grid, title: str, subtitle: str, notes: Sequence[str], empty: str, popovers: Popovers
) -> Block:  # fmt: skip
    """The table as HTML with its heading and notes around the box that scrolls, and its plain-text twin."""
    count = f"{grid.rows} rows" if grid.rows > LONG_TABLE else ""
    if grid.whole > grid.rows:
        count = f"The first {grid.rows} of {grid.whole} rows; the files of this build hold all of them"
    html = [f'<div class="tb tb-table"><p class="tb-title">{safe(title)}</p>']
    html += [f'<p class="tb-subtitle">{safe(subtitle)}</p>'] if subtitle else []
    html += [f'<p class="tb-count">{count}</p>'] if count else []
    html += [box(grid, title) if grid.rows else f"<p>{safe(empty)}</p>"]
    remarks = [*notes, *popovers.notes]
    if remarks:
        html += ['<div class="tb-notes">', *(f"<p>{safe(note)}</p>" for note in remarks), "</div>"]
    lines = [title, subtitle, count, as_text(grid) if grid.rows else empty, *notes]
    return Block("".join([*html, popovers.html, "</div>"]), "\n".join(visible(line) for line in lines if line))

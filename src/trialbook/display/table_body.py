"""The markup of a table: its head, its rows, the headings of groups, as escaped HTML and as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trialbook.core.messages import msg
from trialbook.display.text import safe, width

# ----------------------------------------------------------------------------------------------------
# The markup of a table: its head, its rows, the headings of groups. Every text that goes in is HTML, escaped before.
#
# The class names are those of great_tables, so that one style (blocks.css) serves our tables and those that analysts
# make
# with it.


@dataclass(frozen=True)
class TableMarkup:
    """How to write a table whose columns are aligned `left` or `right` (`sides`).

    `row_heads`: the first column heads the rows; its cells are row headers, aligned left.
    """

    sides: Sequence[str]
    row_heads: bool = False

    def whole(self, labels: Sequence[str], lines: Iterable[str]) -> str:
        """Head and body of the table: the labels of its columns, then its lines (rows and headings of groups)."""
        heads = "".join(
            f'<th class="gt_col_heading gt_columns_bottom_border gt_{side}" scope="col">{label}</th>'
            for side, label in zip(self._sides, labels, strict=True)
        )
        return (
            f'<thead><tr class="gt_col_headings">{heads}</tr></thead>'
            f'<tbody class="gt_table_body">{"".join(lines)}</tbody>'
        )

    def rows(self, cells: Iterable[Sequence[str]]) -> list[str]:
        """One line for each row of cells."""
        columns = [f'<td class="gt_row gt_{side}">{{}}</td>' for side in self._sides]
        if self.row_heads:
            columns[0] = '<th scope="row" class="gt_row gt_left gt_stub">{}</th>'
        line = f"<tr>{''.join(columns)}</tr>"
        return [line.format(*row) for row in cells]

    def heading(self, label: str) -> str:
        """The line above the rows of one group, across all columns."""
        kind = "gt_group_heading_row" if label else "gt_empty_group_heading"
        columns = len(self.sides)
        across = f'colspan="{columns}" scope="colgroup"' if columns > 1 else 'scope="col"'
        return f'<tr class="{kind}"><th class="gt_group_heading" {across}>{label}</th></tr>'

    @property
    def _sides(self) -> list[str]:
        return ["left" if self.row_heads and not k else side for k, side in enumerate(self.sides)]


# ----------------------------------------------------------------------------------------------------
# The body of a table: cells as escaped HTML in the house markup, and the same cells as plain text.


LONG_TABLE = 200
LONG_CELL = 36
KEY_WIDTH = 16
INDENT = "\u2003"
Around = tuple[str, str]


@dataclass(frozen=True)
class Grid:
    """The cells of a table as visible text by column, the column heads, and which columns are what.

    `around` puts tags (ours) around the text of a cell: a link, or the button that opens the records behind it.
    """

    cells: Mapping[str, list[str]]
    heads: Mapping[str, str]
    right: Sequence[str]
    group: str | None = None
    stub: str | None = None
    whole: int = 0
    around: Mapping[tuple[int, str], Around] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows that are shown; `whole` is how many there are."""
        return len(next(iter(self.cells.values()), []))

    @property
    def shown(self) -> list[str]:
        """The columns shown as columns; the one that heads the rows comes first.

        Raises ValueError when the column that should head the rows, or their groups, is not there.
        """
        names = [name for name in self.cells if name != self.group]
        for wanted, known in ((self.group, self.cells), (self.stub, names)):
            if wanted and wanted not in known:
                raise ValueError(f"the table does not have the column {wanted!r}")
        return sorted(names, key=lambda name: bool(self.stub) and name != self.stub)


def box(grid: Grid, title: str) -> str:
    """The table itself, in a box that scrolls sideways, and up and down when it is long."""
    # A short first column stays in sight while the rest scrolls sideways.
    is_key = bool(grid.stub) or max(width(text) for text in grid.cells[grid.shown[0]]) <= KEY_WIDTH
    return boxed(_filled(grid), title, grid.rows, is_key)


def boxed(filled: str, title: str, rows: int, keyed: bool) -> str:
    """Head and body of a table in its box; `keyed`: the first column stays in sight."""
    kinds = "tb-box tb-tall" if rows > LONG_TABLE else "tb-box"
    key = " tb-keyed" if keyed else ""
    return (
        f'<div class="{kinds}" tabindex="0"><table class="gt_table{key}" aria-label="{safe(title)}">'
        f"{filled}</table></div>"
    )


def _filled(grid: Grid) -> str:
    """Head and body of the table, with cells and labels as escaped HTML."""
    markup, labels, rows = drawn(grid)
    return markup.whole(labels, _grouped(grid, markup, rows))


def drawn(grid: Grid) -> tuple[TableMarkup, list[str], list[str]]:
    """How the table is written, with the labels of its columns and its rows as HTML, not yet put together."""
    shown = grid.shown
    markup = TableMarkup(["right" if name in grid.right else "left" for name in shown], bool(grid.stub))
    columns = {name: [_cell(text) for text in grid.cells[name]] for name in shown}
    for (row, name), (before, after) in grid.around.items():
        if name != grid.group:
            columns[name][row] = f"{before}{columns[name][row]}{after}"
    rows = markup.rows(zip(*columns.values(), strict=True))
    return markup, [_head(grid.heads[name]) for name in shown], rows


def _grouped(grid: Grid, markup: TableMarkup, rows: list[str]) -> list[str]:
    """The rows under the headings of their groups, groups in the order in which they first appear."""
    if grid.group is None:
        return rows
    groups: dict[str, list[str]] = {}
    tags: dict[str, Around] = {}
    for position, (label, row) in enumerate(zip(grid.cells[grid.group], rows, strict=True)):
        groups.setdefault(label, []).append(row)
        tags.setdefault(label, grid.around.get((position, grid.group), ("", "")))
    headings = {label: f"{before}{_head(label)}{after}" for label, (before, after) in tags.items()}
    return [line for label, lines in groups.items() for line in (markup.heading(headings[label]), *lines)]


def _head(text: str) -> str:
    return safe(text).replace("\n", "<br>")


def _cell(text: str) -> str:
    shown = _head(text.lstrip(INDENT))
    if text.startswith(INDENT):
        return f'<span class="tb-in">{shown}</span>'
    return f'<span class="tb-long">{shown}</span>' if width(text) > LONG_CELL else shown


def as_text(grid: Grid) -> str:
    """The table in a fixed-width font, at most LONG_TABLE rows."""
    columns = []
    for name, values in grid.cells.items():
        texts = [" ".join(text.split()) for text in (grid.heads[name], *values[:LONG_TABLE])]
        wide = min(max(width(text) for text in texts), 40)
        pad = [" " * max(wide - width(text), 0) for text in texts]
        columns.append([p + t if name in grid.right else t + p for t, p in zip(texts, pad, strict=True)])
    lines = ["  ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
    more = max(grid.whole, grid.rows) - LONG_TABLE
    return "\n".join([*lines, *([msg("... and {n} more rows", n=more)] if more > 0 else [])])

"""The markup of a table: its head, its rows, the headings of groups, as escaped HTML and as plain text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trialbook.core.messages import msg
from trialbook.display.columns import in_key_order
from trialbook.display.text import safe, width

# ----------------------------------------------------------------------------------------------------
# The markup of a table: its head, its rows, the headings of groups. Every text that goes in is HTML, escaped before.
#
# The class names are those of great_tables, so that one style (blocks.css) serves our tables and those that analysts
# make
# with it.


@dataclass(frozen=True)
class TableMarkup:
    """How to write a table whose columns are aligned `left` or `right` (`sides`). Its first column heads the rows.

    `row_heads`: the first column holds labels of rows, aligned left. `cards`: what each cell is called where a narrow
    screen shows a row as a card; empty for a table that fits such a screen. `counts`: a zero says that nothing was
    counted; in a listing it is a value, such as day 0.
    """

    sides: Sequence[str]
    row_heads: bool = False
    cards: Sequence[str] = ()
    counts: bool = True

    def whole(self, labels: Sequence[str], lines: Iterable[str], again: str = "") -> str:
        """Head and body of the table: the labels of its columns, then its lines (rows and headings of groups).

        `again` is the name of the table, which paper repeats at the top of each sheet and a screen does not show.
        """
        heads = "".join(
            f'<th class="gt_col_heading gt_columns_bottom_border gt_{side}{_of_head(label)}" scope="col">{label}</th>'
            if label
            # A head that says nothing is none.
            else f'<td class="gt_col_heading gt_columns_bottom_border gt_{side}"></td>'
            for side, label in zip(self._sides, labels, strict=True)
        )
        name = f' data-name="{again}"' if again else ""
        return (
            f'<thead{name}><tr class="gt_col_headings">{heads}</tr></thead>'
            f'<tbody class="gt_table_body">{"".join(lines)}</tbody>'
        )

    def rows(self, cells: Iterable[Sequence[str]]) -> list[str]:
        """One line for each row of cells; a count of zero is marked, so that what is not zero is seen first."""
        sides = self._sides
        named = [f' data-label="{name}"' if name else "" for name in self.cards] or [""] * len(sides)
        plain = [f'<td class="gt_row gt_{side}"{name}>' for side, name in zip(sides, named, strict=True)]
        quiet = [f'<td class="gt_row gt_{side} tb-zero"{name}>' for side, name in zip(sides, named, strict=True)]
        loose = [f'<td class="gt_row gt_{side} tb-loose"{name}>' for side, name in zip(sides, named, strict=True)]
        about = f'class="gt_row gt_{sides[0]}{" gt_stub" if self.row_heads else ""}"{named[0]}'
        head, blank = f'<th scope="row" {about}>', f"<td {about}></td>"
        return [
            # A blank cell heads nothing: as a row header it would be read out as one.
            f"<tr>{f'{head}{row[0]}</th>' if row[0] else blank}"
            + "".join(
                f"{(quiet if self.counts and is_zero(text) else loose if is_loose(text) else plain)[place]}{text}</td>"
                for place, text in enumerate(row[1:], 1)
            )
            + "</tr>"
            for row in cells
        ]

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
LONG_HEAD = 30
KEY_WIDTH = 16
# A list that is longer than a screen can be sorted and searched where the page runs our script.
SCREEN = 15
LIST = "tb-list"
# A longer one is laid out when a reader comes near.
SCREENS = 60
LATER = "tb-later"
# About as many characters fit the width of a phone; a wider table is shown there as cards, one per row.
PHONE = 40
GAP = 3
# A longer number may be broken after the estimate, before its interval.
NUMBER = 18
INDENT = "\u2003"
Around = tuple[str, str]
# "0", "0 of 4", "0 (0.0%) [0]": nothing was counted. "0 (0 to 0.6)" says more than that.
_NOTHING = re.compile(r"0(?:\.0+)?%?(?: of \d+)?(?: \(0(?:\.0+)?%?\))?(?: \[0\])?")
_TAG = re.compile(r"<[^>]*>")
# Words of text of the data; codes and units have no language.
WORDS_OF_DATA = re.compile(r"[A-Za-z][a-z]{2}")
# A date is not broken at its hyphens, nor are the stages of four organs with their grade: 2-0-1-1 (III).
_DATE = re.compile(r"\b\d{4}-\d\d(?:-\d\d(?:T[\d:]+)?)?\b|(?<![\d-])[\d?](?:-[\d?]){3}(?: \([IV0]+\))?(?![\d-])")
# What a column of counts holds: "3", "3 of 12 (25.0%)", "3 [4]", "4.5 (2.1 to 9)", "-".
_COUNT = re.compile(r"-|[-<>]?\d[\d.]*%?(?: of \d+)?(?: \([-<>\d., %to]+\))?(?: \[\d+\])?")


def is_counts(cells: Sequence[str]) -> bool:
    """Whether every cell that says anything is a count or another number, so that the column is aligned to the right.

    >>> is_counts(["3", "", "0 of 4"]), is_counts(["001", "2025-01-31"]), is_counts(["", "-"])
    (True, False, False)
    """
    said = [cell for cell in cells if cell]
    return any(map(str.isdigit, "".join(said))) and all(_COUNT.fullmatch(cell) for cell in said)


def is_loose(cell: str) -> bool:
    """Whether a number (as HTML) is so long that it may take a second line: an estimate with its interval."""
    return len(cell) > NUMBER and len(_TAG.sub("", cell)) > NUMBER


def is_zero(cell: str) -> bool:
    """Whether a cell (as HTML) says that nothing was counted.

    >>> is_zero("0 (0.0%) [0]"), is_zero("<b>0</b> of 4"), is_zero("0 (0 to 0.6)"), is_zero("10")
    (True, True, False, False)
    """
    return "0" in cell and _NOTHING.fullmatch(_TAG.sub("", cell)) is not None


@dataclass(frozen=True)
class Grid:
    """The cells of a table as visible text by column, the column heads, and which columns are what.

    `around` puts tags (ours) around the text of a cell: a link, or the button that opens the records behind it.
    `listing`: one row per record or subject, of which the columns that say whose and what it is come first.
    `delivered`: the cells (row, column) of words of the data, which a page in another language marks as English.
    """

    cells: Mapping[str, list[str]]
    heads: Mapping[str, str]
    right: Sequence[str]
    group: str | None = None
    stub: str | None = None
    whole: int = 0
    around: Mapping[tuple[int, str], Around] = field(default_factory=dict)
    listing: bool = False
    delivered: Collection[tuple[int, str]] = ()

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
        shown = in_key_order(names) if self.listing else names
        return sorted(shown, key=lambda name: bool(self.stub) and name != self.stub)

    @property
    def wide(self) -> int:
        """About how many characters wide the table is."""
        cells = [
            [*self.heads[name].split(), *(line for text in self.cells[name] for line in text.split("\n"))]
            for name in self.shown
        ]
        return sum(min(max(map(width, texts), default=0), LONG_CELL) + GAP for texts in cells)


def box(grid: Grid, title: str, caption: str = "", again: str = "") -> str:
    """The table itself, in a box that scrolls sideways, and up and down when it is long.

    On a page it has a `caption` (HTML of ours), and its name `again` for each sheet of paper; without a caption `title`
    names it for those who do not see it.
    """
    # A short first column stays in sight while the rest scrolls sideways.
    is_key = bool(grid.stub) or max(width(text) for text in grid.cells[grid.shown[0]]) <= KEY_WIDTH
    markup, labels, rows = drawn(grid, cards=bool(caption))
    body = markup.whole(labels, _grouped(grid, markup, rows), again)
    kinds = [
        *([LIST] if caption and grid.rows > SCREEN else []),
        *([LATER] if caption and grid.rows > SCREENS else []),
        *(["tb-cards-on-phone"] if markup.cards else []),
    ]
    return boxed(body, title, grid.rows, is_key, caption, kinds)


def boxed(
    filled: str, title: str, rows: int, keyed: bool, caption: str = "", kinds: Sequence[str] = ()
) -> str:  # fmt: skip
    """Head and body of a table in its box; `keyed`: the first column stays in sight."""
    of_box = " ".join(["tb-box", *(["tb-tall"] if rows > LONG_TABLE else []), *kinds])
    key = " tb-keyed" if keyed else ""
    name = "" if caption else f' aria-label="{safe(title)}"'
    return f'<div class="{of_box}" tabindex="0"><table class="gt_table{key}"{name}>{caption}{filled}</table></div>'


def drawn(grid: Grid, *, cards: bool = False) -> tuple[TableMarkup, list[str], list[str]]:
    """How the table is written, with the labels of its columns and its rows as HTML, not yet put together.

    `cards`: a wide table is shown as cards on a narrow screen.
    """
    shown = grid.shown
    named = [safe(" ".join(grid.heads[name].split())) for name in shown] if cards and grid.wide > PHONE else []
    markup = TableMarkup(
        ["right" if name in grid.right else "left" for name in shown], bool(grid.stub), named, not grid.listing
    )
    columns = {name: [_cell(text) for text in grid.cells[name]] for name in shown}
    for row, name in grid.delivered:
        if name != grid.group:
            columns[name][row] = _in_english(columns[name][row])
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
    delivered = {grid.cells[name][row] for row, name in grid.delivered if name == grid.group}
    headings = {
        label: f"{before}{_in_english(_head(label)) if label in delivered else _head(label)}{after}"
        for label, (before, after) in tags.items()
    }
    return [line for label, lines in groups.items() for line in (markup.heading(headings[label]), *lines)]


def _head(text: str) -> str:
    return safe(text).replace("\n", "<br>")


def _of_head(label: str) -> str:
    """The class of the head of a column (HTML), where its words would be set one below the other."""
    return " tb-long-head" if width(label) > LONG_HEAD and "<br>" not in label else ""


def _in_english(html: str) -> str:
    return f'<span lang="en">{html}</span>'


def _cell(text: str) -> str:
    shown = _DATE.sub(r'<span class="tb-date">\g<0></span>', _head(text.lstrip(INDENT)))
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

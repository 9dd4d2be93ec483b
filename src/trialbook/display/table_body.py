"""Cells that open to the records behind them, and subjects that lead to their profile: HTML alone, no script.

A count becomes a button that shows a popover with a small table; Escape, a click beside it and its own button close
it. It works on live and static pages and in JupyterLab, by mouse, finger and keyboard, and is left out of print.

    events = display.Detail("Any TEAE, DL1", adae[["SUBJID", "AEDECOD", "ASTDY"]], labels={"AEDECOD": "Term"})
    display.table(counts, "Adverse events", details={(0, "DL1"): events}, subject="SUBJID", linked=profiled)
    display.ard_table(ard, "T-5", columns=["DL1", "Total"], headers=heads, details={("TEAE", "DL1"): events})

In `display.table` a key is (position of the row, column). In `display.ard_table` it is (group value if the table has
a `group`, row value, level), each as it stands in the ARD. `subject` names the column of subject ids, in the table and
in its details alike; those in `linked` lead to `profiles/...html`. A detail with neither records nor notes opens
nothing, and one that stands behind several cells of a table is written once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialbook.display.text import safe, show, visible, width
from trialbook.profiles.subjects import profile_address

# ----------------------------------------------------------------------------------------------------
# The markup of a table: its head, its rows, the headings of groups. Every text that goes in is HTML, escaped before.
#
# The class names are those of great_tables, so that one style (blocks.css) serves our tables and those that analysts
# make
# with it.


@dataclass(frozen=True)
class TableMarkup:
    """How to write a table whose columns stand `left` or `right` (`sides`).

    `row_heads`: the first column heads the rows; its cells are row headers and stand left.
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
        """The columns that stand as columns; the one that heads the rows comes first.

        Raises ValueError when the column that should head the rows, or their groups, is not there.
        """
        names = [name for name in self.cells if name != self.group]
        for wanted, known in ((self.group, self.cells), (self.stub, names)):
            if wanted and wanted not in known:
                raise ValueError(f"the table does not have the column {wanted!r}")
        return sorted(names, key=lambda name: bool(self.stub) and name != self.stub)


def cells_of(frame: pd.DataFrame, digits: Mapping[str, int] | None = None) -> dict[str, list[str]]:
    """The values of a frame as readers see them, by column."""
    return {
        str(name): [visible(show(value, (digits or {}).get(str(name)))) for value in frame.iloc[:, position]]
        for position, name in enumerate(frame.columns)
    }


def number_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that stand right."""
    return [str(name) for position, name in enumerate(frame.columns) if _is_number(frame.iloc[:, position])]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


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
    return "\n".join([*lines, *([f"... and {more} more rows"] if more > 0 else [])])


# ----------------------------------------------------------------------------------------------------

# Enough to read in a popover; the files of the build hold every record.
MOST_RECORDS = 60
# A page must stay small: of more different details in one table the first open.
MOST_DETAILS = 600
CLOSE = "Close"
_POPOVER = re.compile(r'(?<= popover id=")(tb-[0-9a-z-]+)(?=")')
_TARGET = re.compile(r'(?<= popovertarget=")(tb-[0-9a-z-]+)(?=")')


@dataclass(frozen=True, eq=False)
class Detail:
    """The records behind a cell: title, frame (its columns in order), names of columns for readers, notes."""

    title: str
    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def whole(self) -> int:
        """How many records there are."""
        return len(self.frame)

    def table(self, subjects: Subjects) -> str:
        """The first records as the HTML of a table."""
        frame = self.frame.head(MOST_RECORDS).reset_index(drop=True)
        heads = {str(name): visible(self.labels.get(str(name), str(name))) for name in frame.columns}
        grid = Grid(cells_of(frame), heads, number_columns(frame), around=subjects.links(frame))
        return box(grid, self.title)


@dataclass(frozen=True)
class Subjects:
    """Which column holds subject ids (SUBJID), and which subjects have a profile page."""

    column: str = ""
    linked: Collection[str] = ()

    def links(self, frame: pd.DataFrame) -> dict[tuple[int, str], Around]:
        """The link around each cell of the subject column whose subject has a page."""
        if not self.column or self.column not in frame.columns:
            return {}
        ids = [str(value) for value in frame[self.column]]
        return {(row, self.column): link(name) for row, name in enumerate(ids) if name in self.linked}


def link(subject: str) -> Around:
    """The tags that make a text lead to the profile of a subject."""
    return f'<a class="tb-subject" href="{profile_address(subject)}">', "</a>"


class Popovers:
    """The popovers of one table, each content once; ids follow from the title of the table and the order."""

    def __init__(self, title: str, subjects: Subjects) -> None:
        self._mark = hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        self._subjects = subjects
        self._ids: dict[str, str] = {}
        self._made: dict[int, str] = {}
        self.left_out = 0

    def button(self, detail: Detail) -> Around | None:
        """The tags that make a text open a detail; None when there is nothing to open."""
        if detail.whole == 0 and not detail.notes:
            return None
        content = self._made.get(id(detail))
        if content is None:
            content = self._made[id(detail)] = self._content(detail)
        if content not in self._ids and len(self._ids) == MOST_DETAILS:
            self.left_out += 1
            return None
        name = self._ids.setdefault(content, f"tb-{self._mark}-{len(self._ids) + 1}")
        return f'<button class="tb-open" popovertarget="{name}">', "</button>"

    def _content(self, detail: Detail) -> str:
        left_out = f"The first {MOST_RECORDS} of {detail.whole} records; the files of this build hold all of them."
        notes = [*([left_out] if detail.whole > MOST_RECORDS else []), *detail.notes]
        said = "".join(f"<p>{safe(note)}</p>" for note in notes)
        return (
            f' aria-label="{safe(detail.title)}"><p class="tb-title">{safe(detail.title)}</p>'
            + (detail.table(self._subjects) if detail.whole else "")
            + (f'<div class="tb-notes">{said}</div>' if said else "")
        )

    @property
    def html(self) -> str:
        """Every popover, to stand once behind the table."""
        return "".join(
            f'<div class="tb-opened" popover id="{name}"{content}<p class="tb-shut"><button class="tb-close" '
            f'popovertarget="{name}" popovertargetaction="hide">{CLOSE}</button></p></div>'
            for content, name in self._ids.items()
        )

    @property
    def notes(self) -> list[str]:
        """What the table says when not every cell could open."""
        return [f"{self.left_out} cells do not open: too many records for one page."] if self.left_out else []


def opens_what_it_holds(html: str) -> bool:
    """Whether each popover of a piece of HTML has an id of its own, and each button opens one of them."""
    ids = _POPOVER.findall(html)
    return len(ids) == len(set(ids)) and set(_TARGET.findall(html)) <= set(ids)


def numbered(html: str, counted: int) -> tuple[str, int]:
    """The piece with its popovers numbered on from `counted`, so that ids are unique on a page; how many there are now.

    Text from data is escaped and holds no quotation mark, so that only our own attributes are met.
    """
    names = {name: f"tb-{counted + position}" for position, name in enumerate(_POPOVER.findall(html), 1)}
    if not names:
        return html, counted
    html = _POPOVER.sub(lambda found: names[found[1]], html)
    return _TARGET.sub(lambda found: names.get(found[1], found[1]), html), counted + len(names)

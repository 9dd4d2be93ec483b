"""One table of a site export as it was delivered, with every name that its columns go by."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import pandas as pd

from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot.tables import (
    CellEdit,
    Edit,
    Grid,
    Note,
    are_row_numbers,
    check_records,
    garbled_notes,
    plain_name,
    stop_if_merged,
    text_column,
)  # fmt: skip


@dataclass(frozen=True)
class Joined:
    """A form whose columns are in a source table, from the position `first` on; `rows` are its lines by the line of
    that table (a line without such a row is not in it).
    """

    source: SourceTable
    first: int
    rows: Mapping[int, int]

    def holds(self, position: int) -> bool:
        """Whether a column of the table is one of this form."""
        return self.first <= position < self.first + len(self.source.names)


@dataclass(frozen=True)
class SourceTable:
    """A file or sheet of an export.

    `frame` is all text with the positions of the columns as names and the lines of the file as index; `names` are the
    spellings of each column (the cells of its header rows, and all of them joined), the first being shown to people.
    """

    file: str
    sheet: str | None
    encoding: str
    delimiter: str
    sha256: str
    bytes: int
    header_rows: int
    names: Sequence[tuple[str, ...]]
    frame: pd.DataFrame
    edits: tuple[Edit, ...] = ()
    notes: tuple[Note, ...] = field(default=())
    cell_edits: tuple[CellEdit, ...] = ()
    epoch_1904: bool = False
    # By position: what the cells held that a code of the mapping file says are blank.
    blanked: Mapping[int, pd.Series] = field(default_factory=dict)
    # The forms whose columns were put beside those of this one.
    joined: tuple[Joined, ...] = ()

    def find(self, spellings: Sequence[str]) -> int | None:
        """The position of the column with one of these headers; None where there is none.

        Raises StopError where two columns have it.
        """
        for spelling in spellings:
            wanted = plain_name(spelling).casefold()
            found = [k for k, names in enumerate(self.names) if wanted in map(str.casefold, names)]
            if len(found) > 1:
                raise StopError(
                    msg(
                        "two columns ({n} and {n_2}) are named {term}", n=found[0] + 1, n_2=found[1] + 1, term=spelling
                    ),
                    file=self.file, row=1, column=spelling, rule="P34",
                    next_step=msg("rename one of them, or map its other header"),
                )  # fmt: skip
            if found:
                return found[0]
        return None

    def matching(self, pattern: str) -> set[int]:
        """The positions of the columns with a header that a pattern (`*_RAW`) names."""
        wanted = plain_name(pattern).casefold()
        return {k for k, names in enumerate(self.names) if any(fnmatchcase(name.casefold(), wanted) for name in names)}

    def without(self, no_value: Callable[[str], bool], kept: set[int]) -> SourceTable:
        """The table with the cells blank whose text means that there is no value, but for the columns `kept`."""
        blanked, columns = {}, {}
        for k in self.frame.columns:
            values = self.frame[k]
            codes = [] if k in kept else [text for text in values.dropna().unique() if no_value(text)]
            if codes:
                blanked[int(k)] = values[values.isin(codes)]
                columns[k] = values.where(~values.isin(codes))
        frame = self.frame.copy(deep=False)
        for k, values in columns.items():
            frame[k] = values
        return replace(self, frame=frame, blanked=blanked)

    def nearest(self, spelling: str) -> str:
        """The header that looks most like a text."""
        known = [name for names in self.names for name in names]
        found = difflib.get_close_matches(plain_name(spelling), known, n=1, cutoff=0)
        return found[0] if found else "none"


def source_table(grid: Grid, file: str, sheet: str | None, header_rows: int, sha256: str, size: int) -> SourceTable:
    """A grid with its header rows (a group that spans columns names each of them); blank rows are set aside.

    Raises StopError (P34, P03, P01) for a table without its header rows, for merged cells among the records and for
    text that was lost.
    """
    if len(grid.rows) < header_rows:
        raise StopError(
            msg("the table has {n} rows, its header should have {n_2}", n=len(grid.rows), n_2=header_rows), file=file,
            rule="P34", next_step=msg("ask for the file again, or correct header_rows in the mapping file"),
        )  # fmt: skip
    names = _names(grid.rows[:header_rows])
    stop_if_merged(grid, grid.lines[header_rows - 1], file)
    filled = [k for k in range(header_rows, len(grid.rows)) if any(grid.rows[k])]
    lines = [grid.lines[k] for k in filled]
    columns = list(zip(*(grid.rows[k] for k in filled), strict=True)) or [()] * len(names)
    shown = [spellings[0] if spellings else "" for spellings in names]
    unnamed = [k for k, spellings in enumerate(names) if not spellings and any(columns[k])]
    if unnamed == [0] and are_row_numbers(columns[0]):
        unnamed = []
    if unnamed:
        raise StopError(
            msg("column {n} has no name", n=unnamed[0] + 1), file=file, row=grid.lines[0], rule="P34",
            next_step=msg("name or remove the column"),
        )  # fmt: skip
    check_records(columns, shown, lines, file)
    frame = pd.DataFrame({k: text_column(column) for k, column in enumerate(columns)})
    frame.index = pd.Index(lines, name="LINE", dtype="int64")
    blank = len(grid.rows) - header_rows - len(filled)
    edits = [Edit(0, "", f"({blank} blank rows)", "", "P34-BLANK-ROWS")] if blank else []
    edits += [Edit(0, "", f"({seen.observed})", "", seen.rule) for seen in grid.seen if not seen.line]
    notes = [Note(s.line, str(s.column), s.rule, s.observed) for s in grid.seen if s.line in frame.index]
    # Positions are turned into names for the message only.
    named = frame.set_axis([f"{k}" for k in frame.columns], axis=1)
    notes += garbled_notes(named, file)
    return SourceTable(
        file, sheet, grid.encoding, grid.delimiter, sha256, size, header_rows, names, frame, tuple(edits), tuple(notes),
        cell_edits=tuple(edit for edit in grid.edits if edit.line in frame.index), epoch_1904=grid.epoch_1904,
    )  # fmt: skip


def _names(header: Sequence[Sequence[str | None]]) -> list[tuple[str, ...]]:
    """The spellings of each column: the cells above it, and all of them joined, a group that spans columns included.

    | 生化 |     |  names of the first: ALT, 生化, 生化/ALT; of the second: AST, 生化/AST
    | ALT  | AST |
    """
    own = [[plain_name(cell) for cell in row] for row in header]
    whole = [list(row) for row in own]
    for above, below in itertools.pairwise(whole):
        for k in range(1, len(above)):
            if not above[k] and below[k]:
                above[k] = above[k - 1]
    spelled = []
    for k in range(len(own[0])):
        heads_a_group = len(own) > 1 and bool(own[0][k]) and whole[0].count(own[0][k]) > 1
        cells = [row[k] for row in own if row[k]]
        joined = "/".join(dict.fromkeys(row[k] for row in whole if row[k]))
        ordered = [*(reversed(cells) if heads_a_group else cells), joined]
        spelled.append(tuple(dict.fromkeys(name for name in ordered if name)))
    return spelled

"""What a snapshot is once read: one table of text per domain, with the place of every row in its source file."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialbook.core.characters import INVISIBLE
from trialbook.core.errors import StopError
from trialbook.core.files import sha256
from trialbook.core.messages import msg
from trialbook.snapshot.cell_text import DAY_NUMBER, day_of_1904
from trialbook.snapshot.code_pages import garbled, lost_text

# ----------------------------------------------------------------------------------------------------
# Where the records of a mapped domain are in the site export: file, sheet, row and column of every value.


ASK_AGAIN = msg("ask for the file again")
ARROW = " → "


@dataclass(frozen=True)
class Part:
    """One source of a mapped domain: a file or sheet, and the source column of each variable."""

    file: str
    sheet: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """The source of every record of a mapped domain.

    `records` has the mapped record number as its index, the columns `part` (position in `parts`) and `row` (in the
    source), and, for each variable whose source column differs from record to record, a column with its header.
    """

    parts: tuple[Part, ...]
    records: pd.DataFrame
    # By part and variable: the file and sheet of a joined form, and its row for each record that has one there.
    joined: Mapping[tuple[int, str], tuple[str, str, Mapping[int, int]]] = field(default_factory=dict)

    def place(self, row: int, column: str) -> tuple[str, str, int, str] | None:
        """File, sheet, row and column of a value; None for what is not about a record.

        The column is named as `性别 → SEX`, since one column of the export may fill several variables.
        """
        if row not in self.records.index:
            return None
        number = int(self.records.at[row, "part"])
        part = self.parts[number]
        header = self.records.at[row, column] if column in self.records.columns else part.columns.get(column, "")
        named = f"{header}{ARROW}{column}" if isinstance(header, str) and header else column
        file, sheet, rows = self.joined.get((number, column), (part.file, part.sheet, {}))
        if row in rows:
            return file, sheet, rows[row], named
        return part.file, part.sheet, int(self.records.at[row, "row"]), named

    def masked(self, mask: Callable[[str], str], mask_name: Callable[[str], str]) -> Origin:
        """The same places with every name of a file as `mask` gives it, of a sheet or header as `mask_name`."""
        parts = tuple(
            Part(mask(p.file), mask_name(p.sheet), {name: mask_name(header) for name, header in p.columns.items()})
            for p in self.parts
        )
        named = [name for name in self.records.columns if name not in ("part", "row")]
        headers = {name: self.records[name].map(mask_name, na_action="ignore") for name in named}
        joined = {key: (mask(file), mask_name(sheet), rows) for key, (file, sheet, rows) in self.joined.items()}
        return Origin(parts, self.records.assign(**headers), joined)

    def trace(self) -> pd.DataFrame:
        """One row per mapped record, in their order: SRCROW (of the clean data), file, sheet, row of the export."""
        part = self.records["part"]
        return pd.DataFrame({
            "SRCROW": self.records.index,
            "file": [self.parts[k].file for k in part],
            "sheet": [self.parts[k].sheet for k in part],
            "row": self.records["row"].to_numpy(),
        })  # fmt: skip


# ----------------------------------------------------------------------------------------------------

KEY = "USUBJID"


class Seen(NamedTuple):
    """Something a reader noticed in a grid: the line of the file and the column (from 0; line 0: the whole sheet)."""

    line: int
    column: int
    rule: str
    observed: str


class CellEdit(NamedTuple):
    """A value that a reader did not take as the file stores it: line and column (from 0), stored, read, the rule."""

    line: int
    column: int
    raw: str
    new: str
    rule: str


class Note(NamedTuple):
    """A question about a value as it was delivered: ROW and name of the column, the rule, what was seen."""

    row: int
    column: str
    rule: str
    observed: str


class Edit(NamedTuple):
    """A change made on the way in: ROW and column, the text in the file, the text now, the rule (ROW 0: the file)."""

    row: int
    column: str
    raw: str
    new: str
    rule: str


@dataclass(frozen=True)
class Grid:
    """The cells of one file or sheet as text, None or blank where empty; `lines` gives the line of each row in it.

    `delimiter` names the sign of a delimited file, `seen` is what the reader noticed, `edits` what it did not take as
    it is stored, `merged` the first and last line of merged cells. `epoch_1904`: the workbook counts days from 1904.
    """

    rows: Sequence[Sequence[str | None]]
    lines: Sequence[int]
    encoding: str = ""
    delimiter: str = ""
    seen: tuple[Seen, ...] = ()
    merged: tuple[tuple[int, int], ...] = ()
    edits: tuple[CellEdit, ...] = ()
    epoch_1904: bool = False


@dataclass(frozen=True)
class RawTable:
    """One domain as delivered.

    `frame` is all text (missing = NaN) under upper-case column names; its index ROW is the line, row or record number
    in the source file, the header being 1. `header_row` is the row of the variable names, `label_rows` the rows of
    labels that were set aside (P03). `edits` and `notes` are what reading changed and what it asks. A domain that was
    mapped from a site export has an `origin`: its ROW numbers the mapped records, and `place` leads to the export. So
    has one that came in `parts` (split datasets).
    """

    domain: str
    frame: pd.DataFrame
    file: str
    sheet: str | None
    encoding: str
    sha256: str
    bytes: int
    header_row: int = 1
    label_rows: tuple[int, ...] = ()
    delimiter: str = ""
    edits: tuple[Edit, ...] = ()
    notes: tuple[Note, ...] = ()
    origin: Origin | None = None
    parts: tuple[RawTable, ...] = ()

    @property
    def delivered(self) -> tuple[RawTable, ...]:
        """The tables as they were delivered: the parts of a split domain, else the table itself."""
        return self.parts or (self,)

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.frame)

    def place(self, row: int, column: str) -> tuple[str, str, int, str]:
        """File, sheet, row and column of the delivery from which a value of this table comes."""
        found = self.origin.place(row, column) if self.origin is not None else None
        return found or (self.file, self.sheet or "", row, column)


@dataclass(frozen=True)
class Snapshot:
    """All domains of one delivery by upper-case code, and the files that were not read (`ignored`).

    `hashes` has the sha256 of every file that was opened, by its name.
    """

    tables: Mapping[str, RawTable]
    ignored: tuple[str, ...] = field(default=())
    hashes: Mapping[str, str] = field(default_factory=dict)


def digest_of(hashes: Sequence[str]) -> str:
    """The sha256 of one file, or one over those of several."""
    return hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode())


def raw_table(domain: str, grid: Grid, file: str, sheet: str | None, sha256: str, size: int) -> RawTable:
    """A grid as a raw table; raises StopError for a header that is absent, empty in places or not unique.

    A first row of labels above the variable names, or directly below them, is set aside (P03): exports of the EDC
    carry a Chinese label and a code. Rows and unnamed columns without any value are set aside and noted.
    """
    if not grid.rows:
        raise StopError(msg("the file is empty: it has no header"), file=file, rule="P34", next_step=ASK_AGAIN)
    at = _header_position(grid)
    header, names, used = _variable_names(grid, at, file)
    start = at + 1
    if start < len(grid.rows) and _is_label_row(header, grid.rows[start]):
        start += 1
    stop_if_merged(grid, grid.lines[start - 1], file)
    labels = tuple(grid.lines[k] for k in range(start) if k != at)
    records = [k for k in range(start, len(grid.rows)) if _holds(grid.rows[k])]
    columns = list(zip(*(grid.rows[k] for k in records), strict=True)) or [()] * len(header)
    check_records(columns, header, [grid.lines[k] for k in records], file)
    frame = pd.DataFrame({header[k]: text_column(columns[k]) for k in used})
    own = set(used)
    frame.index = pd.Index([grid.lines[k] for k in records], name="ROW", dtype="int64")
    dated = [(header[k], frame[header[k]]) for k in used if header[k].endswith("DTC")] if grid.epoch_1904 else []
    all_filled = len(records) == len(grid.rows) - start
    blank = [] if all_filled else [grid.lines[k] for k in range(start, len(grid.rows)) if not _holds(grid.rows[k])]
    edits = [Edit(0, "", raw, new, "P02-HEADER") for raw, new in names]
    if blank:
        edits.append(Edit(0, "", f"({len(blank)} blank rows, the first is row {blank[0]})", "", "P34-BLANK-ROWS"))
    edits += [Edit(0, "", f"({seen.observed})", "", seen.rule) for seen in grid.seen if not seen.line]
    edits += [
        Edit(edit.line, header[edit.column], edit.raw, edit.new, edit.rule)
        for edit in grid.edits
        if edit.line > grid.lines[start - 1] and edit.column in own
    ]
    days = [Edit(*found, "P03-EXCEL-DATE") for name, column in dated for found in days_of_1904(name, column)]
    for day in days:
        frame.loc[day.row, day.column] = day.new
    edits += days
    notes = [Note(day.row, day.column, "P03-EXCEL-EPOCH", f"{day.raw} ({day.new})") for day in first_of_columns(days)]
    notes += [
        Note(seen.line, header[seen.column], seen.rule, seen.observed)
        for seen in grid.seen
        if seen.line > grid.lines[start - 1] and seen.column in own
    ]
    return RawTable(
        domain, frame, file, sheet, grid.encoding, sha256, size, grid.lines[at], labels, grid.delimiter,
        tuple(edits), (*notes, *garbled_notes(frame, file)),
    )  # fmt: skip


def days_of_1904(name: str, column: pd.Series) -> Iterator[tuple[int, str, str, str]]:
    """Row, column, number and date of the day numbers in a column of dates, in a workbook that counts from 1904."""
    for row, text in column[column.str.fullmatch(DAY_NUMBER).fillna(False).astype("bool")].items():
        new = day_of_1904(str(text))
        if new != text:
            yield int(row), name, str(text), new


def first_of_columns(edits: Sequence[Edit]) -> list[Edit]:
    """The first edit of each column."""
    return list({edit.column: edit for edit in reversed(edits)}.values())[::-1]


@contextmanager
def stops_at_the_source(table: RawTable) -> Iterator[None]:
    """A STOP about records of a mapped domain names their place in the site export."""
    try:
        yield
    except StopError as error:
        if table.origin is None or error.row is None:
            raise
        rows = [int(number) for number in re.findall(r"\d+", str(error.row))]
        places = [table.place(row, error.column or "") for row in rows]
        file, sheet, _, column = places[0]
        raise StopError(
            error.problem, file=f"{file}, sheet {sheet}" if sheet else file, column=column or None, value=error.value,
            row=" and ".join(str(place[2]) for place in places), rule=error.rule, next_step=error.next_step,
        ) from None  # fmt: skip


def text_column(values: Sequence[str | None]) -> pd.Series:
    """A column of text; empty is missing.

    >>> text_column(["a", "", None]).isna().tolist()
    [False, True, True]
    """
    text = pa.array(values, pa.large_string())
    present = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
    return pd.Series(pd.array(present, dtype="str"))


def garbled_notes(frame: pd.DataFrame, file: str) -> list[Note]:
    """Questions about single values that were read with a wrong encoding somewhere; raises StopError (P01) where most
    of the foreign text of the file is.
    """
    foreign, wrong = 0, []
    for name in frame.columns:
        values = frame[name].tolist()
        texts = [text for text in dict.fromkeys(values) if isinstance(text, str) and not text.isascii()]
        foreign += len(texts)
        found = [text for text in texts if garbled(text) is not None]
        wrong += [(int(frame.index[values.index(text)]), str(name), text) for text in found]
    if wrong and 2 * len(wrong) > foreign:
        row, name, text = wrong[0]
        raise StopError(
            f"the text is garbled: it was UTF-8 and was read as another encoding ({len(wrong)} different values, "
            f"the first should begin with {str(garbled(text))[:2]!r})", file=file, row=row, column=name, rule="P01",
            next_step="ask for the file again, in UTF-8",
        )  # fmt: skip
    return [Note(row, name, "P01-GARBLED-TEXT", text) for row, name, text in wrong]


def plain_name(cell: str | None) -> str:
    r"""A name of a column as it is compared: NFKC, no invisible signs, single blanks.

    >>> plain_name(" ＡＬＴ\n (U/L) ")
    'ALT (U/L)'
    """
    return " ".join(unicodedata.normalize("NFKC", cell or "").translate(INVISIBLE).split())


# The header is looked for in so many rows: titles and labels precede it.
HEADER_SEARCHED = 40


def header_at(rows: Sequence[Sequence[str | None]], names: Sequence[Sequence[str]], height: int = 1) -> int | None:
    """The position of the rows (`height` of them) that hold most of these names, at least half; None where none does.

    Each name may have several spellings.

    >>> header_at([["Listing of events"], ["", ""], ["USUBJID", "AETERM"]], [["USUBJID"]])
    2
    """
    wanted = [{plain_name(spelling).casefold() for spelling in spellings} for spellings in names]
    best, at = 0, None
    for k in range(min(len(rows), HEADER_SEARCHED)):
        there = {plain_name(cell).casefold() for row in rows[k : k + height] for cell in row if cell}
        found = sum(not spellings.isdisjoint(there) for spellings in wanted)
        # A title above a header of two rows is no part of it: it fills its first cell only.
        title = height > 1 and bool(rows[k][0]) and not any(rows[k][1:])
        if found > best and 2 * found >= len(wanted) and not title:
            best, at = found, k
    return at


def are_row_numbers(values: Sequence[str | None]) -> bool:
    """Whether the values of a column without a name number the rows, as R writes them: whole, each above the last.

    >>> are_row_numbers(["1", "2", "5"]), are_row_numbers(["1", "1"]), are_row_numbers([])
    (True, False, False)
    """
    if not values or not all(value and value.isdecimal() and len(value) < 10 for value in values):
        return False
    numbers = [int(value) for value in values if value]
    return all(one < other for one, other in itertools.pairwise(numbers))


def _header_position(grid: Grid) -> int:
    """The row of the variable names: below titles or labels where there are such."""
    return header_at(grid.rows, [[KEY]]) or 0


def _variable_names(grid: Grid, at: int, file: str) -> tuple[list[str], list[tuple[str, str]], list[int]]:
    """The names of all columns, those that were spelled otherwise (raw, name), and the columns that are used."""
    row, line = grid.rows[at], grid.lines[at]
    names = _upper(row)
    empty = [k for k, name in enumerate(names) if not name]
    filled = [k for k in empty if any(other[k] for other in grid.rows[at + 1 :])]
    numbered = filled == [0] and are_row_numbers([other[0] for other in grid.rows[at + 1 :] if any(other)])
    filled = [] if numbered else filled
    if filled or len(empty) == len(names):
        k = (filled or empty)[0]
        below = [n for n, other in zip(grid.lines, grid.rows, strict=True) if other[k]]
        problem = msg("column {n} has no name", n=k + 1)
        if below:
            problem = msg("column {n} has no name and holds a value in row {n_2}", n=k + 1, n_2=below[0])
        raise StopError(
            problem, file=file, row=line, rule="P34", next_step=msg("name or remove the column"),
        )  # fmt: skip
    twice = next((name for k, name in enumerate(names) if name and name in names[:k]), None)
    if twice:
        spelled = [str(cell) for cell, name in zip(row, names, strict=True) if name == twice]
        raise StopError(
            msg("two columns have this name (written {terms})", terms=" and ".join(map(repr, spelled))), file=file,
            row=line, column=twice, rule="P34", next_step=msg("keep one of them"),
        )  # fmt: skip
    other = [(str(c), n) for c, n in zip(row, names, strict=True) if n and str(c).upper() != n]
    if numbered:
        other.append(("(column 1 of row numbers)", ""))
    for first, last in _runs(empty[1:] if numbered else empty):
        named = f"column {first + 1}" if first == last else f"columns {first + 1} to {last + 1}"
        other.append((f"({named} without a name and without a value)", ""))
    return names, other, [k for k, name in enumerate(names) if name]


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in rising order as first and last of each run without a gap."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _holds(row: Sequence[str | None]) -> bool:
    """Whether a row holds anything but white space."""
    first = row[0]
    return bool(first and not first.isspace()) or any(cell and not cell.isspace() for cell in row)


def stop_if_merged(grid: Grid, header_line: int, file: str) -> None:
    """Raises StopError for merged cells among the records: only the first of them would have the value."""
    for first, last in grid.merged:
        if last > header_line:
            raise StopError(
                f"cells of the rows {first} to {last} are merged: it is not known to which records the value belongs",
                file=file, row=first, rule="P03", next_step="unmerge the cells and write the value into each row",
            )  # fmt: skip


def check_records(
    columns: Sequence[Sequence[str | None]], header: Sequence[str], lines: Sequence[int], file: str
) -> None:
    """Raises StopError (P01) where a value holds a sign that text was lost before it was sent."""
    for name, column in zip(header, columns, strict=True):
        # Each different value once: most of a large table repeats.
        lost = lost_text(value for value in dict.fromkeys(column) if value)
        if lost:
            raise StopError(
                f"the text holds {lost[1]}: something was lost before it was sent", file=file,
                row=lines[column.index(lost[0])], column=name or None, rule="P01", next_step="ask for the file again",
            )  # fmt: skip


def _is_label_row(names: list[str], row: Iterable[str | None]) -> bool:
    """Whether the row under the names describes the subject id in words instead of holding one."""
    cells = dict(zip(names, row, strict=True))
    text = (cells.get(KEY) or "").lower()
    return "subject identifier" in text or "受试者" in text


def _upper(row: Iterable[str | None]) -> list[str]:
    return [plain_name(cell).upper() for cell in row]

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

# ----------------------------------------------------------------------------------------------------
# Recognises text that was decoded with the wrong encoding before or while it was sent (P01); it is never repaired.


_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
# Letters of scripts that no hospital of this trial writes; two bytes of GB18030 read as UTF-8 fall among them.
_UNLIKELY = re.compile(r"[\u0180-\u036f\u0400-\u07ff]")
# The characters that the first national standard lacks are rare in Chinese text, and usual in misread text.
_RARE_SHARE = 0.3
# A run of fewer bytes that is UTF-8 but for its end may be so by chance.
MANY_BYTES = 9


def garbled(text: str) -> str | None:
    """What `text` should have been, when it is UTF-8 that somebody read as GB18030 or as a Western encoding; else None.

    | text    | should be |
    |---------|-----------|
    | 鍙戠儹  | 发热      |
    | çš®ç–¹  | 皮疹      |
    | 发热    | None      |

    >>> garbled("çš®ç–¹"), garbled("皮疹")
    ('皮疹', None)
    """
    if text.isascii():
        return None
    for run in _FOREIGN.findall(text):
        for wrong in ("gb18030", "cp1252", "latin-1"):
            right = _read_again(run, wrong)
            if right is not None and right != run and _HAN.search(right) and not _odd(right):
                return right
    return None


def _read_again(run: str, wrong: str) -> str | None:
    try:
        content = run.encode(wrong)
    except UnicodeError:
        return None
    # The last character may have been lost: two bytes of it were no character of the wrong encoding.
    for lost in (0, 1, 2):
        if lost and len(content) < MANY_BYTES:
            return None
        try:
            return content[: len(content) - lost].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _odd(text: str) -> bool:
    """Whether a text holds what no person typed: private characters, or scripts that do not belong here."""
    return any(unicodedata.category(sign) in ("Co", "Cn", "Cc") for sign in text) or bool(_UNLIKELY.search(text))


def unlikely_utf8(text: str) -> bool:
    """Whether a text that decodes as UTF-8 has only letters of scripts that nobody here writes, and no Chinese."""
    return bool(_UNLIKELY.search(text)) and not _HAN.search(text)


def unlikely_gb18030(text: str) -> bool:
    """Whether a text that decodes as GB18030 is mostly characters that Chinese text hardly ever has.

    >>> unlikely_gb18030("皮疹"), unlikely_gb18030("灏鹃儴")
    (False, True)
    """
    foreign = "".join(_FOREIGN.findall(text))
    if not foreign:
        return False
    rare = sum(not _common(sign) for sign in foreign)
    return rare / len(foreign) > _RARE_SHARE


def _common(sign: str) -> bool:
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        # Signs of measurement and the full-width forms are common wherever they are encoded.
        return unicodedata.category(sign)[0] in "NPSZ"
    return True


def lost_text(values: Iterable[str]) -> tuple[str, str] | None:
    r"""The first value with a sign that text was lost (NUL, U+FFFD, half a character), and the name of that sign.

    >>> lost_text(["fever", "ra\ufffdsh"])
    ('ra�sh', 'the replacement character U+FFFD')
    >>> lost_text(["fever"]) is None
    True
    """
    for value in values:
        for sign, name in (("\x00", "a NUL byte"), ("\ufffd", "the replacement character U+FFFD")):
            if sign in value:
                return value, name
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            return value, "half a character (a lone surrogate)"
    return None


# ----------------------------------------------------------------------------------------------------
# Where the records of a mapped domain are in the site export: file, sheet, row and column of every value.


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
    """All domains of one delivery by upper-case code, and the files that were not read (`ignored`)."""

    tables: Mapping[str, RawTable]
    ignored: tuple[str, ...] = field(default=())


def raw_table(domain: str, grid: Grid, file: str, sheet: str | None, sha256: str, size: int) -> RawTable:
    """A grid as a raw table; raises StopError for a header that is absent, empty in places or not unique.

    A first row of labels above the variable names, or directly below them, is set aside (P03): exports of the EDC
    carry a Chinese label and a code. Rows and unnamed columns without any value are set aside and noted.
    """
    if not grid.rows:
        raise StopError(
            "the file is empty: it has no header", file=file, rule="P34", next_step="ask for the file again"
        )
    at = _header_position(grid)
    header, names, used = _variable_names(grid, at, file)
    start = at + 1
    if start < len(grid.rows) and _is_label_row(header, grid.rows[start]):
        start += 1
    stop_if_merged(grid, grid.lines[start - 1], file)
    labels = tuple(grid.lines[k] for k in range(start) if k != at)
    records = [k for k in range(start, len(grid.rows)) if any(grid.rows[k])]
    columns = list(zip(*(grid.rows[k] for k in records), strict=True)) or [()] * len(header)
    check_records(columns, header, [grid.lines[k] for k in records], file)
    frame = pd.DataFrame({header[k]: text_column(columns[k]) for k in used})
    own = set(used)
    frame.index = pd.Index([grid.lines[k] for k in records], name="ROW", dtype="int64")
    blank = [grid.lines[k] for k in range(start, len(grid.rows)) if not any(grid.rows[k])]
    edits = [Edit(0, "", raw, new, "P02-HEADER") for raw, new in names]
    if blank:
        edits.append(Edit(0, "", f"({len(blank)} blank rows, the first is row {blank[0]})", "", "P34-BLANK-ROWS"))
    edits += [Edit(0, "", f"({seen.observed})", "", seen.rule) for seen in grid.seen if not seen.line]
    edits += [
        Edit(edit.line, header[edit.column], edit.raw, edit.new, edit.rule)
        for edit in grid.edits
        if edit.line > grid.lines[start - 1] and edit.column in own
    ]
    notes = [
        Note(seen.line, header[seen.column], seen.rule, seen.observed)
        for seen in grid.seen
        if seen.line > grid.lines[start - 1] and seen.column in own
    ]
    return RawTable(
        domain, frame, file, sheet, grid.encoding, sha256, size, grid.lines[at], labels, grid.delimiter,
        tuple(edits), (*notes, *garbled_notes(frame, file)),
    )  # fmt: skip


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
        raise StopError(
            f"column {(filled or empty)[0] + 1} has no name", file=file, row=line, rule="P34",
            next_step="name or remove the column",
        )  # fmt: skip
    twice = next((name for k, name in enumerate(names) if name and name in names[:k]), None)
    if twice:
        spelled = [str(cell) for cell, name in zip(row, names, strict=True) if name == twice]
        raise StopError(
            f"two columns have this name (written {' and '.join(map(repr, spelled))})", file=file, row=line,
            column=twice, rule="P34", next_step="keep one of them",
        )  # fmt: skip
    other = [(str(c), n) for c, n in zip(row, names, strict=True) if n and str(c).upper() != n]
    blank = "without a name and without a value"
    other += [(f"(column {k + 1} {'of row numbers' if numbered and not k else blank})", "") for k in empty]
    return names, other, [k for k, name in enumerate(names) if name]


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
        lost = lost_text(value for value in column if value)
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

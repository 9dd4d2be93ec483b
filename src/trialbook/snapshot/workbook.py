"""Reads workbooks as text: what a person sees in the cell; what is shown and stored otherwise is logged and asked.

Only cells that hold something take memory: one stray cell in the last row costs as much as any other.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trialbook.core.errors import StopError
from trialbook.core.messages import msg
from trialbook.snapshot import ooxml
from trialbook.snapshot.cell_text import ROUNDED_FROM, cell_text, number_text
from trialbook.snapshot.number_formats import DIGITS_HIDDEN, NOT_SHOWN, PART, PERCENT, SCALED, date_parts, shown
from trialbook.snapshot.tables import CellEdit, Grid, Seen

FORMULA, NO_VALUE, ROUNDED = "P03-EXCEL-FORMULA", "P03-EXCEL-FORMULA-NO-VALUE", "P03-EXCEL-ROUNDED"
PERCENT_MIXED = "P03-EXCEL-PERCENT-MIXED"
# A formula that found nothing; #N/A without a formula is what programs write for a blank.
ERROR, NOT_FOUND = "P03-EXCEL-ERROR", "#N/A"
STRUCK, COMMENT, HIDDEN = "P03-EXCEL-STRUCK", "P03-EXCEL-COMMENT", "P03-HIDDEN-CELLS"
# One cell of a column speaks for all; of other rules so many are asked about, and each formula without a value.
_ONCE = (FORMULA, ROUNDED, PERCENT, SCALED, PART)
MOST_NOTES = 25
# A question about several rows names so many of them.
MOST_ROWS = 8
# What is asked about these is the place: the text could be anything.
_BY_PLACE = (FORMULA, NO_VALUE)
# A table is mostly full: from so many places for each value on, a cell is far outside it.
MOST_PLACES, PLACES_PER_CELL = 10_000, 50
MOST_CELLS = 40_000_000
# The sheet is worked through in pieces of about so many bytes, each ending with a row.
_PIECE = 4_000_000

_ROWS = re.compile(rb"<row\b([^>]*?)(?:/>|>(.*?)</row>)", re.S)
_CELLS = re.compile(rb'<c r="([A-Z]{1,3})(\d+)"([^>]*)(?<!/)>(?:<v>([^<]*)</v></c>|(.*?)</c>)', re.S)
_STYLE, _KIND = re.compile(rb'\bs="(\d+)"'), re.compile(rb'\bt="(\w+)"')
_VALUE = re.compile(rb"<v\b[^>]*>([^<]*)</v>")
_SHARE = re.compile(r"0?\.\d+|1(?:\.0+)?")
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d+)")
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]+\d+):([A-Z]+\d+)"')
_HIDDEN_ROW = re.compile(rb"<row [^>]*?hidden=\"(?:1|true)\"")
_HIDDEN_COLUMN = re.compile(rb"<col [^>]*?hidden=\"(?:1|true)\"")


class _Odd(NamedTuple):
    """A cell with something to say: its text, the rule, what is stored (or was seen), whether it is struck out."""

    text: str
    rule: str = ""
    stored: str = ""
    asked: bool = False
    struck: bool = False


@dataclass
class _Book:
    """What the cells of all sheets refer to."""

    texts: list[str]
    struck: frozenset[int]
    styles: list[ooxml.Style]
    epoch_1904: bool
    uncalculated: bool


@dataclass
class _Cells:
    """The cells of one sheet: rows of text by line, and what is to be said of single cells."""

    rows: dict[int, list[str | None]] = field(default_factory=dict)
    odd: list[tuple[int, int, _Odd]] = field(default_factory=list)
    count: int = 0


def read_sheets(content: bytes, file: str) -> tuple[dict[str, Grid], list[str]]:
    """The visible sheets of a workbook by name, and the names of its hidden sheets, which are never read.

    Raises StopError for a file that is not a workbook, is damaged, does not end when it is unpacked, or has a cell far
    outside its table. Formulas, error cells, rounded numbers, comments, hidden rows, merged cells and what is shown
    differently from what is stored are noted in the grid.
    """
    try:
        package = ooxml.Package(content, file)
        sheets, about = ooxml.sheets_of(package)
        texts, struck = ooxml.shared_texts(package)
        book = _Book(
            texts, struck, ooxml.styles_of(package), ooxml.counts_from_1904(about), ooxml.never_calculated(about)
        )
        grids = {sheet.name: _grid(package, sheet, book, file) for sheet in sheets if sheet.visible}
    except ooxml.DAMAGED as error:
        raise StopError(
            msg("the workbook is damaged ({detail})", detail=type(error).__name__),
            file=file,
            rule="P34",
            next_step=msg("ask for the file again"),
        ) from None
    return grids, [sheet.name for sheet in sheets if not sheet.visible]


def _grid(package: ooxml.Package, sheet: ooxml.Sheet, book: _Book, file: str) -> Grid:
    xml = package.read(sheet.part)
    if not xml.rstrip().endswith(b"worksheet>"):
        raise ValueError("the sheet does not end")
    xml = ooxml.plain_xml(xml, b"<sheetData")
    cells = _read_cells(xml, book, file, sheet.name)
    lines = sorted(cells.rows)
    width = max((len(cells.rows[line]) for line in lines), default=0)
    if len(lines) * width > max(MOST_PLACES, PLACES_PER_CELL * cells.count):
        line = max(lines, key=lambda k: len(cells.rows[k]))
        raise StopError(
            msg("the cell {code} is far outside the table", code=f"{_letters(width - 1)}{line}"),
            file=f"{file}, sheet {sheet.name}", row=line, rule="P34",
            next_step=msg("clear the cell, or move its value into the table"),
        )  # fmt: skip
    rows = [cells.rows[line] for line in lines]
    for row in rows:
        if len(row) < width:
            row.extend([None] * (width - len(row)))
    comments = ooxml.comments_of(package, sheet.part)
    seen, edits = _said(cells, comments)
    merged = tuple(
        (int(_REFERENCE.findall(top.decode())[0][1]), int(_REFERENCE.findall(end.decode())[0][1]))
        for top, end in _MERGED.findall(xml)
    )
    return Grid(
        rows, lines, "xlsx", seen=(*seen, *_hidden(xml)), merged=merged, edits=tuple(edits),
        epoch_1904=book.epoch_1904,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Cells.


def _read_cells(xml: bytes, book: _Book, file: str, sheet: str) -> _Cells:
    """All cells that hold something."""
    begin, end = xml.find(b"<sheetData"), xml.rfind(b"</sheetData>")
    cells = _Cells()
    known: dict[tuple[bytes, bytes], str | _Odd | None] = {}
    columns: dict[bytes, int] = {}
    place = begin
    while 0 <= place < end:
        stop = xml.find(b"</row>", min(place + _PIECE, end))
        stop = end if stop < 0 or stop > end else stop + len(b"</row>")
        piece = xml[place:stop]
        found = _CELLS.findall(piece)
        # Cells without a place, or with their attributes in another order, are read one by one.
        if len(found) != piece.count(b"</c>") or piece.count(b'<c r="') != piece.count(b"<c "):
            found = _unusual(piece, max(cells.rows, default=0))
        _take(found, book, cells, known, columns)
        if cells.count > MOST_CELLS:
            raise StopError(
                msg("the sheet {file} has more than {n} cells", file=sheet, n=f"{MOST_CELLS:,}"), file=file, rule="P34",
                next_step=msg("deliver the table as CSV"),
            )  # fmt: skip
        place = stop
    return cells


_Match = tuple[bytes, bytes, bytes, bytes, bytes]


def _take(
    found: list[Any],
    book: _Book,
    cells: _Cells,
    known: dict[tuple[bytes, bytes], str | _Odd | None],
    columns: dict[bytes, int],
) -> None:
    """Adds the cells of a piece; each different content is read once."""
    row: list[str | None] = []
    last = b""
    line = 0
    for letters, number, attributes, value, inner in found:
        try:
            text = known[attributes, value or inner]
        except KeyError:
            text = known[attributes, value or inner] = _read_cell(attributes, value, inner, book)
        if text is None:
            continue
        if number != last:
            last, line = number, int(number)
            row = cells.rows.setdefault(line, [])
        try:
            column = columns[letters]
        except KeyError:
            column = columns[letters] = _column(letters.decode())
        if text.__class__ is not str:
            cells.odd.append((line, column, text))  # type: ignore[arg-type]
            text = text.text or None  # type: ignore[union-attr]
        if column == len(row):
            row.append(text)
        else:
            if column > len(row):
                row.extend([None] * (column + 1 - len(row)))
            row[column] = text
    cells.count += len(found)


def _unusual(piece: bytes, last: int) -> list[_Match]:
    """The cells of a piece in which some have no place of their own: they follow each other."""
    found: list[_Match] = []
    line = last
    for about, body in _ROWS.findall(piece):
        named = re.search(rb'\br="(\d+)"', about)
        line = int(named[1]) if named else line + 1
        column = -1
        for attributes, inner in re.findall(rb"<c\b([^>]*?)(?:/>|>(.*?)</c>)", body, re.S):
            place = re.search(rb'\br="([A-Z]{1,3})\d+"', attributes)
            column = _column(place[1].decode()) if place else column + 1
            value = re.fullmatch(rb"<v>([^<]*)</v>", inner)
            own = (value[1], b"") if value else (b"", inner)
            found.append((_letters(column).encode(), str(line).encode(), attributes, *own))
    return found


def _read_cell(attributes: bytes, value: bytes, inner: bytes, book: _Book) -> str | _Odd | None:
    """One cell; None where it is empty."""
    kind = _found(_KIND, attributes)
    style = _found(_STYLE, attributes)
    look = book.styles[int(style)] if style and int(style) < len(book.styles) else ooxml.Style()
    formula = b"<f" in inner
    if inner:
        stored = _VALUE.search(inner)
        value = stored[1] if stored else b""
        if formula and (not value or (value == b"0" and book.uncalculated)) and kind not in ("str", "s", "inlineStr"):
            return _Odd("", NO_VALUE, asked=True, struck=look.struck)
    read = _value(kind, value, inner, look, book)
    if read is None:
        return None
    struck = look.struck or (kind == "s" and int(value) in book.struck) or (kind == "inlineStr" and b"<strike" in inner)
    if formula and kind == "e" and read == NOT_FOUND:
        return _Odd("", ERROR, NOT_FOUND, asked=True, struck=struck)
    if isinstance(read, str):
        return _Odd(read, FORMULA if formula else "", "", formula, struck) if formula or struck else read
    return read._replace(struck=struck)


def _value(kind: str, value: bytes, inner: bytes, look: ooxml.Style, book: _Book) -> str | _Odd | None:
    """The value of a cell by its kind, as its number format shows it."""
    if kind == "s":
        return book.texts[int(value)] or None if value else None
    if kind == "inlineStr":
        return ooxml.text_in(inner) or None
    if kind == "str":
        return ooxml.plain_text(value) or None
    if not value:
        return None
    if kind == "e":
        return ooxml.plain_text(value)
    if kind == "b":
        return "TRUE" if value == b"1" else "FALSE"
    if kind == "d":
        return cell_text(datetime.datetime.fromisoformat(value.decode().rstrip("Z")))
    number = float(value)
    if look.code == "General" or (look.code == "0" and number.is_integer()):
        text = number_text(number)
        return _Odd(text, ROUNDED, text, asked=True) if abs(number) >= ROUNDED_FROM else text
    seen = shown(number, look.code, epoch_1904=book.epoch_1904)
    if seen.rule:
        return _Odd(seen.text, seen.rule, seen.stored, seen.asked)
    if abs(number) >= ROUNDED_FROM and not date_parts(look.code):
        return _Odd(seen.text, ROUNDED, seen.text, asked=True)
    return seen.text


def _found(form: re.Pattern[bytes], attributes: bytes) -> str:
    match = form.search(attributes)
    return match[1].decode() if match else ""


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _letters(column: int) -> str:
    """The name of a column from 0.

    >>> _letters(0), _letters(16383)
    ('A', 'XFD')
    """
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


# ----------------------------------------------------------------------------------------------------
# What a person must know of the cells.


def _said(cells: _Cells, comments: dict[str, str]) -> tuple[list[Seen], list[CellEdit]]:
    """Notes of what is asked, and what was read differently from what is stored."""
    edits: list[CellEdit] = []
    noted: dict[tuple[str, int], list[tuple[int, str]]] = {}
    struck: dict[int, list[int]] = {}
    for line, column, odd in cells.odd:
        place = f"{_letters(column)}{line}"
        if odd.struck:
            struck.setdefault(line, []).append(column)
        if odd.rule and odd.rule not in (*_BY_PLACE, ROUNDED, DIGITS_HIDDEN, NOT_SHOWN):
            edits.append(CellEdit(line, column, odd.stored, odd.text, odd.rule))
        if odd.asked:
            observed = place if odd.rule in _BY_PLACE else odd.text if odd.rule == ROUNDED else _both(odd)
            noted.setdefault((odd.rule, column), []).append((line, observed))
    for column in [column for rule, column in noted if rule == PERCENT]:
        plain = _plain_shares(cells, column)
        if plain:
            more = f", +{len(plain) - MOST_ROWS}" if len(plain) > MOST_ROWS else ""
            lines = ", ".join(str(line) for line, _ in plain[:MOST_ROWS])
            noted[(PERCENT_MIXED, column)] = [(plain[0][0], f"{plain[0][1]} (rows {lines}{more})")]
    for line, own in struck.items():
        more = f" (+{len(own) - 1})" if len(own) > 1 else ""
        noted.setdefault((STRUCK, own[0]), []).append((line, f"{_letters(own[0])}{line}{more}"))
    for place, text in comments.items():
        match = _REFERENCE.fullmatch(place)
        if match and text:
            line, column = int(match[2]), _column(match[1])
            row = cells.rows.get(line, [])
            value = (row[column] if column < len(row) else None) or ""
            noted.setdefault((COMMENT, column), []).append((line, place))
            edits.append(CellEdit(line, column, f"(comment: {text})", value, COMMENT))
    return [note for (rule, column), found in noted.items() for note in _notes(rule, column, found)], edits


def _plain_shares(cells: _Cells, column: int) -> list[tuple[int, str]]:
    """Line and text of the cells of a column that hold a plain number above 0 and up to 1: shares of a column that is
    formatted as percentages, or percentages.
    """
    odd = {line for line, other, _ in cells.odd if other == column}
    found = []
    for line, row in sorted(cells.rows.items()):
        text = row[column] if column < len(row) and line not in odd else None
        if text and _SHARE.fullmatch(text) and float(text) > 0:
            found.append((line, text))
    return found


def _both(odd: _Odd) -> str:
    return f"{odd.text} ({odd.stored})" if odd.stored and odd.text else odd.text or odd.stored


def _notes(rule: str, column: int, found: list[tuple[int, str]]) -> list[Seen]:
    """The notes of one rule and column; the last of them says how many cells more there are."""
    most = 1 if rule in _ONCE else len(found) if rule == NO_VALUE else MOST_NOTES
    notes = [Seen(line, column, rule, observed) for line, observed in found[:most]]
    if len(found) > most:
        notes[-1] = notes[-1]._replace(observed=f"{notes[-1].observed} (+{len(found) - most})")
    return notes


def _hidden(xml: bytes) -> list[Seen]:
    rows, columns = len(_HIDDEN_ROW.findall(xml)), len(_HIDDEN_COLUMN.findall(xml))
    filtered = " by a filter" if b"<filterColumn" in xml else ""
    said = [f"{rows} rows{filtered}"] if rows else []
    said += [f"{columns} columns"] if columns else []
    return [Seen(0, -1, HIDDEN, " and ".join(said))] if said else []

"""Reads workbooks as text: what a person sees in the cell, dates as ISO 8601, whole numbers without decimals."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from trialbook.core.errors import StopError
from trialbook.snapshot.cell_text import ROUNDED_FROM, cell_text
from trialbook.snapshot.tables import Grid, Seen

# ----------------------------------------------------------------------------------------------------
# What a workbook says about its cells that their values do not: errors, formulas, hidden rows and columns.


_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d+)"([^>]*)>(.*?)</c>', re.S)
_ERROR = re.compile(rb"<v>([^<]*)</v>")
_HIDDEN_ROW = re.compile(rb"<row [^>]*?hidden=\"(?:1|true)\"")
_HIDDEN_COLUMN = re.compile(rb"<col [^>]*?hidden=\"(?:1|true)\"")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Marks:
    """Marks of one sheet; a place is (row, column), both from 0."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formulas: tuple[tuple[int, int], ...] = ()
    hidden_rows: int = 0
    hidden_columns: int = 0


def damage(content: bytes) -> str | None:
    """What is wrong with the archive that a workbook is, or None; its reader does not look at the check sums."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            torn = archive.testzip()
    except _UNREADABLE as error:
        return type(error).__name__
    return f"the check sum of {torn} is wrong" if torn else None


def sheet_marks(content: bytes) -> dict[str, Marks]:
    """The marks of every sheet by name; a workbook that is not a plain .xlsx has none (its reader speaks for it)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: _marks(archive.read(path)) for name, path in _sheet_paths(archive)}
    except (*_UNREADABLE, KeyError, ElementTree.ParseError):
        return {}


def _sheet_paths(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """The name of each sheet and its file inside the workbook."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - no entities are read
    targets = {r.get("Id"): str(r.get("Target")) for r in relations}
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - no entities are read
    sheets = [element for element in book.iter() if element.tag.endswith("}sheet")]
    named = [(str(sheet.get("name")), targets.get(sheet.get(_RELATION))) for sheet in sheets]
    known = set(archive.namelist())
    paths = [(name, posixpath.normpath(posixpath.join("xl", target)).lstrip("/")) for name, target in named if target]
    # An absolute target starts at the root of the archive.
    paths = [(name, path.removeprefix("xl/") if path not in known else path) for name, path in paths]
    return [(name, path) for name, path in paths if path in known]


def _marks(sheet: bytes) -> Marks:
    errors, formulas = {}, []
    if b't="e"' in sheet or b"<f" in sheet:
        for column, row, attributes, inner in _CELL.findall(sheet):
            place = int(row) - 1, _column(column.decode())
            if b't="e"' in attributes:
                found = _ERROR.search(inner)
                errors[place] = unescape(found[1].decode("utf-8", "replace")) if found else "#ERROR"
            elif b"<f" in inner:
                formulas.append(place)
    hidden = len(_HIDDEN_ROW.findall(sheet)), len(_HIDDEN_COLUMN.findall(sheet))
    return Marks(errors, tuple(formulas), *hidden)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


# ----------------------------------------------------------------------------------------------------


def read_sheets(content: bytes, file: str) -> tuple[dict[str, Grid], list[str]]:
    """The visible sheets of a workbook by name, and the names of its hidden sheets, which are never read.

    Raises StopError for a file that is not a workbook. Formulas, error cells, rounded numbers, hidden rows and merged
    cells are noted in the grid.
    """
    torn = damage(content)
    if torn:
        raise StopError(f"the workbook is damaged ({torn})", file=file, rule="P34", next_step="ask for the file again")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
        marks = sheet_marks(content)
        grids = {name: _grid(book, name, marks.get(name, Marks())) for name in shown}
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise StopError(
            f"the workbook cannot be read ({type(error).__name__})", file=file, rule="P34",
            next_step="ask for the file again",
        ) from None  # fmt: skip
    return grids, [s.name for s in book.sheets_metadata if s.name not in shown]


def _grid(book: CalamineWorkbook, name: str, marks: Marks) -> Grid:
    sheet = book.get_sheet_by_name(name)
    cells = sheet.to_python(skip_empty_area=False)
    rows = [[cell_text(cell) for cell in row] for row in cells]
    for (row, column), error in marks.errors.items():
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = error
    kept = [(k + 1, row) for k, row in enumerate(rows) if any(cell is not None for cell in row)]
    width = max((_width(row) for _, row in kept), default=0)
    merged = tuple((top + 1, bottom + 1) for (top, _), (bottom, _) in sheet.merged_cell_ranges or ())
    return Grid(
        [row[:width] for _, row in kept], [line for line, _ in kept], "xlsx", seen=tuple(_seen(cells, marks)),
        merged=merged,
    )  # fmt: skip


def _seen(cells: list[list[Any]], marks: Marks) -> list[Seen]:
    """What a person must know of these cells, one note per cause and column."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for row, column in marks.formulas:
        found.setdefault(("P03-EXCEL-FORMULA", column), (row, "a formula"))
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            if isinstance(value, float) and abs(value) >= ROUNDED_FROM:
                found.setdefault(("P03-EXCEL-ROUNDED", column), (row, cell_text(value) or ""))
    notes = [Seen(row + 1, column, rule, observed) for (rule, column), (row, observed) in found.items()]
    hidden = [f"{marks.hidden_rows} rows"] if marks.hidden_rows else []
    hidden += [f"{marks.hidden_columns} columns"] if marks.hidden_columns else []
    return [*notes, Seen(0, -1, "P03-HIDDEN-CELLS", " and ".join(hidden))] if hidden else notes


def _width(row: list[str | None]) -> int:
    return max(k + 1 for k, cell in enumerate(row) if cell is not None)

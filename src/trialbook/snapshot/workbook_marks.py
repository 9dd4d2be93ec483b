"""What a workbook says about its cells that their values do not: errors, formulas, hidden rows and columns."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from html import unescape
from xml.etree import ElementTree

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

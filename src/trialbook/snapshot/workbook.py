"""Reads workbooks as text: what a person sees in the cell, dates as ISO 8601, whole numbers without decimals."""

from __future__ import annotations

import datetime
import io
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from trialbook.errors import StopError
from trialbook.snapshot.tables import Grid


def read_sheets(content: bytes, file: str) -> tuple[dict[str, Grid], list[str]]:
    """The visible sheets of a workbook by name, and the names of its hidden sheets, which are never read.

    Raises StopError for a file that is no workbook, and for merged cells in a header (P03), whose columns would have
    no name.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
        grids = {name: _grid(book, name) for name in shown}
    except (CalamineError, OSError, ValueError) as error:
        raise StopError(
            f"the workbook cannot be read ({type(error).__name__})", file=file, rule="P34",
            next_step="ask for the file anew",
        ) from None  # fmt: skip
    return grids, [s.name for s in book.sheets_metadata if s.name not in shown]


def _grid(book: CalamineWorkbook, name: str) -> Grid:
    cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    rows = [[cell_text(cell) for cell in row] for row in cells]
    kept = [(k + 1, row) for k, row in enumerate(rows) if any(cell is not None for cell in row)]
    width = max((_width(row) for _, row in kept), default=0)
    return Grid([row[:width] for _, row in kept], [line for line, _ in kept], "xlsx")


def _width(row: list[str | None]) -> int:
    return max(k + 1 for k, cell in enumerate(row) if cell is not None)


def cell_text(value: Any) -> str | None:
    """One value as text; None where empty.

    | value                       | text             |
    |-----------------------------|------------------|
    | 3.0                         | 3                |
    | 0.30000000000000004         | 0.3              |
    | datetime(2024, 3, 5, 10, 30)| 2024-03-05T10:30:00 |
    """
    if value is None or value != value or value == "":
        return None
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # 15 digits are what a spreadsheet shows and SAS promises; more would be noise of the binary number.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="seconds")
    return str(value)

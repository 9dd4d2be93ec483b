"""Reads a returned query list as a person fills it in: a workbook of any sheets, or a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from trialbook.core.errors import UsageError
from trialbook.queries.kept_lists import value_of
from trialbook.queries.query_list import TO_FILL_IN
from trialbook.snapshot.delimited import DELIMITERS, decode

NEEDED = ("query_id", *TO_FILL_IN)
OF_A_RECORD = ("domain", "subject", "record")
# A row with this answer, and domain, subject and record in place of a query, marks a record as reviewed.
REVIEWED = ("reviewed", "已审核", "已核查")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")


class Row(NamedTuple):
    """What a row of the returned list says, as text, and its place in the file."""

    place: str
    query_id: str
    answer: str
    reason: str
    date: str
    domain: str = ""
    subject: str = ""
    record: str = ""

    @property
    def is_filled_in(self) -> bool:
        """Whether anything was written into the columns of an answer."""
        return any((self.answer, self.reason, self.date))

    @property
    def is_mark(self) -> bool:
        """Whether the row marks a record as reviewed; it answers no query."""
        return " ".join(self.answer.split()).casefold() in REVIEWED

    @property
    def day(self) -> str:
        """The date as ISO 8601 where it has its year first; any other text as it is.

        >>> Row("row 2", "", "", "", "2025年7月1日").day
        '2025-07-01'
        """
        found = _DATE.fullmatch(self.date)
        return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}" if found else self.date


def returned_rows(file: Path) -> Iterator[Row]:
    """Every row of the sheets, or of the CSV file, that has the columns of an answer."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the file cannot be read ({error.strerror or type(error).__name__})", file=str(file),
            next_step="name the returned query list",
        ) from None  # fmt: skip
    tables = _sheets(content, file) if file.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".ods") else [
        ("", _delimited(content, file))
    ]  # fmt: skip
    missing: list[str] = list(NEEDED)
    any_table = False
    for sheet, cells in tables:
        names = [cell.strip().casefold() for cell in cells[0]] if cells else []
        lacking = [name for name in NEEDED if name not in names]
        if lacking:
            missing = min(missing, lacking, key=len)
            continue
        any_table = True
        at = [names.index(name) if name in names else None for name in (*NEEDED, *OF_A_RECORD)]
        for number, row in enumerate(cells[1:], start=2):
            values = [row[k].strip() if k is not None and k < len(row) else "" for k in at]
            yield Row(f"{f'sheet {sheet}, ' if sheet else ''}row {number}", *values)
    if not any_table:
        raise UsageError(
            f"the columns {', '.join(missing)} are missing", file=str(file),
            next_step=f"return the query list with the columns {', '.join(NEEDED)}",
        )  # fmt: skip


def _sheets(content: bytes, file: Path) -> list[tuple[str, list[list[str]]]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [
            (name, [[_cell(value) for value in row] for row in book.get_sheet_by_name(name).to_python()])
            for name in book.sheet_names
        ]
    except (CalamineError, ValueError, OSError) as error:
        raise UsageError(
            f"the workbook cannot be read ({type(error).__name__})", file=str(file), next_step="save it again as .xlsx"
        ) from None


def _cell(value: object) -> str:
    if isinstance(value, dt.datetime):
        return str(value.date())
    return str(value)


def _delimited(content: bytes, file: Path) -> list[list[str]]:
    text = decode(content, file.name)[0]
    header = text.splitlines()[0] if text.strip() else ""
    delimiter = max(DELIMITERS, key=header.count)
    try:
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"the quoting of the file is broken ({error})", file=str(file), next_step="save it again"
        ) from None
    return [[value_of(cell) for cell in row] for row in cells]

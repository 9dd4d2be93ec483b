"""Lists as files for people, one writer for all of them: CSV and XLSX without live formulas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pandas as pd

from trialbook.core.characters import printable
from trialbook.core.errors import StopError
from trialbook.queries.kept_lists import list_text, value_of

WIDTHS = {
    "message_en": 60, "message_zh": 40, "expected": 30, "observed": 20, "observed_zh": 20, "rule": 30, "subject": 20,
    "record_list": 40, "domain": 9, "severity": 9, "age_days": 9, "status": 9, "records": 9,
    "answers": 40, "answer": 14, "reason": 40,
}  # fmt: skip
# What a spreadsheet keeps of one cell; more would be cut off without a word.
LONGEST_CELL = 32767


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Writes the list as UTF-8 CSV, with a BOM so that a spreadsheet reads the Chinese; cells by `list_text`."""
    path.write_bytes(csv_list(frame))


def csv_list(frame: pd.DataFrame) -> bytes:
    """The content of `write_csv`."""
    cells = frame.map(lambda value: "" if pd.isna(value) else list_text(str(value)))
    return str(cells.to_csv(index=False, lineterminator="\n")).encode("utf-8-sig")


def read_csv_list(source: Path | BytesIO) -> pd.DataFrame:
    """A list as it was before `write_csv`, everything as text."""
    return pd.read_csv(source, dtype="str", keep_default_na=False, encoding="utf-8-sig").map(value_of).astype("str")


def write_sheets(lists: Mapping[str, pd.DataFrame], path: Path, cut_date: str) -> None:
    """Writes lists as the sheets of a workbook of typed text: filters, frozen header, no formulas, links, or clock.

    Raises StopError for a text that is longer than a cell holds.
    """
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        # The creation time would differ on every build; the cut date does not.
        book.set_properties({"created": dt.datetime.fromisoformat(cut_date)})
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for sheet, frame in lists.items():
            page = book.add_worksheet(sheet)
            for column, name in enumerate(frame.columns):
                page.set_column(column, column, WIDTHS.get(name, 14))
                page.write_string(0, column, name, head)
                for row, value in enumerate(frame[name], start=1):
                    shown = "" if pd.isna(value) else printable(str(value))
                    if len(shown) > LONGEST_CELL:
                        raise StopError(
                            f"a text of {len(shown)} characters does not fit into a cell", file=path.name, row=row + 1,
                            column=name, rule="S20", next_step="shorten the text at its source",
                        )  # fmt: skip
                    page.write_string(row, column, shown, text)
            page.freeze_panes(1, 0)
            page.autofilter(0, 0, max(len(frame), 1), len(frame.columns) - 1)

"""Lists as files for people, one writer for all of them: CSV and XLSX without live formulas."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol, TypeVar

import pandas as pd

from trialbook.core.characters import printable
from trialbook.core.errors import StopError
from trialbook.core.files import write_whole

# ----------------------------------------------------------------------------------------------------
# A value as a cell of a list for spreadsheets: nothing computes, everything shows, and it reads back.


# What a spreadsheet takes for a formula, at the start of a cell. It may split a cell, quotes or not, where the list
# separator of the system or of an import is another sign than the comma: a semicolon or a bar. (A tab becomes an escape
# before. Blanks are not treated: "a -1" is prose, and no system has a blank as its separator.)
_SIGNS = "=+\\-@＝＋－＠"
_FORMULA = re.compile(rf"^'*\s*[{_SIGNS}]")
_BEHIND = re.compile(rf"([;|]\s*)('*[{_SIGNS}])")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_ESCAPED, _ESCAPED_BEHIND = re.compile(rf"^'(?='*\s*[{_SIGNS}])"), re.compile(rf"([;|]\s*)'(?='*[{_SIGNS}])")
_CODE = re.compile(r"\\(\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def list_text(value: str) -> str:
    """The value as a cell: an apostrophe before what a spreadsheet would compute, escapes for what does not show.

    >>> [list_text(value) for value in ("=1+1", "-2.5", "a;=1|+2", "rash\\u202e", "fever")]
    ["'=1+1", '-2.5', "a;'=1|'+2", 'rash\\\\u202e', 'fever']
    """
    shown = printable(value.replace("\\", "\\\\"))
    if _NUMBER.fullmatch(shown):
        return shown
    shown = _BEHIND.sub(r"\1'\2", shown)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def value_of(cell: str) -> str:
    """The value that `list_text` wrote as this cell.

    >>> value_of(list_text("=1+1\\n;@x")) == "=1+1\\n;@x"
    True
    """
    plain = _ESCAPED_BEHIND.sub(r"\1", _ESCAPED.sub("", cell))
    if "\\" not in plain:
        return plain
    return _CODE.sub(lambda code: code.group().encode("ascii").decode("unicode_escape"), plain)


# ----------------------------------------------------------------------------------------------------

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


class Kept(Protocol):
    """One entry of a list that people keep: a dataclass of texts."""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same entry when it comes twice."""


Entry = TypeVar("Entry", bound=Kept)


def keep_once(path: Path, known: Sequence[Entry], new: Iterable[Entry], columns: Sequence[str]) -> list[Entry]:
    """Adds entries to the end of a kept list, each once; what is there stays as it is. Returns what was added.

    `known`: the entries of the file as they were read.
    """
    seen = {one.key for one in known}
    added: list[Entry] = []
    for one in new:
        if one.key not in seen:
            seen.add(one.key)
            added.append(one)
    if added:
        write_whole(path, csv_list(pd.DataFrame([vars(one) for one in [*known, *added]], columns=list(columns))))
    return added


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

"""Applies readers of single values to columns and logs every change; reads characters (P02) and Excel errors (P03)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from trialbook.cleaning.problems import is_rule
from trialbook.core.characters import INVISIBLE, plain_text
from trialbook.snapshot.door import WITHHELD
from trialbook.snapshot.tables import RawTable

# ----------------------------------------------------------------------------------------------------

CHANGE_COLUMNS = ["file", "sheet", "row", "column", "raw", "new", "rule"]
WHOLE_RECORD = ""
# It becomes an age and goes no further (`subjects.ages`): no list may hold it.
BIRTH_DATE = "BRTHDTC"


class Reading(NamedTuple):
    """What one value was read as: its clean text (None = missing), the FIX that says so, and the QUERY if any.

    Where the text changed without a FIX, the query's rule is written to the log: the value is treated as the rule says,
    not as delivered, until the site answers.
    """

    text: str | None
    fix: str = ""
    ask: str = ""


Reader = Callable[[str], Reading]


class Doubt(NamedTuple):
    """A value to ask about: its place, the rule, and what was seen."""

    row: int
    column: str
    rule: str
    observed: str


@dataclass
class Working:
    """One table while it is cleaned: its text, the change log so far, and the doubts."""

    table: RawTable
    frame: pd.DataFrame
    changes: list[tuple[str, str, int, str, str, str, str]] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    def __post_init__(self) -> None:
        # What the way in has changed and asked comes first.
        self.doubts += [Doubt(*note) for note in self.table.notes]
        for row, column, raw, new, rule in self.table.edits:
            self.log(row, column, raw, new, rule)

    def log(self, row: int, column: str, raw: str | None, new: str | None, rule: str) -> None:
        """Adds one change, at its place in the delivery; the empty text means missing."""
        if not is_rule(rule):
            raise KeyError(rule)
        if column == BIRTH_DATE:
            raw, new = WITHHELD, WITHHELD if new else None
        self.changes.append((*self.table.place(int(row), column), raw or "", new or "", rule))

    def read(self, column: str, reader: Reader, *, within: pd.Series | None = None) -> None:
        """Reads the values of a column (of the rows `within`)."""
        old = self.frame[column] if within is None else self.frame.loc[within, column]
        readings = {value: reader(value) for value in old.unique() if isinstance(value, str)}
        notable = {v: r for v, r in readings.items() if r.text != v or r.ask}
        if not notable:
            return
        rows = old[old.isin(list(notable))]
        for row, value in rows.items():
            reading = notable[value]
            if reading.text != value:
                self.log(row, column, value, reading.text, reading.fix or reading.ask)
            if reading.ask:
                self.doubts.append(Doubt(row, column, reading.ask, value))
        new = rows.map({v: r.text for v, r in notable.items()})
        self.frame.loc[rows.index, column] = new.astype("str")

    def set(self, row: int, column: str, new: str | None, rule: str) -> None:
        """Sets one value and logs it."""
        old = self.frame.at[row, column]
        self.log(row, column, None if pd.isna(old) else old, new, rule)
        self.frame.at[row, column] = pd.NA if new is None else new

    def doubt(self, row: int, column: str, rule: str, observed: str) -> None:
        """Adds a question about one value, which stays as it is."""
        self.doubts.append(Doubt(row, column, rule, observed))

    def drop(self, rows: pd.Index, rule: str) -> None:
        """Leaves out whole records and logs each."""
        if rows.empty:
            return  # pandas would copy the whole table
        for row in rows:
            self.log(row, WHOLE_RECORD, "(record)", None, rule)
        self.frame = self.frame.drop(index=rows)


def change_frame(changes: list[tuple[str, str, int, str, str, str, str]]) -> pd.DataFrame:
    """Changes as the change log: file, sheet, row, column (blank: the whole record or file), raw, new, rule.

    >>> log = change_frame([("ae.csv", "", 3, "AESTDTC", "2024/3/5", "2024-03-05", "P04-DATE-FORMAT")])
    >>> log[["file", "row", "raw", "new"]].values.tolist()
    [['ae.csv', 3, '2024/3/5', '2024-03-05']]
    """
    frame = pd.DataFrame(changes, columns=CHANGE_COLUMNS)
    text = [name for name in CHANGE_COLUMNS if name != "row"]
    return frame.astype({**dict.fromkeys(text, "str"), "row": "int64"})


# ----------------------------------------------------------------------------------------------------
# Characters (P02): full-width forms, odd spaces and line breaks. Free text keeps its letters, codes get plain ones.


# Hyphens and minus signs of typesetting, which word processors put in the place of the plain one.
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63", "-"))


def read_plain(value: str) -> Reading:
    """A date, number, code or id in plain characters; missing where nothing is left.

    >>> read_plain("１２．５").text, read_plain("  ").text, read_plain("2025\u201301\u201302").text
    ('12.5', None, '2025-01-02')
    """
    return Reading(plain_text(value).translate(_HYPHENS) or None, "P02-CHARACTERS")


def read_free_text(value: str) -> Reading:
    """Free text as it was written, without the white space around it (rulebook P02: keep raw text).

    >>> read_free_text(" ＡＬＴ raised ").text
    'ＡＬＴ raised'
    """
    return Reading(value.translate(INVISIBLE).strip() or None, "P02-CHARACTERS")


# ----------------------------------------------------------------------------------------------------
# What a spreadsheet shows in place of a value that it could not work out, or not fit into its column (P03).


# #N/A is none of them: programs write it for a blank (`null_markers`).
_ERROR = re.compile(r"#(?:REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|ERROR)|#{3,}")


def read_no_error(value: str) -> Reading:
    """A value as it is; the error marks of a spreadsheet are missing and asked about.

    | value   | reads as |
    |---------|----------|
    | #REF!   | missing  |
    | ####### | missing  |
    | #1      | #1       |

    >>> read_no_error("#REF!")
    Reading(text=None, fix='', ask='P03-EXCEL-ERROR')
    >>> read_no_error("#1").text
    '#1'
    """
    return Reading(None, ask="P03-EXCEL-ERROR") if _ERROR.fullmatch(value.strip()) else Reading(value)

"""Fills one SDTM variable from a source table: codes, dates, factors, templates; every change of a value is noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pandas as pd

from trialbook.errors import UsageError
from trialbook.mapping.models import PLACEHOLDER, Codes, ColumnRule
from trialbook.mapping.source import SourceTable
from trialbook.snapshot.tables import plain_name

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_THREE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?!\d)(.*)", re.S)
_MONTH_AND_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# By line of the source: what stood there, what stands there now, by which rule.
Changes = list[tuple[int, str, str, str]]


class Filled:
    """One filled variable: its values by line, the source columns, what was changed and which codes are unknown."""

    def __init__(self, values: pd.Series, positions: tuple[int, ...] = ()) -> None:
        self.values, self.positions = values, positions
        self.changes: Changes = []
        self.unknown: list[tuple[int, str]] = []

    def change(self, read: Callable[[str], str | None], rule: str) -> None:
        """Reads each distinct value anew and notes where it changed."""
        seen = {value: read(value) for value in self.values.dropna().unique()}
        changed = {value: new for value, new in seen.items() if new != value}
        rows = self.values[self.values.isin(list(changed))]
        self.changes += [(int(line), value, changed[value] or "", rule) for line, value in rows.items()]
        self.values.loc[rows.index] = rows.map(changed).astype("str")


def fill(rule: ColumnRule, source: SourceTable, codes: Codes | None, place: str, mapping_file: str) -> Filled:
    """The values of a variable for every row of the source.

    Raises UsageError, naming the mapping file, the key and the nearest header, for a column that is not there.
    """
    filled = _taken(rule, source, place, mapping_file)
    if codes is not None:
        _translate(filled, codes)
    if rule.dates in ("DMY", "MDY"):
        order = rule.dates
        filled.change(lambda text: _in_order(text, order), "P34-MAPPED-DATE")
    if rule.factor is not None:
        factor = rule.factor
        filled.change(lambda text: _times(text, factor), "P34-MAPPED-NUMBER")
    if rule.width is not None:
        width = rule.width
        filled.change(lambda text: text.zfill(width) if text.isdecimal() else text, "P09-LEADING-ZEROS")
    return filled


def column_position(source: SourceTable, spellings: list[str], place: str, mapping_file: str) -> int:
    """The position of a column; raises UsageError where the source has none with one of these headers."""
    found = source.find(spellings)
    if found is None:
        where = source.file + (f", sheet {source.sheet}" if source.sheet else "")
        raise UsageError(
            f"{where} has no column {' or '.join(spellings)}; the nearest is {source.nearest(spellings[0])}",
            file=mapping_file, column=place, rule="P34-MAPPING",
            next_step="correct the header in the mapping file, or ask why the export has changed",
        )  # fmt: skip
    return found


def _taken(rule: ColumnRule, source: SourceTable, place: str, mapping_file: str) -> Filled:
    """The values as they stand in the source, or as the rule builds them."""
    if rule.constant is not None:
        return Filled(pd.Series(rule.constant or None, index=source.frame.index, dtype="str"))
    if rule.template is not None:
        return _from_template(rule, source, place, mapping_file)
    if rule.optional and source.find(rule.source) is None:
        return Filled(pd.Series(float("nan"), index=source.frame.index).astype("str"))
    position = column_position(source, rule.source, place, mapping_file)
    return Filled(source.frame[position].copy(), (position,))


def _from_template(rule: ColumnRule, source: SourceTable, place: str, mapping_file: str) -> Filled:
    """Texts built from several columns; a row where a part is blank has none, unless that part may be blank."""
    template = str(rule.template)
    may_be_blank = rule.optional if isinstance(rule.optional, list) else []
    positions, present = [], pd.Series(True, index=source.frame.index)
    text = pd.Series("", index=source.frame.index, dtype="str")
    end = 0
    for found in PLACEHOLDER.finditer(template):
        spellings = found[1].split("|")
        position = column_position(source, spellings, f"{place}.template", mapping_file)
        part = source.frame[position]
        if not set(spellings) & set(may_be_blank):
            present &= part.notna()
        if found[2]:
            part = part.where(~part.str.fullmatch(r"\d+").fillna(False).astype("bool"), part.str.zfill(int(found[2])))
        text = text + template[end : found.start()] + part.fillna("")
        positions.append(position)
        end = found.end()
    return Filled((text + template[end:]).str.strip().where(present), tuple(dict.fromkeys(positions)))


def _translate(filled: Filled, codes: Codes) -> None:
    """Codes of the site as those of SDTM; what the list does not name is kept and remembered."""
    known = {plain_name(raw).casefold(): code for raw, code in codes.items()}
    standard = {code for code in codes.values() if code is not None}

    def read(text: str) -> str | None:
        return known.get(plain_name(text).casefold(), text)

    unknown = {
        text
        for text in filled.values.dropna().unique()
        if plain_name(text) and plain_name(text).casefold() not in known and text not in standard
    }
    filled.unknown = [(int(line), text) for line, text in filled.values.items() if text in unknown]
    filled.change(read, "P34-MAPPED-CODE")


def _in_order(text: str, order: str) -> str:
    """A date of three numbers with the year first; a text that is none stays for cleaning to ask about.

    A year of two digits is settled by cleaning, so the month is written by its name.
    """
    month_only = _MONTH_AND_YEAR.fullmatch(text.strip())
    if month_only and 1 <= int(month_only[1]) <= len(_MONTHS):
        return f"{month_only[2]}-{int(month_only[1]):02d}"
    found = _THREE.fullmatch(text.strip())
    if found is None or len(found[1]) > 2:
        return text
    first, second, year, rest = found[1], found[3], found[4], found[5]
    day, month = (first, second) if order == "DMY" else (second, first)
    if not 1 <= int(month) <= len(_MONTHS) or not 1 <= int(day) <= 31:
        return text
    if len(year) == len("2025"):
        return f"{year}-{int(month):02d}-{int(day):02d}{rest}"
    return f"{int(day):02d}-{_MONTHS[int(month) - 1]}-{year}{rest}" if len(year) == len("25") else text


def _times(text: str, factor: Decimal) -> str:
    """A number times a factor, exactly; what is no number stays for cleaning to ask about."""
    plain = plain_name(text)
    return format((Decimal(plain) * factor).normalize(), "f") if NUMBER.fullmatch(plain) else text

"""Fills one SDTM variable from a source table: missing codes, code lists, dates, numbers, templates, several columns.

Every change of a value is noted; what cannot be read in one way only is kept and asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.snapshot.mapping_models import PLACEHOLDER, Codes, ColumnRule, Mapping
from trialbook.snapshot.mapping_source import SourceTable
from trialbook.snapshot.tables import plain_name

# ----------------------------------------------------------------------------------------------------
# Numbers as an export writes them: decimal comma or point, separators of thousands, signs of comparison.


NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_COMPARED = re.compile(r"([<>]=?|=[<>]|[≤≥]|小于|大于|低于|高于|不足)?\s*([+-]?[\d.,' ]*\d(?:[eE][+-]?\d+)?)")
_SIGNS = {"小于": "<", "低于": "<", "不足": "<", "大于": ">", "高于": ">", "=<": "<=", "=>": ">="}
_TURNED = str.maketrans("<>≤≥", "><≥≤")
_BY_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_BY_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SPACED = re.compile(r"[+-]?\d{1,3}(?:[' ]\d{3})+(?:[.,]\d+)?")


def read_number(text: str, decimal: str | None) -> Decimal | None:
    """The number that a text is, where it can be read in one way only; else None.

    `decimal` is the decimal sign of the file, where somebody says so.

    | text    | no sign known | comma  | point  |
    |---------|---------------|--------|--------|
    | 1,2     | 1.2           | 1.2    | None   |
    | 1,234.5 | 1234.5        | None   | 1234.5 |
    | 1.234,5 | 1234.5        | 1234.5 | None   |
    | 1,234   | None          | 1.234  | 1234   |
    | 1.5     | 1.5           | None   | 1.5    |

    >>> [str(read_number("1,234", sign)) for sign in (None, ",", ".")]
    ['None', '1.234', '1234']
    """
    if _SPACED.fullmatch(text):
        text = text.replace("'", "").replace(" ", "")
    whole = text.lstrip("+-").isdecimal()
    if whole or (decimal != "," and NUMBER.fullmatch(text)):
        return Decimal(text)
    if decimal != "." and _DECIMAL_COMMA.fullmatch(text) and (decimal or not _BY_COMMA.fullmatch(text)):
        return Decimal(text.replace(",", "."))
    if decimal != "," and _BY_COMMA.fullmatch(text) and (decimal or "." in text or text.count(",") > 1):
        return Decimal(text.replace(",", ""))
    if decimal != "." and _BY_POINT.fullmatch(text) and (decimal or "," in text or text.count(".") > 1):
        return Decimal(text.replace(".", "").replace(",", "."))
    return None


def converted(text: str, factor: Decimal, decimal: str | None) -> str | None:
    """A number, or a bound, times a factor, exactly; None where it cannot be read in one way only.

    >>> converted("<0.1", Decimal("88.4"), None), converted("1,234", Decimal(2), None)
    ('<8.84', None)
    """
    found = _COMPARED.fullmatch(plain_name(text))
    number = None if found is None else read_number(found[2].strip(), decimal)
    if found is None or number is None:
        return None
    sign = _SIGNS.get(found[1], found[1]) if found[1] else ""
    if factor < 0:
        sign = sign.translate(_TURNED)
    return sign + format((number * factor).normalize(), "f")


# ----------------------------------------------------------------------------------------------------
# Dates of three numbers, in the order that the mapping file gives.


_THREE = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?!\d)(.*)", re.S)
_MONTH_AND_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED_DAY = re.compile(r"(\d{1,2})[- /]?([A-Za-z]{3})[A-Za-z]*[- /]?(\d{4})")
_ISO_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def _date_in_order(text: str, order: str) -> str:
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


def same_value(one: str, other: str) -> bool:
    """Whether two texts say the same: one text, one number, or one day.

    >>> same_value("2025-01-02", "02 JAN 2025"), same_value("1.0", "1"), same_value("M", "F")
    (True, True, False)
    """
    return _value_key(one) == _value_key(other)


def _value_key(text: str) -> object:
    plain = plain_name(text).casefold()
    if NUMBER.fullmatch(plain):
        return Decimal(plain)
    named, iso = _NAMED_DAY.fullmatch(plain), _ISO_DAY.fullmatch(plain)
    if named and named[2].capitalize() in _MONTHS:
        return int(named[3]), _MONTHS.index(named[2].capitalize()) + 1, int(named[1])
    return (int(iso[1]), int(iso[2]), int(iso[3])) if iso else plain


# ----------------------------------------------------------------------------------------------------

# By line of the source: what was there, what is there now, by which rule.
Changes = list[tuple[int, str, str, str]]
MISSING = "P34-MAPPED-MISSING"


class Filled:
    """One filled variable: its values by line, the source columns, what was changed and which codes are unknown.

    `doubts` are questions about single values (line, rule, what was seen); `unconverted` the lines of values to which a
    factor could not be applied.
    """

    def __init__(self, values: pd.Series, positions: tuple[int, ...] = ()) -> None:
        self.values, self.positions = values, positions
        self.changes: Changes = []
        self.unknown: list[tuple[int, str]] = []
        self.doubts: list[tuple[int, str, str]] = []
        self.unconverted: set[int] = set()

    def change(self, read: Callable[[str], str | None], rule: str) -> None:
        """Reads each distinct value again and notes where it changed."""
        seen = {value: read(value) for value in self.values.dropna().unique()}
        changed = {value: new for value, new in seen.items() if new != value}
        rows = self.values[self.values.isin(list(changed))]
        self.changes += [(int(line), value, changed[value] or "", rule) for line, value in rows.items()]
        self.values.loc[rows.index] = rows.map(changed).astype("str")

    def lines(self, values: Iterable[str]) -> list[tuple[int, str]]:
        """The lines that hold one of these values, each with it."""
        held = self.values[self.values.isin(list(values))]
        return [(int(line), text) for line, text in held.items()]


def fill(rule: ColumnRule, source: SourceTable, mapping: Mapping, place: str, mapping_file: str) -> Filled:
    """The values of a variable for every row of the source.

    Raises UsageError, naming the mapping file, the key and the nearest header, for a column that is not there.
    """
    filled = _taken(rule, source, mapping, place, mapping_file)
    if rule.missing:
        no_value = missing_test(rule.missing)
        filled.change(lambda text: None if no_value(text) else text, MISSING)
    codes = mapping.codes_of(rule)
    if codes is not None:
        _translate(filled, codes)
    if rule.dates in ("DMY", "MDY"):
        order = rule.dates
        filled.change(lambda text: _date_in_order(text, order), "P34-MAPPED-DATE")
    if rule.factor is not None or rule.decimal is not None:
        _reckon(filled, rule.factor, rule.decimal)
    if rule.width is not None:
        width = rule.width
        filled.change(lambda text: text.zfill(width) if text.isdecimal() else text, "P09-LEADING-ZEROS")
    return filled


def missing_test(codes: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text is one of these codes, in any letter case; numbers are compared as numbers.

    >>> no_value = missing_test(["-99", "NI"])
    >>> no_value("-99.0"), no_value("ni"), no_value("99")
    (True, True, False)
    """
    keys = {_code_key(code) for code in codes}
    return lambda text: _code_key(text) in keys


def _code_key(text: str) -> object:
    plain = plain_name(text).casefold()
    return Decimal(plain) if NUMBER.fullmatch(plain) else plain


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


def _taken(rule: ColumnRule, source: SourceTable, mapping: Mapping, place: str, mapping_file: str) -> Filled:
    """The values as they are in the source, or as the rule builds them."""
    if rule.constant is not None:
        return Filled(pd.Series(rule.constant or None, index=source.frame.index, dtype="str"))
    if rule.template is not None:
        filled = _from_template(rule, source, place, mapping_file)
    elif rule.coalesce:
        return _first_of(rule, source, mapping, place, mapping_file)
    elif rule.optional and source.find(rule.source) is None:
        return Filled(pd.Series(float("nan"), index=source.frame.index).astype("str"))
    else:
        position = column_position(source, rule.source, place, mapping_file)
        filled = Filled(source.frame[position].copy(), (position,))
    for position in filled.positions:
        blanked = source.blanked.get(position)
        if blanked is not None:
            filled.changes += [(int(line), text, "", MISSING) for line, text in blanked.items()]
    return filled


def _first_of(rule: ColumnRule, source: SourceTable, mapping: Mapping, place: str, mapping_file: str) -> Filled:
    """The first value of several columns; where two differ, the first counts and the second is asked about."""
    read = [fill(one, source, mapping, f"{place}.coalesce[{k}]", mapping_file) for k, one in enumerate(rule.coalesce)]
    filled = Filled(read[0].values.copy(), tuple(dict.fromkeys(p for one in read for p in one.positions)))
    taken_from = pd.Series(0, index=filled.values.index)
    for k, one in enumerate(read[1:], 1):
        both = filled.values.notna() & one.values.notna()
        for line in filled.values.index[both.to_numpy()]:
            first, second = filled.values[line], one.values[line]
            if not same_value(first, second):
                filled.doubts.append((int(line), "P34-COLUMNS-DIFFER", f"{first} / {second}"))
        new = filled.values.isna() & one.values.notna()
        taken_from = taken_from.mask(new, k)
        filled.values = filled.values.where(~new, one.values)
    for k, one in enumerate(read):
        own = set(taken_from.index[taken_from.eq(k).to_numpy()])
        filled.changes += [change for change in one.changes if change[0] in own]
        filled.unknown += [unknown for unknown in one.unknown if unknown[0] in own]
        filled.doubts += [doubt for doubt in one.doubts if doubt[0] in own]
        filled.unconverted |= one.unconverted & own
    return filled


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
    filled.unknown += filled.lines(unknown)
    filled.change(read, "P34-MAPPED-CODE")


def _reckon(filled: Filled, factor: Decimal | None, decimal: str | None) -> None:
    """Numbers in the decimal sign of SDTM, times the factor; what cannot be read in one way is kept and asked about.

    Without a factor, words are no matter of arithmetic. Where one column has decimal points under a decimal comma, a
    point before three digits is no separator of thousands for certain.
    """
    texts = {text: plain_name(text) for text in filled.values.dropna().unique()}
    points = decimal == "," and any(re.search(r"\d\.\d{1,2}$|\d\.\d{4,}$|^0\.\d", plain) for plain in texts.values())
    new: dict[str, str] = {}
    for text, plain in texts.items():
        unsure = points and "." in plain and "," not in plain
        number = None if unsure else converted(text, factor if factor is not None else Decimal(1), decimal)
        if number is not None:
            # A number that is one already keeps its digits: 8.50 is not 8.5.
            bare = plain.lstrip("<>=≤≥ ")
            same = factor is None and NUMBER.fullmatch(bare) and Decimal(bare) == Decimal(number.lstrip("<>=≤≥"))
            new[text] = text if same else number
    left = [text for text, plain in texts.items() if text not in new and (factor or _COMPARED.fullmatch(plain))]
    rule = "P34-NOT-CONVERTED" if factor is not None else "P34-NUMBER-UNSURE"
    filled.doubts += [(line, rule, text) for line, text in filled.lines(left)]
    if factor is not None:
        filled.unconverted |= {line for line, _ in filled.lines(left)}
    filled.change(lambda text: new.get(text, text), "P34-MAPPED-NUMBER")

"""Reads numbers (P40): thousands and decimal commas, units beside the value; results with a sign (P14)."""

from __future__ import annotations

import math
import re

import pandas as pd

from trialbook.cleaning.reading import Reading, Working
from trialbook.cleaning.units import same_unit, standard_unit

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# An integer column holds so many digits.
LONGEST_WHOLE = 18
_BOUND = re.compile(rf"([<>])?({NUMBER.pattern})")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SIGNED = re.compile(r"([<>≤≥]=?|=<|=>|小于|大于|低于|高于|不足)? *(.+)")
_SIGNS = {
    "<": "<", "<=": "<", "=<": "<", "≤": "<", "小于": "<", "低于": "<", "不足": "<",
    ">": ">", ">=": ">", "=>": ">", "≥": ">", "大于": ">", "高于": ">",
}  # fmt: skip
_WITH_UNIT = re.compile(rf"((?:[<>≤≥]=?|小于|大于)? *{NUMBER.pattern}|\d[\d,.]*) *([%°A-Za-zμ×/^*][^<>]*|\^.*)")
# Words of results, as laboratories write them, and the standard word (P14).
RESULT_WORDS = {
    "NEGATIVE": ("NEGATIVE", "NEG", "阴性", "阴性(-)", "(-)", "-阴性"),
    "POSITIVE": ("POSITIVE", "POS", "阳性", "阳性(+)", "(+)"),
    "WEAK POSITIVE": ("WEAK POSITIVE", "WEAKLY POSITIVE", "弱阳性", "弱阳性(±)"),
    "INDETERMINATE": ("INDETERMINATE", "不确定", "可疑"),
    "NOT DETECTED": (
        "NOT DETECTED",
        "TND",
        "TARGET NOT DETECTED",
        "UNDETECTABLE",
        "未检出",
        "未检测到",
        "低于检测下限",
    ),
}
_WORDS = {spelling: word for word, spellings in RESULT_WORDS.items() for spelling in spellings}


def read_number(value: str) -> Reading:
    """A value of a numeric column.

    | value  | reads as | rule             |
    |--------|----------|------------------|
    | 12,3   | 12.3     | P40-NUMBER       |
    | 0,123  | 0.123    | P40-NUMBER       |
    | 1,234  | 1234     | P40-COMMA-UNSURE |
    | 1,234.5| 1234.5   | P40-NUMBER       |
    | about 3| missing  | P40-NOT-A-NUMBER |
    """
    if _is_number(value):
        return Reading(value)
    plain, unsure = without_commas(value)
    if not _is_number(plain):
        return Reading(None, ask="P40-NOT-A-NUMBER")
    return Reading(plain, "P40-NUMBER", "P40-COMMA-UNSURE" if unsure else "")


def _is_number(text: str) -> bool:
    """Whether a text is a number, and one that is finite when it is parsed."""
    return bool(NUMBER.fullmatch(text)) and math.isfinite(float(text))


def without_commas(value: str) -> tuple[str, bool]:
    """A number text with a point for decimals and no separators, and whether the comma's meaning was unsure."""
    if _THOUSANDS.fullmatch(value):
        return value.replace(",", ""), value.count(",") == 1 and "." not in value
    if _DECIMAL_COMMA.fullmatch(value):
        return value.replace(",", "."), False
    return value, False


def read_whole(value: str) -> Reading:
    """A sequence number: whole, without decimals or signs."""
    whole = re.fullmatch(r"(\d+)(?:\.0*)?", value)
    if whole is None or len(whole[1]) > LONGEST_WHOLE:
        return Reading(None, ask="P40-NOT-A-NUMBER")
    return Reading(whole[1], "P40-NUMBER" if whole[1] != value else "")


def read_result(value: str) -> Reading:
    """A finding as collected: numbers without commas, bounds with < or >, words in their standard form (P14).

    | value    | reads as     |
    |----------|--------------|
    | 小于0.1  | <0.1         |
    | ≥ 300    | >300         |
    | 阴性     | NEGATIVE     |
    | 1,234.5  | 1234.5       |
    | haemolysed | haemolysed |
    """
    word = _WORDS.get(value.upper())
    if word:
        return Reading(word, "P14-RESULT-WORDS")
    sign, number = _SIGNED.fullmatch(value).groups()  # type: ignore[union-attr]  # value is never blank
    plain, unsure = without_commas(number)
    if not NUMBER.fullmatch(plain):
        return Reading(value)
    text = f"{_SIGNS[sign] if sign else ''}{plain}"
    fix = "P40-NUMBER" if plain != number else "P14-RESULT-WORDS"
    return Reading(text, fix if text != value else "", "P40-COMMA-UNSURE" if unsure else "")


def parse_results(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """--ORRESN and --ORRESOP of clean results: the number (NaN where there is none) and its sign `<`, `>` or blank."""
    bounds = {
        value: found
        for value in text.dropna().unique()
        if (found := _BOUND.fullmatch(value)) and math.isfinite(float(found[2]))
    }
    number = text.map({value: float(found[2]) for value, found in bounds.items()}).astype("float64")
    sign = text.map({value: found[1] or "" for value, found in bounds.items()}).astype("str").fillna("")
    return number, sign


def split_units(work: Working, value: str, unit: str) -> None:
    """Moves a unit written beside a number into its own column (P40); asks where the two disagree."""
    if value not in work.frame or unit not in work.frame:
        return
    written = work.frame[value].dropna()
    odd = [text for text in written.unique() if not NUMBER.fullmatch(text)]
    beside_units = {text: found for text in odd if (found := _WITH_UNIT.fullmatch(text))}
    for row, text in written[written.isin(list(beside_units))].items():
        found = beside_units[text]
        number, beside = found[1].strip(), standard_unit(found[2].strip())
        own = work.frame.at[row, unit]
        if beside is None:
            continue
        if pd.isna(own):
            work.set(row, unit, beside, "P40-NUMBER")
        elif not same_unit(beside, own):
            work.doubt(row, value, "P40-UNIT-CONFLICT", text)
            continue
        work.set(row, value, number, "P40-NUMBER")

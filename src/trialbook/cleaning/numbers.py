"""Reads numbers and units (P12, P14, P32, P40): commas, units beside the value, results with a sign, weights, doses."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pandas as pd

from trialbook.cleaning.read_values import Reading, Working
from trialbook.core.units import KILOGRAMS, unit_key

# ----------------------------------------------------------------------------------------------------
# Spells units in one way, and turns the units of weight and dose that this trial's sites use (P12, P32).


_STANDARD = (
    "umol/L", "mmol/L", "mol/L", "nmol/L", "mg/dL", "mg/L", "ug/L", "ng/mL", "pg/mL", "g/L", "g/dL", "g/mL", "U/L",
    "IU/L", "IU/mL", "mIU/mL", "copies/mL", "ukat/L", "10^9/L", "10^12/L", "10^6/L", "10^3/uL", "10^6/uL", "/uL",
    "/mm3", "10^3/mm3", "mL/min", "mL/s", "mL/min/1.73m2", "mL/day", "L/day", "/day", "mL", "L", "%", "kg", "g", "mg",
    "ug", "cm", "m", "mmHg", "C", "F", "beats/min", "breaths/min", "mg/kg", "mg/kg/day", "mg/day", "mg/m2", "ratio",
    "s", "10^6 cells/kg", "10^6 cells", "cells/kg", "cells", "YEARS", "MONTHS", "DAYS", "lb", "mEq/L",
)  # fmt: skip
_SYNONYMS = {
    "10^6/kg": "10^6 cells/kg", "10^6cell/kg": "10^6 cells/kg", "10^6个/kg": "10^6 cells/kg",
    "10^6细胞/kg": "10^6 cells/kg", "百万/kg": "10^6 cells/kg", "cell/kg": "cells/kg", "个/kg": "cells/kg",
    "10^6cell": "10^6 cells",
    "10^6个": "10^6 cells", "个": "cells", "g/l": "g/L", "gi/l": "10^9/L", "k/ul": "10^3/uL",
    "thou/ul": "10^3/uL", "公斤": "kg", "千克": "kg", "斤": "jin", "jin": "jin", "市斤": "jin", "磅": "lb",
    "lbs": "lb", "毫克": "mg", "毫升": "mL", "升": "L", "ml/24h": "mL/day", "ml/d": "mL/day", "毫升/天": "mL/day",
    "ml/天": "mL/day", "l/d": "L/day", "l/24h": "L/day", "/d": "/day", "次/天": "/day", "次/日": "/day", "次": "/day",
    "°c": "C", "℃": "C", "°f": "F", "次/分": "beats/min", "bpm": "beats/min", "厘米": "cm", "mg/kg/d": "mg/kg/day",
    "mg/d": "mg/day", "year": "YEARS", "岁": "YEARS", "年": "YEARS", "month": "MONTHS", "月": "MONTHS", "day": "DAYS",
}  # fmt: skip
# The weights that are turned into kg here.
_WEIGHTS = {unit: Decimal(str(KILOGRAMS[unit])) for unit in ("jin", "lb", "g")}
_MILLION = Decimal(10**6)


_BY_KEY = {**{unit_key(unit): unit for unit in _STANDARD}, **{unit_key(k): unit for k, unit in _SYNONYMS.items()}}


def standard_unit(unit: str) -> str | None:
    """The standard spelling of a unit; None where it is not known.

    | unit     | standard |
    |----------|----------|
    | ×10⁹/L   | 10^9/L   |
    | µmol / L | umol/L   |
    | 10E6/KG  | 10^6 cells/kg |

    >>> standard_unit("×10⁹/L"), standard_unit("µmol / L"), standard_unit("parsec")
    ('10^9/L', 'umol/L', None)
    """
    return _BY_KEY.get(unit_key(unit))


def read_unit(value: str) -> Reading:
    """A unit in its standard spelling; a unit that is not known stays as it is.

    >>> read_unit("千克").text, read_unit("parsec").text
    ('kg', 'parsec')
    """
    return Reading(standard_unit(value) or value, "U01-UNIT")


def same_unit(one: str, other: str) -> bool:
    """Whether two spellings name one unit.

    >>> same_unit("µmol/L", "umol / l"), same_unit("mg/dL", "mg/L")
    (True, False)
    """
    return (standard_unit(one) or unit_key(one)) == (standard_unit(other) or unit_key(other))


def weights_in_kg(work: Working) -> None:
    """VS body weights in kg where their unit says otherwise (P32: 斤, lb)."""
    if not {"VSTESTCD", "VSORRES", "VSORRESU"} <= set(work.frame):
        return
    weights = work.frame[work.frame["VSTESTCD"].eq("WEIGHT") & work.frame["VSORRESU"].isin(list(_WEIGHTS))]
    for row, value, unit in weights[["VSORRES", "VSORRESU"]].itertuples(name=None):
        if _is_factor(value):
            work.set(row, "VSORRES", _text(Decimal(value) * _WEIGHTS[unit]), "P32-WEIGHT-UNIT")
            work.set(row, "VSORRESU", "kg", "P32-WEIGHT-UNIT")


def stool_in_millilitres(work: Working) -> None:
    """FA stool volumes in mL/day where their unit says litres (P27); a volume without unit is never touched."""
    if not {"FATESTCD", "FAORRES", "FAORRESU"} <= set(work.frame):
        return
    litres = work.frame[work.frame["FATESTCD"].eq("STOOLVOL") & work.frame["FAORRESU"].isin(["L", "L/day"])]
    for row, value in litres["FAORRES"].items():
        if _is_factor(value):
            work.set(row, "FAORRES", _text(Decimal(value) * 1000), "P27-STOOL-UNIT")
            work.set(row, "FAORRESU", "mL/day", "P27-STOOL-UNIT")


def doses_in_millions(work: Working) -> None:
    """EX doses in 10^6 cells where value or unit say otherwise (P12): `2×10^6` cells/kg, 2000000 cells/kg."""
    if not {"EXDOSE", "EXDOSU"} <= set(work.frame):
        return
    counted = work.frame[work.frame["EXDOSU"].isin(["cells", "cells/kg"])]
    for row, value, unit in counted[["EXDOSE", "EXDOSU"]].dropna().itertuples(name=None):
        power = re.fullmatch(r"(\d+(?:\.\d+)?) ?[x×*] ?10(?:\^|e)?0?(\d{1,2})", value, re.I)
        number = f"{power[1]}e{power[2]}" if power else value
        if not _is_factor(number):
            continue
        work.set(row, "EXDOSE", _text(Decimal(number) / _MILLION), "P12-DOSE-UNIT")
        work.set(row, "EXDOSU", f"10^6 {unit}", "P12-DOSE-UNIT")


def _is_factor(text: object) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"\d+(\.\d+)?(e\d+)?", text))


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")


# ----------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# An integer column holds so many digits.
LONGEST_WHOLE = 18
_BOUND = re.compile(rf"([<>])?({NUMBER.pattern})")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SIGNED = re.compile(r"([<>≤≥≦≧⩽⩾]=?|=<|=>|小于|大于|低于|高于|不足|不低于|不高于)? *(.+)")
_SIGNS = {
    "<": "<", "<=": "<", "=<": "<", "≤": "<", "≦": "<", "⩽": "<", "小于": "<", "低于": "<", "不足": "<", "不高于": "<",
    ">": ">", ">=": ">", "=>": ">", "≥": ">", "≧": ">", "⩾": ">", "大于": ">", "高于": ">", "不低于": ">",
}  # fmt: skip
_WITH_UNIT = re.compile(rf"((?:[<>≤≥]=?|小于|大于)? *(?:{NUMBER.pattern}|\d[\d,.]*)) *([%°A-Za-zμ×/^*][^<>]*|\^.*)")
# Words of results, as laboratories write them, and the standard word (P14).
RESULT_WORDS = {
    "NEGATIVE": (
        "NEGATIVE",
        "NEG",
        "阴性",
        "阴性(-)",
        "(-)",
        "-阴性",
        "NON-REACTIVE",
        "NONREACTIVE",
        "NON REACTIVE",
        "无反应性",
        "非反应性",
    ),
    "POSITIVE": ("POSITIVE", "POS", "阳性", "阳性(+)", "(+)", "REACTIVE", "有反应性", "反应性"),
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
# The flag that a laboratory system prints beside a number (85 ↓, 12.3 H, *90), and a number beside a word (阴性(0.05)).
_FLAG = r"(?:[↑↓▲▼⬆⬇*!]|HH?|LL?|偏?高|偏?低)"
_FLAGGED = re.compile(
    rf"(?:{_FLAG}+ *)?(?P<number>(?:[<>≤≥≦≧]=? *)?[+-]?[\d.,]*\d(?:e[+-]?\d+)?)(?: *\(?{_FLAG}+\)?)?", re.I
)
_WORD_AND_NUMBER = re.compile(
    rf"(?P<word>[^\d()]+?) *\( *[<>]? *{NUMBER.pattern}[^()]*\)"
    rf"|[<>]? *{NUMBER.pattern}[^()\d]* *\( *(?P<behind>[^\d()]+?) *\)"
)
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

    >>> read_number("1,234.5")
    Reading(text='1234.5', fix='P40-NUMBER', ask='')
    >>> read_number("1,234")
    Reading(text='1234', fix='P40-NUMBER', ask='P40-COMMA-UNSURE')
    >>> read_number("about 3")
    Reading(text=None, fix='', ask='P40-NOT-A-NUMBER')
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
    """A number text with a point for decimals and no separators, and whether the comma's meaning was unsure.

    >>> without_commas("12,3"), without_commas("1,234")
    (('12.3', False), ('1234', True))
    """
    if _THOUSANDS.fullmatch(value):
        return value.replace(",", ""), value.count(",") == 1 and "." not in value
    if _DECIMAL_COMMA.fullmatch(value):
        return value.replace(",", "."), False
    return value, False


def read_whole(value: str) -> Reading:
    """A sequence number: whole, without decimals or signs.

    >>> read_whole("12.0").text, read_whole("1.5").ask
    ('12', 'P40-NOT-A-NUMBER')
    """
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
    | 阴性(0.05) | NEGATIVE   |
    | haemolysed | haemolysed |

    >>> read_result("小于0.1").text, read_result("阴性").text, read_result("haemolysed").text
    ('<0.1', 'NEGATIVE', 'haemolysed')
    """
    beside = _WORD_AND_NUMBER.fullmatch(value)
    word = _WORDS.get((beside["word"] or beside["behind"] if beside else value).upper())
    if word:
        return Reading(word, "P14-RESULT-WORDS")
    sign, number = _SIGNED.fullmatch(value).groups()  # type: ignore[union-attr]  # value is never blank
    plain, unsure = without_commas(number)
    if not NUMBER.fullmatch(plain):
        return Reading(value)
    text = f"{_SIGNS[sign] if sign else ''}{plain}"
    fix = "P40-NUMBER" if plain != number else "P14-RESULT-WORDS"
    return Reading(text, fix if text != value else "", "P40-COMMA-UNSURE" if unsure else "")


def read_laboratory_result(value: str) -> Reading:
    """A result of a laboratory: `read_result`, without the flag that its system prints beside the number.

    | value    | reads as     |
    |----------|--------------|
    | 85 ↓     | 85           |
    | 12.3 H   | 12.3         |
    | *>500    | >500         |

    >>> read_laboratory_result("85 ↓")
    Reading(text='85', fix='P14-RESULT-FLAG', ask='')
    """
    flagged = _FLAGGED.fullmatch(value)
    if flagged is None or flagged["number"] == value:
        return read_result(value)
    return read_result(flagged["number"])._replace(fix="P14-RESULT-FLAG")


# Only nines, with or without a minus sign: what databases write for "missing".
_NINES = re.compile(r"-?9{2,}(?:\.9+)?|-9")
# How far outside a code lies: above this multiple of everything else that is known of the test.
_FAR = 2.0


def missing_codes(results: pd.DataFrame, domain: str) -> pd.Index:
    """The rows of findings whose result looks like a code for "missing" and not like a result (9999, -99).

    Of each test and unit: a number of nines alone that is negative where nothing else is, or more than twice as high as
    every other result and every upper limit. A single 99 is a result like any other where others are near.

    >>> found = pd.DataFrame({"LBTESTCD": "ALT", "LBORRES": ["31", "44", "9999"], "LBORNRHI": "50"})
    >>> missing_codes(found, "LB").tolist()
    [2]
    """
    test, result = f"{domain}TESTCD", f"{domain}ORRES"
    if not {test, result} <= set(results):
        return results.index[:0]
    coded = results[result].str.fullmatch(_NINES.pattern).fillna(False).astype(bool)
    tests = results.loc[coded, test].dropna().unique()
    if not len(tests):
        return results.index[:0]
    own = results[results[test].isin(tests)]
    unit = own[f"{domain}ORRESU"].fillna("") if f"{domain}ORRESU" in own else pd.Series("", index=own.index)
    value = pd.to_numeric(own[result], errors="coerce")
    plain = value.mask(coded.reindex(own.index))
    limit = own[f"{domain}ORNRHI"] if f"{domain}ORNRHI" in own else pd.Series(pd.NA, index=own.index, dtype="str")
    known = pd.concat([plain.abs(), pd.to_numeric(limit, errors="coerce")], axis=1).max(axis=1)
    highest = known.groupby([own[test], unit]).transform("max")
    lowest = plain.groupby([own[test], unit]).transform("min")
    far = (value > _FAR * highest) | ((value < 0) & ~(lowest < 0))
    return own.index[coded.reindex(own.index) & far]


def parse_results(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """--ORRESN and --ORRESOP of clean results: the number (NaN where there is none) and its sign `<`, `>` or blank.

    >>> number, sign = parse_results(pd.Series(["12.5", "<0.1", "NEGATIVE"]))
    >>> number.tolist(), sign.tolist()
    ([12.5, 0.1, nan], ['', '<', ''])
    """
    bounds = {
        value: found
        for value in text.dropna().unique()
        if (found := _BOUND.fullmatch(value)) and math.isfinite(float(found[2]))
    }
    number = text.map({value: float(found[2]) for value, found in bounds.items()}).astype("float64")
    sign = text.map({value: found[1] or "" for value, found in bounds.items()}).astype("str").fillna("")
    return number, sign


def split_units(work: Working, value: str, unit: str) -> list[int]:
    """Moves a unit written beside a number into its own column (P40) and returns the rows where it did; asks where the
    two disagree.
    """
    split: list[int] = []
    if value not in work.frame or unit not in work.frame:
        return split
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
        split.append(row)
    return split

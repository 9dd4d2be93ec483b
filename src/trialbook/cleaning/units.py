"""Spells units in one way, and turns the units of weight and dose that this trial's sites use (P12, P32)."""

from __future__ import annotations

import re
from decimal import Decimal

from trialbook.cleaning.reading import Reading, Working
from trialbook.units import KILOGRAMS, unit_key

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
    """
    return _BY_KEY.get(unit_key(unit))


def read_unit(value: str) -> Reading:
    """A unit in its standard spelling; a unit that is not known stays as it is."""
    return Reading(standard_unit(value) or value, "U01-UNIT")


def same_unit(one: str, other: str) -> bool:
    """Whether two spellings name one unit."""
    return (standard_unit(one) or unit_key(one)) == (standard_unit(other) or unit_key(other))


def weights_in_kg(work: Working) -> None:
    """VS body weights in kg where their unit says otherwise (P32: 斤, lb)."""
    if not {"VSTESTCD", "VSORRES", "VSORRESU"} <= set(work.frame):
        return
    weights = work.frame[work.frame["VSTESTCD"].eq("WEIGHT") & work.frame["VSORRESU"].isin(list(_WEIGHTS))]
    for row, value, unit in weights[["VSORRES", "VSORRESU"]].itertuples(name=None):
        if _is_number(value):
            work.set(row, "VSORRES", _text(Decimal(value) * _WEIGHTS[unit]), "P32-WEIGHT-UNIT")
            work.set(row, "VSORRESU", "kg", "P32-WEIGHT-UNIT")


def stool_in_millilitres(work: Working) -> None:
    """FA stool volumes in mL/day where their unit says litres (P27); a volume without unit is never touched."""
    if not {"FATESTCD", "FAORRES", "FAORRESU"} <= set(work.frame):
        return
    litres = work.frame[work.frame["FATESTCD"].eq("STOOLVOL") & work.frame["FAORRESU"].isin(["L", "L/day"])]
    for row, value in litres["FAORRES"].items():
        if _is_number(value):
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
        if not _is_number(number):
            continue
        work.set(row, "EXDOSE", _text(Decimal(number) / _MILLION), "P12-DOSE-UNIT")
        work.set(row, "EXDOSU", f"10^6 {unit}", "P12-DOSE-UNIT")


def _is_number(text: object) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"\d+(\.\d+)?(e\d+)?", text))


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")

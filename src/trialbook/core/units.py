"""Units: one reading of their spelling, one table of conversions to SI (rulebook §1.4), and of weights."""

from __future__ import annotations

import re
from types import MappingProxyType

import pandas as pd

from trialbook.core.characters import plain_text

_CELLS = {
    "10^9/l": 1.0, "gi/l": 1.0, "10^3/ul": 1.0, "10^3/mm3": 1.0, "k/ul": 1.0, "thou/ul": 1.0, "10^6/ml": 1.0,
    "10^3/ml": 0.001, "/ul": 0.001, "/mm3": 0.001, "cells/ul": 0.001, "10^6/l": 0.001,
}  # fmt: skip
_ENZYME = {"u/l": 1.0, "iu/l": 1.0, "ukat/l": 60.0}
_MASS = {"g/l": 1.0, "g/dl": 10.0, "mg/ml": 1.0}
_ION = {"mmol/l": 1.0, "meq/l": 1.0}

# Kilograms per unit; one jin (斤) is half a kilogram (P12, P32), one pound 0.45359237 kg by definition.
KILOGRAMS: MappingProxyType[str, float] = MappingProxyType(
    {"kg": 1.0, "g": 0.001, "lb": 0.45359237, "jin": 0.5, "斤": 0.5, "公斤": 1.0, "千克": 1.0}
)
# Test code -> SI unit and the factor of each accepted unit to it. Units are compared by their key.
SI_UNITS: MappingProxyType[str, tuple[str, dict[str, float]]] = MappingProxyType({
    "ALT": ("U/L", _ENZYME),
    "AST": ("U/L", _ENZYME),
    "ALP": ("U/L", _ENZYME),
    "GGT": ("U/L", _ENZYME),
    "BILI": ("umol/L", {"umol/l": 1.0, "mg/dl": 17.1, "mg/l": 1.71}),
    "CREAT": ("umol/L", {"umol/l": 1.0, "mmol/l": 1000.0, "mg/dl": 88.4, "mg/l": 8.84}),
    "CREATCLR": ("mL/min", {"ml/min": 1.0, "ml/s": 60.0}),
    "BUN": ("mmol/L", {"mmol/l": 1.0, "mg/dl": 0.357}),
    "UREA": ("mmol/L", {"mmol/l": 1.0, "mg/dl": 0.1665}),
    "HGB": ("g/L", {**_MASS, "mmol/l": 16.1}),
    "ALB": ("g/L", _MASS),
    "PLAT": ("10^9/L", _CELLS),
    "NEUT": ("10^9/L", _CELLS),
    "LYM": ("10^9/L", _CELLS),
    "WBC": ("10^9/L", _CELLS),
    "K": ("mmol/L", _ION),
    "SODIUM": ("mmol/L", _ION),
    "INR": ("1", {"": 1.0, "1": 1.0, "ratio": 1.0, "inr": 1.0}),
})  # fmt: skip


def plain_unit(unit: pd.Series) -> pd.Series:
    """Units as the table spells them: `×10⁹/L`, `x10*9 / L` and `10^9/L` are all `10^9/l`; missing = blank.

    >>> plain_unit(pd.Series(["×10⁹/L", "x10*9 / L", None])).tolist()
    ['10^9/l', '10^9/l', '']
    """
    words = unit.astype("str").fillna("")
    return words.map({text: unit_key(text) for text in words.unique()}).astype("str")


def unit_key(unit: str) -> str:
    """A unit without what its spelling may vary in: case, blanks, the sign of powers, the letter for micro.

    | unit      | key    |
    |-----------|--------|
    | ×10⁹ / L  | 10^9/l |
    | 10E09/L   | 10^9/l |
    | µmol/Litre| umol/l |

    >>> unit_key("10E09/L"), unit_key("µmol/Litre")
    ('10^9/l', 'umol/l')
    """
    key = plain_text(unit).lower().replace(" ", "").replace("μ", "u").replace("*", "^").replace("litre", "l")
    key = re.sub(r"^[x×](?=10)", "", key)
    return re.sub(r"10(?:e|\^+)0?(?=\d)", "10^", key.replace("mm^3", "mm3").replace("m^2", "m2"))


def si_unit(test: pd.Series) -> pd.Series:
    """SI unit of each test code; missing where the code is not in the table.

    >>> si_unit(pd.Series(["BILI", "HGB", "XYZ"])).tolist()
    ['umol/L', 'g/L', nan]
    """
    return test.map({code: unit for code, (unit, _) in SI_UNITS.items()}).astype("str")


def si_factor(test: pd.Series, unit: pd.Series) -> pd.Series:
    """Factor that turns a result of `test` in `unit` into its SI unit; NaN where either is unknown.

    | test | unit  | factor |
    |------|-------|--------|
    | BILI | mg/dL | 17.1   |
    | HGB  | g/dL  | 10     |

    >>> si_factor(pd.Series(["BILI", "HGB", "BILI"]), pd.Series(["mg/dL", "g/dL", "mmHg"])).tolist()
    [17.1, 10.0, nan]
    """
    factors = {(code, name): f for code, (_, units) in SI_UNITS.items() for name, f in units.items()}
    pairs = zip(test.astype("object"), plain_unit(unit), strict=True)
    return pd.Series([factors.get(pair) for pair in pairs], index=test.index, dtype="float64")

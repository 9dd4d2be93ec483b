"""Laboratory units: one table of conversions to SI (domain document §1.4), wherever absolute values are compared."""

from __future__ import annotations

import unicodedata
from types import MappingProxyType

import pandas as pd

_CELLS = {
    "10^9/l": 1.0, "10e9/l": 1.0, "gi/l": 1.0, "10^3/ul": 1.0, "10e3/ul": 1.0, "10^3/mm3": 1.0, "k/ul": 1.0,
    "thou/ul": 1.0, "10^6/ml": 1.0, "10^3/ml": 0.001, "/ul": 0.001, "/mm3": 0.001, "cells/ul": 0.001, "10^6/l": 0.001,
}  # fmt: skip
_ENZYME = {"u/l": 1.0, "iu/l": 1.0, "ukat/l": 60.0}
_MASS = {"g/l": 1.0, "g/dl": 10.0, "mg/ml": 1.0}
_ION = {"mmol/l": 1.0, "meq/l": 1.0}

# Test code -> SI unit and the factor of each accepted unit to it. Units are compared in lower case, without spaces.
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
    """Units as the table spells them: `×10⁹/L`, `x10*9 / L` and `10^9/L` are all `10^9/l`; missing = blank."""
    words = unit.astype("str").fillna("")
    return words.map({text: _plain(text) for text in words.unique()}).astype("str")


def _plain(text: str) -> str:
    # NFKC would flatten the superscript of 10⁹ to a plain 9, so powers are spelled out first.
    powers = text.replace("⁹", "^9").replace("⁶", "^6").replace("³", "^3").replace("¹²", "^12")
    plain = unicodedata.normalize("NFKC", powers).lower().replace(" ", "").replace("μ", "u")
    plain = plain.replace("*", "^").replace("×", "x").removeprefix("x").replace("mm^3", "mm3").replace("litre", "l")
    return plain.replace("^^", "^")


def si_unit(test: pd.Series) -> pd.Series:
    """SI unit of each test code; missing where the code is not in the table."""
    return test.map({code: unit for code, (unit, _) in SI_UNITS.items()}).astype("str")


def si_factor(test: pd.Series, unit: pd.Series) -> pd.Series:
    """Factor that turns a result of `test` in `unit` into its SI unit; NaN where either is unknown.

    | test | unit  | factor |
    |------|-------|--------|
    | BILI | mg/dL | 17.1   |
    | HGB  | g/dL  | 10     |
    """
    factors = {(code, name): f for code, (_, units) in SI_UNITS.items() for name, f in units.items()}
    pairs = zip(test.astype("object"), plain_unit(unit), strict=True)
    return pd.Series([factors.get(pair) for pair in pairs], index=test.index, dtype="float64")

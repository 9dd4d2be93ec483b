"""Creatinine clearance by formula: Cockcroft-Gault for adults, bedside Schwartz for children (A-25, §1.3)."""

from __future__ import annotations

from typing import Any

import numpy as np

ADULT_AGE = 18
UMOL_PER_MG_DL = 88.42  # umol/L of creatinine in 1 mg/dL, as in admiral
_SEX_FACTOR = {"M": 1.0, "F": 0.85}
_SEX_FACTOR_UMOL = {"M": 1.23, "F": 1.04}
# Creatinine in mg/dL: size of each accepted unit (as `trialbook.units.plain_unit` spells it).
MG_DL = {"mg/dl": 1.0, "mg/l": 0.1, "umol/l": 1 / UMOL_PER_MG_DL, "mmol/l": 1000 / UMOL_PER_MG_DL}


def cockcroft_gault(age: Any, weight_kg: Any, creatinine_mg_dl: Any, sex: Any) -> np.ndarray:
    """Clearance in mL/min: (140 - age) x kg x (0.85 if female) / (72 x creatinine in mg/dL), with actual body weight.

    Raises ValueError for an age below 18, where the formula does not hold. NaN where anything is missing.
    """
    _refuse(age, adult=True)
    factor = _by_sex(sex, _SEX_FACTOR)
    years, kilograms, creatinine = (np.asarray(x, dtype="float64") for x in (age, weight_kg, creatinine_mg_dl))
    return (140 - years) * kilograms * factor / (72 * creatinine)


def cockcroft_gault_umol(age: Any, weight_kg: Any, creatinine_umol_l: Any, sex: Any) -> np.ndarray:
    """The same from creatinine in umol/L with its own rounded factors (1.23, 1.04); differs by less than 1%."""
    _refuse(age, adult=True)
    factor = _by_sex(sex, _SEX_FACTOR_UMOL)
    years, kilograms, creatinine = (np.asarray(x, dtype="float64") for x in (age, weight_kg, creatinine_umol_l))
    return (140 - years) * kilograms * factor / creatinine


def bedside_schwartz(age: Any, height_cm: Any, creatinine_mg_dl: Any) -> np.ndarray:
    """eGFR in mL/min/1.73 m2: 0.413 x height / creatinine in mg/dL (Schwartz 2009).

    Raises ValueError for an age of 18 or more. NaN where anything is missing.
    """
    _refuse(age, adult=False)
    return 0.413 * np.asarray(height_cm, dtype="float64") / np.asarray(creatinine_mg_dl, dtype="float64")


def bedside_schwartz_umol(age: Any, height_cm: Any, creatinine_umol_l: Any) -> np.ndarray:
    """The same from creatinine in umol/L with its own rounded factor (36.5)."""
    _refuse(age, adult=False)
    return 36.5 * np.asarray(height_cm, dtype="float64") / np.asarray(creatinine_umol_l, dtype="float64")


def deindexed(egfr: Any, height_cm: Any, weight_kg: Any) -> np.ndarray:
    """mL/min from mL/min/1.73 m2, with the body surface of Mosteller: sqrt(cm x kg / 3600) (A-36)."""
    height, weight = np.asarray(height_cm, dtype="float64"), np.asarray(weight_kg, dtype="float64")
    return np.asarray(egfr, dtype="float64") * np.sqrt(height * weight / 3600) / 1.73


def _refuse(age: Any, *, adult: bool) -> None:
    years = np.asarray(age, dtype="float64")
    if adult and np.any(years < ADULT_AGE):
        raise ValueError("Cockcroft-Gault was given an age below 18; children need the Schwartz formula")
    if not adult and np.any(years >= ADULT_AGE):
        raise ValueError("the Schwartz formula was given an age of 18 or more; adults need Cockcroft-Gault")


def _by_sex(sex: Any, factors: dict[str, float]) -> np.ndarray:
    texts = np.atleast_1d(np.asarray(sex, dtype="object"))
    found = np.array([factors.get(text, np.nan) for text in texts], dtype="float64")
    return found if np.ndim(sex) else found[0]

"""CTCAE v5.0 grades of laboratory results: the rules of domain document §3.2 applied to the table of limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialbook.safety.anticoagulation import OFF, ON
from trialbook.safety.ctcae_table import TERMS, Limit, Term

# Both sides of a comparison are rounded to these digits, so that 3 x 0.7 is not above 2.1 (A-13; admiral signif_dig).
SIGNIFICANT_DIGITS = 10
# "<50" is a value just below 50: enough to be on its side of a limit, too little to change any digit shown.
_JUST_BESIDE = 1e-6
_Floats = npt.NDArray[np.float64]
Graded = tuple[_Floats, npt.NDArray[np.object_], npt.NDArray[np.bool_]]


def lab_grades(results: pd.DataFrame) -> pd.DataFrame:
    """ATOXGRL, ATOXGRH (Int64, 0 to 4, missing = not evaluable), ATOXDRV and CLINFL of each result.

    Columns in: PARAMCD AVAL AVALOP ANRLO ANRHI BASE BASEHI (bool: baseline above its ULN), values in SI units; ANTICOFL
    (Y, N, blank = not known; without the column it is not known) for INR.

    - Grade 0: every limit of the term could be compared and none was crossed.
    - A limit whose reference is missing cannot be crossed: LLN missing leaves grade 1 of a cytopenia open, its absolute
      grades 2 to 4 stand. A term of multiples of ULN is not evaluable without ULN.
    - Baseline above ULN: multiples of the baseline replace those of ULN; an unknown baseline counts as normal.
    - "<x" and ">x": graded at the bound where the bound decides or the value lies beyond it on the worse side (then
      the grade is "at least"); else not evaluable (A-14).
    - ATOXDRV: the reference that gave the grade (ULN, LLN, BASE, ABS); CLINFL: Y where only the worse clinical case
      gives it (A-63).
    """
    grades = {direction: np.full(len(results), np.nan) for direction in "LH"}
    driver, clinical = (np.full(len(results), "", dtype=object) for _ in range(2))
    used = results[["AVAL", "AVALOP", "ANRLO", "ANRHI", "BASE", "BASEHI"]].assign(ANTICOFL=results.get("ANTICOFL", ""))
    rows_of_test = results.groupby("PARAMCD").indices
    for term in TERMS:
        rows = rows_of_test.get(term.test)
        if rows is None:
            continue
        grade, reference, by_case = _grade_term(used.iloc[rows], term)
        grades[term.direction][rows] = grade
        crossed = grade > 0
        driver[rows[crossed]], clinical[rows[crossed]] = reference[crossed], np.where(by_case, "Y", "")[crossed]
    return pd.DataFrame({
        **{f"ATOXGR{direction}": pd.array(grade, dtype="Int64") for direction, grade in grades.items()},
        "ATOXDRV": pd.array(driver, dtype="str"), "CLINFL": pd.array(clinical, dtype="str"),
    }, index=results.index)  # fmt: skip


def _grade_term(rows: pd.DataFrame, term: Term) -> Graded:
    by_normal = _apply(rows, term.normal, term.direction)
    if term.treated:
        return _by_treatment(rows, term, by_normal)
    if not term.abnormal:
        return by_normal
    by_baseline = _apply(rows, term.abnormal, term.direction)
    high = rows["BASEHI"].to_numpy(dtype=bool)
    grade, driver, clinical = (np.where(high, new, old) for new, old in zip(by_baseline, by_normal, strict=True))
    return grade, driver, clinical


def _by_treatment(rows: pd.DataFrame, term: Term, without: Graded) -> Graded:
    """The grade under the anticoagulant, without it, or the worse of both where that is not known."""
    either = tuple(replace(limit, clinical=True) for limit in term.treated)
    under = _apply(rows, term.treated, term.direction)
    worse = _apply(rows, (*term.normal, *either), term.direction)
    state = rows["ANTICOFL"].to_numpy(dtype=object)
    grade, driver, clinical = (
        np.where(state == ON, on, np.where(state == OFF, off, both))
        for on, off, both in zip(under, without, worse, strict=True)
    )
    return grade, driver, clinical


def _apply(rows: pd.DataFrame, limits: tuple[Limit, ...], direction: str) -> Graded:
    """Grade (NaN = not evaluable), reference that gave it, and whether only the worse case does: the highest limit."""
    value = _comparable(rows)
    grade = np.zeros(len(rows), dtype="int64")
    references: dict[str, _Floats] = {
        "ULN": rows["ANRHI"].to_numpy("float64"),
        "LLN": rows["ANRLO"].to_numpy("float64"),
        "BASE": rows["BASE"].to_numpy("float64"),
        "ABS": np.ones(len(rows)),
    }
    driver = np.full(len(rows), "", dtype=object)
    clinical = np.zeros(len(rows), dtype=bool)
    for limit in sorted(limits, key=lambda one: one.grade):
        crossed = _crosses(value, limit.sign, significant(references[limit.reference] * limit.factor))
        higher, level = crossed & (limit.grade > grade), crossed & (limit.grade == grade)
        driver = np.where(higher, limit.reference, np.where(level, driver + "+" + limit.reference, driver))
        clinical = np.where(higher, limit.clinical, np.where(level, clinical & limit.clinical, clinical))
        grade = np.where(higher, limit.grade, grade)
    used = {limit.reference for limit in limits}
    present = np.all([~np.isnan(references[name]) for name in used], axis=0)
    known = ~np.isnan(value) & (present | (grade > 0))
    if "ULN" in used and "ABS" not in used:
        # A term of ratios only is not evaluable without its ULN, whatever another reference says.
        known &= ~np.isnan(references["ULN"])
    known &= _bound_decides(rows, direction, grade)
    return np.where(known, grade, np.nan), driver, clinical


def _crosses(value: _Floats, sign: str, limit: _Floats) -> npt.NDArray[np.bool_]:
    if sign == ">":
        return value > limit
    return value >= limit if sign == ">=" else value < limit


def _comparable(rows: pd.DataFrame) -> _Floats:
    """The value to compare: rounded; a censored one is taken just beyond its bound."""
    value = rows["AVAL"].to_numpy("float64")
    sign = rows["AVALOP"].to_numpy(dtype=object)
    beside = np.where(sign == "<", 1 - _JUST_BESIDE, np.where(sign == ">", 1 + _JUST_BESIDE, 1.0))
    return significant(value * beside)


def _bound_decides(rows: pd.DataFrame, direction: str, grade: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """False where a censored value points away from the worse side and its bound is not already grade 0."""
    away = rows["AVALOP"].to_numpy(dtype=object) == ("<" if direction == "H" else ">")
    return ~away | (grade == 0)


def significant(value: _Floats, digits: int = SIGNIFICANT_DIGITS) -> _Floats:
    """Values rounded to significant digits; missing stays missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.floor(np.log10(np.abs(value)))
        scale = 10.0 ** (digits - 1 - power)
        rounded = np.round(value * scale) / scale
    return np.where((value == 0) | ~np.isfinite(rounded), value, rounded)

"""Comparisons with a limit that neither floating-point noise nor a censored value can turn (A-13, A-14)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.eligibility.findings import FAIL, NE, PASS

_DIGITS = 10


def significant(values: pd.Series) -> pd.Series:
    """Each number with 10 significant digits, so that 2.0000000001 x ULN is 2 x ULN (A-13)."""
    rounded = [float(f"{value:.{_DIGITS}g}") for value in values.astype("float64")]
    return pd.Series(rounded, index=values.index, dtype="float64")


def excluded_above(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is above the limit; a value equal to it passes.

    `sign` is "<" or ">" for a censored value, which is judged by its bound; NE where the bound does not decide, or
    where the value is missing (A-14).
    """
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number > bound, FAIL, PASS)
    below = np.where(number <= bound, PASS, NE)
    over = np.where(number >= bound, FAIL, NE)
    return _by_sign(number, sign, exact, below, over)


def excluded_at_or_below(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is at the limit or below; otherwise as `excluded_above`."""
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number <= bound, FAIL, PASS)
    below = np.where(number <= bound, FAIL, NE)
    over = np.where(number >= bound, PASS, NE)
    return _by_sign(number, sign, exact, below, over)


def excluded_below(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is below the limit; a value equal to it passes; otherwise as `excluded_above`."""
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number < bound, FAIL, PASS)
    below = np.where(number <= bound, FAIL, NE)
    over = np.where(number >= bound, PASS, NE)
    return _by_sign(number, sign, exact, below, over)


def _by_sign(number: pd.Series, sign: pd.Series, exact: np.ndarray, below: np.ndarray, over: np.ndarray) -> pd.Series:
    first = sign.fillna("").str[:1]
    result = np.where(first == "<", below, np.where(first == ">", over, exact))
    return pd.Series(np.where(number.isna(), NE, result), index=number.index, dtype="str")

"""Comparisons of values with a limit (A-13, A-14), and typed reading of a criterion's parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.eligibility.criterion_results import FAIL, NE, PASS
from trialbook.protocol.criteria import Criterion

# ----------------------------------------------------------------------------------------------------
# Comparisons with a limit that neither floating-point noise nor a censored value can turn.


_DIGITS = 10


def significant(values: pd.Series) -> pd.Series:
    """Each number with 10 significant digits, so that 2.0000000001 x ULN is 2 x ULN (A-13).

    >>> significant(pd.Series([3 * 1.1])).tolist()
    [3.3]
    """
    rounded = [float(f"{value:.{_DIGITS}g}") for value in values.astype("float64")]
    return pd.Series(rounded, index=values.index, dtype="float64")


def excluded_above(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is above the limit; a value equal to it passes.

    `sign` is "<" or ">" for a censored value, which is judged by its bound; NE where the bound does not decide, or
    where the value is missing (A-14).

    >>> excluded_above(pd.Series([2.0, 2.1, 3.0, float("nan")]), pd.Series(["", "", "<", ""]), 2.0).tolist()
    ['PASS', 'FAIL', 'NE', 'NE']
    """
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number > bound, FAIL, PASS)
    below = np.where(number <= bound, PASS, NE)
    over = np.where(number >= bound, FAIL, NE)
    return _by_sign(number, sign, exact, below, over)


def excluded_at_or_below(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is at the limit or below; otherwise as `excluded_above`.

    >>> excluded_at_or_below(pd.Series([30.0, 31.0, 30.0]), pd.Series(["", "", ">"]), 30.0).tolist()
    ['FAIL', 'PASS', 'PASS']
    """
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number <= bound, FAIL, PASS)
    below = np.where(number <= bound, FAIL, NE)
    over = np.where(number >= bound, PASS, NE)
    return _by_sign(number, sign, exact, below, over)


def excluded_below(value: pd.Series, sign: pd.Series, limit: float) -> pd.Series:
    """FAIL where the value is below the limit; a value equal to it passes; otherwise as `excluded_above`.

    >>> excluded_below(pd.Series([30.0, 29.0, 40.0]), pd.Series(["", "", "<"]), 30.0).tolist()
    ['PASS', 'FAIL', 'NE']
    """
    number, bound = significant(value), float(f"{limit:.{_DIGITS}g}")
    exact = np.where(number < bound, FAIL, PASS)
    below = np.where(number <= bound, FAIL, NE)
    over = np.where(number >= bound, PASS, NE)
    return _by_sign(number, sign, exact, below, over)


def _by_sign(number: pd.Series, sign: pd.Series, exact: np.ndarray, below: np.ndarray, over: np.ndarray) -> pd.Series:
    first = sign.fillna("").str[:1]
    result = np.where(first == "<", below, np.where(first == ">", over, exact))
    return pd.Series(np.where(number.isna(), NE, result), index=number.index, dtype="str")


# ----------------------------------------------------------------------------------------------------


def parameter(criterion: Criterion, name: str) -> Any:
    """A parameter as written in the protocol file; raises UsageError when the criterion lacks it."""
    if name not in criterion.parameters:
        raise UsageError(
            f"the criterion {criterion.id} lacks the parameter {name}, which its check {criterion.check} needs",
            file="protocol file", column=f"criteria.{criterion.id}.parameters.{name}", next_step="add the parameter",
        )  # fmt: skip
    return criterion.parameters[name]


def number(criterion: Criterion, name: str) -> float:
    """A parameter as a number; raises UsageError when it is none."""
    value = parameter(criterion, name)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a number", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", value=value, next_step="correct the value",
        ) from None  # fmt: skip


def words(criterion: Criterion, name: str) -> list[str]:
    """A parameter as a list of words; raises UsageError when it is none."""
    value = parameter(criterion, name)
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a list of words", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write it as [word, word]",
        )  # fmt: skip
    return value


def text(criterion: Criterion, name: str) -> str:
    """A parameter as one word or more; raises UsageError when it is a list or blank."""
    value = parameter(criterion, name)
    if not isinstance(value, str) or not value:
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a word", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write one word",
        )  # fmt: skip
    return value


def lists(criterion: Criterion, name: str) -> dict[str, list[str]]:
    """A parameter as lists of words by name; raises UsageError when it is none."""
    value = parameter(criterion, name)
    entries = list(value.items()) if isinstance(value, dict) else [("", None)]
    if not all(isinstance(named, list) and all(isinstance(word, str) for word in named) for _, named in entries):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not made of lists of words", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write it as name: [word, word]",
        )  # fmt: skip
    return dict(entries)

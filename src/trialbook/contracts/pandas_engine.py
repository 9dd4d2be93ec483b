"""Evaluates compiled rules with pandas alone: the same verdicts as Great Expectations, without its seconds of import.

Serves those who cannot wait (`trialbook check`) and those who must not import it (the cleaning notebook). The gate
between the steps of a build is Great Expectations; tests hold both to the same verdicts on the same data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from trialbook.contracts.compile import Rule
from trialbook.contracts.gx_engine import MAX_RECORDS, Failure, Verdict, failure_of, named_record
from trialbook.core.errors import UsageError

Kwargs = Mapping[str, Any]
_COMPARE: Mapping[str, Callable[[pd.Series, Any], pd.Series]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "IN": lambda values, wanted: values.isin(wanted),
    "NOT_IN": lambda values, wanted: ~values.isin(wanted),
}  # fmt: skip


def evaluate_quickly(dataset: str, frame: pd.DataFrame, rules: list[Rule], keys: list[str]) -> Verdict:
    """The verdict of the rules over the frame, as `gx_engine.evaluate` gives it; raises UsageError likewise."""
    if not rules:
        raise UsageError("the contract has no rule, so it cannot pass", file=f"data_contracts/{dataset}.yaml")
    failures = [failure for rule in rules for failure in _failures(dataset, frame, rule, keys)]
    return Verdict(dataset, len(frame), [rule.name for rule in rules], failures)


def _failures(dataset: str, frame: pd.DataFrame, rule: Rule, keys: list[str]) -> list[Failure]:
    kwargs = rule.kwargs
    if rule.expectation == "expect_table_row_count_to_be_between":
        return [failure_of(rule, 0, [])] if len(frame) < kwargs["min_value"] else []
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    if not {*named, *kwargs.get("column_list", [])} <= set(frame.columns):
        return [failure_of(rule, 0, [])]
    if rule.expectation == "expect_column_to_exist":
        return []
    broken = _BROKEN.get(rule.expectation)
    if broken is None:
        raise UsageError(
            f"there is no quick way to evaluate {rule.expectation}", file=f"data_contracts/{dataset}.yaml",
            rule=rule.name,
        )  # fmt: skip
    concerned = pd.Series(True, index=frame.index)
    if "row_condition" in kwargs:
        concerned = _holds(frame, kwargs["row_condition"])
    found = concerned.to_numpy() & broken(frame, kwargs).fillna(False).to_numpy(dtype=bool)
    positions = [int(k) for k in found.nonzero()[0]]
    if not positions:
        return []
    return [failure_of(rule, len(positions), [named_record(frame, k, keys) for k in positions[:MAX_RECORDS]])]


def _holds(frame: pd.DataFrame, condition: Kwargs) -> pd.Series:
    """Whether a row condition holds for each record."""
    if condition["type"] in ("and", "or"):
        parts = [_holds(frame, part) for part in condition["conditions"]]
        join = operator.and_ if condition["type"] == "and" else operator.or_
        whole = parts[0]
        for part in parts[1:]:
            whole = join(whole, part)
        return whole
    values = frame[condition["column"]["name"]]
    if condition["type"] == "nullity":
        return values.isna() if condition["is_null"] else values.notna()
    held = _COMPARE[condition["operator"]](values, condition["parameter"]).fillna(False).astype(bool)
    # A missing value is not among others, and not equal to anything: so does Great Expectations read it.
    return held | values.isna() if condition["operator"] in ("!=", "NOT_IN") else held & values.notna()


def _outside(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    values = frame[kwargs["column"]]
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    outside = pd.Series(False, index=frame.index)
    if low is not None:
        outside |= (values < low).fillna(False).astype(bool)
    if high is not None:
        outside |= (values > high).fillna(False).astype(bool)
    return outside


def _not_greater(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    a, b = frame[kwargs["column_A"]], frame[kwargs["column_B"]]
    wrong = (a < b) if kwargs.get("or_equal") else (a <= b)
    return wrong.fillna(False).astype(bool) & a.notna() & b.notna()


def _not_equal(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    a, b = frame[kwargs["column_A"]], frame[kwargs["column_B"]]
    return (a != b) & a.notna() & b.notna()


def _repeated_keys(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    keys = frame[kwargs["column_list"]]
    complete = keys.notna().all(axis=1)
    return keys.duplicated(keep=False) & complete


def _no_match(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    values = frame[kwargs["column"]]
    return values.notna() & ~values.astype("str").str.contains(kwargs["regex"]).fillna(True).astype(bool)


def _match(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    values = frame[kwargs["column"]]
    return values.notna() & values.astype("str").str.contains(kwargs["regex"]).fillna(False).astype(bool)


def _not_in_set(frame: pd.DataFrame, kwargs: Kwargs) -> pd.Series:
    values = frame[kwargs["column"]]
    return values.notna() & ~values.isin(kwargs["value_set"])


_BROKEN: Mapping[str, Callable[[pd.DataFrame, Kwargs], pd.Series]] = {
    "expect_column_values_to_not_be_null": lambda frame, kwargs: frame[kwargs["column"]].isna(),
    "expect_column_values_to_be_null": lambda frame, kwargs: frame[kwargs["column"]].notna(),
    "expect_column_values_to_be_in_set": _not_in_set,
    "expect_column_values_to_not_be_in_set": lambda frame, kwargs: frame[kwargs["column"]].isin(kwargs["value_set"]),
    "expect_column_values_to_match_regex": _no_match,
    "expect_column_values_to_not_match_regex": _match,
    "expect_column_values_to_be_unique": lambda frame, kwargs: (
        frame[kwargs["column"]].duplicated(keep=False) & frame[kwargs["column"]].notna()
    ),
    "expect_compound_columns_to_be_unique": _repeated_keys,
    "expect_column_values_to_be_between": _outside,
    "expect_column_pair_values_a_to_be_greater_than_b": _not_greater,
    "expect_column_pair_values_to_be_equal": _not_equal,
}

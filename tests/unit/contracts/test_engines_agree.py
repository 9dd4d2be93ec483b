"""The quick engine and Great Expectations say the same of every kind of rule, on values that tempt them to differ."""

from __future__ import annotations

import pandas as pd
import pytest

from trialbook.contracts.compile import Rule
from trialbook.contracts.gx_engine import evaluate
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.errors import UsageError


def dates(*days: str | None) -> pd.DatetimeIndex:
    return pd.to_datetime(list(days)).astype("datetime64[s]")


TABLE = pd.DataFrame(
    {
        "ID": pd.Series(["a", "a", None, None, "", "b"], dtype="str"),
        "N": pd.array([1, 1, 2, None, 5, 0], dtype="Int64"),
        "X": [0.5, None, -1.0, 7.0, 2.0, 2.0],
        "Y": [0.5, 1.0, None, 6.0, 3.0, 1.0],
        "D": dates("2025-01-01", None, "2025-02-01", "2025-01-05", "2025-01-01", None),
        "E": dates("2025-01-01", "2025-01-02", None, "2025-01-06", "2024-12-31", None),
        "T": pd.Series(["2025-01-02", "2025-1-2", "", None, "x2025-01-02y", "2025"], dtype="str"),
    },
    index=pd.Index(range(2, 8), name="ROW"),
)  # fmt: skip
IGNORE = {"ignore_row_if": "either_value_is_missing"}


def when(column: str, operator: str, parameter: object) -> dict[str, object]:
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


def filled(column: str, *, missing: bool = False) -> dict[str, object]:
    return {"type": "nullity", "column": {"name": column}, "is_null": missing}


RULES = {
    "expect_table_row_count_to_be_between": [{"min_value": 6}, {"min_value": 7}],
    "expect_column_to_exist": [{"column": "ID"}, {"column": "NOPE"}],
    "expect_column_values_to_not_be_null": [
        {"column": "ID"}, {"column": "N"}, {"column": "D"}, {"column": "NOPE"},
        {"column": "X", "row_condition": when("N", ">", 0)},
        {"column": "Y", "row_condition": {"type": "and", "conditions": [when("N", ">", 0), filled("ID")]}},
        {"column": "X",
         "row_condition": {"type": "or", "conditions": [when("ID", "==", "a"), filled("T", missing=True)]}},
    ],
    "expect_column_values_to_be_null": [{"column": "X", "row_condition": filled("ID", missing=True)}, {"column": "T"}],
    "expect_column_values_to_be_in_set": [
        {"column": "ID", "value_set": ["a", "b"]}, {"column": "N", "value_set": [1, 2]},
        {"column": "ID", "value_set": ["a"], "row_condition": when("N", "IN", [1, 5])},
        {"column": "ID", "value_set": ["a"], "row_condition": when("N", "NOT_IN", [1, 5])},
    ],
    "expect_column_values_to_not_be_in_set": [{"column": "N", "value_set": [0]}, {"column": "ID", "value_set": [""]}],
    "expect_column_values_to_match_regex": [{"column": "T", "regex": r"^[0-9]{4}(?:-[0-9]{2}){0,2}$"}],
    "expect_column_values_to_not_match_regex": [{"column": "T", "regex": r"^x"}],
    "expect_column_values_to_be_unique": [{"column": "ID"}, {"column": "N"}, {"column": "X"}],
    "expect_compound_columns_to_be_unique": [{"column_list": ["ID", "N"], "ignore_row_if": "any_value_is_missing"}],
    "expect_column_values_to_be_between": [
        {"column": "X", "min_value": 0, "max_value": 5}, {"column": "N", "min_value": 1},
        {"column": "X", "max_value": 0},
    ],
    "expect_column_pair_values_a_to_be_greater_than_b": [
        {"column_A": "X", "column_B": "Y", "or_equal": True, **IGNORE}, {"column_A": "X", "column_B": "Y", **IGNORE},
        {"column_A": "E", "column_B": "D", "or_equal": True, **IGNORE},
        {"column_A": "X", "column_B": "Y", **IGNORE, "row_condition": when("ID", "!=", "a")},
    ],
    "expect_column_pair_values_to_be_equal": [
        {"column_A": "X", "column_B": "Y", **IGNORE}, {"column_A": "D", "column_B": "E", **IGNORE},
    ],
}  # fmt: skip
CASES = [
    Rule(f"{kind} {k}", "", "warning", "it holds", kind, kwargs)
    for kind, many in RULES.items()
    for k, kwargs in enumerate(many)
]


@pytest.mark.parametrize("rule", CASES, ids=[rule.name for rule in CASES])
def test_both_engines_give_one_verdict(rule: Rule) -> None:
    assert evaluate_quickly("raw/t", TABLE, [rule], ["ID"]) == evaluate("raw/t", TABLE, [rule], ["ID"])


def test_a_table_without_records_is_judged_alike() -> None:
    for rule in CASES:
        nothing = TABLE.iloc[:0]
        assert evaluate_quickly("raw/t", nothing, [rule], []) == evaluate("raw/t", nothing, [rule], []), rule.name


def test_a_rule_that_the_quick_engine_does_not_know_is_an_error_not_a_pass() -> None:
    unknown = Rule("r", "", "critical", "it holds", "expect_column_median_to_be_between", {"column": "X"})
    with pytest.raises(UsageError, match="no quick way"):
        evaluate_quickly("raw/t", TABLE, [unknown], [])
    with pytest.raises(UsageError, match="no rule"):
        evaluate_quickly("raw/t", TABLE, [], [])

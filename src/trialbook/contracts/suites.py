"""Compiles a contract into rules that Great Expectations can evaluate; imports nothing slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialbook.contracts.odcs import Column, Contract, QualityRule, Severity

# A trial without a screened subject has nothing to report; every other dataset may be empty, and then says so.
NEVER_EMPTY = ("dm", "adsl")
# Complete or partial ISO 8601, anchored at both ends since expectations are not.
ISO_8601 = r"^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)?)?)?$"


@dataclass(frozen=True)
class Rule:
    """One rule to evaluate: its id, the expectation and what a failure means."""

    name: str
    column: str
    severity: Severity
    description: str
    expectation: str
    kwargs: dict[str, Any] = field(default_factory=dict)


def compile_rules(
    contract: Contract, kind: str, endpoints: list[str], datasets: Mapping[str, pd.DataFrame]
) -> list[Rule]:
    """The rules of a contract for a trial with these endpoints.

    From the structure: a row-count rule (so that no suite is empty), presence of needed columns, required values,
    uniqueness of the key, code lists, ISO dates in text columns; then the rules written in the file. `datasets` gives
    the values of references to other datasets of the same build; a rule that refers to a dataset that was not
    delivered is left out, since there is nothing to compare with.
    """
    dataset = contract.dataset
    minimum = 1 if dataset.name in NEVER_EMPTY else 0
    rules = [
        Rule(
            f"{dataset.name}.row_count", "", "critical", f"{dataset.name} has at least {minimum} rows",
            "expect_table_row_count_to_be_between", {"min_value": minimum},
        )
    ]  # fmt: skip
    for column in dataset.properties:
        rules += _structural_rules(dataset.name, column, kind, endpoints)
    if dataset.keys:
        rules.append(_key_rule(dataset.name, dataset.keys))
    written = [*dataset.quality, *(rule for column in dataset.properties for rule in column.quality)]
    rules += [rule for rule in (_written_rule(entry, datasets) for entry in written) if rule is not None]
    return rules


def _structural_rules(dataset: str, column: Column, kind: str, endpoints: list[str]) -> list[Rule]:
    name, rules = column.name, []
    needed = column.needed_for(endpoints) or kind != "raw"
    if needed:
        rules.append(
            Rule(f"{dataset}.{name}.present", name, "critical", f"the column {name} is delivered",
                 "expect_column_to_exist", {"column": name})
        )  # fmt: skip
    if column.required and needed:
        rules.append(
            Rule(f"{dataset}.{name}.required", name, "critical", f"{name} has a value in every record",
                 "expect_column_values_to_not_be_null", {"column": name})
        )  # fmt: skip
    codes = column.custom("codelist")
    if codes:
        rules.append(
            Rule(f"{dataset}.{name}.codelist", name, column.custom("codelistSeverity") or "warning",
                 f"{name} is one of {', '.join(code or 'blank' for code in codes)}",
                 "expect_column_values_to_be_in_set", {"column": name, "value_set": codes})
        )  # fmt: skip
    if column.logicalType == "date" and kind != "analysis":
        rules.append(
            Rule(f"{dataset}.{name}.iso8601", name, "warning", f"{name} is a complete or partial ISO 8601 date",
                 "expect_column_values_to_match_regex", {"column": name, "regex": ISO_8601})
        )  # fmt: skip
    return rules


def _key_rule(dataset: str, keys: list[str]) -> Rule:
    name, text = f"{dataset}.key", f"{' + '.join(keys)} names one record"
    if len(keys) == 1:
        return Rule(name, keys[0], "critical", text, "expect_column_values_to_be_unique", {"column": keys[0]})
    return Rule(
        name, "", "critical", text, "expect_compound_columns_to_be_unique",
        {"column_list": keys, "ignore_row_if": "any_value_is_missing"},
    )  # fmt: skip


def _written_rule(rule: QualityRule, datasets: Mapping[str, pd.DataFrame]) -> Rule | None:
    kwargs = dict(rule.implementation.kwargs)
    reference = kwargs.get("value_set")
    if isinstance(reference, dict):
        other = datasets.get(reference["dataset"])
        if other is None or reference["column"] not in other.columns:
            return None
        kwargs["value_set"] = sorted(other[reference["column"]].dropna().astype("str").unique())
    column = kwargs.get("column") or kwargs.get("column_A") or ""
    return Rule(rule.name, column, rule.severity, rule.description, rule.implementation.type, kwargs)

"""Compiles a contract into rules that Great Expectations can evaluate; imports nothing slow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialbook.contracts.lookups import COLUMN_KEYS, Lookup, codes_of, parse_lookup
from trialbook.contracts.odcs import Column, Contract, Over, QualityRule, Severity
from trialbook.queries.rule_texts import Phrase, Texts

TEXTS = Texts("queries/texts/contracts.yaml")
# Complete or partial ISO 8601, anchored at both ends since expectations are not.
ISO_8601 = r"^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)?)?)?$"


@dataclass(frozen=True)
class Rule:
    """One rule to evaluate: its id, the expectation and what a failure means.

    `asked_as` names the query rule by which the workbook asks the same with more care; such a failure is a verdict
    and no second query.
    """

    name: str
    column: str
    severity: Severity
    description: str
    expectation: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    chinese: str = ""
    asked_as: str = ""


@dataclass(frozen=True)
class Suite:
    """The rules of one dataset, the columns they look up elsewhere, and the rules that could not be evaluated.

    `elsewhere`: the rules about the records of other datasets, one part for each choice of records.
    """

    rules: list[Rule]
    lookups: list[Lookup]
    skipped: list[str]
    elsewhere: list[Elsewhere] = field(default_factory=list)


@dataclass(frozen=True)
class Elsewhere:
    """Rules about the records that `over` chooses, those records, and the columns that the rules look up."""

    over: Over
    records: pd.DataFrame
    rules: list[Rule]
    lookups: list[Lookup]


def compile_rules(
    contract: Contract,
    kind: str,
    endpoints: list[str],
    datasets: Mapping[str, pd.DataFrame],
    keys: Mapping[str, Any] | None = None,
) -> Suite:
    """The rules of a contract for a trial with these endpoints, under these analysis keys.

    From the structure: a row-count rule (so that no suite is empty), presence of needed columns, required values,
    uniqueness of the key, code lists, ISO dates in text columns; then the rules written in the file. `datasets` gives
    the datasets of the same build, which rules may refer to; a rule that needs one that was not delivered is skipped,
    and the suite says so: there is nothing to compare with.
    """
    dataset = contract.dataset
    # Any dataset may be empty, DM too before the first consent; what refers to a missing subject breaks a rule.
    said = TEXTS.phrase("ROW-COUNT", dataset=dataset.name)
    rules = [
        Rule(
            f"{dataset.name}.row_count", "", "critical", said.english,
            "expect_table_row_count_to_be_between", {"min_value": 0}, said.chinese,
        )
    ]  # fmt: skip
    frame = datasets.get(dataset.name, pd.DataFrame())
    unknown: list[str] = []
    for column in dataset.properties:
        codes = codes_of(column.custom("codelist"), datasets)
        there = column.name in frame.columns
        rules += _structural_rules(dataset.name, column, kind, endpoints, codes or [], there=there)
        if codes is None:
            unknown.append(f"{dataset.name}.{column.name}.codelist: there is no protocol to take it from")
    if dataset.keys:
        rules.append(_key_rule(dataset.name, dataset.keys))
    written = _Written(frame, datasets, endpoints, keys or {})
    for entry in dataset.rules:
        written.add(entry)
    return Suite(
        [*rules, *written.rules],
        list(dict.fromkeys(written.lookups)),
        [*unknown, *written.skipped],
        written.elsewhere(),
    )


def _structural_rules(
    dataset: str, column: Column, kind: str, endpoints: list[str], codes: list[str], *, there: bool
) -> Iterator[Rule]:  # fmt: skip
    name = column.name
    needed = column.needed_for(endpoints) or (kind != "raw" and not column.optional)
    if needed:
        said = TEXTS.phrase("PRESENT", column=name)
        yield Rule(
            f"{dataset}.{name}.present", name, "critical", said.english,
            "expect_column_to_exist", {"column": name}, said.chinese,
        )  # fmt: skip
    if column.required and needed:
        said = TEXTS.phrase("REQUIRED", column=name)
        yield Rule(
            f"{dataset}.{name}.required", name, "critical", said.english,
            "expect_column_values_to_not_be_null", {"column": name}, said.chinese,
        )  # fmt: skip
    if codes and (needed or there):
        shown = Phrase.join([code or TEXTS.phrase("BLANK") for code in codes], ", ", "、")
        said = TEXTS.phrase("CODE-LIST", column=name, codes=shown)
        yield Rule(
            f"{dataset}.{name}.codelist", name, column.custom("codelistSeverity") or "warning",
            said.english, "expect_column_values_to_be_in_set", {"column": name, "value_set": codes}, said.chinese,
        )  # fmt: skip
    if column.logicalType == "date" and kind != "analysis" and (needed or there):
        said = TEXTS.phrase("ISO-DATE", column=name)
        yield Rule(
            f"{dataset}.{name}.iso8601", name, "warning", said.english,
            "expect_column_values_to_match_regex", {"column": name, "regex": ISO_8601}, said.chinese,
        )  # fmt: skip


def _key_rule(dataset: str, keys: list[str]) -> Rule:
    name, (text, chinese) = f"{dataset}.key", TEXTS.phrase("KEY", columns=" + ".join(keys))
    if len(keys) == 1:
        return Rule(name, keys[0], "critical", text, "expect_column_values_to_be_unique", {"column": keys[0]}, chinese)
    return Rule(
        name, "", "critical", text, "expect_compound_columns_to_be_unique",
        {"column_list": keys, "ignore_row_if": "any_value_is_missing"}, chinese,
    )  # fmt: skip


class _Written:
    """The rules written in a contract file, with their references to other datasets resolved."""

    def __init__(
        self,
        frame: pd.DataFrame,
        datasets: Mapping[str, pd.DataFrame],
        endpoints: list[str],
        keys: Mapping[str, Any],
    ) -> None:
        self._frame, self._datasets, self._endpoints, self._keys = frame, datasets, endpoints, keys
        self.rules: list[Rule] = []
        self.lookups: list[Lookup] = []
        self.skipped: list[str] = []
        self._over: dict[str, Elsewhere] = {}

    def elsewhere(self) -> list[Elsewhere]:
        """The rules about the records of other datasets."""
        return [part for part in self._over.values() if part.rules]

    def _part(self, over: Over) -> Elsewhere:
        """The part for one choice of records; many rules are about the same ones."""
        name = over.model_dump_json()
        if name not in self._over:
            self._over[name] = Elsewhere(over, chosen_records(over, self._datasets), [], [])
        return self._over[name]

    def _not_meant(self, entry: QualityRule) -> str:
        """Why a rule does not concern this trial, or blank."""
        how = entry.implementation
        if how.endpoint and how.endpoint not in self._endpoints:
            return f"{how.endpoint} is not an endpoint of this trial"
        other = next((name for name, value in how.keys.items() if self._keys.get(name) != value), "")
        if other:
            return f"it is for {other} {how.keys[other]}"
        absent = [name for name in [*how.needs, *_named_by(how.over)] if name not in self._datasets]
        if how.over and not absent:
            columns = self._datasets[how.over.dataset].columns
            absent = [f"{how.over.dataset}.{name}" for name in how.over.where if name not in columns]
        return f"there is no {absent[0]}" if absent else ""

    def add(self, entry: QualityRule) -> None:
        """Compiles one rule, or notes why it cannot be evaluated."""
        not_meant = self._not_meant(entry)
        if not_meant:
            self.skipped.append(f"{entry.name}: {not_meant}")
            return
        over = entry.implementation.over
        part = self._part(over) if over else None
        frame = part.records if part else self._frame
        kwargs = dict(entry.implementation.kwargs)
        lookups = {
            key: parse_lookup(kwargs[key], entry.name) for key in COLUMN_KEYS if isinstance(kwargs.get(key), dict)
        }
        missing = [lookup.missing(frame, self._datasets) for lookup in lookups.values()]
        missing += [column for column in condition_columns(kwargs.get("row_condition")) if column not in frame]
        reference = kwargs.get("value_set")
        if isinstance(reference, dict):
            other = self._datasets.get(reference["dataset"])
            there = other is not None and reference["column"] in other.columns
            missing += [] if there else [f"{reference['dataset']}.{reference['column']}"]
        if any(missing):
            self.skipped.append(f"{entry.name}: there is no {next(filter(None, missing))}")
            return
        if isinstance(reference, dict):
            known = self._datasets[reference["dataset"]][reference["column"]]
            kwargs["value_set"] = sorted(known.dropna().astype("str").unique())
        kwargs |= {key: lookup.name for key, lookup in lookups.items()}
        column = _named_column(entry, lookups)
        rule = Rule(
            entry.name, column, entry.severity, entry.description, entry.implementation.type, kwargs,
            entry.custom("chinese"), entry.custom("askedAs"),
        )  # fmt: skip
        if part is None:
            self.lookups += lookups.values()
            self.rules.append(rule)
            return
        part.rules.append(rule)
        part.lookups.extend(lookup for lookup in lookups.values() if lookup not in part.lookups)


def chosen_records(over: Over, datasets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The records that `over` chooses, with a column for each of its `each`: every record with every value."""
    frame = datasets[over.dataset]
    for column, wanted in over.where.items():
        frame = frame[frame[column].astype("str").isin(wanted)]
    for column, values in over.each.items():
        listed = datasets[values["dataset"]][values["column"]] if isinstance(values, dict) else values
        frame = frame.merge(pd.DataFrame({column: pd.Series(list(listed), dtype="str")}), how="cross")
    return frame


def _named_by(over: Over | None) -> list[str]:
    """The datasets that a choice of records needs."""
    if over is None:
        return []
    return [over.dataset, *(values["dataset"] for values in over.each.values() if isinstance(values, dict))]


def _named_column(entry: QualityRule, lookups: Mapping[str, Lookup]) -> str:
    """The column of the dataset itself that a rule is about: where the site looks."""
    for key in COLUMN_KEYS:
        value = entry.implementation.kwargs.get(key)
        if key in lookups and not lookups[key].dataset:
            return lookups[key].column
        if isinstance(value, str):
            return value
    return next(iter(condition_columns(entry.implementation.kwargs.get("row_condition"))), "")


def condition_columns(condition: Any) -> list[str]:
    """The columns that a row condition names.

    >>> grade = {"column": {"name": "AETOXGR"}}
    >>> condition_columns({"conditions": [grade, {"column": {"name": "AESER"}}]})
    ['AETOXGR', 'AESER']
    """
    if not isinstance(condition, Mapping):
        return []
    if "conditions" in condition:
        return [name for part in condition["conditions"] for name in condition_columns(part)]
    return [str(condition["column"]["name"])]

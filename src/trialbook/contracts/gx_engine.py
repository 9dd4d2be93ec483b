"""Evaluates compiled rules with Great Expectations and states the verdict in our own words and form.

Great Expectations drops what it does not understand (an unknown expectation, a misspelt severity) and lets the smaller
or empty suite succeed; here every rule is built through its typed class, counted, and must have been evaluated.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, cast

import pandas as pd

from trialbook.contracts.compile import Rule
from trialbook.core.errors import UsageError
from trialbook.core.syntax import trees_elsewhere

# ----------------------------------------------------------------------------------------------------
# Great Expectations asks each expectation for its configuration some eighty times a check; here it is made once.


@contextmanager
def configurations_once() -> Iterator[None]:
    """While this is open the configuration of an expectation is made when it is first asked for, and kept.

    Great Expectations rebuilds it, through three levels of models, for every metric of every rule: a third of the
    time of a check. An expectation does not change during a check; its configuration is dropped afterwards.
    """
    from great_expectations.expectations.expectation import Expectation

    original: Any = Expectation.configuration
    # The expectation itself is kept as well: the number of one that is gone could be given to another.
    kept: dict[int, tuple[Any, Any]] = {}

    def configuration(self: Any) -> Any:
        if id(self) not in kept:
            kept[id(self)] = (self, original.fget(self))
        return kept[id(self)][1]

    setattr(Expectation, "configuration", property(configuration))  # noqa: B010 - a property, typed as read-only
    try:
        yield
    finally:
        setattr(Expectation, "configuration", original)  # noqa: B010


# ----------------------------------------------------------------------------------------------------

MAX_RECORDS = 20
POSITION = "_position"
SEVERITY_ORDER = ("critical", "warning", "info")


@dataclass(frozen=True)
class Failure:
    """A rule that does not hold: how many records break it and which the first of them are."""

    rule: str
    column: str
    severity: str
    description: str
    count: int
    records: list[dict[str, Any]]
    chinese: str = ""
    asked_as: str = ""


@dataclass(frozen=True)
class Verdict:
    """The verdict on one contract: the dataset, its rows, the rules evaluated, those that failed, and those that were
    skipped, with the reason.
    """

    dataset: str
    rows: int
    evaluated: list[str]
    failures: list[Failure]
    skipped: list[str] = field(default_factory=list)

    @property
    def worst(self) -> str:
        """The worst severity among the failures; else `empty` for a table without records, which says nothing; else
        `pass`.
        """
        found = {failure.severity for failure in self.failures}
        clean = "pass" if self.rows else "empty"
        return next((severity for severity in SEVERITY_ORDER if severity in found), clean)

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain data, without anything that varies from run to run."""
        return {**asdict(self), "verdict": self.worst}


def evaluate(dataset: str, frame: pd.DataFrame, rules: list[Rule], keys: list[str]) -> Verdict:
    """Evaluates the rules over the frame; `keys` are the columns that name a record in the verdict.

    Raises UsageError when a rule cannot be understood or was not evaluated (a broken contract is not bad data, and
    never a pass).
    """
    if not rules:
        raise UsageError("the contract has no rule, so it cannot pass", file=f"data_contracts/{dataset}.yaml")
    failures = []
    for rule, result in zip(rules, _results(dataset, frame, rules), strict=True):
        if not result.success:
            _raise_if_broken(dataset, rule, result, frame)
            failures.append(_failure(rule, frame, keys))
    return Verdict(dataset, len(frame), [rule.name for rule in rules], failures)


def _results(dataset: str, frame: pd.DataFrame, rules: list[Rule]) -> list[Any]:
    """What Great Expectations found for each rule, in the order of the rules.

    Half of all rules ask whether a column is there. One expectation asks for all columns of a dataset; only where it
    fails is each asked for by itself.
    """
    batch = _batch(frame)
    order = sorted(range(len(rules)), key=lambda number: _asks_for_a_column(rules[number]))
    presence = [rule for rule in rules if _asks_for_a_column(rule)]
    others = [rule for rule in rules if not _asks_for_a_column(rule)]
    columns = sorted({str(rule.kwargs["column"]) for rule in presence})
    together = Rule(
        "columns.present", "", "critical", "every column is delivered", "expect_table_columns_to_match_set",
        {"column_set": columns, "exact_match": False},
    )  # fmt: skip
    found = _validated(batch, dataset, [*others, together] if presence else others)
    if presence:
        all_there = found.pop()
        found += [all_there] * len(presence) if all_there.success else _validated(batch, dataset, presence)
    of_rule = dict(zip(order, found, strict=True))
    return [of_rule[number] for number in range(len(rules))]


def _asks_for_a_column(rule: Rule) -> bool:
    return rule.expectation == "expect_column_to_exist" and set(rule.kwargs) == {"column"}


def _validated(batch: Any, dataset: str, rules: list[Rule]) -> list[Any]:
    """The result of each rule, in their order.

    All rules are one suite, so that what several need of the frame is worked out once. Nearly all hold, so that first
    it is only asked whether they do: counting what breaks them takes as long again. Each expectation carries its
    number, and each number must come back: a missing result is not a pass.
    """
    import great_expectations as gx

    if not rules:
        return []
    suite = gx.ExpectationSuite(
        dataset, expectations=[_expectation(dataset, rule, {"number": number}) for number, rule in enumerate(rules)]
    )
    with trees_elsewhere(), configurations_once():
        results = batch.validate(suite, result_format="BOOLEAN_ONLY").results
    found = {result.expectation_config.meta["number"]: result for result in results}
    lost = [rule.name for number, rule in enumerate(rules) if number not in found]
    if lost or len(found) != len(rules):
        raise UsageError(
            f"{len(lost)} rules were not evaluated", file=f"data_contracts/{dataset}.yaml", rule=", ".join(lost[:3])
        )
    return [found[number] for number in range(len(rules))]


class _AskedOften(pd.DataFrame):  # type: ignore[misc]
    """A frame that chooses the records of a condition once: Great Expectations asks for them with every metric.

    The condition is worked out on the columns that it names: pandas makes a variable of every column first.
    """

    def query(self, expr: str, **options: Any) -> pd.DataFrame:
        """The records that meet a condition."""
        chosen = self.__dict__.setdefault("_chosen", {})
        key = (expr, *sorted(options.items()))
        if key not in chosen:
            named = pd.DataFrame(self[[name for name in self.columns if str(name) in expr]])
            chosen[key] = pd.DataFrame(self).loc[named.eval(expr, **options)]
        return cast("pd.DataFrame", chosen[key])


def _batch(frame: pd.DataFrame) -> Any:
    return _frames_of(threading.get_ident()).get_batch({"dataframe": _AskedOften(frame)})


@cache
def _frames_of(thread: int) -> Any:
    """What turns a frame into a batch, made once in a thread: each batch replaces the one before."""
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    setattr(context.variables, "progress_bars", {"globally": False})  # noqa: B010 - typed as its own class
    source = context.data_sources.add_pandas("frames")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")


def _expectation(dataset: str, rule: Rule, meta: dict[str, int] | None = None) -> Any:
    """The typed expectation of a rule; raises UsageError where Great Expectations would log and drop it."""
    import great_expectations.expectations as gxe

    name = "".join(part.capitalize() for part in rule.expectation.split("_"))
    kind = getattr(gxe, name, None)
    if kind is None:
        raise UsageError(
            f"there is no expectation {rule.expectation}", file=f"data_contracts/{dataset}.yaml", rule=rule.name
        )
    try:
        return kind(**rule.kwargs, severity=rule.severity, meta=meta)
    except (TypeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(
            f"the arguments do not fit {rule.expectation} ({first})", file=f"data_contracts/{dataset}.yaml",
            rule=rule.name,
        ) from None  # fmt: skip


def _raise_if_broken(dataset: str, rule: Rule, result: Any, frame: pd.DataFrame) -> None:
    """A rule that crashed on data that has its column is a broken contract; a missing column is bad data."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    crashed = any(entry.get("raised_exception") for entry in entries if isinstance(entry, dict))
    if crashed and all(column in frame.columns for column in _columns(rule)):
        message = next(e.get("exception_message") for e in entries if isinstance(e, dict) and e.get("raised_exception"))
        raise UsageError(
            f"{rule.expectation} could not be evaluated ({str(message).splitlines()[0]})",
            file=f"data_contracts/{dataset}.yaml", rule=rule.name,
        )  # fmt: skip


def _columns(rule: Rule) -> list[str]:
    named = [rule.kwargs.get(key) for key in ("column", "column_A", "column_B")]
    return [name for name in named if name] + list(rule.kwargs.get("column_list", []))


def _failure(rule: Rule, frame: pd.DataFrame, keys: list[str]) -> Failure:
    """The failure with its offending records: a look at this rule alone that counts and numbers them."""
    numbered = frame.reset_index(drop=True).assign(**{POSITION: range(len(frame))})
    with trees_elsewhere():
        found = _batch(numbered).validate(
            _expectation("", rule),
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [POSITION]},
        )
    told = found.result or {}
    positions = [entry[POSITION] for entry in told.get("unexpected_index_list") or []]
    records = [named_record(frame, position, keys) for position in sorted(positions)[:MAX_RECORDS]]
    return failure_of(rule, int(told.get("unexpected_count") or 0), records)


def failure_of(rule: Rule, count: int, records: list[dict[str, Any]]) -> Failure:
    """The failure of a rule; what has no count of records (a missing column) counts once."""
    return Failure(
        rule.name, rule.column, rule.severity, rule.description, count or 1, records, rule.chinese, rule.asked_as
    )


def named_record(frame: pd.DataFrame, position: int, keys: list[str]) -> dict[str, Any]:
    """What names a record in a verdict: its row in the delivered file, where known, and its key columns.

    >>> named_record(pd.DataFrame({"USUBJID": ["001"], "AESEQ": [3]}), 0, ["USUBJID", "AESEQ"])
    {'USUBJID': '001', 'AESEQ': 3}
    """
    row = frame.iloc[position]
    named = {key: _plain(row[key]) for key in keys if key in frame.columns}
    return {**({"ROW": int(frame.index[position])} if frame.index.name == "ROW" else {}), **named}


def _plain(value: Any) -> Any:
    """A key value as plain data: text, whole number or None."""
    if pd.isna(value):
        return None
    return (
        int(value) if hasattr(value, "__int__") and not isinstance(value, str) and value == int(value) else str(value)
    )

"""What the parts of a contract file must agree in, beyond the form of each: names, code lists, endpoints, lookups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from trialbook.contracts.lookups import COLUMN_KEYS, parse_lookup
from trialbook.contracts.protocol_lists import LISTS, is_code_list
from trialbook.core.errors import LONGEST_VALUE, UsageError
from trialbook.protocol.models import ENDPOINTS
from trialbook.protocol.yaml_file import dotted, with_line

if TYPE_CHECKING:
    from trialbook.contracts.odcs import Contract, QualityRule

# Where a mistake is in the file, what is wrong, and the next step.
Place = tuple[str | int, ...]
Mistake = tuple[Place, str, str]
DATASET: Place = ("schema", 0)
CORRECT = "correct the contract"


def stop_if_disagreeing(contract: Contract, kind: str, path: Path, document: object) -> None:
    """Raises ParameterError for the first mistake, naming the file, the line and the key.

    `document`: what the contract was read from, which knows its lines.
    """
    for place, problem, next_step in _mistakes(contract, kind, path.stem):
        raise with_line(UsageError(problem, file=str(path), column=dotted(place), next_step=next_step), document)


def _mistakes(contract: Contract, kind: str, stem: str) -> Iterator[Mistake]:
    dataset = contract.dataset
    if contract.id != f"trialbook.{kind}.{stem}":
        yield ("id",), f"the id must be trialbook.{kind}.{stem}", CORRECT
    if dataset.name != stem:
        yield (*DATASET, "name"), f"the dataset {dataset.name} must have the name of the file, {stem}", CORRECT
    rules: list[tuple[Place, QualityRule]] = [
        ((*DATASET, "quality", k), rule) for k, rule in enumerate(dataset.quality)
    ]
    columns: set[str] = set()
    for number, column in enumerate(dataset.properties):
        here = (*DATASET, "properties", number)
        if column.name in columns:
            yield (*here, "name"), f"the column {column.name} occurs twice", "name each column once"
        columns.add(column.name)
        for k, addition in enumerate(column.customProperties):
            at = (*here, "customProperties", k, "value")
            for problem, next_step in _wrong_value(addition.property, addition.value):
                yield at, f"{problem} (column {column.name})", next_step
        rules += [((*here, "quality", k), rule) for k, rule in enumerate(column.quality)]
    names: set[str] = set()
    for here, rule in rules:
        if rule.name in names:
            yield (*here, "name"), f"the rule {rule.name} occurs twice", "name each rule once"
        names.add(rule.name)
        yield from (((*here, *place), problem, next_step) for place, problem, next_step in _wrong_arguments(rule))


def _wrong_value(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What is wrong in the value of an addition to a column, and the next step."""
    if name == "codelist" and not is_code_list(value):
        lists = ", ".join(LISTS)
        yield (
            "the code list cannot be understood",
            f"write the values, or protocol: with one of {lists}, and further values under also:",
        )
    if name == "requiredFor" and value != "ALL":
        unknown = [e for e in value if e not in ENDPOINTS] if isinstance(value, list) else [value]
        if unknown:
            yield (
                f"there is no endpoint {str(unknown[0])[:LONGEST_VALUE]}",
                f"write ALL, or a list of {', '.join(ENDPOINTS)}",
            )
    if name == "names" and not isinstance(value, list):
        yield "is not a list of names", "write the names that may come in as a list"
    if name == "codelistSeverity" and value not in _severities():
        yield f"there is no severity {str(value)[:LONGEST_VALUE]}", f"write one of {', '.join(_severities())}"


def _severities() -> Sequence[str]:
    from trialbook.contracts.odcs import Severity

    return get_args(Severity)


def _wrong_arguments(rule: QualityRule) -> Iterator[Mistake]:
    """What is wrong in the arguments of a rule that refer to other datasets."""
    kwargs = rule.implementation.kwargs
    here: Place = ("implementation", "kwargs")
    for key in COLUMN_KEYS:
        if isinstance(kwargs.get(key), Mapping):
            try:
                parse_lookup(kwargs[key], rule.name)
            except UsageError as error:
                yield (*here, key), error.problem, error.next_step or CORRECT
    values = kwargs.get("value_set")
    if isinstance(values, Mapping) and not (set(values) == {"dataset", "column"} and _all_text(values.values())):
        yield (*here, "value_set"), "the values cannot be understood", "write the values, or a dataset and its column"


def _all_text(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)

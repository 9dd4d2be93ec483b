"""The contract files of `data_contracts/` as typed models (Open Data Contract Standard v3, one dataset per file)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from trialbook.contracts.lookups import COLUMN_KEYS, LISTS, codes_in_words, is_code_list, parse_lookup
from trialbook.core.errors import LONGEST_VALUE, UsageError
from trialbook.protocol.models import ENDPOINTS
from trialbook.protocol.yaml_file import dotted, read_yaml, validated, with_line

Severity = Literal["critical", "warning", "info"]
KINDS = ("raw", "clean", "analysis", "results")
PRIVACY = Literal["public", "pseudonymised", "sensitive", "identifying"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Over(_Model):
    """The records that a rule is about where these are not those of its own dataset.

    `dataset`: whose records, restricted by `where` (column: values); `each`: a column is added by pairing every record
    with each of these values, or with each value of another dataset's column: one record per subject and parameter.
    """

    dataset: str
    where: dict[str, list[str]] = {}
    each: dict[str, list[str] | dict[str, str]] = {}


class Implementation(_Model):
    """A Great Expectations expectation: its type and arguments.

    A `value_set` may be `{dataset: dm, column: USUBJID}`: the values of that column in the same build. A `column` may
    be a lookup (see `lookups.py`): `{dataset: dm, column: DTHDTC, read: latest}` is the subject's death date in DM.

    `over` names other records than those of the dataset: a subject that must be in a dataset is looked for in it. A
    rule holds for trials with the `endpoint`, where the datasets in `needs` were delivered, and under the analysis keys
    in `keys`; else it is skipped.
    """

    type: Annotated[str, Field(pattern=r"^expect_[a-z0-9_]+$")]
    kwargs: dict[str, Any] = {}
    over: Over | None = None
    endpoint: str = ""
    needs: list[str] = []
    keys: dict[str, Any] = {}


class RuleProperty(_Model):
    """An addition to a rule: its Chinese text, the query rule that asks the same (`askedAs`), or its source."""

    property: Literal["chinese", "askedAs", "source"]
    value: str


class QualityRule(_Model):
    """One rule of a dataset or column; `name` is its id, which queries and messages carry."""

    name: str
    type: Literal["custom"]
    engine: Literal["greatExpectations"]
    severity: Severity
    description: str
    implementation: Implementation
    customProperties: list[RuleProperty] = []  # noqa: N815

    def custom(self, name: str) -> str:
        """The value of a custom property, or blank."""
        return next((p.value for p in self.customProperties if p.property == name), "")


class CustomProperty(_Model):
    """An addition to the standard: `unit`, `codelist` (values, or a list of the protocol: `lookups.LISTS`),
    `requiredFor` (the endpoints that need the column), `optional` (the column is there only where the site delivered
    it), or `names` (of QVAL: the QNAMs whose values may come in).
    """

    property: Literal["unit", "codelist", "requiredFor", "codelistSeverity", "optional", "names"]
    value: Any


class Column(_Model):
    """One column: its name, meaning, type, privacy class and rules."""

    name: str
    logicalType: Literal["string", "date", "number", "integer"]  # noqa: N815 - the standard's spelling
    description: str
    required: bool = False
    primaryKey: bool = False  # noqa: N815
    classification: PRIVACY = "pseudonymised"
    customProperties: list[CustomProperty] = []  # noqa: N815
    quality: list[QualityRule] = []

    def custom(self, name: str) -> Any:
        """The value of a custom property, or None."""
        return next((p.value for p in self.customProperties if p.property == name), None)

    @property
    def codes(self) -> str:
        """The code list as a person reads it; blank where there is none."""
        return codes_in_words(self.custom("codelist"))

    @property
    def optional(self) -> bool:
        """Whether the column is there only where the site delivered it."""
        return bool(self.custom("optional"))

    def needed_for(self, endpoints: list[str]) -> bool:
        """Whether a dataset without this column cannot serve a trial with these endpoints."""
        wanted = self.custom("requiredFor") or []
        return wanted == "ALL" or any(endpoint in endpoints for endpoint in wanted)


class Dataset(_Model):
    """The one schema object of a contract file."""

    name: str
    logicalType: Literal["object"] = "object"  # noqa: N815
    physicalType: Literal["table"] = "table"  # noqa: N815
    description: str
    properties: Annotated[list[Column], Field(min_length=1)]
    quality: list[QualityRule] = []

    @property
    def rules(self) -> list[QualityRule]:
        """All rules written in the file: of the dataset, then of its columns."""
        return [*self.quality, *(rule for column in self.properties for rule in column.quality)]

    @property
    def keys(self) -> list[str]:
        """Primary key columns in the order of the file."""
        return [column.name for column in self.properties if column.primaryKey]

    def column(self, name: str) -> Column | None:
        """The column with this name, or None."""
        return next((column for column in self.properties if column.name == name), None)


class Description(_Model):
    """Why the dataset exists."""

    purpose: str


class Contract(_Model):
    """One contract file."""

    apiVersion: Annotated[str, Field(pattern=r"^v3\.[0-9]+\.[0-9]+$")]  # noqa: N815
    kind: Literal["DataContract"]
    id: str
    name: str
    version: str
    status: Literal["active", "draft", "retired"]
    description: Description
    schema_: Annotated[list[Dataset], Field(alias="schema", min_length=1, max_length=1)]

    @property
    def dataset(self) -> Dataset:
        """The dataset this contract is about."""
        return self.schema_[0]


def load_contracts(folder: Path, kinds: Sequence[str] = KINDS) -> dict[str, Contract]:
    """All contracts of a folder by `kind/dataset` (`raw/dm`, `analysis/adsl`).

    Raises ParameterError for a mistake in a file, naming its line and key, UsageError where there is no contract.
    """
    contracts = {}
    for kind in kinds:
        for path in sorted((folder / kind).glob("*.yaml")):
            document = read_yaml(path, typed_scalars=True)
            contract = validated(Contract, document, str(path))
            _stop_if_disagreeing(contract, kind, path, document)
            contracts[f"{kind}/{contract.dataset.name}"] = contract
    if not contracts:
        raise UsageError("there are no data contracts", file=str(folder))
    return contracts


# ----------------------------------------------------------------------------------------------------
# What the parts of a contract file must agree in, beyond the form of each: names, code lists, endpoints, lookups.


# Where a mistake is in the file, what is wrong, and the next step.
Place = tuple[str | int, ...]
Mistake = tuple[Place, str, str]
DATASET: Place = ("schema", 0)
CORRECT = "correct the contract"


def _stop_if_disagreeing(contract: Contract, kind: str, path: Path, document: object) -> None:
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
    if name == "codelistSeverity" and value not in get_args(Severity):
        yield f"there is no severity {str(value)[:LONGEST_VALUE]}", f"write one of {', '.join(get_args(Severity))}"


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

"""The mapping file `params/mapping.yaml` as typed models: how the columns of a site export fill SDTM variables."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trialbook.core.domains import VARIABLES
from trialbook.core.errors import UsageError
from trialbook.protocol.yaml_file import read_yaml, validated, with_line

VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,7}")
PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::0(\d{1,2}))?\}")
Codes = dict[str, str | None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRule(_Model):
    """How one SDTM variable is filled: from a source column, a constant, a template, or a copy of another variable.

    `source`: the header of the column, in any of the given spellings. `template`: text with headers in braces, for
    example `NCT06321198-{中心编号:02}-{受试者编号:03}` (`:03`: digits are filled up with zeros); headers in `optional`
    may be blank. `codes`: a code list of the file, or the codes themselves. `dates`: the order of day, month and year
    where all are numbers. `factor`: the number is multiplied by it. `width`: digits are filled up with zeros.
    """

    source: list[str] = []
    constant: str | None = None
    template: str | None = None
    copy_number_of: str | None = None
    optional: bool | list[str] = False
    codes: str | Codes | None = None
    dates: Literal["YMD", "DMY", "MDY"] | None = None
    factor: Decimal | None = None
    width: Annotated[int, Field(gt=0, le=20)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`性别`, `性别|性别代码` and `[性别, 性别代码]` are short for `{source: [...]}`."""
        if isinstance(value, str | list):
            value = {"source": value}
        if isinstance(value, dict) and isinstance(value.get("source"), str):
            value = {**value, "source": value["source"].split("|")}
        return value

    @field_validator("factor", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            raise ValueError("a factor is a number") from None
        if not number.is_finite() or number == 0:
            raise ValueError("a factor is a number that is not 0")
        return number

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        given = [bool(self.source), self.constant is not None, self.template is not None, bool(self.copy_number_of)]
        if sum(given) != 1:
            raise ValueError("a variable is filled from one of: source, constant, template, copy_number_of")
        if self.template is not None and not PLACEHOLDER.search(self.template):
            raise ValueError("a template names at least one column in braces; a fixed text is a constant")
        return self


class Spread(_Model):
    """Results side by side in one row, one column per test: each becomes a record of its own.

    `result` is the variable that the value fills; `columns` gives, for each such column, the variables that say what
    it is; `beside` names further columns of that test, with the variables of the test in braces (`{LBTESTCD}_LO`).
    """

    result: str
    columns: Annotated[dict[str, dict[str, str]], Field(min_length=1)]
    beside: dict[str, str] = {}


class Part(_Model):
    """One source of a domain: a file (name or pattern) or a sheet of it, and how its columns fill the domain."""

    file: str
    sheet: str | None = None
    header_rows: Annotated[int, Field(ge=1, le=3)] = 1
    columns: Annotated[dict[str, ColumnRule], Field(min_length=1)]
    spread: Spread | None = None
    rows: dict[str, Literal["filled"] | list[str]] = {}
    unused: list[str] = []
    optional: bool = False


class Mapping(_Model):
    """The whole mapping file: code lists by name, and the parts of each domain."""

    codes: dict[str, Codes] = {}
    domains: Annotated[dict[str, list[Part]], Field(min_length=1)]

    @field_validator("domains", mode="before")
    @classmethod
    def _one_part_is_a_list(cls, domains: Any) -> Any:
        if isinstance(domains, dict):
            return {code: [parts] if isinstance(parts, dict) else parts for code, parts in domains.items()}
        return domains

    def codes_of(self, rule: ColumnRule) -> Codes | None:
        """The code list that a column uses, or None."""
        return self.codes[rule.codes] if isinstance(rule.codes, str) else rule.codes


def load_mapping(path: Path, name: str) -> Mapping:
    """The mapping file; raises UsageError naming the file (as `name`), the key, and the nearest known one."""
    content = read_yaml(path)
    mapping = validated(Mapping, content, name)
    try:
        _check_domains(mapping, name)
    except UsageError as error:
        raise with_line(error, content) from None
    return mapping


def _check_domains(mapping: Mapping, name: str) -> None:
    for code, parts in mapping.domains.items():
        if code not in VARIABLES:
            raise UsageError(
                f"{code} is not a domain of the workbook{_nearest(code, list(VARIABLES))}", file=name,
                column=f"domains.{code}", next_step="correct the key",
            )  # fmt: skip
        for k, part in enumerate(parts):
            _check_part(mapping, code, part, name, f"domains.{code}[{k}]")


def _check_part(mapping: Mapping, code: str, part: Part, file: str, place: str) -> None:
    """Raises UsageError for a variable that cannot be, and for a code list that the file does not have."""
    known = VARIABLES[code].split()
    spread = part.spread
    targets = {name: f"{place}.columns.{name}" for name in part.columns}
    if spread is not None:
        wide = [spread.result, *spread.beside, *(name for test in spread.columns.values() for name in test)]
        targets |= dict.fromkeys(wide, f"{place}.spread")
    for name, where in targets.items():
        if not VARIABLE.fullmatch(name):
            raise UsageError(f"{name!r} is not the name of a variable{_nearest(name, known)}", file=file, column=where)
        close = difflib.get_close_matches(name, [k for k in known if k not in targets], n=1, cutoff=0.85)
        if name not in known and close and name.startswith(code):
            raise UsageError(
                f"{code} has no variable {name}; the nearest is {close[0]}", file=file, column=where,
                next_step="correct the key",
            )  # fmt: skip
    for name, rule in part.columns.items():
        if isinstance(rule.codes, str) and rule.codes not in mapping.codes:
            raise UsageError(
                f"there is no code list {rule.codes}{_nearest(rule.codes, list(mapping.codes))}", file=file,
                column=f"{place}.columns.{name}.codes", next_step="add the list under codes, or correct the name",
            )  # fmt: skip
        if rule.copy_number_of is not None and rule.copy_number_of not in targets:
            raise UsageError(
                f"{rule.copy_number_of} is not filled here{_nearest(rule.copy_number_of, list(targets))}", file=file,
                column=f"{place}.columns.{name}.copy_number_of",
            )  # fmt: skip


def _nearest(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return f"; the nearest is {found[0]}" if found else ""

"""The mapping file `params/mapping.yaml` as typed models: how the columns of a site export fill SDTM variables."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from trialbook.core.domains import VARIABLES
from trialbook.core.errors import UsageError
from trialbook.protocol.yaml_file import read_yaml, validated, with_line

VARIABLE = re.compile(r"[A-Z][A-Z0-9]{0,7}")
PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::0(\d{1,2}))?\}")
Codes = dict[str, str | None]


def _texts(value: Any) -> Any:
    """One code or several; YAML reads `-99` as a number and `.` as text."""
    listed = value if isinstance(value, list) else [value]
    plain = all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in listed)
    return [str(one) for one in listed] if plain else value


DELIMITER_NAMES = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|"}
Missing = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_texts)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Skip(_Model):
    """The rows above the header: until the row that holds these headers."""

    until: Annotated[list[str], Field(min_length=1)]


class FileRule(_Model):
    """How a file is written: encoding, delimiter, decimal sign, rows above the header, codes of missing values.

    Each key may be given for one part, or for all files at the top of the mapping file.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    skip_rows: Annotated[int, Field(ge=0, le=1000)] | Skip | None = None
    missing: Missing = []

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            known = value is None or bool(codecs.lookup(value)._is_text_encoding)
        except LookupError:
            known = False
        if not known:
            raise ValueError("no such encoding; for example utf-8, gb18030, utf-16, cp1252")
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_sign(cls, value: str | None) -> str | None:
        sign = None if value is None else DELIMITER_NAMES.get(value, value)
        if sign is not None and (len(sign) != 1 or sign.isalnum() or sign in '"\r\n'):
            raise ValueError(f"a delimiter is one sign, or one of {', '.join(DELIMITER_NAMES)}")
        return sign

    @field_validator("skip_rows", mode="before")
    @classmethod
    def _headers(cls, value: Any) -> Any:
        """A header, or a list of them, is short for `{until: [...]}`."""
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value)
        if isinstance(value, str | list):
            value = {"until": value}
        if isinstance(value, dict) and isinstance(value.get("until"), str):
            value = {"until": [value["until"]]}
        return value


class Reading(_Model):
    """How the values of a column are read.

    `missing`: codes that mean no value. `codes`: a code list of the file, or the codes themselves. `dates`: the order
    of day, month and year where all are numbers. `decimal`: the decimal sign of its numbers. `factor`: the number is
    multiplied by it. `width`: digits are filled up with zeros.
    """

    missing: Missing = []
    codes: str | Codes | None = None
    dates: Literal["YMD", "DMY", "MDY"] | None = None
    decimal: Literal[".", ","] | None = None
    factor: Decimal | None = None
    width: Annotated[int, Field(gt=0, le=20)] | None = None

    @field_validator("factor", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        if value is None:
            return None
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            raise ValueError("a factor is a number") from None
        if not number.is_finite() or number == 0:
            raise ValueError("a factor is a number that is not 0")
        return number


class ColumnRule(Reading):
    """How one SDTM variable is filled: from a source column, a constant, a template, or a copy of another variable.

    `source`: the header of the column, in any of the given spellings. `coalesce`: several columns, each as it could be
    a variable of its own; the first with a value counts, two that differ are asked about. `template`: text with headers
    in braces, for example `NCT06321198-{中心编号:02}-{受试者编号:03}` (`:03`: digits are filled up with zeros); headers
    in `optional` may be blank.
    """

    source: list[str] = []
    coalesce: list[ColumnRule] = []
    constant: str | None = None
    template: str | None = None
    copy_number_of: str | None = None
    optional: bool | list[str] = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`性别`, `性别|性别代码` and `[性别, 性别代码]` are short for `{source: [...]}`."""
        if isinstance(value, str | list):
            value = {"source": value}
        if isinstance(value, dict) and isinstance(value.get("source"), str):
            value = {**value, "source": value["source"].split("|")}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        given = [bool(self.source), bool(self.coalesce), self.constant is not None, self.template is not None,
                 bool(self.copy_number_of)]  # fmt: skip
        if sum(given) != 1:
            raise ValueError("a variable is filled from one of: source, coalesce, constant, template, copy_number_of")
        if any(not one.source for one in self.coalesce):
            raise ValueError("coalesce names columns")
        if self.template is not None and not PLACEHOLDER.search(self.template):
            raise ValueError("a template names at least one column in braces; a fixed text is a constant")
        return self

    @property
    def columns(self) -> list[list[str]]:
        """The columns of the source that must be there, each in its spellings."""
        if self.optional is True or self.copy_number_of:
            return []
        named = [self.source] if self.source else [one for rule in self.coalesce for one in rule.columns]
        return named + [found[1].split("|") for found in PLACEHOLDER.finditer(self.template or "")]


class Result(Reading):
    """The variable that the values of a spread fill, and how they are read."""

    variable: str


class Spread(_Model):
    """Results side by side in one row, one column per test: each becomes a record of its own.

    `result` is the variable that the value fills (with codes, factor and so on: `{variable: LBORRES, decimal: ","}`);
    `columns` gives, for each such column, the variables that say what it is: a text, or a rule of its own (a unit from
    a column: `LBORRESU: {source: plt_u}`); the variable of the result names there how this one is read
    (`LBORRES: {factor: 88.4}`). `beside` names further columns of that test, with the variables of the test in braces
    (`{LBTESTCD}_LO`), or as a rule (`{source: "AEREL_{AESEQ}", codes: relation}`).
    """

    result: Result
    columns: Annotated[dict[str, dict[str, str | ColumnRule | Reading]], Field(min_length=1)]
    beside: dict[str, ColumnRule] = {}

    @field_validator("result", mode="before")
    @classmethod
    def _name_of_result(cls, value: Any) -> Any:
        return {"variable": value} if isinstance(value, str) else value

    @field_validator("columns", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        """`{AESEQ: 1}` says the same as `{AESEQ: "1"}`."""
        if not isinstance(value, dict):
            return value
        return {
            header: {name: str(said) if type(said) is int else said for name, said in test.items()}
            if isinstance(test, dict) else test
            for header, test in value.items()
        }  # fmt: skip

    @model_validator(mode="after")
    def _columns_beside(self) -> Spread:
        odd = next((name for name, rule in self.beside.items() if not rule.source), None)
        if odd:
            raise ValueError(f"beside names a column for each variable; {odd} has no source")
        for header, test in self.columns.items():
            for name, said in test.items():
                own = name == self.result.variable
                if own != (isinstance(said, Reading) and not isinstance(said, ColumnRule)):
                    raise ValueError(
                        f"the test {header} says of {name} how its column is read, and no more" if own
                        else f"the test {header} gives {name} neither a text nor a column"
                    )  # fmt: skip
        return self

    def said(self, header: str) -> dict[str, str]:
        """The texts that say what a test is."""
        return {name: said for name, said in self.columns[header].items() if isinstance(said, str)}


class Join(_Model):
    """Another form of the same subject (and event), whose columns are put beside those of the part.

    `on`: the columns by which rows belong together, the same on both sides or `{here: there}`. `rows` as in a part.
    `name`: what its columns are called by where two forms have the same header (`IC.VISDAT`); else the file's name.
    """

    file: str
    sheet: str | None = None
    header_rows: Annotated[int, Field(ge=1, le=3)] = 1
    on: Annotated[dict[str, str], Field(min_length=1)]
    rows: dict[str, Literal["filled", "blank"] | list[str]] = {}
    unused: list[str] = []
    name: str | None = None
    optional: bool = False

    @field_validator("on", mode="before")
    @classmethod
    def _same_names(cls, value: Any) -> Any:
        listed = [value] if isinstance(value, str) else value
        return {name: name for name in listed} if isinstance(listed, list) else listed


class Part(FileRule):
    """One source of a domain: a file (name or pattern) or a sheet of it, and how its columns fill the domain."""

    file: str
    sheet: str | None = None
    header_rows: Annotated[int, Field(ge=1, le=3)] = 1
    join: list[Join] = []
    columns: Annotated[dict[str, ColumnRule], Field(min_length=1)]
    spread: Spread | None = None
    rows: dict[str, Literal["filled", "blank"] | list[str]] = {}
    unused: list[str] = []
    optional: bool = False

    @field_validator("join", mode="before")
    @classmethod
    def _one_join_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    def names(self) -> tuple[tuple[str, ...], ...]:
        """The headers that the table of the part must have, by which its header row is found."""
        if isinstance(self.skip_rows, Skip):
            return tuple((name,) for name in self.skip_rows.until)
        if self.join:
            return tuple((here,) for join in self.join for here in join.on)
        wanted = [spellings for rule in self.columns.values() for spellings in rule.columns]
        wanted += [header.split("|") for header in (self.spread.columns if self.spread else ())]
        return tuple(dict.fromkeys(map(tuple, wanted)))


class Mapping(FileRule):
    """The whole mapping file: what holds for all files, code lists by name, and the parts of each domain."""

    codes: dict[str, Codes] = {}
    unused: list[str] = []
    domains: Annotated[dict[str, list[Part]], Field(min_length=1)]

    @field_validator("domains", mode="before")
    @classmethod
    def _one_part_is_a_list(cls, domains: Any) -> Any:
        if isinstance(domains, dict):
            return {code: [parts] if isinstance(parts, dict) else parts for code, parts in domains.items()}
        return domains

    @model_validator(mode="after")
    def _for_all_files(self) -> Mapping:
        """Each part with what the top of the file says of all."""
        given = {name: value for name in FileRule.model_fields if (value := getattr(self, name)) not in (None, [])}
        whole = {
            code: [part.model_copy(update={name: value for name, value in given.items()
                                           if getattr(part, name) in (None, [])}) for part in parts]
            for code, parts in self.domains.items()
        }  # fmt: skip
        self.__dict__["domains"] = whole
        return self

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
        wide = [spread.result.variable, *spread.beside, *(name for test in spread.columns.values() for name in test)]
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
    for where, codes in _named_codes(part):
        if codes not in mapping.codes:
            raise UsageError(
                f"there is no code list {codes}{_nearest(codes, list(mapping.codes))}", file=file,
                column=f"{place}.{where}", next_step="add the list under codes, or correct the name",
            )  # fmt: skip
    for name, rule in part.columns.items():
        if rule.copy_number_of is not None and rule.copy_number_of not in targets:
            raise UsageError(
                f"{rule.copy_number_of} is not filled here{_nearest(rule.copy_number_of, list(targets))}", file=file,
                column=f"{place}.columns.{name}.copy_number_of",
            )  # fmt: skip


def _named_codes(part: Part) -> Iterator[tuple[str, str]]:
    """The key and the name of every code list that a part uses."""
    rules: dict[str, ColumnRule | Reading] = {f"columns.{name}": rule for name, rule in part.columns.items()}
    for name, rule in part.columns.items():
        rules |= {f"columns.{name}.coalesce[{k}]": one for k, one in enumerate(rule.coalesce)}
    if part.spread is not None:
        rules |= {"spread.result": part.spread.result}
        rules |= {f"spread.beside.{name}": rule for name, rule in part.spread.beside.items()}
        for header, test in part.spread.columns.items():
            rules |= {f"spread.columns.{header}.{n}": said for n, said in test.items() if not isinstance(said, str)}
    for where, found in rules.items():
        if isinstance(found.codes, str):
            yield f"{where}.codes", found.codes


def _nearest(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return f"; the nearest is {found[0]}" if found else ""

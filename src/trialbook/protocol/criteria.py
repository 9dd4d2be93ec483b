"""Typed models of the registered criteria, the code lists they read with, and the amendments that change them."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# The analysis keys that the eligibility audit reads, which an amendment may therefore change for later subjects.
VERSIONED_KEYS = (
    "elig_window_days", "lab_window_days", "sero_window_days", "age_rule", "assent_age", "sr_definition",
    "schwartz_compare",
)  # fmt: skip
# By check: the domains that its data are read from; other domains may carry such data too.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "informed_consent": ("DS",),
    "steroid_refractory": ("CM", "RS", "VS"),
    "performance_status": ("RS",),
    "agvhd_grade": ("RS",),
    "organ_function": ("LB",),
    "hiv_tp_antibody": ("LB",),
    "active_hepatitis": ("LB",),
    "pregnancy": ("LB",),
}
# The third part of organ function is the creatinine clearance, which needs weight and height too.
CLEARANCE = ("LB", "VS")
_VERSION = r"^[A-Za-z0-9._-]{1,20}$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OtherReading(_Model):
    """Another way to read a criterion: the assumption it replaces, in words, and the parameters that it sets."""

    assumption: str
    text: str
    parameters: dict[str, Any]


class Criterion(_Model):
    """One registered criterion: its exact wording, its audit columns and the check that tests it.

    `alternatives` are other readings of it, under which the audit is looked at; none of them is in force.
    """

    id: Annotated[str, Field(pattern=r"^(IN|EX)[0-9]{2}$")]
    text: str
    kind: Literal["inclusion", "exclusion"]
    check: str
    columns: list[str] = []
    column_names: list[str] = []
    parameters: dict[str, Any] = {}
    note: str | None = None
    alternatives: list[OtherReading] = []

    def audit_columns(self) -> list[str]:
        """Columns of the audit matrix: the criterion's own id, or its parts (EX04A to EX04E)."""
        return self.columns or [self.id]

    def column_words(self) -> dict[str, str]:
        """What each audit column is about: the name of a part where it has one, else the registered wording."""
        columns = self.audit_columns()
        return dict(zip(columns, self.column_names or [self.text] * len(columns), strict=True))

    @model_validator(mode="after")
    def _a_name_for_each_column(self) -> Self:
        if self.column_names and len(self.column_names) != len(self.columns):
            raise ValueError(f"{self.id}: `column_names` must name each of its {len(self.columns)} `columns`, or none")
        return self


class CodeLists(_Model):
    """Words, English and Chinese, that several criteria are read with."""

    positive: list[str] = []
    negative: list[str] = []
    severity: dict[Annotated[str, Field(pattern=r"^[1-5]$")], list[str]] = {}
    waiver: list[str] = []
    waiver_refused: list[str] = []


class Amendment(_Model):
    """One amendment: the protocol version it makes, the day from which consents fall under it, and what it changes.

    `criteria`: parameters by criterion, each replacing the one of the version before; `wording`: new texts of criteria;
    `analysis`: values of the analysis keys that the audit reads (`VERSIONED_KEYS`).
    """

    id: Annotated[str, Field(pattern=_VERSION)]
    date: str
    text: str = ""
    criteria: dict[str, dict[str, Any]] = {}
    wording: dict[str, Annotated[str, Field(min_length=1)]] = {}
    analysis: dict[str, Any] = {}

    @field_validator("date")
    @classmethod
    def _complete_date(cls, value: str) -> str:
        try:
            known = bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)) and bool(dt.date.fromisoformat(value))
        except ValueError:
            known = False
        if not known:
            raise ValueError("the effective date of an amendment is a complete calendar date, YYYY-MM-DD")
        return value

    @field_validator("analysis")
    @classmethod
    def _keys_of_the_audit(cls, keys: dict[str, Any]) -> dict[str, Any]:
        for key in keys:
            _known("analysis key that an amendment may change", key, VERSIONED_KEYS)
        return keys

    @model_validator(mode="after")
    def _changes_something(self) -> Amendment:
        if not (any(self.criteria.values()) or self.wording or self.analysis):
            raise ValueError(f"the amendment {self.id} changes nothing")
        return self


def domains_of_checks(criteria: Sequence[Criterion]) -> set[str]:
    """The domains that some criteria are read from by their checks."""
    checks = {criterion.check for criterion in criteria}
    return {
        code for check in checks for code in (*NEEDS.get(check, ()), *(CLEARANCE if check == "organ_function" else ()))
    }


def check_amendments(first: str, amendments: Sequence[Amendment], criteria: Sequence[Criterion]) -> None:
    """Raises ValueError for versions that are not in order or overlap, and for what the criteria do not have.

    Each amendment starts on a later day than the one before, so that on every day one version is in force.
    """
    by_id = {criterion.id: criterion for criterion in criteria}
    seen, previous = [first], ""
    for amendment in amendments:
        if amendment.id in seen:
            raise ValueError(f"the protocol version {amendment.id} occurs twice")
        if amendment.date == previous:
            raise ValueError(f"the versions {seen[-1]} and {amendment.id} overlap: both start on {previous}")
        if amendment.date < previous:
            raise ValueError(f"the version {amendment.id} starts on {amendment.date}, before {seen[-1]} ({previous})")
        seen.append(amendment.id)
        previous = amendment.date
        for name in [*amendment.criteria, *amendment.wording]:
            _known("criterion", name, list(by_id), f" in the amendment {amendment.id}")
        for name, changes in amendment.criteria.items():
            _check_parameters(amendment, by_id[name], changes)


def _check_parameters(amendment: Amendment, criterion: Criterion, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        place = f" of {criterion.id} in the amendment {amendment.id}"
        _known("parameter", name, list(criterion.parameters), place)
        wanted = _kind(criterion.parameters[name])
        if _kind(value) != wanted:
            raise ValueError(f"the parameter {name}{place} is not {wanted}")


def _known(what: str, name: str, known: Sequence[str], place: str = "") -> None:
    if name in known:
        return
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)
    hint = f"; the nearest is {nearest[0]}" if nearest else ""
    raise ValueError(f"there is no {what} {name}{place}{hint}")


def _kind(value: Any) -> str:
    """What a parameter is, as the protocol file holds it (text until a check reads it)."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    try:
        float(value)
    except (TypeError, ValueError):
        return "a word"
    return "a number"

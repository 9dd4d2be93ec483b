"""Typed reading of a criterion's parameters, which the protocol file holds as text."""

from __future__ import annotations

from typing import Any

from trialbook.errors import UsageError
from trialbook.protocol.criteria import Criterion


def parameter(criterion: Criterion, name: str) -> Any:
    """A parameter as it stands in the protocol file; raises UsageError when the criterion lacks it."""
    if name not in criterion.parameters:
        raise UsageError(
            f"the criterion {criterion.id} lacks the parameter {name}, which its check {criterion.check} needs",
            file="protocol file", column=f"criteria.{criterion.id}.parameters.{name}", next_step="add the parameter",
        )  # fmt: skip
    return criterion.parameters[name]


def number(criterion: Criterion, name: str) -> float:
    """A parameter as a number; raises UsageError when it is none."""
    value = parameter(criterion, name)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a number", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", value=value, next_step="correct the value",
        ) from None  # fmt: skip


def words(criterion: Criterion, name: str) -> list[str]:
    """A parameter as a list of words; raises UsageError when it is none."""
    value = parameter(criterion, name)
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a list of words", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write it as [word, word]",
        )  # fmt: skip
    return value


def text(criterion: Criterion, name: str) -> str:
    """A parameter as one word or more; raises UsageError when it is a list or blank."""
    value = parameter(criterion, name)
    if not isinstance(value, str) or not value:
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not a word", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write one word",
        )  # fmt: skip
    return value


def lists(criterion: Criterion, name: str) -> dict[str, list[str]]:
    """A parameter as lists of words by name; raises UsageError when it is none."""
    value = parameter(criterion, name)
    entries = list(value.items()) if isinstance(value, dict) else [("", None)]
    if not all(isinstance(named, list) and all(isinstance(word, str) for word in named) for _, named in entries):
        raise UsageError(
            f"the parameter {name} of {criterion.id} is not made of lists of words", file="protocol file",
            column=f"criteria.{criterion.id}.parameters.{name}", next_step="write it as name: [word, word]",
        )  # fmt: skip
    return dict(entries)

"""The data dictionary of a build: every dataset, column and rule of the data contracts, as one page without script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialbook.core.messages import ENGLISH, Language
from trialbook.display.page import Frame, render

if TYPE_CHECKING:
    from trialbook.contracts.odcs import Column, Contract, Dataset, QualityRule

PAGE = "data_dictionary.html"
TITLE = "Data dictionary"
KINDS = {
    "raw": ("As delivered", "What the site delivers, everything as text. Columns beyond these are kept."),
    "clean": ("Clean domains", "SDTM domains after cleaning and the data cut, in data/clean/."),
    "analysis": ("Analysis datasets", "Datasets with ADaM names that the notebooks derive, in data/."),
    "results": ("Results", "Every reported number is one row, in results/."),
}
TYPES = {"string": "text", "date": "date", "number": "number", "integer": "whole number"}
# What a broken rule of a severity does.
SEVERITIES = {"critical": "stops the build", "warning": "asks a question", "info": "is noted"}


@dataclass(frozen=True)
class ColumnLine:
    """One column as the page shows it."""

    name: str
    meaning: str
    type: str
    unit: str
    codes: str
    notes: str


@dataclass(frozen=True)
class RuleLine:
    """One rule as the page shows it."""

    name: str
    text: str
    chinese: str
    severity: str
    source: str


@dataclass(frozen=True)
class Section:
    """One dataset as the page shows it."""

    anchor: str
    name: str
    description: str
    key: str
    columns: list[ColumnLine]
    rules: list[RuleLine]


@dataclass(frozen=True)
class Chapter:
    """The datasets of one kind."""

    anchor: str
    title: str
    text: str
    sections: list[Section]


def render_dictionary(contracts: Mapping[str, Contract], frame: Frame, language: Language = ENGLISH) -> str:
    """The data dictionary page of these contracts (by `kind/dataset`); it holds no script, and the browser finds all
    of its text.
    """
    chapters = [
        Chapter(kind, title, text, [_section(key, contracts[key]) for key in contracts if key.startswith(f"{kind}/")])
        for kind, (title, text) in KINDS.items()
    ]
    return render(
        "dictionary.html", frame, PAGE, language, title=TITLE, severities=SEVERITIES,
        chapters=[chapter for chapter in chapters if chapter.sections],
    )  # fmt: skip


def _section(key: str, contract: Contract) -> Section:
    dataset = contract.dataset
    return Section(
        anchor=key.replace("/", "-"),
        name=dataset.name.upper(),
        description=dataset.description,
        key=" + ".join(dataset.keys),
        columns=[_column(column, dataset) for column in dataset.properties],
        rules=[_rule(rule) for rule in dataset.rules],
    )


def _column(column: Column, dataset: Dataset) -> ColumnLine:
    needed = column.custom("requiredFor")
    notes = ["key"] if column.name in dataset.keys else []
    notes += ["never missing"] if column.required else []
    notes += ["only where delivered"] if column.optional else []
    notes += [f"needed for {needed if isinstance(needed, str) else ', '.join(needed)}"] if needed else []
    notes += [column.classification] if column.classification in ("identifying", "sensitive") else []
    return ColumnLine(
        name=column.name,
        meaning=column.description,
        type=TYPES[column.logicalType],
        unit=str(column.custom("unit") or ""),
        codes=column.codes,
        notes=", ".join(notes),
    )


def _rule(rule: QualityRule) -> RuleLine:
    asked = rule.custom("askedAs")
    severity = f"{rule.severity}, asked as {asked}" if asked else rule.severity
    return RuleLine(rule.name, rule.description, rule.custom("chinese"), severity, rule.custom("source"))

"""The data dictionary of a build: every dataset, column and rule of the data contracts, as one page without script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialbook.core.messages import ENGLISH, Language, enumerated, joined, msg
from trialbook.display.page import Frame, render

if TYPE_CHECKING:
    from trialbook.contracts.odcs import Column, Contract, Dataset, QualityRule

PAGE = "data_dictionary.html"
TITLE = msg("Data dictionary")
KINDS = {
    "raw": (msg("As delivered"), msg("What the site delivers, everything as text. Columns beyond these are kept.")),
    "clean": (msg("Clean domains"), msg("SDTM domains after cleaning and the data cut, in data/clean/.")),
    "analysis": (msg("Analysis datasets"), msg("Datasets with ADaM names that the notebooks derive, in data/.")),
    "results": (msg("Results"), msg("Every reported number is one row, in results/.")),
}
TYPES = {"string": msg("text"), "date": msg("date"), "number": msg("number"), "integer": msg("whole number")}
SEVERITY_WORDS = {"critical": msg("critical"), "warning": msg("warning"), "info": msg("info")}
CLASSES = {"identifying": msg("identifying"), "sensitive": msg("sensitive")}
# Words among the codes of a column.
CODES = {
    "(blank)": msg("(blank)"), "the dose levels of the protocol": msg("the dose levels of the protocol"),
    "the criteria of the protocol": msg("the criteria of the protocol"),
    "each part of one by itself": msg("each part of one by itself"),
}  # fmt: skip
# Units that contracts name in words.
UNIT_PATTERNS = ("see {column}", "years", "infusions", "days")
# What a broken rule of a severity does.
SEVERITIES = {"critical": msg("stops the build"), "warning": msg("asks a question"), "info": msg("is noted")}


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
        "dictionary.html", frame, PAGE, language, title=TITLE, severities=SEVERITIES, words=SEVERITY_WORDS,
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
    endpoints = [needed] if isinstance(needed, str) else list(needed or [])
    notes = [
        msg("key") if column.name in dataset.keys else "",
        msg("never missing") if column.required else "",
        msg("only where delivered") if column.optional else "",
        msg("needed for {endpoints}", endpoints=enumerated(endpoints)) if endpoints else "",
        CLASSES.get(column.classification or "", ""),
    ]
    return ColumnLine(
        name=column.name,
        meaning=column.description,
        type=TYPES[column.logicalType],
        unit=str(column.custom("unit") or ""),
        codes=joined([CODES.get(code, code) for code in column.codes.split(", ")], ", "),
        notes=joined(notes, ", "),
    )


def _rule(rule: QualityRule) -> RuleLine:
    asked = rule.custom("askedAs")
    said = SEVERITY_WORDS[rule.severity]
    severity = msg("{severity}, asked as {rule}", severity=said, rule=asked) if asked else said
    return RuleLine(rule.name, rule.description, rule.custom("chinese"), severity, rule.custom("source"))

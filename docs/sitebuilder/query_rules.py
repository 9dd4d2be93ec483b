"""Every rule that corrects a value or asks the site, from the texts that the domains use."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple


class QueryRule(NamedTuple):
    """One rule: its id, whether it corrects or asks, its words in both languages, and what it expects where."""

    name: str
    kind: Literal["FIX", "QUERY"]
    english: str
    chinese: str
    severity: str = ""
    expected: str = ""
    field: str = ""


def query_rules() -> list[QueryRule]:
    """All rules, in the order of their ids; {n} is a word that the data or the parameters give."""
    return sorted(_of_texts() if find_spec("trialbook.queries.rule_texts") else _of_tables())


def _of_texts() -> list[QueryRule]:
    """The rules where their texts are files of `queries/texts/`."""
    texts = importlib.import_module("trialbook.queries.rule_texts")
    folder = importlib.import_module("trialbook.core.file_marks").PACKAGE / "queries" / "texts"

    def shown(text: str) -> str:
        # {count:record|records} is one and many.
        return str(texts.PLACEHOLDER.sub(lambda m: m[3] if m[3] is not None else f"{{{m[1]}}}", text))

    found = []
    for path in sorted(folder.glob("*.yaml")):
        area = texts.read_texts(path.read_text(encoding="utf-8"), path.name)
        found += [QueryRule(name, "FIX", shown(text.en), shown(text.zh)) for name, text in area.fixes.items()]
        for name, text in area.rules.items():
            field = ".".join(part for part in (text.domain, text.field) if part)
            words = shown(text.en), shown(text.zh), text.severity, shown(text.expected)
            found.append(QueryRule(name, "QUERY", *words, field))
    return found


_NAME = re.compile(r"^(?:P[0-9]{2}|[A-Z][A-Z0-9]{1,4})-[A-Z0-9-]+$")


def _of_tables() -> list[QueryRule]:
    """The rules where their texts are tables of the modules."""
    found: dict[str, QueryRule] = {}
    for name, rule in importlib.import_module("trialbook.cleaning.rules").RULES.items():
        found[name] = QueryRule(name, rule.kind, rule.english, rule.chinese, rule.severity, rule.expected)
    for table in _tables():
        for key, row in table.items():
            rule = _of_row(key, row)
            if rule is not None:
                found.setdefault(rule.name, rule)
    return list(found.values())


def _tables() -> Iterator[Mapping[str, Any]]:
    for package in ("subjects", "gvhd", "eligibility", "efficacy", "safety", "dlt", "cleaning"):
        folder = importlib.import_module(f"trialbook.{package}")
        for info in pkgutil.iter_modules(folder.__path__):
            module = importlib.import_module(f"{folder.__name__}.{info.name}")
            for name, value in vars(module).items():
                if name.isupper() and isinstance(value, Mapping):
                    yield value


def _of_row(key: Any, row: Any) -> QueryRule | None:
    if not isinstance(row, tuple) or not all(isinstance(part, str) for part in row):
        return None
    if len(row) == 6 and _NAME.match(str(key)):
        domain, field, severity, expected, english, chinese = row
        return QueryRule(
            str(key), "QUERY", english, chinese, severity, expected, f"{domain}.{field}" if field else domain
        )
    if len(row) == 5 and _NAME.match(str(key)):
        return QueryRule(str(key), "QUERY", row[-2], row[-1], "", "", row[1])
    if len(row) == 4 and _NAME.match(str(key)):
        return QueryRule(str(key), "QUERY", row[-2], row[-1])
    if len(row) == 5 and _NAME.match(row[0]):
        name, field, severity, english, chinese = row
        return QueryRule(name, "QUERY", english, chinese, severity, "", field)
    return None

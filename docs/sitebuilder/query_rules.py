"""Every rule that corrects a value or asks the site, from the public objects of the domains."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from trialbook.cleaning.rules import RULES, Rule


class QueryRule(NamedTuple):
    """One rule: its id, whether it corrects or asks, its words in both languages, and what it expects where."""

    name: str
    kind: Literal["FIX", "QUERY"]
    english: str
    chinese: str
    severity: str = ""
    expected: str = ""
    field: str = ""


_NAME = re.compile(r"^(?:P[0-9]{2}|[A-Z][A-Z0-9]{1,4})-[A-Z0-9-]+$")


def query_rules() -> list[QueryRule]:
    """All rules, in the order of their ids."""
    found = {name: _of_rule(name, rule) for name, rule in RULES.items()}
    for table in _tables():
        for key, row in table.items():
            rule = _of_row(key, row)
            if rule is not None:
                found.setdefault(rule.name, rule)
    return [found[name] for name in sorted(found)]


def _of_rule(name: str, rule: Rule) -> QueryRule:
    return QueryRule(name, rule.kind, rule.english, rule.chinese, rule.severity, rule.expected)


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
    if len(row) == 5 and _NAME.match(row[0]):
        name, field, severity, english, chinese = row
        return QueryRule(name, "QUERY", english, chinese, severity, "", field)
    return None

"""Every rule that corrects a value or asks the site, from the texts that the domains use."""

from __future__ import annotations

from typing import Literal, NamedTuple

from trialbook.core.file_marks import PACKAGE
from trialbook.queries.rule_texts import PLACEHOLDER, read_texts


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
    found = []
    for path in sorted((PACKAGE / "queries" / "texts").glob("*.yaml")):
        area = read_texts(path.read_text(encoding="utf-8"), path.name)
        found += [QueryRule(name, "FIX", _shown(text.en), _shown(text.zh)) for name, text in area.fixes.items()]
        for name, text in area.rules.items():
            field = ".".join(part for part in (text.domain, text.field) if part)
            words = _shown(text.en), _shown(text.zh), text.severity, _shown(text.expected)
            found.append(QueryRule(name, "QUERY", *words, field))
    return sorted(found)


def _shown(text: str) -> str:
    """A text whose {count:record|records} is plural."""
    return PLACEHOLDER.sub(lambda m: m[3] if m[3] is not None else f"{{{m[1]}}}", text)

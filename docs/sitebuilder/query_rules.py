"""Every rule that corrects a value or asks the site, from the texts that the domains use."""

from __future__ import annotations

from typing import Literal, NamedTuple

from trialbook.core.file_marks import PACKAGE
from trialbook.queries.rule_texts import PLACEHOLDER, read_texts

TEXTS = "queries/texts"


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
    for path in sorted((PACKAGE / TEXTS).glob("*.yaml")):
        area = read_texts(path.read_text(encoding="utf-8"), f"{TEXTS}/{path.name}")
        found += [QueryRule(name, "FIX", _shown(text.en), _shown(text.zh)) for name, text in area.fixes.items()]
        found += [
            QueryRule(
                name, "QUERY", _shown(text.en), _shown(text.zh), text.severity, _shown(text.expected),
                ".".join(part for part in (text.domain, text.field) if part),
            )
            for name, text in area.rules.items()
        ]  # fmt: skip
    return sorted(found)


def _shown(text: str) -> str:
    """A text with its placeholders as a reader takes them: {count:record|records} is records."""
    return PLACEHOLDER.sub(lambda m: m[3] if m[3] is not None else f"{{{m[1]}}}", text)

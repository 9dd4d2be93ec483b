"""The rules of cleaning (rulebook §9) by id: what each correction does, and the questions that each asks."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from trialbook.queries.query_list import Query, QueryTexts

# Rules ask (`rules`), or change a value in the only way it can be read (`fixes`): one row of the change log each.
TEXTS = QueryTexts("queries/texts/cleaning.yaml")


def ask(
    rule: str, domain: str, records: Iterable[tuple[object, object, object]], field: str, severity: str = ""
) -> list[Query]:
    """One query of a rule for each (subject, record key, observed value); the caller masks what is personal."""
    return [
        TEXTS.query(
            rule, "" if pd.isna(subject) else str(subject), domain, record=str(record), field=field, severity=severity,
            observed=observed,
        )
        for subject, record, observed in records
    ]  # fmt: skip


def is_rule(rule: str) -> bool:
    """Whether cleaning has a rule of this id."""
    return rule in TEXTS.area.fixes or rule in TEXTS.area.rules


def meaning(rule: str) -> str:
    """What a rule of the change log means, in English."""
    return (TEXTS.area.fixes.get(rule) or TEXTS.area.rules[rule]).en

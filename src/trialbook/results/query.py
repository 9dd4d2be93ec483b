"""One question to the site: what it holds, how it is worded, and the id under which it stays known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypedDict

import pandas as pd

SEVERITIES = ("stop", "major", "minor")
# What an undelivered domain leaves open: a sentence of the line that asks for the domain, not a line of its own.
CONSEQUENCE = "P34-CRITERIA-NOT-EVALUABLE"
# A longer observed value is shown by its beginning: nobody reads more of it, and a cell does not hold any length.
LONGEST_OBSERVED, SHOWN = 1000, 200


class Query(TypedDict):
    """One question to the site; `record` is the record key (for example `AESEQ=3`), blank for the whole subject."""

    subject: str
    domain: str
    record: str
    field: str
    rule: str
    severity: str
    observed: str
    expected: str
    message_en: str
    message_zh: str


def query(
    rule: str, subject: str, domain: str, *, record: str = "", field: str = "", severity: str = "minor",
    observed: object = "", expected: str = "", message_en: str, message_zh: str,
) -> Query:  # fmt: skip
    """One query. `rule` names the check (for example `P19-AE-END-BEFORE-START`); severity is stop, major or minor."""
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity!r} is not one of {SEVERITIES}")
    seen = "" if observed is None or observed is pd.NA or observed != observed else str(observed)
    if len(seen) > LONGEST_OBSERVED:
        seen = f"{seen[:SHOWN]}… ({len(seen)} characters)"
    return Query(
        subject=subject, domain=domain, record=record, field=field, rule=rule, severity=severity,
        observed=seen, expected=expected, message_en=message_en, message_zh=message_zh,
    )  # fmt: skip


# Rule id: domain, field, severity, what was expected, the question in English and in Chinese.
RuleTable = Mapping[str, tuple[str, str, str, str, str, str]]


def query_by_rule(
    rules: RuleTable, rule: str, subject: str, *, record: str = "", observed: object = "", domain: str = ""
) -> Query:
    """One query with the words of its rule in a table of rules.

    `domain` is given where a rule serves another domain with the same variables under its own prefix.
    """
    usual, field, severity, expected, english, chinese = rules[rule]
    field = field.replace(usual, domain, 1) if domain else field
    return query(
        rule, subject, domain or usual, record=record, field=field, severity=severity, observed=observed,
        expected=expected, message_en=english, message_zh=chinese,
    )  # fmt: skip


def query_id(rule: str, subject: str, domain: str, record: str, field: str) -> str:
    """The id of an issue: a short hash of rule, subject and record key, so that it keeps its number across cuts."""
    key = "\x1f".join((rule, subject, domain, record, field))
    return "Q-" + hashlib.sha256(key.encode()).hexdigest()[:10].upper()

"""The query list for the site (domain document §8): one line per issue, with an id that is stable across cuts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TypedDict

import pandas as pd

from trialbook.dates import as_date

COLUMNS = [
    "query_id", "subject", "domain", "record", "field", "rule", "severity", "observed", "expected",
    "message_en", "message_zh", "first_seen", "age_days", "status",
]  # fmt: skip
SEVERITIES = ("stop", "major", "minor")


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


def query_list(queries: Iterable[Query], cut_date: str, previous: pd.DataFrame | None = None) -> pd.DataFrame:
    """The query list at a cut: open queries, and those of the previous list that no longer arise, as closed.

    `previous` is the list of the previous cut (same columns). `first_seen` carries over; `age_days` counts from it
    to the cut. Sorted by severity, subject, domain, record, rule.
    """
    frame = pd.DataFrame(list(queries), columns=list(Query.__annotations__)).astype("str")
    ids = [query_id(*key) for key in frame[["rule", "subject", "domain", "record", "field"]].itertuples(index=False)]
    frame = frame.assign(query_id=ids, first_seen=cut_date, status="open").drop_duplicates("query_id")
    if previous is not None and len(previous):
        known = previous.drop_duplicates("query_id").set_index("query_id")["first_seen"]
        frame["first_seen"] = frame["query_id"].map(known).fillna(frame["first_seen"])
        gone = previous[~previous["query_id"].isin(frame["query_id"]) & (previous["status"] == "open")]
        frame = pd.concat([frame, gone[[*frame.columns]].assign(status="closed")], ignore_index=True)
    end = as_date(cut_date)
    age = [(end - as_date(day)).days for day in frame["first_seen"]]
    frame = frame.assign(age_days=pd.Series(age, index=frame.index, dtype="int64"))
    rank = frame["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    frame = frame.assign(rank=rank).sort_values(["rank", "subject", "domain", "record", "rule", "field"], kind="stable")
    return frame[COLUMNS].reset_index(drop=True)

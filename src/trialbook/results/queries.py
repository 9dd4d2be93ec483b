"""The query list for the site (domain document §8): one line per issue, from the cut that first asked to its answer."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from trialbook.dates import as_date
from trialbook.results.one_issue import with_consequences, without_repetitions
from trialbook.results.query import SEVERITIES, Query, RuleTable, query, query_by_rule, query_id

__all__ = ["COLUMNS", "SEVERITIES", "Query", "RuleTable", "query", "query_by_rule", "query_id", "query_list"]
COLUMNS = [
    "query_id", "subject", "domain", "record", "field", "rule", "severity", "observed", "expected",
    "message_en", "message_zh", "first_seen", "age_days", "status", "records", "record_list", "closed_at",
    "reopened_at",
]  # fmt: skip
OPEN, CLOSED = "open", "closed"
# More records than this with one cause are one line of the list, not many.
ONE_BY_ONE = 10
# What makes one cause: for these rules also the value, since each unknown code or unit is a matter of its own.
CAUSE = ["rule", "domain", "field", "message_en"]
VALUE_IS_CAUSE = (
    "P13-UNIT-UNKNOWN", "P34-CODE-UNKNOWN", "P34-CODE-UNMAPPED", "P38-YES-NO-UNKNOWN", "LB-UNIT-UNKNOWN",
    "P31-CM-UNCLASSIFIED", "P31-CM-UNCODED", "P31-CM-GVHD-UNLISTED", "P31-CM-PURPOSE",
)  # fmt: skip
# A cell of a spreadsheet holds 32,767 characters; a longer list of records ends in "and so many more".
LONGEST_LIST = 30000


def query_list(queries: Iterable[Query], cut_date: str, previous: pd.DataFrame | None = None) -> pd.DataFrame:
    """The query list at a cut: what is asked now, and what was asked at an earlier cut and is answered.

    `previous` is the list of the previous cut, as made here or read back from its `queries.csv` (`read_csv_list`).

    | previous list | asked now | line                                                                        |
    |---------------|-----------|-----------------------------------------------------------------------------|
    |               | yes       | open, `first_seen` is this cut                                              |
    | open          | yes       | open, `first_seen` carries over                                             |
    | open          | no        | closed, `closed_at` is this cut                                             |
    | closed        | no        | stays closed, as it was                                                     |
    | closed        | yes       | open again, `reopened_at` is this cut, `first_seen` carries over            |

    `age_days` counts from `first_seen` to the cut, of a closed line to `closed_at`. More than ten records with one
    cause are one line: `records` says how many, `record_list` which (subject, record key, value); a line that was a
    record's own at the previous cut stays that. Sorted by severity, subject, domain, record, rule.
    """
    asked = pd.DataFrame(list(queries), columns=list(Query.__annotations__)).astype("str")
    ids = [query_id(*key) for key in asked[["rule", "subject", "domain", "record", "field"]].itertuples(index=False)]
    asked = with_consequences(without_repetitions(asked.assign(query_id=ids).drop_duplicates("query_id")))
    known = _known(previous)
    lines = _with_history(_by_cause(asked, known), known, cut_date)
    answered = known[~known["query_id"].isin(lines["query_id"])]
    closed_now = answered["status"].eq(OPEN)
    answered = answered.assign(status=CLOSED, closed_at=answered["closed_at"].mask(closed_now, cut_date))
    return _sorted(_aged(pd.concat([lines, answered], ignore_index=True), cut_date))


def _known(previous: pd.DataFrame | None) -> pd.DataFrame:
    """The previous list as text; columns of an older version are blank."""
    if previous is None or not len(previous):
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    text = previous.reindex(columns=COLUMNS).astype("str").fillna("").drop_duplicates("query_id")
    text["records"] = text["records"].replace("", "1")
    return text


def _by_cause(asked: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Lines of the list: each record its own, or many records of one cause together."""
    value = asked["observed"].where(asked["rule"].isin(VALUE_IS_CAUSE), "")
    cause = asked[CAUSE].assign(value=value)
    names = [query_id(rule, "", domain, seen, f"{field}\x1f{text}") for rule, domain, field, text, seen in
             cause.itertuples(index=False)]  # fmt: skip
    frame = asked.assign(cause=pd.Series(names, index=asked.index, dtype="str"))
    # What was a line of its own keeps it: its number must not vanish because others have the same cause.
    own = frame["query_id"].isin(known["query_id"])
    rest = frame[~own]
    size = rest.groupby("cause")["cause"].transform("size")
    many = rest[(size > ONE_BY_ONE) | rest["cause"].isin(known["query_id"])]
    single = frame.drop(index=many.index).assign(records="1", record_list="")
    groups = [_one_line(str(name), members) for name, members in many.groupby("cause", sort=True)]
    return pd.concat([single.drop(columns="cause"), pd.DataFrame(groups, columns=[*asked.columns, "records",
                      "record_list"], dtype="str")], ignore_index=True)  # fmt: skip


def _one_line(name: str, members: pd.DataFrame) -> dict[str, str]:
    """Many records of one cause as one line, with the worst severity among them."""
    ordered = members.sort_values(["subject", "record"], kind="stable")
    first, count = ordered.iloc[0], len(ordered)
    shared = ordered["observed"].nunique() == 1
    severity = min(ordered["severity"], key=SEVERITIES.index)
    listed = [
        " ".join(part for part in (row.subject, row.record, "" if shared or not row.observed else f"({row.observed})")
                 if part)
        for row in ordered.itertuples()
    ]  # fmt: skip
    return {
        **{name: str(first[name]) for name in ("domain", "field", "rule", "expected")},
        "query_id": name,
        "subject": "",
        "record": "",
        "severity": severity,
        "observed": first["observed"] if shared else f"{ordered['observed'].nunique()} different values",
        "message_en": f"{first['message_en']} This concerns {count} records; they are listed beside.",
        "message_zh": f"{first['message_zh']}共涉及 {count} 条记录，见清单。",
        "records": str(count),
        "record_list": _shortened(listed),
    }


def _shortened(entries: list[str]) -> str:
    """Entries as one text that fits into a cell."""
    text = "; ".join(entries)
    if len(text) <= LONGEST_LIST:
        return text
    kept = text[:LONGEST_LIST].rpartition("; ")[0]
    return f"{kept}; and {len(entries) - kept.count('; ') - 1} more"


def _with_history(lines: pd.DataFrame, known: pd.DataFrame, cut_date: str) -> pd.DataFrame:
    """Lines asked now, with what the previous list knew of them."""
    before = known.set_index("query_id").reindex(lines["query_id"]).set_axis(lines.index)
    again = before["status"].eq(CLOSED)
    return lines.assign(
        first_seen=before["first_seen"].fillna(cut_date),
        status=OPEN,
        closed_at="",
        reopened_at=before["reopened_at"].fillna("").mask(again, cut_date),
    )


def _aged(lines: pd.DataFrame, cut_date: str) -> pd.DataFrame:
    ends = lines["closed_at"].where(lines["closed_at"].ne(""), cut_date)
    days = [(as_date(end) - as_date(start)).days for start, end in zip(lines["first_seen"], ends, strict=True)]
    return lines.assign(
        age_days=pd.Series(days, index=lines.index, dtype="int64").clip(lower=0),
        records=lines["records"].astype("int64"),
    )


def _sorted(lines: pd.DataFrame) -> pd.DataFrame:
    rank = lines["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    keys = ["rank", "subject", "domain", "record", "rule", "field", "query_id"]
    return lines.assign(rank=rank).sort_values(keys, kind="stable")[COLUMNS].reset_index(drop=True)

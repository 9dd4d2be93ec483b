"""The life of a question over the cuts: asked, answered, confirmed, corrected, waived, closed, reopened; its history.

`status` says whether somebody must still act (open or closed), `state` how it came to that:

| state     | status | when                                                                                          |
|-----------|--------|-----------------------------------------------------------------------------------------------|
| open      | open   | asked, and nobody has answered, or people have answered differently                           |
| answered  | open   | said to be corrected, and the export with the correction has not come yet                     |
| reopened  | open   | asked again: by a person, by a value that changed after the answer, or by a correction that   |
|           |        | has not come with the next cut                                                                |
| confirmed | closed | the value is right as it is                                                                   |
| waived    | closed | nobody need act on it, with a reason                                                          |
| corrected | closed | said to be corrected, and no longer asked                                                     |
| closed    | closed | no longer asked, without an answer                                                            |

A question about a value that nobody can change back (a restatement) is open until it is confirmed or waived.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.core.dates import as_date
from trialbook.queries.answers import NEEDS_CONFIRMATION, Answer, Standing, in_words, mark_of, said_by, standing
from trialbook.queries.rule_texts import CHINESE, ENGLISH, Texts, fill

OPEN, CLOSED = "open", "closed"
STATES = ("open", "answered", "reopened", "confirmed", "corrected", "waived", "closed")
# What of a state is left to do.
STATUS = {state: OPEN if state in ("open", "answered", "reopened") else CLOSED for state in STATES}
LIVED = ("first_seen", "status", "state", "closed_at", "reopened_at", "answers")
DIFFER = "ANSWERS-DIFFER"
_TEXTS = Texts("queries/texts/lists.yaml")


def query_id(rule: str, subject: str, domain: str, record: str, field: str) -> str:
    """The id of an issue: a short hash of rule, subject and record key, so that it keeps its number across cuts.

    >>> query_id("P36-RESTATED", "001", "DM", "", "RFICDTC") == query_id("P36-RESTATED", "001", "DM", "", "RFICDTC")
    True
    >>> query_id("P36-RESTATED", "001", "DM", "", "RFICDTC") == query_id("P36-RESTATED", "002", "DM", "", "RFICDTC")
    False
    """
    key = "\x1f".join((rule, subject, domain, record, field))
    return "Q-" + hashlib.sha256(key.encode()).hexdigest()[:10].upper()


def with_life(
    lines: pd.DataFrame, known: pd.DataFrame, cut_date: str, answers: Sequence[Answer] = ()
) -> pd.DataFrame:  # fmt: skip
    """Lines asked now and lines known from the previous list, each with its life: columns of `LIVED`.

    `answers` in the order in which they came. Where people differ, the question stays open and a line asks them.
    """
    given: dict[str, list[Answer]] = {}
    for one in answers:
        given.setdefault(one.query_id, []).append(one)
    holds = {name: standing(said) for name, said in given.items()}
    lines = pd.concat([lines, _differing(lines, known, holds)], ignore_index=True)
    listed = pd.concat([_asked(lines, known, cut_date), _rest(lines, known, cut_date)], ignore_index=True)
    asked = set(lines["query_id"])
    before = known.set_index("query_id")
    for row, name in listed.loc[listed["query_id"].isin(list(given)), "query_id"].items():
        line = listed.loc[row]
        old = before.loc[name] if name in before.index else None
        life = _answered(line, old, holds[name], name in asked, cut_date)
        for column, value in {**life, "answers": said_by(given[name])}.items():
            listed.at[row, column] = value
    return listed.assign(status=listed["state"].map(STATUS).astype("str"))


def _asked(lines: pd.DataFrame, known: pd.DataFrame, cut_date: str) -> pd.DataFrame:
    """Lines asked now, with what the previous list knew of them."""
    before = known.set_index("query_id").reindex(lines["query_id"]).set_axis(lines.index)
    again = before["status"].eq(CLOSED)
    # An answer about this very value, whose file may be lost, is not asked for twice.
    same = before["observed"].eq(lines["observed"]) & before["record_list"].eq(lines["record_list"])
    kept = again & before["state"].isin(["confirmed", "waived"]) & same
    reopened = (again & ~kept) | (before["state"].eq("reopened") & ~again)
    state = pd.Series("open", index=lines.index, dtype="str").mask(reopened, "reopened").mask(kept, before["state"])
    return lines.assign(
        first_seen=before["first_seen"].fillna(cut_date),
        state=state,
        closed_at=before["closed_at"].where(kept, ""),
        reopened_at=before["reopened_at"].fillna("").mask(again & ~kept, cut_date),
        answers=before["answers"].fillna(""),
    )


def _rest(lines: pd.DataFrame, known: pd.DataFrame, cut_date: str) -> pd.DataFrame:
    """Lines of the previous list that are not asked now: closed, but for those that only an answer closes."""
    rest = known[~known["query_id"].isin(lines["query_id"])]
    closed_now = rest["status"].eq(OPEN) & ~rest["rule"].isin(NEEDS_CONFIRMATION)
    return rest.assign(
        state=rest["state"].mask(closed_now, "closed"), closed_at=rest["closed_at"].mask(closed_now, cut_date)
    )


def _answered(
    line: pd.Series, old: pd.Series | None, holds: Standing, asked: bool, cut_date: str
) -> dict[str, str]:  # fmt: skip
    """State, closing and reopening of one line that people have answered."""
    needed = asked or line["rule"] in NEEDS_CONFIRMATION
    was_closed = old is not None and old["status"] == CLOSED
    one = holds.answer
    if one is None:
        return {"state": "open", "closed_at": ""} if needed else {}
    if one.answer == "reopened":
        return {"state": "reopened", "closed_at": "", "reopened_at": one.date}
    about_this = one.about == mark_of(line["observed"], line["record_list"])
    closed_at = str(old["closed_at"]) if old is not None and was_closed and old["state"] == one.answer else ""
    if one.answer in ("confirmed", "waived"):
        if asked and not about_this:
            return _again(old, cut_date)
        return {"state": one.answer, "closed_at": closed_at or one.date}
    if not asked:
        return {"state": "answered", "closed_at": ""} if needed else {
            "state": "corrected", "closed_at": str(old["closed_at"]) if old is not None and was_closed else cut_date
        }  # fmt: skip
    awaited = about_this and (one.cut_date >= cut_date or one.date > cut_date)
    return {"state": "answered", "closed_at": ""} if awaited else _again(old, cut_date)


def _again(old: pd.Series | None, cut_date: str) -> dict[str, str]:
    """The life of a question that is asked again, since this cut or since an earlier one."""
    since = str(old["reopened_at"]) if old is not None and old["state"] == "reopened" else ""
    return {"state": "reopened", "closed_at": "", "reopened_at": since or cut_date}


def _differing(lines: pd.DataFrame, known: pd.DataFrame, holds: Mapping[str, Standing]) -> pd.DataFrame:
    """A line for each open question to which people have given different answers."""
    needed = known[known["rule"].isin(NEEDS_CONFIRMATION) & ~known["query_id"].isin(lines["query_id"])]
    of = pd.concat([lines, needed], ignore_index=True)
    text, rows = _TEXTS.area.rules[DIFFER], []
    for line in of[of["query_id"].isin([name for name, one in holds.items() if one.differing])].to_dict("records"):
        name = str(line["query_id"])
        words = {"answers": in_words(holds[name].differing), "query_id": name}
        rows.append({
            **{column: line[column] for column in ("subject", "domain", "record", "field")},
            "query_id": query_id(DIFFER, line["subject"], line["domain"], line["record"], f"{line['field']}\x1f{name}"),
            "rule": DIFFER, "severity": text.severity, "recipient": line["recipient"], "records": "1",
            "record_list": "", "observed": said_by(holds[name].differing),
            "expected": fill(text.expected, words, ENGLISH), "message_en": fill(text.en, words, ENGLISH),
            "message_zh": fill(text.zh, words, CHINESE),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=lines.columns, dtype="str")


def with_due(lines: pd.DataFrame, cut_date: str, due_days: Mapping[str, int] | None) -> pd.DataFrame:
    """The lines with `age_days` and `due`.

    Age: from the first asking to the cut, of a closed line to its closing. Due: so many days after the asking as the
    severity has in `due_days`, of a reopened line after the reopening; blank without `due_days`.
    """
    ends = lines["closed_at"].where(lines["closed_at"].ne(""), cut_date)
    days = [(as_date(end) - as_date(start)).days for start, end in zip(lines["first_seen"], ends, strict=True)]
    since = lines["reopened_at"].where(lines["state"].eq("reopened"), lines["first_seen"])
    due = [
        str(dt.date.fromisoformat(start) + dt.timedelta(days=due_days[severity])) if due_days else ""
        for start, severity in zip(since, lines["severity"], strict=True)
    ]
    return lines.assign(
        age_days=pd.Series(days, index=lines.index, dtype="int64").clip(lower=0),
        due=pd.Series(due, index=lines.index, dtype="str"),
    )


# ----------------------------------------------------------------------------------------------------

HISTORY = ["query_id", "date", "event", "by", "reason"]


def query_history(
    listed: pd.DataFrame, answers: Sequence[Answer] = (), previous: pd.DataFrame | None = None
) -> pd.DataFrame:  # fmt: skip
    """What happened to each question of a list, oldest first: `asked`, `closed` and `reopened` by the data, and the
    answers of people (`confirmed`, `corrected`, `waived`, `reopened`) with name and reason. Columns `HISTORY`.

    `previous` is the history of the previous cut: what it holds is kept.
    """
    known = set(listed["query_id"])
    rows: list[tuple[str, ...]] = [
        (one.query_id, one.date, one.answer, one.by, one.reason) for one in answers if one.query_id in known
    ]
    by_people = {row[:3] for row in rows}
    for name, first, state, closed, reopened in listed[
        ["query_id", "first_seen", "state", "closed_at", "reopened_at"]
    ].itertuples(index=False, name=None):
        rows.append((name, first, "asked", "", ""))
        if state in ("closed", "corrected") and closed:
            rows.append((name, closed, "closed", "", ""))
        if reopened and (name, reopened, "reopened") not in by_people:
            rows.append((name, reopened, "reopened", "", ""))
    now = pd.DataFrame(rows, columns=HISTORY, dtype="str")
    parts = [now] if previous is None else [previous.reindex(columns=HISTORY).astype("str").fillna(""), now]
    every = pd.concat(parts, ignore_index=True).drop_duplicates()
    order = {"asked": 0, "reopened": 1}
    every = every.assign(_order=every["event"].map(order).fillna(2))
    return every.sort_values(["query_id", "date", "_order"], kind="stable", ignore_index=True)[HISTORY]

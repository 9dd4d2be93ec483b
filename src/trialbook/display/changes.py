"""`changes.html`: one cut against an earlier one, deletions and changed values first, then subjects and events."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from trialbook.core.messages import ENGLISH, Language
from trialbook.diff.changes import CHANGED, UNKNOWN, Changes
from trialbook.diff.headlines import headline_name
from trialbook.display.blocks import Block
from trialbook.display.page import Frame, render
from trialbook.display.render import Renderer
from trialbook.display.tables import table
from trialbook.dlt.advice import plain_code
from trialbook.dlt.tables import STATUS_WORDS

PAGE = "changes.html"
TITLE = "Changes"
ENDPOINTS = {
    "ELIGIBILITY": "eligibility", "TEAE": "adverse events", "DLT": "DLT", "ORR_D28": "response at day 28",
    "OS": "survival",
}  # fmt: skip
FLAGS = {"": "no", "Y": "yes"}
KINDS = {
    "restated": "changed", "emptied": "removed", "filled in": "completed", "moved on": "went on",
}  # fmt: skip
# Columns of ADSL that are flags, by their name on the page.
FLAGGED = ("Enrolled", "Evaluable for DLT", "Mature for day 28", "Died")


def render_changes(
    changes: Changes | None, frame: Frame, linked: Collection[str] = (), why_none: str = "",
    language: Language = ENGLISH,
) -> str:  # fmt: skip
    """The page; without changes the sentence `why_none`. Subjects in `linked` (SUBJID) lead to their profile page."""
    if changes is None:
        return render(
            "changes.html", frame, PAGE, language, title=TITLE, summary=[why_none], sections=[],
            details=[],
        )  # fmt: skip
    renderer = Renderer(language, on_page=True)
    return render(
        "changes.html",
        frame,
        PAGE,
        language,
        title=f"Data cut {changes.new.cut_id} against {changes.old.cut_id}",
        summary=summary(changes),
        sections=[(renderer.html(block.payload), anchor) for anchor, block in _sections(changes, linked)],
        details=[(title, renderer.html(block.payload)) for title, block in _details(changes, linked)],
    )


def terminal_tables(changes: Changes) -> list[tuple[str, pd.DataFrame]]:
    """The same content for a terminal: title and frame, records and values first, results last."""
    records = changes.records
    moved = records.counts[records.counts[["added", "deleted", "changed"]].any(axis=1)]
    return [
        *([("signals", changes.signals)] if changes.signals is not None else []),
        ("records by domain", moved),
        ("deleted records", _named(changes, records.deleted)),
        ("reported values that changed", _values(changes, records.restated)),
        ("other values that changed", _values(changes, records.values)),
        ("subjects and statuses", _statuses(changes)),
        ("endpoints of subjects", _endpoints(changes)),
        ("serious events, events of grade 3 or more, DLTs", _named(changes, records.events)),
        ("headline numbers", changes.headlines.assign(name=changes.headlines["name"].map(headline_name))),
        ("results", changes.results.drop(columns=["group1"], errors="ignore")),
    ]


def summary(changes: Changes) -> list[str]:
    """What changed in sentences, what a committee must hear of first; each names its subjects."""
    if changes.nothing:
        return [f"Nothing changed since the cut {changes.old.cut_id}: the same records and the same results."]
    said = [
        *_deleted(changes), *_restated(changes), *_moved(changes), *_treated(changes), *_died(changes),
        *_events(changes),
    ]  # fmt: skip
    return said or [f"Records were added since the cut {changes.old.cut_id}; no subject, event or result changed."]


def _deleted(changes: Changes) -> list[str]:
    if changes.records.deleted.empty:
        return ["No record was deleted."]
    records = [
        f"{_short(changes, row.subject)} {row.domain} {row.record}".strip()
        for row in changes.records.deleted.itertuples()
    ]
    return [f"{_counted(len(records), 'record')} deleted: {_listed(records)}."]


def _restated(changes: Changes) -> list[str]:
    if changes.records.restated.empty:
        return ["No reported value was changed."]
    values = [
        f"{_short(changes, row.subject)} {row.domain} {row.column} {row.old} → {row.new or 'blank'}"
        for row in changes.records.restated.itertuples()
    ]
    return [f"{_counted(len(values), 'reported value')} changed: {_listed(values)}."]


def _moved(changes: Changes) -> list[str]:
    restated = changes.records.endpoints[changes.records.endpoints["kind"].eq(CHANGED)]
    return [
        f"{_short(changes, row.subject)}: {ENDPOINTS[row.endpoint]} was reported as "
        f"{_readable(row.endpoint, row.old)}, now {_readable(row.endpoint, row.new)}."
        for row in restated.itertuples()
    ]


def _treated(changes: Changes) -> list[str]:
    levels = changes.records.statuses[
        changes.records.statuses["status"].eq("Dose level") & changes.records.statuses["then"].eq("")
    ]
    fresh = changes.records.new_subjects
    treated = {
        **dict(zip(levels["subject"], levels["now"], strict=True)),
        **{row.subject: row.level for row in fresh.itertuples() if row.level},
    }
    screened = [row.subject for row in fresh.itertuples() if not row.level]
    who = [f"{_short(changes, subject)} ({level})" for subject, level in sorted(treated.items())]
    said = [f"{_counted(len(who), 'subject')} treated since: {_listed(who)}."] if who else ["Nobody was treated since."]
    if screened:
        said.append(f"New in the data and not treated: {_listed([_short(changes, s) for s in screened])}.")
    return said


def _died(changes: Changes) -> list[str]:
    died = changes.records.statuses[
        changes.records.statuses["status"].eq("Died") & changes.records.statuses["now"].eq("Y")
    ]
    who = [_short(changes, subject) for subject in died["subject"]]
    return [f"{_counted(len(who), 'new death')}: {_listed(who)}."] if who else ["No new death is known."]


def _events(changes: Changes) -> list[str]:
    fresh = changes.records.events[changes.records.events["news"].eq("new") & changes.records.events["serious"].ne("N")]
    told = [
        f"{_short(changes, row.subject)} {row.term} ({_grade(row.grade)}"
        f"{', seriousness not known' if row.serious == UNKNOWN else ''})"
        for row in fresh.itertuples()
    ]
    if not told:
        return ["No new serious event is known."]
    return [f"{_counted(len(told), 'new serious event')}: {_listed(told)}."]


def _sections(changes: Changes, linked: Collection[str]) -> list[tuple[str, Block]]:
    """The tables of the page in the order in which a committee asks."""
    then, now = f"At {changes.old.cut_id}", f"At {changes.new.cut_id}"
    both = {"then": then, "now": now, "old": then, "new": now}
    records, flags = changes.records, {"N": "no", "Y": "yes"}
    return [
        *([("signals", _signals(changes.signals, linked))] if changes.signals is not None else []),
        ("deleted", table(
            _named(changes, records.deleted), "Deleted records", empty="No record was deleted.",
            labels={"domain": "Domain", "subject": "Subject", "record": "Record"}, subject="subject", linked=linked,
        )),
        ("restated", table(
            _values(changes, records.restated), "Reported values that changed",
            empty="No value that had been reported was changed.",
            labels={**VALUE_LABELS, **both}, subject="subject", linked=linked,
        )),
        ("endpoints", table(
            _endpoints(changes), "Endpoints of subjects that changed", empty="No subject's own result changed.",
            labels={"subject": "Subject", "endpoint": "Endpoint", "kind": "Why", "records": "Changed values behind it",
                    **both}, subject="subject", linked=linked,
        )),
        ("subjects", table(
            _statuses(changes), "Subjects and statuses", empty="No subject is new, and no status changed.",
            labels={"subject": "Subject", "status": "Status", **both}, subject="subject", linked=linked,
        )),
        ("events", table(
            _named(changes, records.events).assign(
                grade=records.events["grade"].map(_grade), dlt=records.events["dlt"].replace(flags),
                serious=records.events["serious"].replace(flags),
            ),
            "Serious events, events of grade 3 or more, and DLTs: new or changed",
            empty="No such event is new or changed.", subject="subject", linked=linked,
            labels={"subject": "Subject", "term": "Event", "grade": "Grade", "serious": "Serious", "dlt": "DLT",
                    "start": "Start", "news": "Since the earlier cut"},
        )),
        ("numbers", table(
            changes.headlines.assign(
                name=changes.headlines["name"].map(lambda name: _capital(headline_name(name))),
                then=changes.headlines["then"].map(plain_code), now=changes.headlines["now"].map(plain_code),
            ),
            "Headline numbers that changed", empty="No headline number changed.", stub="name",
            labels={"name": "Number", **both}, right=["then", "now"],
        )),
        ("records", table(
            records.counts, "Records by domain",
            labels={"domain": "Domain", "previous": then, "added": "Added", "deleted": "Deleted",
                    "changed": "Records changed", "restated": "Reported values changed", "now": now},
            stub="domain",
        )),
    ]  # fmt: skip


def _signals(signals: pd.DataFrame, linked: Collection[str]) -> Block:
    """What a committee must look at first: what is new, and what is no longer raised."""
    return table(
        signals, "Signals: new, or no longer raised", empty="The same signals as at the earlier cut.",
        labels={"subject": "Subject", "severity": "Severity", "sentence": "Signal", "news": "Since the earlier cut"},
        subject="subject", linked=linked,
    )  # fmt: skip


VALUE_LABELS = {
    "domain": "Domain", "subject": "Subject", "record": "Record", "column": "Variable", "kind": "How",
    "endpoints": "Endpoints it can move",
}  # fmt: skip


def _details(changes: Changes, linked: Collection[str]) -> list[tuple[str, Block]]:
    """What is long: every other changed value, and every result that changed."""
    then, now = f"At {changes.old.cut_id}", f"At {changes.new.cut_id}"
    values = table(
        _values(changes, changes.records.values), "Values completed, or changed as the trial goes on",
        empty="No other value changed.", labels={**VALUE_LABELS, "old": then, "new": now}, subject="subject",
        linked=linked,
    )  # fmt: skip
    shown = changes.results.drop(columns=["group1"], errors="ignore")
    results = table(
        shown, "Every result that changed", empty="No result changed.",
        labels={"analysis_id": "Analysis", "group1_level": "Dose level", "variable": "Variable",
                "variable_level": "Level", "context": "Context", "stat_name": "Statistic", "then": then, "now": now},
        right=["then", "now"],
    )  # fmt: skip
    return [
        (f"All other changed values ({len(changes.records.values)})", values),
        (f"All results that changed ({len(changes.results)})", results),
    ]


def _endpoints(changes: Changes) -> pd.DataFrame:
    """The moved endpoints in words."""
    moved = changes.records.endpoints
    return _named(changes, moved).assign(
        endpoint=moved["endpoint"].map(ENDPOINTS), old=_results(moved, "old"), new=_results(moved, "new"),
        kind=moved["kind"].eq(CHANGED).map({True: "reported result changed", False: "follow-up went on"}),
    )  # fmt: skip


def _statuses(changes: Changes) -> pd.DataFrame:
    """New subjects and changed statuses in one frame: subject, status, then, now."""
    new = changes.records.new_subjects
    fresh = pd.DataFrame(
        {
            "subject": new["subject"], "status": "In the data", "then": "no",
            "now": new["level"].map(lambda level: f"yes, treated at {level}" if level else "yes, not treated"),
        },
        columns=["subject", "status", "then", "now"],
    )  # fmt: skip
    moved = changes.records.statuses.copy()
    for column in ("then", "now"):
        flag = moved["status"].isin(FLAGGED)
        words = moved[column].map(STATUS_WORDS).fillna(moved[column])
        moved[column] = moved[column].map(FLAGS).where(flag, words).fillna(moved[column])
    both = pd.concat([fresh, moved], ignore_index=True).sort_values("subject", kind="stable", ignore_index=True)
    return _named(changes, both)


def _values(changes: Changes, values: pd.DataFrame) -> pd.DataFrame:
    shown = _named(changes, values).assign(kind=values["kind"].map(KINDS))
    if "endpoints" in shown:
        named = values["endpoints"].map(lambda text: ", ".join(ENDPOINTS.get(e, e) for e in text.split(", ") if e))
        shown = shown.assign(endpoints=named)
    return shown


def _named(changes: Changes, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the short ids of subjects."""
    return frame.assign(subject=frame["subject"].map(lambda subject: _short(changes, subject)))


def _short(changes: Changes, subject: str) -> str:
    return changes.records.names.get(subject, subject)


def _results(moved: pd.DataFrame, column: str) -> list[str]:
    return [_readable(*row) for row in moved[["endpoint", column]].itertuples(index=False)]


def _readable(endpoint: str, value: str) -> str:
    """A subject's result of an endpoint with its code in words."""
    if endpoint == "DLT":
        return STATUS_WORDS.get(value, value)
    if endpoint == "ELIGIBILITY" and value.endswith(" PENDING"):
        return "screening not complete"
    return "pending" if value == "PENDING" else value


def _grade(grade: str) -> str:
    return f"grade {grade}" if grade else "grade missing"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _listed(items: Sequence[str], most: int = 8) -> str:
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")

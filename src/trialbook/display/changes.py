"""`changes.html`: one cut against an earlier one, deletions and changed values first, then subjects and events."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, enumerated, joined, msg, plural
from trialbook.diff.changes import CHANGED, UNKNOWN, Changes
from trialbook.diff.headlines import headline_name
from trialbook.display.blocks import Block
from trialbook.display.first_page import SEVERITY_WORDS
from trialbook.display.page import Frame, render
from trialbook.display.render import Renderer
from trialbook.display.result_names import statistic_in_words
from trialbook.display.tables import table
from trialbook.dlt.advice import plain_code
from trialbook.subjects.dlt_status import STATUS_WORDS

PAGE = "changes.html"
TITLE = "Changes"
ENDPOINTS = {
    "ELIGIBILITY": msg("eligibility"), "TEAE": msg("adverse events"), "DLT": "DLT",
    "ORR_D28": msg("response at day 28"), "OS": msg("survival"),
}  # fmt: skip
FLAGS = {"": msg("no"), "Y": msg("yes")}
# The heads of the tables of the page, and of the results.
HEADS = {
    "domain": msg("Domain"), "subject": msg("Subject"), "record": msg("Record"), "column": msg("Variable"),
    "kind": msg("How"), "endpoints": msg("Endpoints it can move"), "endpoint": msg("Endpoint"),
    "records": msg("Changed values behind it"), "status": msg("Status"), "term": msg("Event"), "grade": msg("Grade"),
    "serious": msg("Serious"), "dlt": "DLT", "start": msg("Start"), "news": msg("Since the earlier cut"),
    "severity": msg("Severity"), "sentence": msg("Signal"),
}  # fmt: skip
RESULT_HEADS = {
    "analysis_id": msg("Analysis"), "group1_level": msg("Dose level"), "variable": msg("Variable"),
    "variable_level": msg("Value"), "context": msg("Context"), "stat_name": msg("Statistic"),
}  # fmt: skip
KINDS = {
    "restated": msg("changed"), "emptied": msg("removed"), "filled in": msg("completed"), "moved on": msg("went on"),
}  # fmt: skip
# Contexts of results that are another thing than the word that a contract is said by.
CONTEXTS = {
    "delivered": msg("records delivered"), "left out": msg("records left out"), "removed": msg("records removed"),
    "kept": msg("records kept"),
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
        title=msg("Data cut {cut} against {previous_cut}", cut=changes.new.cut_id, previous_cut=changes.old.cut_id),
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
        return [msg("Nothing changed since the cut {cut}: the same records and the same results.", cut=_old(changes))]
    said = [
        *_deleted(changes), *_restated(changes), *_moved(changes), *_treated(changes), *_died(changes),
        *_events(changes),
    ]  # fmt: skip
    return said or [
        msg("Records were added since the cut {cut}; no subject, event or result changed.", cut=_old(changes))
    ]


def _deleted(changes: Changes) -> list[str]:
    if changes.records.deleted.empty:
        return [msg("No record was deleted.")]
    records = [
        f"{_short(changes, row.subject)} {row.domain} {row.record}".strip()
        for row in changes.records.deleted.itertuples()
    ]
    one, many = msg("{n} record deleted: {records}."), msg("{n} records deleted: {records}.")
    return [plural(one, many, len(records), records=_listed(records))]


def _restated(changes: Changes) -> list[str]:
    if changes.records.restated.empty:
        return [msg("No reported value was replaced or removed.")]
    values = [
        msg(
            "{subject} {domain} {column} {value} → {result}",
            subject=_short(changes, row.subject),
            domain=row.domain,
            column=row.column,
            value=row.old,
            result=row.new or msg("blank"),
        )
        for row in changes.records.restated.itertuples()
    ]
    one, many = msg("{n} reported value changed: {values}."), msg("{n} reported values changed: {values}.")
    return [plural(one, many, len(values), values=_listed(values))]


def _moved(changes: Changes) -> list[str]:
    restated = changes.records.endpoints[changes.records.endpoints["kind"].eq(CHANGED)]
    return [
        msg(
            "{subject}: {endpoint} was reported as {before}, now {now}.",
            subject=_short(changes, row.subject),
            endpoint=ENDPOINTS[row.endpoint],
            before=_readable(row.endpoint, row.old),
            now=_readable(row.endpoint, row.new),
        )
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
    who = [
        msg("{subject} ({level})", subject=_short(changes, subject), level=level)
        for subject, level in sorted(treated.items())
    ]
    one, many = msg("{n} subject treated since: {subjects}."), msg("{n} subjects treated since: {subjects}.")
    said: list[str] = [plural(one, many, len(who), subjects=_listed(who)) if who else msg("Nobody was treated since.")]
    if screened:
        subjects = _listed([_short(changes, subject) for subject in screened])
        said.append(msg("New in the data and not treated: {subjects}.", subjects=subjects))
    return said


def _died(changes: Changes) -> list[str]:
    died = changes.records.statuses[
        changes.records.statuses["status"].eq("Died") & changes.records.statuses["now"].eq("Y")
    ]
    who = [_short(changes, subject) for subject in died["subject"]]
    one, many = msg("{n} new death: {subjects}."), msg("{n} new deaths: {subjects}.")
    return [plural(one, many, len(who), subjects=_listed(who))] if who else [msg("No new death is known.")]


def _events(changes: Changes) -> list[str]:
    fresh = changes.records.events[changes.records.events["news"].eq("new") & changes.records.events["serious"].ne("N")]
    told = [
        msg(
            "{subject} {term} ({said})", subject=_short(changes, row.subject), term=row.term,
            said=joined([_grade(row.grade), msg("seriousness not known") if row.serious == UNKNOWN else ""], ", "),
        )
        for row in fresh.itertuples()
    ]  # fmt: skip
    if not told:
        return [msg("No new serious event is known.")]
    one, many = msg("{n} new serious event: {events}."), msg("{n} new serious events: {events}.")
    return [plural(one, many, len(told), events=_listed(told))]


def _old(changes: Changes) -> str:
    return changes.old.cut_id


def _sections(changes: Changes, linked: Collection[str]) -> list[tuple[str, Block]]:
    """The tables of the page in the order in which a committee asks."""
    then, now = msg("At {cut}", cut=changes.old.cut_id), msg("At {cut}", cut=changes.new.cut_id)
    both = {"then": then, "now": now, "old": then, "new": now}
    records, flags = changes.records, {"N": msg("no"), "Y": msg("yes")}
    return [
        *([("signals", _signals(changes.signals, linked))] if changes.signals is not None else []),
        ("deleted", table(
            _named(changes, records.deleted), msg("Deleted records"), empty=msg("No record was deleted."),
            labels=HEADS, subject="subject", linked=linked,
        )),
        ("restated", table(
            _values(changes, records.restated), msg("Reported values that were replaced or removed"),
            empty=msg("No value that had been reported was replaced or removed."),
            labels={**HEADS, **both}, subject="subject", linked=linked,
        )),
        ("endpoints", table(
            _endpoints(changes), msg("Endpoints of subjects that changed"),
            empty=msg("No subject's own result changed."),
            labels={**HEADS, "kind": msg("Why"), **both}, subject="subject", linked=linked,
        )),
        ("subjects", table(
            _statuses(changes), msg("Subjects and statuses"), empty=msg("No subject is new, and no status changed."),
            labels={**HEADS, **both}, subject="subject", linked=linked,
        )),
        ("events", table(
            _named(changes, records.events).assign(
                grade=records.events["grade"].map(_grade), dlt=records.events["dlt"].replace(flags),
                serious=records.events["serious"].replace(flags),
            ),
            msg("Serious events, events of grade 3 or more, and DLTs: new or changed"),
            empty=msg("No such event is new or changed."), subject="subject", linked=linked,
            labels=HEADS,
        )),
        ("numbers", table(
            changes.headlines.assign(
                name=changes.headlines["name"].map(lambda name: _capital(headline_name(name))),
                then=changes.headlines["then"].map(plain_code), now=changes.headlines["now"].map(plain_code),
            ),
            msg("Headline numbers that changed"), empty=msg("No headline number changed."), stub="name",
            labels={"name": msg("Number"), **both}, right=["then", "now"],
        )),
        ("records", table(
            records.counts, msg("Records by domain"),
            labels={"domain": msg("Domain"), "previous": then, "added": msg("Added"), "deleted": msg("Deleted"),
                    "changed": msg("Records changed"), "restated": msg("Values replaced or removed"), "now": now},
            stub="domain",
        )),
    ]  # fmt: skip


def _signals(signals: pd.DataFrame, linked: Collection[str]) -> Block:
    """What a committee must look at first: what is new, and what is no longer raised."""
    return table(
        signals.assign(
            severity=signals["severity"].map(lambda code: SEVERITY_WORDS.get(code, code)),
            subject=signals["subject"].map(lambda subject: subject or msg("Study")),
        ),
        msg("Signals: new, or no longer raised"), empty=msg("The same signals as at the earlier cut."),
        labels=HEADS,
        subject="subject", linked=linked,
    )  # fmt: skip


def _details(changes: Changes, linked: Collection[str]) -> list[tuple[str, Block]]:
    """What is long: every other changed value, and every result that changed."""
    then, now = msg("At {cut}", cut=changes.old.cut_id), msg("At {cut}", cut=changes.new.cut_id)
    values = table(
        _values(changes, changes.records.values), msg("Values completed, or changed as the trial goes on"),
        empty=msg("No other value changed."), labels={**HEADS, "old": then, "new": now}, subject="subject",
        linked=linked,
    )  # fmt: skip
    shown = changes.results.drop(columns=["group1"], errors="ignore")
    results = table(
        shown.assign(
            context=shown["context"].map(lambda code: CONTEXTS.get(code, code)),
            stat_name=shown["stat_name"].map(statistic_in_words),
        ),
        msg("Every result that changed"), empty=msg("No result changed."),
        labels={**HEADS, **RESULT_HEADS, "then": then, "now": now},
        right=["then", "now"],
    )  # fmt: skip
    return [
        (msg("All other changed values ({n})", n=len(changes.records.values)), values),
        (msg("All results that changed ({n})", n=len(changes.results)), results),
    ]


def _endpoints(changes: Changes) -> pd.DataFrame:
    """The moved endpoints in words."""
    moved = changes.records.endpoints
    return _named(changes, moved).assign(
        endpoint=moved["endpoint"].map(ENDPOINTS), old=_results(moved, "old"), new=_results(moved, "new"),
        kind=moved["kind"].eq(CHANGED).map({True: msg("reported result changed"), False: msg("follow-up went on")}),
    )  # fmt: skip


def _statuses(changes: Changes) -> pd.DataFrame:
    """New subjects and changed statuses in one frame: subject, status, then, now."""
    new = changes.records.new_subjects
    fresh = pd.DataFrame(
        {
            "subject": new["subject"], "status": msg("In the data"), "then": msg("no"),
            "now": new["level"].map(lambda level: _treated_at(level)),
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
        named = values["endpoints"].map(lambda text: joined([ENDPOINTS.get(e, e) for e in text.split(", ") if e], ", "))
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
        return msg("screening not complete")
    return msg("pending") if value == "PENDING" else value


def _grade(grade: str) -> str:
    return msg("grade {grade}", grade=grade) if grade else msg("grade missing")


def _treated_at(level: str) -> str:
    return msg("yes, treated at {level}", level=level) if level else msg("yes, not treated")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(items: Sequence[str], most: int = 8) -> str:
    rest = len(items) - most
    return enumerated([joined(items[:most], ", "), *([msg("{n} more", n=rest)] if rest > 0 else [])])

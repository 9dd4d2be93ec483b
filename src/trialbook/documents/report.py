"""The committee report of a cut: what a Safety Review Committee reads, the decision first, then what it rests on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from trialbook.conduct.board import event_words
from trialbook.core.messages import Message, as_text, joined, msg
from trialbook.display.first_page import rules_said
from trialbook.display.payload import data_text, text_of
from trialbook.documents import seen
from trialbook.documents.content import (
    Block,
    Bullets,
    Column,
    Cover,
    Document,
    Figure,
    KeyNumbers,
    Notice,
    Paragraph,
    Section,
    Table,
    Text,
    table_of,
)
from trialbook.documents.source import CutSource
from trialbook.signals.messages import signal_text
from trialbook.subjects.demography import person_in_words

SYNTHETIC = msg("SYNTHETIC DATA: made by a simulator, no real person is described")
SEVERITIES = {"high": msg("High"), "medium": msg("Medium"), "low": msg("Low")}
MOST_ROWS = 40
# What the decision refers to.
DECIDING = ("DLT status of each treated subject", "DLT rate")
# The tables and figures of each section: the step whose notebook shows them, the title that they have there, and the
# columns that a report shows (empty = all).
Wanted = tuple[str, str, Sequence[str]]
Endpoint = Literal["TEAE", "DLT", "ORR_D28", "OS"]
SAFETY: tuple[Wanted, ...] = (
    ("safety", "Overview of treatment-emergent adverse events", ()),
    ("safety", "Subjects by the maximum grade of all TEAE", ()),
    ("safety", "Serious events from consent on",
     ("SUBJID", "TRT01A", "ADECOD", "RELDAY", "GRADE", "SERIOUS", "AREL", "AEOUT")),
    ("safety", "Deaths of treated subjects", ("SUBJID", "TRT01A", "DTHDT", "DTHDAY", "CAUSE", "AREL", "RSP28")),
    ("safety", "Adverse events by term and dose level", ()),
)  # fmt: skip
DLT: tuple[Wanted, ...] = (
    ("dlt", "DLT status of each treated subject",
     ("SUBJID", "TRT01A", "TRTSDT", "WINENDT", "DLTSTAT", "REASON", "DLTDT")),
    ("dlt", "DLT adjudication", ("SUBJID", "TRT01A", "AEDECOD", "GRADE", "AEREL", "DAY", "REASON", "DLTFL")),
    ("dlt", "DLT rate", ()),
    ("dlt", "DLT rate, worst and best case", ()),
    ("dlt", "Escalation diary", ()),
    ("dlt", "Safety stopping rules", ()),
    ("dlt", "Decisions on earlier cuts", ("DATE", "CUT", "DECIDED", "ADVISED", "VERDICT", "TODAY", "SUPPORT")),
)  # fmt: skip
RESPONSE: tuple[Wanted, ...] = (
    ("orr", "Response at day 28 by dose level", ()),
    ("orr", "Overall response rate at day 28", ()),
    ("orr", "Response at day 28 by subject",
     ("SUBJID", "TRT01A", "BASESTG", "D28STG", "RELDAY", "AVALC", "REASON", "RSPINV")),
    ("orr", "Who decides the bounds", ()),
    ("orr", "Response rate under other choices", ("CHOICE", "Total", "RATE", "LOW", "HIGH", "CHANGES")),
)  # fmt: skip
SURVIVAL: tuple[Wanted, ...] = (
    ("os", "Overall survival (N", ()),
    ("os", "Overall survival, S(t)", ()),
    ("os", "Alive at day", ()),
    ("os", "Deaths", ("SUBJID", "TRT01A", "AVAL", "ADT", "EVNTDESC")),
    ("os", "Median follow-up", ()),
)  # fmt: skip
METHODS: tuple[Wanted, ...] = (
    ("orr", "Estimands", ()),
    ("eligibility", "Alternatives looked at", ()),
)  # fmt: skip
AUDIT: tuple[Wanted, ...] = (
    ("cleaning", "Files received", ("domain", "file", "rows", "bytes", "sha256")),
    ("cleaning", "Records against the previous cut", ()),
)  # fmt: skip


# Endpoint, anchor, title, what is shown, and the sentence before it, after which the tables and figures are named.
CHAPTERS: tuple[tuple[Endpoint, str, Callable[[CutSource], Message], tuple[Wanted, ...], Message], ...] = (
    ("TEAE", "safety", seen.safety, SAFETY,
     msg("Events are counted by subject and dose level; serious events and deaths are listed one by one.")),
    ("DLT", "dlt", seen.dlt, DLT,
     msg("The status of each subject decides who counts; what is still open is in the worst and best case.")),
    ("ORR_D28", "response", seen.response, RESPONSE,
     msg("Pending subjects are not in the denominator; bounds and other choices of rules are beside the rate.")),
    ("OS", "survival", seen.survival, SURVIVAL,
     msg("Survival is estimated by Kaplan-Meier from the first infusion; bounds say what the unseen could change.")),
)  # fmt: skip


def report(source: CutSource) -> Document:
    """The report of a built cut, without a language."""
    protocol = source.built.protocol
    sections = [_decision(source), _signals(source), _board(source)]
    for endpoint, anchor, title, wanted, words in CHAPTERS:
        if protocol.has_endpoint(endpoint):
            blocks = tuple(_shown(source, wanted))
            numbers = tuple(block.id for block in blocks if isinstance(block, Table | Figure))
            introduced = Paragraph(words, see=numbers)
            sections.append(Section(anchor, title(source), (introduced, *_numbers(source, anchor), *blocks)))
    sections += [_queries(source), _methods(source), _audit(source)]
    cut = source.built.cut
    return Document(
        kind="report", cover=cover(source, msg("Report to the Safety Review Committee")), head=head(source),
        foot=foot(source), cut_date=str(cut.cut_date), sections=tuple(numbered(sections)),
        answer=seen.decision(source),
    )  # fmt: skip


def numbered(sections: Sequence[Section]) -> Iterator[Section]:
    """The sections; tables that only a report has are numbered through (R-1), others have their number on the pages."""
    number = itertools.count(1)
    for section in sections:
        blocks = [
            replace(block, id=f"R-{next(number)}") if isinstance(block, Table) and not block.id else block
            for block in section.blocks
        ]
        yield replace(section, blocks=tuple(blocks))


# ----------------------------------------------------------------------------------------------------
# What every document of a cut says of itself


def cover(source: CutSource, title: Message) -> Cover:
    """The cover of a document of this cut."""
    built = source.built
    study, cut = built.protocol.study, built.cut
    facts: list[tuple[Text, Text]] = [
        (msg("Study"), data_text(f"{study.id} ({study.registry_id})")),
        (msg("Title"), text_of(study.title)),
        (msg("Sponsor"), text_of(study.sponsor)),
        (msg("Data cut"), data_text(str(cut.cut_date))),
        (msg("Previous cut"), data_text(cut.previous_cut) if cut.previous_cut else msg("none")),
        (msg("Subjects treated"), text_of(seen.treated(source))),
        (msg("Build"), data_text(fingerprint(source))),
    ]
    return Cover(
        study=study.id, title=title, subtitle=msg("Data cut {date}", date=str(cut.cut_date)), facts=tuple(facts),
        notices=(text_of(as_text(study.disclaimer)),), banner=SYNTHETIC if built.synthetic else "",
    )  # fmt: skip


def head(source: CutSource) -> Text:
    """What is at the head of every page."""
    built = source.built
    return text_of(msg("{study}, data cut {date}", study=built.protocol.study.id, date=str(built.cut.cut_date)))


def foot(source: CutSource) -> Text:
    """What is at the foot of every page."""
    return text_of(msg("Build {fingerprint}", fingerprint=fingerprint(source)))


def anchor_of(text: str) -> str:
    """A text of the data as a name of a place in a document: letters, digits and hyphens, never that of another text.

    >>> anchor_of("S-1"), anchor_of("S 1")
    ('S-1', 'S-1-20')
    """
    odd = "".join(f"-{ord(character):x}" for character in text if not re.fullmatch("[A-Za-z0-9-]", character))
    return re.sub("[^A-Za-z0-9-]", "-", text) + odd


def fingerprint(source: CutSource) -> str:
    """The first letters of the hash over every file of the build."""
    return source.built.seal[:16]


# ----------------------------------------------------------------------------------------------------
# Sections


def _decision(source: CutSource) -> Section:
    page = source.page
    blocks: list[Block] = []
    if page.decision is not None:
        decision = page.decision
        see = tuple(found.id for found in (source.find("dlt", title) for title in DECIDING) if found is not None)
        blocks.append(Paragraph(text_of(joined(decision.sentences)), see=see, subjects=True))
        blocks.append(
            Paragraph(text_of(msg("This is the advice of the rule in force; the committee decides.")), "small")
        )
        blocks.append(ladder(source))
        if decision.next_steps:
            rows = decision.next_steps
            who = msg("DLTs among the next outcomes: {who}", who=as_text(decision.next_cohort))
            blocks.append(
                own_table(
                    "",
                    msg("What the next outcomes lead to"),
                    {"dlt": who, "advice": msg("Advice")},
                    rows,
                    subjects=True,
                )
            )
    else:
        blocks.append(Paragraph(msg("No escalation rule advises on this trial.")))
    if page.enrolment is not None:
        one = page.enrolment
        answer = {
            "yes": msg("The next subject may be treated at {level}.", level=one.level),
            "not before": msg("The next subject may not be treated before {day}.", day=one.day),
        }.get(one.answer, msg("No further subject may be treated now."))
        blocks.append(Paragraph(text_of(joined([answer, *one.reasons])), subjects=True))
    if page.coming:
        blocks.append(dates(source))
    return Section("decision", seen.decision(source), tuple(blocks))


def dates(source: CutSource) -> Table:
    """What has a date: windows that close, visits that are due."""
    labels = {"day": msg("Until"), "subject": msg("Subject"), "what": msg("What")}
    rows = [(one.day, one.subject, one.what) for one in source.page.coming]
    return own_table("", msg("Dates to come"), labels, rows, subjects=True)


def ladder(source: CutSource) -> Table:
    """The dose levels from the highest, each with its subjects and what was counted."""
    decision = source.page.decision
    rungs = decision.ladder if decision is not None else ()
    rows = [
        (
            rung.level, rung.dose, rung.says,
            joined([msg("{subject} ({mark})", subject=who, mark=as_text(mark)) for who, mark in rung.subjects], ", "),
        )
        for rung in rungs
    ]  # fmt: skip
    labels = {
        "level": msg("Dose level"), "dose": msg("Cells per infusion"), "says": msg("DLT of those evaluable"),
        "subjects": msg("Subjects, in the order of their first infusion"),
    }  # fmt: skip
    return own_table("", msg("The dose levels at this cut"), labels, rows, subjects=True)


def _signals(source: CutSource) -> Section:
    blocks: list[Block] = []
    rules = [{"status": run.status} for run in source.page.rules]
    for severity, word in SEVERITIES.items():
        own = [one for one in source.signals if one.severity == severity]
        if own:
            items = tuple(
                (
                    data_text(", ".join(part for part in (one.subject, one.level) if part))
                    if one.subject or one.level
                    else msg("Study"),
                    text_of(signal_text(one.message_id, one.arguments)),
                )
                for one in own
            )
            blocks += [Paragraph(msg("{severity} severity", severity=word), "lead"), Bullets(items, subjects=True)]
    if not source.signals:
        blocks.append(Paragraph(msg("No rule has raised a signal.")))
    blocks.append(Paragraph(text_of(msg("{sentence}.", sentence=as_text(rules_said(rules)))), "small"))
    if source.page.news_known and source.page.news:
        since = msg("New since the data cut {cut}", cut=source.built.cut.previous_cut)
        blocks += [Paragraph(text_of(since), "lead"), news(source)]
    return Section("signals", seen.signals(source), tuple(blocks))


def news(source: CutSource) -> Bullets:
    """What is new since the previous cut."""
    found = source.page.news
    return Bullets(tuple((text_of(as_text(one.what)), text_of(_news(one.subjects, one.text))) for one in found), True)


def _news(subjects: Sequence[tuple[str, str]], text: str) -> str:
    named = [
        msg("{subject} ({words})", subject=subject, words=as_text(words)) if words else subject
        for subject, words in subjects
    ]
    return joined([joined(named, ", "), text], "; ")


def _board(source: CutSource) -> Section:
    blocks: list[Block] = [board_table(source)]
    course = source.find("os", "Course of each treated subject")
    if course is not None:
        blocks.append(course.figure)
    return Section("board", seen.board(source), tuple(blocks))


def board_table(source: CutSource) -> Table:
    """The status board: one row per treated subject."""
    board = source.page.board
    rows = [
        (
            row.subject, row.level, person_in_words(row.person), row.end, row.grade, row.worst,
            _events(row.serious),
            row.dlt, row.response, row.status,
        )
        for row in board[:MOST_ROWS]
    ]  # fmt: skip
    labels = {
        "subject": msg("Subject"), "level": msg("Level"), "person": msg("Age, sex"), "end": msg("Days to the cut"),
        "grade": msg("aGVHD grade, baseline → last assessed"), "worst": msg("Worst event"),
        "serious": msg("Serious events"), "dlt": msg("DLT"),
        "response": msg("Day 28"), "status": msg("Now"),
    }  # fmt: skip
    empty = [
        name
        for k, name in enumerate(labels)
        if name in ("grade", "dlt", "response") and not any(row[k] for row in rows)
    ]
    made = own_table(
        "", msg("Every treated subject at the cut"), labels, rows, subjects=True, without=empty,
        empty=msg("Nobody has been treated."), whole=len(board) if len(board) > MOST_ROWS else 0,
    )  # fmt: skip
    return made


def _events(serious: Sequence[tuple[int | None, str, str]]) -> str:
    said = []
    for day, term, grade in serious:
        words = event_words(term, grade)
        said.append(words if day is None else msg("{event} (day {day})", event=words, day=day))
    return joined(said, "; ")


def _numbers(source: CutSource, anchor: str) -> Iterator[Block]:
    """The headline numbers of safety."""
    items = seen.safety_numbers(source) if anchor == "safety" else []
    if items:
        yield KeyNumbers(tuple((text_of(a), text_of(b), text_of(c)) for a, b, c in items))


def _shown(source: CutSource, wanted: Sequence[Wanted]) -> Iterator[Block]:
    """The tables and figures that a section shows, as the pages of the build have them."""
    for step, title, columns in wanted:
        output = source.find(step, title)
        if output is None:
            continue
        if output.spec is not None:
            yield output.figure
        else:
            made = table_of(output.payload, output.id, columns=columns, most=MOST_ROWS)
            yield made if made.rows else Paragraph(_nothing(made), see=())


def _nothing(table: Table) -> Text:
    """A table without rows as a sentence."""
    return text_of(msg("{title}: {nothing}", title=_message(table.title), nothing=_message(table.empty)))


def _message(text: Text) -> str:
    if isinstance(text, dict) and "m" in text:
        return Message(text["m"].format(**text["a"]), text["m"], text["a"])
    return as_text(str(text))


QUERY_ORDER = ("stop", "major", "minor", "info")


def _queries(source: CutSource) -> Section:
    asked = source.queries
    open_ = asked[asked["status"].eq("open")]
    counts = [
        (name, int(open_["severity"].eq(name).sum()), int(asked["severity"].eq(name).sum())) for name in QUERY_ORDER
    ]
    labels = {"severity": msg("Severity"), "open": msg("Open"), "all": msg("Asked so far")}
    rows = [row for row in counts if row[2]]
    counted = own_table("", msg("Queries by severity"), labels, rows, empty=msg("No query was raised."))
    blocks: tuple[Block, ...] = (counted,) if open_.empty else (counted, open_queries(source))
    return Section("queries", seen.queries(source), blocks)


def open_queries(source: CutSource) -> Table:
    """The open questions, the gravest first."""
    open_ = source.queries[source.queries["status"].eq("open")]
    rank = open_["severity"].map({name: k for k, name in enumerate(QUERY_ORDER)})
    ranked = open_.assign(_rank=rank).sort_values(["_rank", "subject", "query_id"], kind="stable")
    adsl = source.built.datasets["adsl"]
    number = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    rows = [
        (row.query_id, number.get(row.subject, row.subject), row.severity, row.message_en, row.age_days)
        for row in ranked.head(MOST_ROWS).itertuples()
    ]
    labels = {
        "query": msg("Query"), "subject": msg("Subject"), "severity": msg("Severity"), "question": msg("Question"),
        "age": msg("Days open"),
    }  # fmt: skip
    return own_table(
        "", msg("Open queries"), labels, rows, subjects=True, whole=len(ranked) if len(ranked) > len(rows) else 0,
        data=("query", "age"), empty=msg("No query is open."),
    )  # fmt: skip


def _methods(source: CutSource) -> Section:
    study = source.built.protocol.study
    blocks: list[Block] = [
        Paragraph(text_of(msg(
            "Subjects are analysed at the dose level of their first infusion. Day 0 is the day of the first infusion. "
            "Data after {date} are not used.", date=str(source.built.cut.cut_date),
        ))),
        *(Paragraph(text_of(as_text(note)), "small") for note in study.notes),
    ]  # fmt: skip
    blocks += list(_shown(source, METHODS))
    changed = sorted(source.built.cut.overrides)
    if changed:
        blocks.append(
            Notice(
                text_of(msg("This cut changes analysis keys of the protocol file: {keys}.", keys=", ".join(changed))),
                "warning",
            )
        )
    return Section("methods", seen.methods(source), tuple(blocks))


def _audit(source: CutSource) -> Section:
    sources: Mapping[str, Any] = source.manifest["sources"]
    cut = source.built.cut
    rows: list[tuple[object, ...]] = [
        (msg("Build, hash over every file"), source.built.seal),
        (msg("Fingerprint of the inputs"), str(source.manifest.get("fingerprint", ""))),
        (msg("Build of the previous cut"), str(sources.get("previous_build") or "")),
        (msg("Lock of the packages"), next(iter(sources.get("lock", {}).values()), "")),
        *(
            (msg("Parameters, {file}", file=name), value)
            for name, value in sorted(sources.get("parameters", {}).items())
        ),
    ]
    labels = {"what": msg("What"), "hash": "SHA-256"}
    said = msg(
        "This report is made from the published build of this cut by one command, trialbook export {cut}. The command "
        "trialbook verify {cut} builds the cut again and compares every file.", cut=cut.cut_id,
    )  # fmt: skip
    counts = msg(
        "{files} files came in. The build records the hash of each, of {code} files of code and the version of each of "
        "{packages} packages.", files=len(sources.get("inputs", {})), code=len(sources.get("code", {})),
        packages=len(sources.get("packages", {})),
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(text_of(said)), Paragraph(text_of(counts)),
        own_table("", msg("Fingerprints"), labels, [row for row in rows if row[1]], data=("hash",)),
        *_shown(source, AUDIT),
    ]  # fmt: skip
    return Section("audit", msg("Audit trail"), tuple(blocks))


def own_table(
    number: str, title: Message, labels: Mapping[str, str], rows: Sequence[Sequence[object]], *, subjects: bool = False,
    without: Sequence[str] = (), empty: Text = "", whole: int = 0, data: Sequence[str] = (),
) -> Table:  # fmt: skip
    """A table of rows of texts and numbers; what names a subject, a level, a day or a record is text of the data."""
    columns = []
    as_delivered = {"subject", "level", "day", *data}
    for place, (name, label) in enumerate(labels.items()):
        if name in without:
            continue
        values = [row[place] for row in rows]
        number_column = bool(values) and all(isinstance(value, int) for value in values)
        kind = "number" if number_column else "data" if name in as_delivered else "text"
        cells = tuple(
            str(value)
            if kind != "text"
            else value
            if isinstance(value, dict)
            else text_of(value if isinstance(value, Message) else as_text(str(value)) if value else "")
            for value in values
        )
        columns.append(Column(name, text_of(label), cells, kind, number_column))  # type: ignore[arg-type]
    return Table(number, title, tuple(columns), empty=empty, whole=whole, subjects=subjects)


__all__ = [
    "SYNTHETIC", "anchor_of", "board_table", "cover", "fingerprint", "foot", "head", "ladder", "numbered", "own_table",
    "report",
]  # fmt: skip

"""The document of the narratives of a cut: one section for each subject, what is new since the previous cut marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trialbook.core.messages import Message, as_text, joined, msg, plural
from trialbook.display.payload import text_of
from trialbook.documents import report as parts
from trialbook.documents.content import Block, Bullets, Document, Paragraph, Section, Text
from trialbook.documents.narrative_sentences import SEVERE, Narrative, Sentence, narratives_of
from trialbook.documents.source import CutSource

NEW, CHANGED = msg("\u25c6 new"), msg("\u25c6 changed")


def narratives(source: CutSource) -> Document:
    """The narratives of a built cut as a document, what is new since its previous cut marked."""
    now = narratives_of(source.built)
    before = None if source.previous is None else {one.usubjid: one for one in narratives_of(source.previous)}
    cut = source.built.cut
    sections = [_overview(source, now, before)]
    for one in now:
        old = None if before is None else before.get(one.usubjid)
        sections.append(_section(one, before is not None, old, cut.previous_cut or ""))
    title = msg("Narratives of deaths, serious events and dose-limiting toxicities")
    return Document(
        kind="narratives", cover=parts.cover(source, title), head=parts.head(source), foot=parts.foot(source),
        cut_date=str(cut.cut_date), sections=tuple(parts.numbered(sections)),
        answer=plural("Narratives of {n} subject", "Narratives of {n} subjects", len(now)),
    )  # fmt: skip


def _overview(source: CutSource, now: Sequence[Narrative], before: Mapping[str, Narrative] | None) -> Section:
    days, cut = source.built.analysis.narrative_days, source.built.cut.previous_cut
    blocks: list[Block] = [
        Paragraph(text_of(msg(
            "Every sentence is made from the records that are named in brackets after it. For each event the narrative "
            "also gives other events that began within {days} days before it, laboratory results of grade {grade} or "
            "more around it, and medication at its onset or begun within {days} days after it.",
            days=days, grade=SEVERE,
        ))),
        Paragraph(text_of(msg("Day 0 is the day of the first infusion."))),
    ]  # fmt: skip
    if before is None:
        blocks.append(Paragraph(text_of(msg("There is no previous cut to compare with."))))
    else:
        blocks.append(Paragraph(text_of(msg(
            "What is new or reads otherwise since the data cut {cut} is marked behind the sentence: {new}, {changed}.",
            cut=cut, new=NEW, changed=CHANGED,
        ))))  # fmt: skip
    rows = [
        (one.subject, one.level, joined(one.reasons, ", "), *(() if before is None else _news(one, before)))
        for one in now
    ]
    labels = {"subject": msg("Subject"), "level": msg("Level"), "why": msg("Reason")}
    if before is not None:
        labels["since"] = msg("Since the data cut {cut}", cut=cut)
        known = {one.usubjid for one in now}
        rows += [
            (old.subject, old.level, joined(old.reasons, ", "), msg("no longer needed: no record gives a reason"))
            for usubjid, old in before.items() if usubjid not in known
        ]  # fmt: skip
    none = msg("Nobody died, had a serious event or a dose-limiting toxicity.")
    blocks.append(parts.own_table("", msg("Subjects"), labels, rows, subjects=True, empty=none))
    return Section("overview", msg("Subjects with a narrative"), tuple(blocks))


def _news(one: Narrative, before: Mapping[str, Narrative]) -> tuple[Message | str]:
    old = before.get(one.usubjid)
    if old is None:
        return (msg("new narrative"),)
    marks, gone = _compared(one, old)
    new = sum(mark is NEW for mark in marks.values())
    counts = [
        plural("{n} sentence new", "{n} sentences new", new) if new else "",
        plural("{n} changed", "{n} changed", len(marks) - new) if len(marks) > new else "",
        plural("{n} no longer there", "{n} no longer there", len(gone)) if gone else "",
    ]
    return (joined(counts, ", ") or msg("unchanged"),)


def _compared(one: Narrative, old: Narrative | None) -> tuple[dict[tuple[str, str], Message], list[tuple[str, str]]]:
    """What is new or changed in a narrative, by topic and key; and what the one before had and this one has not."""
    was = {} if old is None else old.by_key()
    now = one.by_key()
    marks = {
        key: NEW if key not in was else CHANGED
        for key, (_, said) in now.items()
        if key not in was or was[key][1].text != said.text
    }
    return marks, [key for key in was if key not in now]


def _section(one: Narrative, compared: bool, old: Narrative | None, cut: str) -> Section:
    marks, gone = _compared(one, old) if compared else ({}, [])
    items = tuple(
        (topic.title, text_of(joined([_said(sentence, marks.get((topic.key, sentence.key)))
                                      for sentence in topic.sentences])))
        for topic in one.topics
    )  # fmt: skip
    why = joined(one.reasons, ", ")
    title = msg(
        "Subject {subject}, {level}: {why}", subject=one.subject, level=one.level or msg("not treated"), why=why
    )
    blocks: list[Block] = [Bullets(items, subjects=True)]
    if old is not None:
        was, now = old.by_key(), one.by_key()
        changed = [key for key, mark in marks.items() if mark is CHANGED]
        rows = [
            (_topic(was[key][0].title), was[key][1].text, now[key][1].text if key in now else msg("no longer there"))
            for key in (*changed, *gone)
        ]
        if rows:
            labels = {"topic": msg("About"), "then": msg("At the data cut {cut}", cut=cut), "now": msg("Now")}
            said = msg("Subject {subject}: sentences that have changed", subject=one.subject)
            blocks.append(parts.own_table("", said, labels, rows, subjects=True))
    return Section(f"subject-{parts.anchor_of(one.usubjid)}", text_of(title), tuple(blocks))


def _said(sentence: Sentence, mark: Message | None) -> Message:
    said = msg("{sentence} [{records}]", sentence=sentence.text, records=sentence.records)
    return said if mark is None else msg("{sentence} {mark}", sentence=said, mark=mark)


def _topic(title: Text) -> Text:
    """The title of a topic in a cell: a term of the data as it is, a text of ours as a message."""
    return title if isinstance(title, dict) else text_of(as_text(str(title)))

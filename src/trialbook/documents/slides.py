"""The slides of a cut for a meeting: one message each, said by its title and shown by one table or figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialbook.core.messages import Message, joined, msg
from trialbook.display.payload import data_text, text_of
from trialbook.documents import report as parts
from trialbook.documents import seen
from trialbook.documents.content import Block, Bullets, Deck, Figure, Paragraph, Slide, Table, Text, table_of
from trialbook.documents.source import CutSource
from trialbook.signals.messages import signal_text

MOST_SIGNALS, MOST_ROWS = 7, 14


def deck(source: CutSource) -> Deck:
    """The slides of a built cut, without a language."""
    built = source.built
    made = [slide for slide in _slides(source) if slide.blocks]
    return Deck(
        cover=parts.cover(source, msg("Safety Review Committee")), foot=_foot(source), cut_date=str(built.cut.cut_date),
        answer=seen.decision(source), slides=tuple(made),
    )  # fmt: skip


def _foot(source: CutSource) -> Text:
    cut = source.built.cut
    return text_of(
        msg(
            "{study}, data cut {date}, build {fingerprint}", study=source.built.protocol.study.id,
            date=str(cut.cut_date), fingerprint=parts.fingerprint(source),
        )
    )  # fmt: skip


def _slides(source: CutSource) -> Iterator[Slide]:
    protocol, page = source.built.protocol, source.page
    first_page = (text_of(msg("Source: first page of the build, index.html.")),)
    if page.decision is not None:
        words = text_of(joined(page.decision.sentences))
        yield Slide(seen.decision(source), (parts.ladder(source), Paragraph(words, subjects=True)), first_page)
    if page.coming:
        yield Slide(_coming_title(source), (parts.dates(source),), first_page)
    if source.signals:
        yield Slide(seen.signals(source), (_signals(source),), (text_of(msg("Source: signals.json of the build.")),))
    if page.news_known and page.news:
        since = msg("What is new since the data cut {cut}", cut=source.built.cut.previous_cut)
        yield Slide(text_of(since), (parts.news(source),), (text_of(msg("Source: changes.html of the build.")),))
    yield _shown(source, seen.board(source), "os", "Course of each treated subject")
    if protocol.has_endpoint("TEAE"):
        yield _shown(source, seen.safety(source), "safety", "Overview of treatment-emergent adverse events")
        yield _shown(source, seen.frequent(source), "safety", "Adverse events by term and dose level")
    if protocol.has_endpoint("DLT"):
        yield _shown(source, seen.dlt(source), "dlt", "Escalation diary")
    if protocol.has_endpoint("ORR_D28"):
        yield _shown(source, seen.response(source), "orr", "Response at day 28 by dose level")
    if protocol.has_endpoint("OS"):
        yield _shown(source, seen.survival(source), "os", "Overall survival (N")
    yield Slide(
        seen.queries(source), (parts.open_queries(source),), (text_of(msg("Source: queries.csv of the build.")),)
    )  # fmt: skip


def _coming_title(source: CutSource) -> Message:
    first = source.page.coming[0]
    return msg("The next date is {day}: subject {subject}", day=first.day, subject=first.subject)


def _signals(source: CutSource) -> Bullets:
    ranked = source.signals[:MOST_SIGNALS]
    items: list[tuple[Text, Text]] = [
        (data_text(", ".join(part for part in (one.subject, one.level) if part)),
         text_of(signal_text(one.message_id, one.arguments)))
        for one in ranked
    ]  # fmt: skip
    more = len(source.signals) - len(ranked)
    if more > 0:
        items.append((data_text(""), text_of(msg("and {n} more, listed in the report", n=more))))
    return Bullets(tuple(items), subjects=True)


def _shown(source: CutSource, title: Text, step: str, named: str, columns: Sequence[str] = ()) -> Slide:
    """A slide with a table or figure of the pages, which its notes name; empty where the build has none."""
    output = source.find(step, named)
    if output is None:
        return Slide(title)
    block: Block
    if output.spec is not None:
        block = output.figure
    else:
        block = table_of(output.payload, output.id, columns=columns, most=MOST_ROWS)
    said = msg("Source: {number} on the page {page}.html.", number=output.id, page=output.step)
    notes = [text_of(said), *(block.notes if isinstance(block, Table | Figure) else ())]
    return Slide(title, (block,), tuple(notes))

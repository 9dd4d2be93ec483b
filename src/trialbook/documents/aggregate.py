"""Documents for a wider audience: made from the results alone, without a subject, and without small counts (A-220).

Nothing of the pages, datasets, signals or queries enters: what names or lists subjects is not left out here, it is
never read. Rows of the results become cells through `Disclosure`, which hides the counts of few subjects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from trialbook.core.messages import Message, as_text, msg
from trialbook.display.payload import data_text, text_of
from trialbook.dlt.escalation_status import reported_headline
from trialbook.documents import report as parts
from trialbook.documents.content import Block, Column, Deck, Document, Paragraph, Section, Slide, Table, Text
from trialbook.documents.source import CutSource
from trialbook.results.ard import NOT_ESTIMABLE, TOTAL
from trialbook.safety.ae_tables import LABELS

# Which count is part of which other one: where both are shown, so is what is in one of them alone.
PART_OF: Mapping[str, tuple[str, ...]] = {
    "TEAE_GE3": ("TEAE",), "TRAE": ("TEAE",), "TRAE_GE3": ("TRAE", "TEAE_GE3"), "SAE": ("TEAE",),
    "SRAE": ("SAE", "TRAE"), "TEAE_DTH": ("SAE", "TEAE_GE3", "TEAE"), "AESI": ("TEAE",),
}  # fmt: skip
HIDDEN = msg("not shown")


@dataclass(frozen=True)
class Count:
    """Subjects with something, of how many: `n` and `total`; missing where the results do not say."""

    n: int | None
    total: int | None

    @property
    def known(self) -> bool:
        """Whether both numbers are there."""
        return self.n is not None and self.total is not None


@dataclass(frozen=True)
class Disclosure:
    """Which counts may be shown: none of fewer than `least` subjects but nobody, and none that leaves so few over."""

    least: int

    def small(self, count: Count) -> bool:
        """Whether a count, or what it leaves of its denominator, is of few subjects."""
        if count.n is None or count.total is None:
            return False
        return 0 < count.n < self.least or 0 < count.total - count.n < self.least

    def differs_by_few(self, part: Count, whole: Count) -> bool:
        """Whether two counts, both shown, would give away few subjects who are in one of them alone."""
        if part.n is None or whole.n is None:
            return False
        return 0 < whole.n - part.n < self.least

    def cell(self, count: Count) -> Text:
        """A count as it is shown: `5 of 11`, `fewer than 5`, or that all but a few have it."""
        if count.n is None or count.total is None:
            return data_text(NOT_ESTIMABLE)
        if 0 < count.n < self.least:
            return text_of(msg("fewer than {n}", n=self.least))
        if self.small(count):
            return text_of(msg("all but fewer than {n}", n=self.least))
        return text_of(msg("{n} of {total}", n=count.n, total=count.total))

    def row(self, cells: Sequence[Count]) -> list[Text]:
        """The cells of a row, that of all levels together last. Where one of them is small, no level is shown: the
        others would give it away.
        """
        *levels, total = cells
        closed = self.small(total) or any(self.small(one) or not self._enough(one) for one in levels)
        return [*((text_of(HIDDEN) if closed else self.cell(one)) for one in levels), self.cell(total)]

    def _enough(self, count: Count) -> bool:
        return count.total is None or count.total == 0 or count.total >= self.least


@dataclass(frozen=True)
class _Results:
    """The results of a cut by what names them, and the columns of tables: dose levels, where each has enough."""

    source: CutSource

    @cached_property
    def rule(self) -> Disclosure:
        """What may be shown."""
        return Disclosure(self.source.built.analysis.small_cell_min)

    @cached_property
    def _values(self) -> dict[tuple[str, ...], tuple[float | None, str]]:
        rows = self.source.built.ard
        names = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
        keys = rows[names].fillna("").astype("str").itertuples(index=False, name=None)
        values = zip(rows["stat"], rows["stat_text"].fillna("").astype("str"), strict=True)
        return {key: (None if pd.isna(n) else float(n), text) for key, (n, text) in zip(keys, values, strict=True)}

    @cached_property
    def levels(self) -> list[str]:
        """The dose levels that have columns: all of them, or none where one has too few treated subjects."""
        sizes = [self.number("SETS", level, "SAFFL", "", "", "n") or 0 for level in self.source.levels]
        return self.source.levels if all(size >= self.rule.least for size in sizes) else []

    @property
    def groups(self) -> list[str]:
        """The columns: dose levels, then all together."""
        return [*self.levels, TOTAL]

    def number(self, *key: str) -> int | None:
        """A whole number of the results."""
        value = self._values.get(key, (None, ""))[0]
        return None if value is None else round(value)

    def text(self, *key: str) -> str:
        """A result as it is reported."""
        return self._values.get(key, (None, ""))[1] or NOT_ESTIMABLE

    def counts(self, analysis: str, variable: str, level: str = "", context: str = "") -> list[Count]:
        """The counts of a row of a table, one for each column."""
        return [
            Count(*(self.number(analysis, group, variable, level, context, stat) for stat in ("n", "N")))
            for group in self.groups
        ]

    def table(self, title: Message, label: Message, rows: Sequence[tuple[Text, Sequence[Text]]]) -> Table:
        """A table with a row for each label and a column for each group."""
        heads = [*(data_text(level) for level in self.levels), text_of(msg("All dose levels"))]
        columns = [Column("label", text_of(label), tuple(text for text, _ in rows), "text")]
        for place, head in enumerate(heads):
            columns.append(Column(f"group{place}", head, tuple(cells[place] for _, cells in rows), "text", right=True))
        note = msg(
            "Counts of 1 to {most} subjects, and counts that leave so few, are not shown; nor is what would give "
            "them away.", most=self.rule.least - 1,
        )  # fmt: skip
        return Table("", title, tuple(columns), notes=(text_of(note),) if self.rule.least > 1 else ())


# ----------------------------------------------------------------------------------------------------
# Tables


def _overview(results: _Results) -> Table:
    rows: list[tuple[Text, Sequence[Text]]] = []
    shown: dict[str, Count] = {}
    for variable, label in LABELS.items():
        if variable not in PART_OF and variable != "TEAE":
            continue
        counts = results.counts("TEAE_OVERVIEW", variable)
        if not any(count.known for count in counts):
            continue
        wholes = [shown[whole] for whole in PART_OF.get(variable, ()) if whole in shown]
        if any(results.rule.differs_by_few(counts[-1], whole) for whole in wholes):
            rows.append((text_of(label), [text_of(HIDDEN)] * len(counts)))
            continue
        if not results.rule.small(counts[-1]):
            shown[variable] = counts[-1]
        rows.append((text_of(label), results.rule.row(counts)))
    return results.table(msg("Subjects with adverse events"), msg("Event"), rows)


def _classes(results: _Results) -> Table:
    """Subjects by system organ class, those classes that enough subjects have an event of."""
    ard = results.source.built.ard
    of_class = ard["analysis_id"].eq("TEAE_SOC_PT") & ard["variable_level"].fillna("").eq("")
    classes = sorted({str(name) for name in ard.loc[of_class, "variable"].dropna()})
    counts = {name: results.counts("TEAE_SOC_PT", name) for name in classes}
    # The name of a class that few subjects have would give them away.
    rows = [
        (data_text(name), results.rule.row(cells))
        for name, cells in counts.items()
        if cells[-1].n is not None and cells[-1].n >= results.rule.least
    ]
    return results.table(msg("Subjects with TEAE by system organ class"), msg("System organ class"), rows)


def _rates(results: _Results, title: Message, wanted: Sequence[tuple[Message, str, str, str]]) -> Table:
    """Rates with their limits; `wanted`: label, analysis, variable and context. A part of the first count that differs
    from it by few is not shown.
    """
    rows: list[tuple[Text, Sequence[Text]]] = []
    first: Count | None = None
    for label, analysis, variable, context in wanted:
        counts = results.counts(analysis, variable, "", context)
        if first is not None and results.rule.differs_by_few(counts[-1], first):
            rows.append((text_of(label), [text_of(HIDDEN)] * len(counts)))
            continue
        first = first or (None if results.rule.small(counts[-1]) else counts[-1])
        rows.append((text_of(label), results.rule.row(counts)))
        total = counts[-1]
        # A rate and its limits say the count.
        shown = total.known and not results.rule.small(total) and (total.total or 0) >= results.rule.least
        stats = [results.text(analysis, TOTAL, variable, "", context, stat) for stat in _LIMITS] if shown else []
        said = text_of(msg("{estimate} ({low} to {high})", **dict(zip(_NAMES, stats, strict=True)))) if stats else ""
        cells = [*([""] * len(results.levels)), said or text_of(HIDDEN)]
        rows.append((text_of(msg("rate (95% interval)")), cells))
    return results.table(title, msg("Outcome"), rows)


_LIMITS, _NAMES = ("estimate", "conf.low", "conf.high"), ("estimate", "low", "high")


def _survival(results: _Results) -> Table:
    keys, rows = results.source.built.analysis, list[tuple[Text, Sequence[Text]]]()
    blank: list[Text] = [""] * len(results.levels)
    deaths = results.counts("OS_EVENTS", "OS")
    rows.append((text_of(msg("Deaths")), results.rule.row(deaths)))
    for day in keys.os_days:
        at = ("OS_KM", TOTAL, "OS", str(day), keys.km_ci)
        dead = Count(results.number(*at, "n.event"), deaths[-1].total)
        risk = Count(results.number(*at, "n.risk"), deaths[-1].total)
        closed = results.rule.small(dead) or results.rule.small(risk) or not dead.known
        stats = {name: results.text(*at, stat) for name, stat in zip(_NAMES, _LIMITS, strict=True)}
        said = text_of(HIDDEN) if closed else text_of(msg("{estimate} ({low} to {high})", **stats))
        rows.append((text_of(msg("Overall survival at day {day} (95% interval)", day=day)), [*blank, said]))
    return results.table(msg("Overall survival"), msg("Outcome"), rows)


def _chapters(source: CutSource) -> Iterator[tuple[str, Message, Block]]:
    """Anchor, title and table of each chapter that the trial has an endpoint for."""
    results, protocol, keys = _Results(source), source.built.protocol, source.built.analysis
    if protocol.has_endpoint("TEAE"):
        yield "safety", msg("Safety"), _overview(results)
        yield "classes", msg("Adverse events by system organ class"), _classes(results)
    if protocol.has_endpoint("DLT"):
        wanted = [(msg("Dose-limiting toxicity"), "DLT_RATE", "DLT", "clopper_pearson")]
        yield (
            "dlt",
            msg("Dose-limiting toxicity"),
            _rates(results, msg("Subjects with a dose-limiting toxicity"), wanted),
        )
    if protocol.has_endpoint("ORR_D28"):
        by = keys.ci_primary_orr
        wanted = [
            (msg("Response at day 28"), "ORR_D28", "RSP28", by), (msg("Complete response"), "CR_D28", "RSP28", by),
        ]  # fmt: skip
        yield "response", msg("Response at day 28"), _rates(results, msg("Responders at day 28"), wanted)
    if protocol.has_endpoint("OS"):
        yield "survival", msg("Overall survival"), _survival(results)


def _advice(source: CutSource) -> Message:
    """Where the escalation is, in the words of the report, without whom it rests on."""
    said = reported_headline(source.built.ard, source.built.analysis)
    return as_text(said.removesuffix(".")) if said else msg("Where the trial is")


def _methods(source: CutSource) -> Paragraph:
    least = source.built.analysis.small_cell_min
    return Paragraph(text_of(msg(
        "This document is made from the results of the trial alone and has no data of single subjects. Counts of 1 to "
        "{most} subjects are not shown, nor counts that leave so few, nor rates and limits that rest on them. Dose "
        "levels are shown only where each has at least {n} treated subjects, and in a row only where no count of it is "
        "small.", most=least - 1, n=least,
    )))  # fmt: skip


def aggregate_report(source: CutSource) -> Document:
    """The report for a wider audience."""
    sections = [Section(anchor, title, (table,)) for anchor, title, table in _chapters(source)]
    sections.append(Section("methods", msg("Methods"), (_methods(source),)))
    title = msg("Summary of results")
    return Document(
        kind="aggregate", cover=parts.cover(source, title), head=parts.head(source), foot=parts.foot(source),
        cut_date=str(source.built.cut.cut_date), sections=tuple(parts.numbered(sections)), answer=_advice(source),
        audience="aggregate",
    )  # fmt: skip


def aggregate_deck(source: CutSource) -> Deck:
    """The slides for a wider audience."""
    document = aggregate_report(source)
    notes = (text_of(msg("Source: the results of the build, results/ard.json.")),)
    slides = [Slide(section.title, section.blocks, notes) for section in document.sections]
    return Deck(
        document.cover, document.foot, document.cut_date, tuple(slides), answer=document.answer, audience="aggregate"
    )

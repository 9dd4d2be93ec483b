"""The first page of a build: study, cut, headline numbers, the state of each subject, links to all else."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, as_text, msg, plural
from trialbook.display.blocks import Block
from trialbook.display.index_facts import IndexFacts, StepStatus, index_facts
from trialbook.display.page import NOTHING_LOADED, Frame, Link, render
from trialbook.display.page_content import Ids
from trialbook.display.render import Renderer
from trialbook.display.subject_lines import LABELS
from trialbook.display.tables import MOST_ROWS, table
from trialbook.profiles.subjects import profile_note

__all__ = ["DOWNLOADS", "IndexFacts", "StepStatus", "index_facts", "render_index"]

DOWNLOADS = (
    Link("queries.xlsx", msg("Query list"), msg("for the site, in English and Chinese")),
    Link("changelog.csv", msg("Change log"), msg("every value that cleaning changed")),
    Link("results/ard.json", msg("Results"), msg("every reported number, one row each")),
    Link("manifest.json", msg("Manifest"), msg("sha256 of every input and output")),
)
INDEX = "index.html"


# The ids of the tables of the first page: T-9901 and on.
NUMBER = 99


def render_index(
    facts: IndexFacts, frame: Frame, profiled: Mapping[str, str] | None = None, language: Language = ENGLISH
) -> str:
    """The first page as HTML; it holds no script.

    Subjects in `profiled` lead to their profile page; they are listed in the order of risk, each with its risk where
    the page is brief. Where more subjects were treated than a table shows, they are listed in this order too.
    """
    profiled = profiled or {}
    lines, order = facts.subjects, []
    if len(lines) > MOST_ROWS and profiled:
        place = {subject: k for k, subject in enumerate(profiled)}
        lines = lines.assign(_place=lines["subject"].map(place).fillna(-1)).sort_values("_place", kind="stable")
        lines = lines.drop(columns="_place").reset_index(drop=True)
        order = [
            msg("In the order of risk: open DLT windows, DLTs, serious events, deaths, severe events, pending first.")
        ]
    title = msg("Data cut {date}", date=frame.cut.cut_date)
    levels = table(
        facts.levels, msg("Headline numbers by dose level"), labels={"measure": "", **facts.level_heads},
        notes=[msg("- : not estimable, or not reported at this cut.")], right=list(facts.levels.columns[1:]),
        stub="measure",
    )  # fmt: skip
    subjects = table(
        lines, msg("Status of each treated subject"), labels=LABELS,
        empty=msg("No subject has been treated at this cut."),
        notes=[
            msg("Days count from the first infusion (day 0) to the cut, or to death."), *_screened(facts.screened_only),
            *order, *profile_note(len(facts.subjects), profiled),
        ],
        subject="subject", linked=set(profiled),
    )  # fmt: skip
    contracts = table(
        facts.contracts, msg("Contracts"), empty=msg("No contract was evaluated."),
        labels={
            "dataset": msg("Dataset"), "records": msg("Records"), "rules": msg("Rules"), "broken": msg("Broken"),
            "verdict": msg("Verdict"),
        }, data=["dataset"],
    )  # fmt: skip
    queries = table(
        facts.queries, msg("Queries by severity"),
        labels={
            "severity": msg("Severity"), "open": msg("Open"), "new": msg("New at this cut"),
            "closed": msg("Closed since"),
        },
    )  # fmt: skip
    renderer, ids = Renderer(language, on_page=True), Ids(NUMBER)

    def html(block: Block) -> str:
        return renderer.html(block.payload, ids.of(block.payload))

    return render(
        "index.html",
        frame,
        INDEX,
        language,
        title=title,
        policy=NOTHING_LOADED,
        facts=facts,
        levels=html(levels),
        subjects=html(subjects),
        contracts=html(contracts),
        queries=html(queries),
        changes=html(_changes(facts)) if facts.previous_cut else "",
        downloads=DOWNLOADS,
    )


def _screened(count: int) -> list[str]:
    one, many = (
        "One further subject was screened and not treated.",
        "{n} further subjects were screened and not treated.",
    )
    return [plural(one, many, count)] if count else []


def _changes(facts: IndexFacts) -> Block:
    """The headline numbers that differ from the previous cut."""
    changed = [headline for headline in facts.headlines if headline.changed]
    rows = [(h.label, _said(h.before, h.note_before), _said(h.value, h.note)) for h in changed]
    known = any(headline.before for headline in facts.headlines)
    return table(
        pd.DataFrame(rows, columns=["number", "before", "now"]),
        msg("Changes since the data cut {cut}", cut=facts.previous_cut),
        labels={
            "number": msg("Headline number"),
            "before": msg("At {cut}", cut=facts.previous_cut),
            "now": msg("Now"),
        },
        empty=msg("No headline number has changed.") if known else msg("The previous cut has not been built."),
    )


def _said(value: str, note: str) -> str:
    return msg("{value} ({note})", value=as_text(value), note=as_text(note)) if note else value

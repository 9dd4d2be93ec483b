"""The first page of a build: study, cut, headline numbers, the state of each subject, links to all else."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.display.blocks import Block
from trialbook.display.index_facts import IndexFacts, StepStatus, index_facts
from trialbook.display.page import NOTHING_LOADED, Frame, Link, render
from trialbook.display.subject_lines import LABELS
from trialbook.display.tables import MOST_ROWS, table
from trialbook.profiles.subjects import profile_note

__all__ = ["DOWNLOADS", "IndexFacts", "StepStatus", "index_facts", "render_index"]

DOWNLOADS = (
    Link("queries.xlsx", "Query list", "for the site, in English and Chinese"),
    Link("changelog.csv", "Change log", "every value that cleaning changed"),
    Link("results/ard.json", "Results", "every reported number, one row each"),
    Link("manifest.json", "Manifest", "sha256 of every input and output"),
)
INDEX = "index.html"


def render_index(facts: IndexFacts, frame: Frame, profiled: Mapping[str, str] | None = None) -> str:
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
        order = ["In the order of risk: open DLT windows, DLTs, serious events, deaths, severe events, pending first."]
    title = f"Data cut {frame.cut.cut_date}"
    levels = table(
        facts.levels, "Headline numbers by dose level", labels={"measure": "", **facts.level_heads},
        notes=["- : not estimable, or not reported at this cut."], right=list(facts.levels.columns[1:]),
        stub="measure",
    )  # fmt: skip
    subjects = table(
        lines, "Status of each treated subject", labels=LABELS,
        empty="No subject has been treated at this cut.",
        notes=[
            "Days count from the first infusion (day 0) to the cut, or to death.", *_screened(facts.screened_only),
            *order, *profile_note(len(facts.subjects), profiled),
        ],
        subject="subject", linked=set(profiled),
    )  # fmt: skip
    contracts = table(
        facts.contracts, "Contracts", empty="No contract was evaluated.",
        labels={"dataset": "Dataset", "records": "Records", "rules": "Rules", "broken": "Broken", "verdict": "Verdict"},
    )  # fmt: skip
    queries = table(
        facts.queries, "Queries by severity",
        labels={"severity": "Severity", "open": "Open", "new": "New at this cut", "closed": "Closed since"},
    )  # fmt: skip
    return render(
        "index.html",
        frame,
        INDEX,
        title=title,
        policy=NOTHING_LOADED,
        facts=facts,
        levels=levels.html,
        subjects=subjects.html,
        contracts=contracts.html,
        queries=queries.html,
        changes=_changes(facts).html if facts.previous_cut else "",
        downloads=DOWNLOADS,
    )


def _screened(count: int) -> list[str]:
    return [f"{count} further subjects were screened and not treated."] if count > 1 else (
        ["One further subject was screened and not treated."] if count else []
    )  # fmt: skip


def _changes(facts: IndexFacts) -> Block:
    """The headline numbers that differ from the previous cut."""
    changed = [headline for headline in facts.headlines if headline.changed]
    rows = [(h.label, _said(h.before, h.note_before), _said(h.value, h.note)) for h in changed]
    known = any(headline.before for headline in facts.headlines)
    return table(
        pd.DataFrame(rows, columns=["number", "before", "now"]),
        f"Changes since the data cut {facts.previous_cut}",
        labels={"number": "Headline number", "before": f"At {facts.previous_cut}", "now": "Now"},
        empty="No headline number has changed." if known else "The previous cut has not been built.",
    )


def _said(value: str, note: str) -> str:
    return f"{value} ({note})" if note else value

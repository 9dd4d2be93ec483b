"""The first page of a build: it answers what a committee asks on its first screen, and lists what lies behind below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from trialbook.core.messages import ENGLISH, Language, as_text, enumerated, joined, msg, plural
from trialbook.display import first_page as shown
from trialbook.display.blocks import Block
from trialbook.display.index_facts import DLT_INTERVAL, IndexFacts, StepStatus, index_facts
from trialbook.display.page import Frame, Link, render
from trialbook.display.page_content import Ids
from trialbook.display.payload import number_key
from trialbook.display.render import Renderer
from trialbook.display.tables import table
from trialbook.display.text import visible
from trialbook.display.theme import INDEX_CSS
from trialbook.profiles.subjects import profile_address, profile_note

__all__ = ["DOWNLOADS", "IndexFacts", "StepStatus", "index_facts", "render_index"]

DOWNLOADS = (
    Link("queries.html", msg("Questions and answers"), msg("who must act by when, and what was answered")),
    Link("queries.xlsx", msg("Query list"), msg("to send: in English and Chinese, with a sheet for each recipient")),
    Link("signals.json", msg("Signals"), msg("what to look at first, with the records behind it")),
    Link("deviations.html", msg("Protocol deviations"), msg("found in the data or recorded by the site")),
    Link("changelog.csv", msg("Change log"), msg("every value that cleaning changed")),
    Link("results/ard.json", msg("Results"), msg("every reported number, one row each")),
    Link("manifest.json", msg("Manifest"), msg("sha256 of every input and output")),
)
INDEX = "index.html"
# The ids of the tables of the first page, which lead to them and are not shown: T-9901 and on.
NUMBER = 99
EMPTY: Mapping[str, Any] = {
    "decision": None, "enrolment": None, "signals": [], "rules": [], "news": [], "news_known": False, "board": [],
    "coming": [], "missed": [], "deviations": [],
}  # fmt: skip
RULE_LABELS = {
    "title": msg("Rule"), "meaning": msg("What it looks for"), "severity": msg("Severity"), "result": msg("Result"),
    "raised": msg("Signals"), "source": msg("Source"),
}  # fmt: skip


def render_index(
    facts: IndexFacts, frame: Frame, profiled: Mapping[str, str] | None = None, page: Mapping[str, Any] | None = None,
    language: Language = ENGLISH, opens: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The first page as HTML.

    `opens`: where the records behind a number of the results are, by its key.

    `page` is what `signals.first_page` derived, as plain data. Subjects in `profiled` lead to their profile page; they
    are listed in the order of risk, each with its risk where the page is brief. Where more subjects were treated than
    a page shows, the board lists them in this order.
    """
    profiled, page = profiled or {}, {**EMPTY, **(page or {})}
    board, board_notes = _board(page["board"], profiled, facts.screened_only)
    low = [one for one in page["signals"] if one["severity"] == shown.LOW]
    first = [one for one in page["signals"] if one["severity"] != shown.LOW]
    groups = shown.groups_of(first, profiled)
    levels = table(
        facts.levels, msg("Headline numbers by dose level"), labels={"measure": "", **facts.level_heads},
        notes=[msg("- : not estimable, or not reported at this cut.")], right=list(facts.levels.columns[1:]),
        stub="measure", numbers=facts.level_numbers,
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
    opens = opens or {}
    renderer, ids = Renderer(language, on_page=True, leads=opens, numbered=False), Ids(NUMBER)

    def html(block: Block) -> str:
        return renderer.html(block.payload, ids.of(block.payload))

    return render(
        "index.html",
        frame,
        INDEX,
        language,
        title=msg("Data cut {date}", date=frame.cut.cut_date),
        own_style=Markup(INDEX_CSS),  # noqa: S704 - our own file
        facts=facts,
        page=page,
        answer=_answer(page["enrolment"]),
        places=_places(page["enrolment"]),
        dlt_page=_page_of(facts, "dlt"),
        safety=facts.safety,
        groups=groups[: shown.MOST_GROUPS],
        more_groups=groups[shown.MOST_GROUPS : shown.MOST_ROWS],
        low=low[: shown.MOST_ROWS],
        signals_left_out=sum(len(group.signals) for group in groups[shown.MOST_ROWS :]) + len(low[shown.MOST_ROWS :]),
        rules=html(_rules(page["rules"])),
        rules_said=shown.rules_said(page["rules"]),
        board=shown.strips(board, facts.levels.columns[1:-1].tolist(), profiled, language),
        board_notes=board_notes,
        all_subjects=subjects_page(1) if len(page["board"]) > shown.MOST_BOARD else "",
        axis=shown.axis(board),
        stale=shown.STALE,
        most=shown.MOST_SUBJECTS,
        opens=lambda number: opens.get(number_key(number), "") if number else "",
        dlt_at=lambda level: opens.get(number_key(("DLT_RATE", level, "DLT", "", DLT_INTERVAL)), ""),
        marks=shown.MARKS,
        more=shown.more_about,
        address=profile_address,
        profiled=profiled,
        levels=html(levels),
        contracts=html(contracts),
        queries=html(queries),
        trust=_trust(facts, page),
        changes=html(_changes(facts)) if facts.previous_cut else "",
        downloads=DOWNLOADS,
    )


def subjects_page(number: int) -> str:
    """The file name of a page of the board of a large trial.

    >>> subjects_page(1), subjects_page(2)
    ('subjects.html', 'subjects_2.html')
    """
    return "subjects.html" if number == 1 else f"subjects_{number}.html"


def render_subjects(
    frame: Frame, levels: Sequence[str], profiled: Mapping[str, str], page: Mapping[str, Any],
    language: Language = ENGLISH,
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """The pages of the board of a large trial, file name and HTML: every subject, in the order of risk.

    None where the first page has the whole board. `levels`: the dose levels, from the lowest.
    """
    rows = _by_risk(page["board"], profiled)
    if len(rows) <= shown.MOST_BOARD:
        return
    firsts = range(0, len(rows), shown.PER_PAGE)
    names = [
        (subjects_page(k), f"{first + 1}-{min(first + shown.PER_PAGE, len(rows))}") for k, first in enumerate(firsts, 1)
    ]
    for first, (name, _) in zip(firsts, names, strict=True):
        part = rows[first : first + shown.PER_PAGE]
        title = msg(
            "Subjects {first} to {last} of {total}, in the order of risk", first=first + 1, last=first + len(part),
            total=len(rows),
        )  # fmt: skip
        yield name, render(
            "subjects.html", frame, name, language, title=title, pages_of_board=names,
            own_style=Markup(INDEX_CSS),  # noqa: S704 - our own file
            board=shown.strips(part, levels, profiled, language), board_notes=[], axis=shown.axis(part),
            stale=shown.STALE,
        )  # fmt: skip


def _by_risk(rows: Sequence[Mapping[str, Any]], profiled: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The rows of the board in the order of risk; first those whose number leads to no profile."""
    place = {subject: k for k, subject in enumerate(profiled)}
    return sorted(rows, key=lambda row: place.get(row["subject"], -1))


def _board(
    rows: Sequence[Mapping[str, Any]], profiled: Mapping[str, str], screened_only: int
) -> tuple[list[Mapping[str, Any]], list[str]]:  # fmt: skip
    """The rows that are shown, and the notes: of a large trial the first in the order of risk."""
    listed, notes = list(rows), _screened(screened_only)
    if len(rows) > shown.MOST_BOARD:
        listed = _by_risk(rows, profiled)[: shown.MOST_BOARD]
        notes.append(
            msg(
                "The first {n} of {total} subjects in the order of risk: open DLT windows, DLTs, serious events, "
                "deaths, severe events, pending first; the others are on pages of their own.",
                n=shown.MOST_BOARD, total=len(rows),
            )
        )  # fmt: skip
    return listed, [*notes, *profile_note(len(rows), profiled)]


def _answer(enrolment: Mapping[str, Any] | None) -> str:
    if enrolment is None:
        return ""
    if enrolment["answer"] == "yes":
        return msg("Yes, at {level}.", level=enrolment["level"])
    return msg("Not before {day}.", day=enrolment["day"]) if enrolment["answer"] == "not before" else msg("No.")


def _places(enrolment: Mapping[str, Any] | None) -> str:
    """Free places, open windows and who is in screening, in one sentence each."""
    if enrolment is None:
        return ""
    windows = [
        msg("{subject} to {day}", subject=visible(subject), day=day) for subject, day in enrolment["windows"]
    ]  # fmt: skip
    queue = enumerated([visible(subject) for subject, _ in enrolment["queue"]], ", ")
    return joined(
        [
            # Where none is free the answer itself says so.
            msg("{n} of {total} places free.", n=enrolment["places"], total=enrolment["cap"])
            if enrolment["places"]
            else "",
            msg("Open windows: {subjects}.", subjects=joined(windows, ", ")) if windows else msg("No window is open."),
            msg("In screening: {subjects}.", subjects=queue) if queue else msg("Nobody is in screening."),
        ]
    )


def _page_of(facts: IndexFacts, word: str) -> str:
    return next((step.page for step in facts.steps if word in step.page.removesuffix(".html").split("_")), "")


def _rules(rules: Sequence[Mapping[str, Any]]) -> Block:
    """Every rule that looked, or why it did not."""
    rows = [
        (
            one["title"], one["meaning"], shown.SEVERITY_WORDS[one["severity"]], shown.RULE_WORDS[one["status"]],
            one["raised"],
            msg("{source} ({key})", source=as_text(one["source"]), key=one["assumption"])
            if one["assumption"]
            else one["source"],
        )
        for one in rules
    ]  # fmt: skip
    return table(
        pd.DataFrame(rows, columns=list(RULE_LABELS)), msg("Rules"), labels=RULE_LABELS, empty=msg("No rule ran.")
    )


def _trust(facts: IndexFacts, page: Mapping[str, Any]) -> str:
    """Queries, contracts and deviations in one line."""
    open_, major = (
        int(facts.queries["open"].sum()),
        int(facts.queries.loc[facts.queries["severity"].isin(["stop", "major"]), "open"].sum()),
    )
    broken = int(facts.contracts["broken"].sum()) if len(facts.contracts) else 0
    counts = dict(page["deviations"])
    return joined(
        [
            msg("{n} queries open, {major} of them major.", n=open_, major=major),
            plural("{n} rule of a contract is broken.", "{n} rules of contracts are broken.", broken),
            msg(
                "Protocol deviations: {major} major, {minor} minor; {n} not recorded by the site.",
                major=counts["major"], minor=counts["minor"], n=counts["not recorded by the site"],
            )
            if counts
            else "",
        ]
    )  # fmt: skip


def _screened(count: int) -> list[str]:
    if not count:
        return []
    if count == 1:
        return [msg("One further subject was screened and not treated.")]
    return [
        plural(
            "{n} further subject was screened and not treated.", "{n} further subjects were screened and not treated.",
            count,
        )
    ]  # fmt: skip


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
        numbers={(row, "now"): h.number for row, h in enumerate(changed) if h.number},
        empty=msg("No headline number has changed.") if known else msg("The previous cut has not been built."),
    )


def _said(value: str, note: str) -> str:
    return msg("{value} ({note})", value=as_text(value), note=as_text(note)) if note else value

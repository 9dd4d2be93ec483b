"""The profile page of one subject: key facts, what happened on one time axis, and the tables behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, joined, msg
from trialbook.display import profile_drawing as drawn
from trialbook.display.blocks import Block, key_numbers
from trialbook.display.cell_words import OUR_WORDS
from trialbook.display.first_page import SEVERITY_WORDS, more_about
from trialbook.display.page import Frame, Link, own_scripts, render
from trialbook.display.page_content import Ids
from trialbook.display.payload import text_of
from trialbook.display.profile_drawing import labs
from trialbook.display.render import Renderer
from trialbook.display.table_body import LIST
from trialbook.display.tables import table
from trialbook.display.text import safe, show
from trialbook.profiles.profile import Profile
from trialbook.profiles.subjects import FOLDER, profile_file
from trialbook.safety.ctcae import GRADED_TESTS, test_name

TESTS = tuple(GRADED_TESTS)

LAB_NOTE = msg(
    "Bands: CTCAE v5.0 grades by the reference limits and the baseline of the subject's baseline record; dashed "
    "line: upper (low counts: lower) limit of normal; a diamond with a number is a result of grade 3 or 4 by its own "
    "limits."
)
BRIEF = msg(
    "A brief profile: in a large trial drawings, laboratory results and medication are shown for the subjects who come "
    "first in the order of risk. The datasets of this build hold all records of this subject."
)
NO_RECORDS = msg("No records.")
NO_STAGES = msg("Not evaluable: organ stages (RS, FA) were not delivered.")
Labels = Mapping[str, str]
MILESTONES = {"DATE": msg("Date"), "DAY": msg("Day"), "EVENT": msg("Event"), "SAID": msg("Result")}
INFUSIONS = {
    "INFNO": msg("Infusion"),
    "EXSTDT": msg("Date"),
    "DAY": msg("Day"),
    "DOSEKG": msg("10^6 cells/kg"),
    "LEVEL": msg("Level"),
}
STEROIDS = {"FROM": msg("From day"), "UNTIL": msg("To day"), "MPEQ": msg("Methylprednisolone equivalent, mg/kg/day")}
STAGES = {
    "ADT": msg("Date"), "DAY": msg("Day"), "SKIN": msg("Skin"), "LIVER": msg("Liver"), "UGI": msg("Upper GI"),
    "LGI": msg("Lower GI"), "GRADE": msg("Grade"),
}  # fmt: skip
EVENTS = {
    "TERM": msg("Event"), "REPORTED": msg("As reported"), "ASTDT": msg("Onset"), "AENDT": msg("End"),
    "FROM": msg("Day of onset"), "GRADE": msg("Grade"), "FLAGS": msg("Remarks"), "OUTCOME": msg("Outcome"),
}  # fmt: skip
DRUGS = {
    "DRUG": msg("Drug"), "CATEGORY": msg("Category"), "DOSE": msg("Dose"), "ROUTE": msg("Route"),
    "BEGAN": msg("From"), "ENDED": msg("To"),
}  # fmt: skip


# The ids of the tables of a profile, which lead to them and are not shown: T-9801 and on.
NUMBER = 98


class Page:
    """Makes the HTML of the blocks of one profile in a language; their ids are counted."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._renderer, self._ids = Renderer(language, on_page=True, numbered=False), Ids(NUMBER)

    def html(self, block: Block) -> str:
        """The block, with its id."""
        return self._renderer.html(block.payload, self._ids.of(block.payload))

    def section(self, anchor: str, title: str, picture: str, notes: Sequence[str], tables: str) -> Section:
        """A section with its title and notes in the language of the page."""
        say = self.language.say
        return Section(anchor, say(title), picture, [say(text_of(note)) for note in notes], tables)


@dataclass(frozen=True)
class Section:
    """A part of the page: its drawing (SVG of ours), and its tables (HTML of ours)."""

    anchor: str
    title: str
    picture: str
    notes: Sequence[str]
    tables: str


@dataclass(frozen=True)
class ProfileContent:
    """What the page of one subject shows, without the frame around it; plain data, so that it can be kept."""

    subject: str
    facts: str
    sections: list[Section]
    brief: str = ""

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ProfileContent:
        """The content from what `dataclasses.asdict` made of it."""
        return cls(
            plain["subject"], plain["facts"], [Section(**section) for section in plain["sections"]], plain["brief"]
        )


def profile_content(profile: Profile, language: Language = ENGLISH) -> ProfileContent:
    """The content of the page of one subject in a language: this is what takes time."""
    renderer = Page(language)
    if profile.brief:
        return _brief_content(profile, renderer)
    days = drawn.days_of(profile)
    who = msg("subject {subject}", subject=profile.subject)
    organs = ["SKIN", "LIVER", "UGI", "LGI"]
    what_happened = _table(renderer, profile.milestones, msg("What happened, {who}", who=who), MILESTONES)
    columns = {name: head for name, head in INFUSIONS.items() if profile.cells or name != "DOSEKG"}
    given = profile.infusions[list(columns)]
    behind, folded = [_table(renderer, given, msg("Infusions, {who}", who=who), columns)], msg("Infusions")
    if drawn.has_steroids(profile):
        title, folded = msg("Systemic steroids, {who}", who=who), msg("Infusions and steroids")
        behind.append(_table(renderer, profile.steroids, title, STEROIDS, digits={"MPEQ": 2}))
    if profile.organs:
        folded = msg("Infusions, steroids and organ stages")
        behind.append(_table(
            renderer, profile.stages, msg("Organ stages and grade, {who}", who=who), STAGES, right=organs,
            empty=NO_RECORDS if profile.stages_delivered else NO_STAGES,
        ))  # fmt: skip
    below = _folded(renderer, folded, behind)
    of_events = _table(renderer, _flagged(profile.events), msg("Adverse events, {who}", who=who), EVENTS)
    of_labs = _table(
        renderer, _by_day(profile.labs), msg("Laboratory results, {who}", who=who),
        {"ADT": msg("Date"), "DAY": msg("Day")}, notes=[msg("G: CTCAE grade, where it is 1 or more.")],
    )  # fmt: skip
    of_drugs = _table(renderer, profile.drugs, msg("Medication, {who}", who=who), DRUGS)
    some_events, some_drugs = (len(drawn.drawn_rows(rows, days)) for rows in (profile.events, profile.drugs))
    sections = [
        renderer.section("course", msg("Course"), drawn.course(profile, days, language), [], what_happened + below),
        renderer.section(
            "events", msg("Adverse events"), drawn.events(profile, days, language) if some_events else "",
            drawn.bar_note(profile.events, days), of_events,
        ),
        renderer.section(
            "labs", msg("Laboratory"), labs(profile, days, language) if len(profile.labs) else "", [_lab_note(profile)],
            _folded(renderer, msg("Results"), [of_labs]),
        ),
        renderer.section(
            "drugs", msg("Medication"), drawn.drugs(profile, days, language) if some_drugs else "",
            drawn.bar_note(profile.drugs, days), _folded(renderer, msg("Records"), [of_drugs]),
        ),
    ]  # fmt: skip
    return ProfileContent(profile.subject, renderer.html(key_numbers(profile.facts)), sections)


def _brief_content(profile: Profile, renderer: Page) -> ProfileContent:
    """Key facts, what happened, and the adverse events, without drawings; says so."""
    who = msg("subject {subject}", subject=profile.subject)
    happened = _table(renderer, profile.milestones, msg("What happened, {who}", who=who), MILESTONES)
    events = _table(renderer, _flagged(profile.events), msg("Adverse events, {who}", who=who), EVENTS)
    sections = [
        renderer.section("course", msg("Course"), "", [BRIEF], happened),
        renderer.section("events", msg("Adverse events"), "", [], events),
    ]
    return ProfileContent(profile.subject, renderer.html(key_numbers(profile.facts)), sections, profile.risk)


def _lab_note(profile: Profile) -> str:
    """How the panel is read, or why there is none."""
    if not profile.labs_delivered:
        return msg("Not evaluable: laboratory results (LB) were not delivered.")
    return LAB_NOTE if len(profile.labs) else msg("No graded laboratory result is recorded.")


def profile_page(
    content: ProfileContent, frame: Frame, others: Sequence[Link], signals: Sequence[Mapping[str, Any]] = (),
    language: Language = ENGLISH,
) -> str:  # fmt: skip
    """The page of one subject, one folder below the pages of the build; `others` lead to the subjects around it,
    `signals` are those of the subject, in order of severity.

    Its drawings are made here; it holds a script only where it has a list that is longer than a screen.
    """
    above = replace(
        frame, navigation=[replace(link, href=f"../{link.href}") for link in frame.navigation],
        other_language=f"../{frame.other_language}{FOLDER}/" if frame.other_language else "",
    )  # fmt: skip
    return render(
        "profile.html", above, profile_file(content.subject), language, content=content,
        title=msg("Subject {subject}", subject=show(content.subject)), others=others, signals=signals,
        words=SEVERITY_WORDS, more=more_about,
        scripts=own_scripts() if frame.scripted and any(LIST in section.tables for section in content.sections) else [],
    )  # fmt: skip


def _table(
    renderer: Page, frame: pd.DataFrame, title: str, labels: Labels, *, digits: Mapping[str, int] | None = None,
    right: Sequence[str] = (), notes: Sequence[str] = (), empty: str = NO_RECORDS,
) -> str:  # fmt: skip
    """The columns of `labels` in this order, then those that it does not know."""
    known = [name for name in labels if name in frame.columns]
    others = [name for name in frame.columns if name in TESTS]
    labels = {**labels, **{test: test_name(test) for test in others}}
    shown = frame[[*known, *others]]
    return renderer.html(
        table(shown, title, labels=labels, digits=digits, right=[*right, *others], notes=notes, empty=empty)
    )


def _folded(renderer: Page, summary: str, tables: Sequence[str]) -> str:
    said = safe(renderer.language.say(summary))
    return f'<details class="tb"><summary>{said}</summary>{"".join(tables)}</details>'


def _flagged(events: pd.DataFrame) -> pd.DataFrame:
    """The events with their flags in words."""
    words = {
        "TEAE": "TEAE",
        "SERIOUS": msg("serious"),
        "SEROPEN": msg("seriousness open"),
        "RELATED": msg("related"),
        "RELOPEN": msg("relation not given"),
        "DLT": "DLT",
    }
    flags = [
        joined([word for word, holds in zip(words.values(), row, strict=True) if holds], ", ")
        for row in events[list(words)].itertuples(index=False)
    ]
    outcomes = [text.lower() if str(text).lower() in OUR_WORDS else text for text in events["OUTCOME"]]
    shown = events.assign(
        FLAGS=pd.Series(flags, index=events.index, dtype="str"),
        OUTCOME=pd.Series(outcomes, index=events.index, dtype="object"),
    )
    # As a rule the site's words are those of the dictionary: then one column says both.
    return shown.drop(columns="REPORTED") if shown["REPORTED"].equals(shown["TERM"]) else shown


def _by_day(labs: pd.DataFrame) -> pd.DataFrame:
    """One row per day, one column per test: the result with its grade, several of one day together."""
    days: dict[tuple[Any, Any], dict[str, str]] = {}
    names = ["ADT", "DAY", "PARAMCD", "AVALOP", "AVAL", "GRADE"]
    for date, day, test, sign, value, grade in labs[names].itertuples(index=False, name=None):
        said = f"{show(sign)}{show(value)}{f' (G{grade})' if pd.notna(grade) and grade > 0 else ''}"
        found = days.setdefault((date, day), {})
        found[test] = f"{found[test]}; {said}" if test in found else said
    order = [test for test in TESTS if any(test in found for found in days.values())]
    keys = sorted(days, key=lambda key: (pd.isna(key[0]), key[0]))
    rows = [(*key, *(days[key].get(test, "") for test in order)) for key in keys]
    return pd.DataFrame(rows, columns=["ADT", "DAY", *order])

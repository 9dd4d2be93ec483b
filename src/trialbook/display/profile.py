"""The profile page of one subject: key facts, what happened on one time axis, and the tables behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialbook.display import profile_drawing as drawn
from trialbook.display.blocks import key_numbers
from trialbook.display.first_page import SEVERITY_WORDS, more_about
from trialbook.display.page import NOTHING_LOADED, Frame, Link, render
from trialbook.display.profile_drawing import labs
from trialbook.display.tables import table
from trialbook.display.text import show
from trialbook.profiles.profile import Profile
from trialbook.safety.ctcae import GRADED_TESTS

TESTS = tuple(GRADED_TESTS)

LAB_NOTE = (
    "Bands: CTCAE v5.0 grades by the reference limits and the baseline of the subject's baseline record; a diamond "
    "with a number is a result of grade 3 or 4 by its own limits."
)
BRIEF = (
    "A brief profile: in a large trial drawings, laboratory results and medication are shown for the subjects who come "
    "first in the order of risk. The datasets of this build hold all records of this subject."
)
NO_RECORDS, NO_STAGES = "No records.", "Not evaluable: organ stages (RS, FA) were not delivered."
Labels = Mapping[str, str]
MILESTONES = {"DATE": "Date", "DAY": "Day", "EVENT": "Event", "SAID": "Result"}
INFUSIONS = {"INFNO": "Infusion", "EXSTDT": "Date", "DAY": "Day", "DOSEKG": "10^6 cells/kg", "LEVEL": "Level"}
STEROIDS = {"FROM": "From day", "UNTIL": "To day", "MPEQ": "Methylprednisolone equivalent, mg/kg/day"}
STAGES = {
    "ADT": "Date", "DAY": "Day", "SKIN": "Skin", "LIVER": "Liver", "UGI": "Upper GI", "LGI": "Lower GI",
    "GRADE": "Grade",
}  # fmt: skip
EVENTS = {
    "TERM": "Event", "REPORTED": "As reported", "ASTDT": "Onset", "AENDT": "End", "FROM": "Day of onset",
    "GRADE": "Grade", "FLAGS": "Remarks", "OUTCOME": "Outcome",
}  # fmt: skip
DRUGS = {
    "DRUG": "Drug", "CATEGORY": "Category", "DOSE": "Dose", "ROUTE": "Route", "BEGAN": "From", "ENDED": "To",
}  # fmt: skip


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
    """What the page of one subject shows, without what stands around it; plain data, so that it can be kept."""

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


def profile_content(profile: Profile) -> ProfileContent:
    """The content of the page of one subject: this is what takes time."""
    if profile.brief:
        return _brief_content(profile)
    days = drawn.days_of(profile)
    who = f"subject {profile.subject}"
    course = Section("course", "Course", drawn.course(profile, days), [], "".join([
        _table(profile.milestones, f"What happened, {who}", MILESTONES),
        _folded("Infusions, steroids and organ stages", [
            _table(profile.infusions, f"Infusions, {who}", INFUSIONS),
            _table(profile.steroids, f"Systemic steroids, {who}", STEROIDS, digits={"MPEQ": 2}),
            _table(profile.stages, f"Organ stages and grade, {who}", STAGES, right=["SKIN", "LIVER", "UGI", "LGI"],
                   empty=NO_RECORDS if profile.stages_delivered else NO_STAGES),
        ]),
    ]))  # fmt: skip
    events = Section(
        "events", "Adverse events", drawn.events(profile, days) if len(drawn.drawn_rows(profile.events, days)) else "",
        drawn.bar_note(profile.events, days), _table(_flagged(profile.events), f"Adverse events, {who}", EVENTS),
    )  # fmt: skip
    results = Section(
        "labs", "Laboratory", labs(profile, days) if len(profile.labs) else "", [_lab_note(profile)],
        _folded("Results", [_table(_by_day(profile.labs), f"Laboratory results, {who}", {"ADT": "Date", "DAY": "Day"},
                                   notes=["G: CTCAE grade, where it is 1 or more."])]),
    )  # fmt: skip
    drugs = Section(
        "drugs", "Medication", drawn.drugs(profile, days) if len(drawn.drawn_rows(profile.drugs, days)) else "",
        drawn.bar_note(profile.drugs, days), _folded("Records", [_table(profile.drugs, f"Medication, {who}", DRUGS)]),
    )  # fmt: skip
    return ProfileContent(profile.subject, key_numbers(profile.facts).html, [course, events, results, drugs])


def _brief_content(profile: Profile) -> ProfileContent:
    """Key facts, what happened, and the adverse events, without drawings; says so."""
    who = f"subject {profile.subject}"
    course = Section("course", "Course", "", [BRIEF], _table(profile.milestones, f"What happened, {who}", MILESTONES))
    table_of_events = _table(_flagged(profile.events), f"Adverse events, {who}", EVENTS)
    events = Section("events", "Adverse events", "", [], table_of_events)
    return ProfileContent(profile.subject, key_numbers(profile.facts).html, [course, events], profile.risk)


def _lab_note(profile: Profile) -> str:
    """How the panel is read, or why there is none."""
    if not profile.labs_delivered:
        return "Not evaluable: laboratory results (LB) were not delivered."
    return LAB_NOTE if len(profile.labs) else "No graded laboratory result is recorded."


def profile_page(
    content: ProfileContent, frame: Frame, others: Sequence[Link], signals: Sequence[Mapping[str, Any]] = ()
) -> str:  # fmt: skip
    """The page of one subject, one folder below the pages of the build; `others` lead to the subjects around it,
    `signals` are those of the subject, in order of severity.

    It holds no script: its drawings are made here.
    """
    above = replace(frame, navigation=[replace(link, href=f"../{link.href}") for link in frame.navigation])
    return render(
        "profile.html", above, "", title=f"Subject {show(content.subject)}", policy=NOTHING_LOADED, content=content,
        others=others, signals=signals, words=SEVERITY_WORDS, more=more_about,
    )  # fmt: skip


def _table(
    frame: pd.DataFrame, title: str, labels: Labels, *, digits: Mapping[str, int] | None = None,
    right: Sequence[str] = (), notes: Sequence[str] = (), empty: str = NO_RECORDS,
) -> str:  # fmt: skip
    """The columns of `labels` in this order, then those that it does not know."""
    known = [name for name in labels if name in frame.columns]
    others = [name for name in frame.columns if name in TESTS]
    shown = frame[[*known, *others]]
    return table(shown, title, labels=labels, digits=digits, right=[*right, *others], notes=notes, empty=empty).html


def _folded(summary: str, tables: Sequence[str]) -> str:
    return f'<details class="tb"><summary>{summary}</summary>{"".join(tables)}</details>'


def _flagged(events: pd.DataFrame) -> pd.DataFrame:
    """The events with their flags in words."""
    words = {
        "TEAE": "TEAE",
        "SERIOUS": "serious",
        "SEROPEN": "seriousness open",
        "RELATED": "related",
        "RELOPEN": "relation not given",
        "DLT": "DLT",
    }
    flags = [
        ", ".join(word for word, holds in zip(words.values(), row, strict=True) if holds)
        for row in events[list(words)].itertuples(index=False)
    ]
    shown = events.assign(FLAGS=pd.Series(flags, index=events.index, dtype="str"))
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

"""The synthetic trial: who takes part, and the records of every subject on any day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from trialbook_demo.adverse_events import write_events
from trialbook_demo.casebook import COLUMNS, CaseBook, visits, write_visits
from trialbook_demo.demo_subjects import FAILURES, TREATED
from trialbook_demo.disease import write_disease
from trialbook_demo.history import (
    write_deviations,
    write_disposition,
    write_earlier_number,
    write_eligibility_form,
    write_history,
    write_infusions,
    write_medication,
    write_subject,
    write_survival,
)  # fmt: skip
from trialbook_demo.laboratory import write_labs, write_vitals
from trialbook_demo.random_draws import Chance
from trialbook_demo.random_subjects import failed_by_chance, treated_by_chance
from trialbook_demo.scenario import Story

SEED = 20240321
SUBJECTS = 12
FOREVER = date(9999, 12, 31)
# Streams of chance: the cast, then treated subjects and screen failures by chance; one number per subject in each.
CAST, CROWD_TREATED, CROWD_FAILED = 1, 2, 3
Row = tuple[str, ...]


@dataclass(frozen=True)
class SimulatedTrial:
    """A synthetic trial: the stories of its subjects in the order of their numbers, and the seed of every draw."""

    seed: int
    stories: tuple[Story, ...]

    def usubjid(self, role: str) -> str:
        """The subject identifier of a role of the cast; raises KeyError where the trial has no such role."""
        return {story.role: story.usubjid for story in self.stories}[role]

    def rows(self, as_of: date = FOREVER, ahead: Mapping[str, int] | None = None) -> Iterator[tuple[str, Row]]:
        """Domain and row of each record at the end of a day, subject by subject.

        `ahead`: roles whose records were already entered some days beyond that day.
        """
        by_role = {story.role: story for story in self.stories}
        for story in self.stories:
            known = as_of if as_of == FOREVER else as_of + timedelta(days=(ahead or {}).get(story.role, 0))
            if story.on(story.consent) <= known:
                yield from _case_book(story, by_role.get(story.earlier_self), self.seed).rows(known)

    def frames(self, as_of: date = FOREVER, ahead: Mapping[str, int] | None = None) -> dict[str, pd.DataFrame]:
        """Every domain as a frame of text, blank where nothing was entered; a domain without records is empty."""
        collected: dict[str, list[Row]] = {domain: [] for domain in COLUMNS}
        for domain, row in self.rows(as_of, ahead):
            collected[domain].append(row)
        return {domain: pd.DataFrame(rows, columns=COLUMNS[domain], dtype="str") for domain, rows in collected.items()}


def simulate_trial(seed: int = SEED, subjects: int = SUBJECTS) -> SimulatedTrial:
    """A trial with so many treated subjects and a third as many screen failures (at least one).

    The roles of the cast come first, in the order in which they were treated; what is beyond them is made by chance.
    The same seed gives the same trial. Subjects are numbered by the day of their consent.
    """
    if subjects < 0:
        raise ValueError(f"subjects is {subjects}; a trial has 0 or more treated subjects")
    failures = max(1, round(subjects / 3))
    stories = [replace(story, stream=number) for number, story in enumerate((*TREATED, *FAILURES))]
    chosen = stories[: min(subjects, len(TREATED))] + stories[len(TREATED) :][:failures]
    for number in range(len(TREATED), subjects):
        chosen.append(treated_by_chance(number, Chance(seed, CROWD_TREATED, number)))
    for number in range(len(FAILURES), failures):
        chosen.append(failed_by_chance(number, Chance(seed, CROWD_FAILED, number)))
    width = max(3, len(str(len(chosen))))
    in_order = sorted(chosen, key=lambda story: (story.on(story.consent), story.role))
    numbered = [replace(story, subject_id=f"{number:0{width}d}") for number, story in enumerate(in_order, start=1)]
    return SimulatedTrial(seed, tuple(numbered))


def _case_book(story: Story, earlier: Story | None, seed: int) -> CaseBook:
    """All records of one subject, each domain with draws of its own: more draws in one change no other."""
    kind = {"R": CROWD_TREATED, "S": CROWD_FAILED}.get(story.role[0], CAST)
    held = visits(story, Chance(seed, kind, story.stream, 1))
    book = CaseBook(story)
    write_subject(book)
    if earlier is not None:
        write_earlier_number(book, earlier)
    write_disposition(book, held)
    write_eligibility_form(book)
    write_history(book)
    write_infusions(book)
    write_deviations(book)
    write_survival(book)
    write_visits(book, held)
    write_medication(book)
    write_disease(book, held, Chance(seed, kind, story.stream, 2))
    write_labs(book, held, Chance(seed, kind, story.stream, 3))
    write_vitals(book, held, Chance(seed, kind, story.stream, 4))
    write_events(book, Chance(seed, kind, story.stream, 5))
    book.number()
    return book

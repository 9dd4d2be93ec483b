"""`trialbook answers` takes in a returned query list: every row is checked first, then all answers are kept at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from trialbook.cleaning.reviewed import mark_of_record
from trialbook.commands.returned_list import Row, returned_rows
from trialbook.core.datasets import LazyFrames, read_dataset
from trialbook.core.errors import UsageError, not_built
from trialbook.core.messages import plural
from trialbook.core.privacy import masked_argument
from trialbook.protocol.models import Cut, Trial, calendar_date
from trialbook.queries.answers import Answer, answers_file, answers_until, keep_answers, mark_of, standing, verdict_of
from trialbook.queries.files import read_csv_list
from trialbook.queries.marks import Mark, keep_marks, marks_file
from trialbook.queries.query_files import QUERIES

VOCABULARY = "confirmed, corrected, waived or reopened"
LONGEST_REASON = 2000
LOCK_SECONDS = 60


def take_answers(
    trial: Trial, file: Path, by: str, out: Path, tell: Callable[[str], None], today: dt.date | None = None
) -> None:  # fmt: skip
    """Keeps the answers of a returned list; `tell` is given what was taken, or what is wrong with each row.

    `file`: the returned `queries.xlsx`, or a CSV with the columns query_id, answer, reason, date; rows without an
    answer are left alone. `today`: a later day is in the future (default: the day of this machine's clock).
    Raises UsageError where the cut is not built, the file cannot be read, or a row is wrong: then nothing is written.
    """
    cut_id, person = trial.cut.cut_id, _person(by)
    if not (out / cut_id / "manifest.json").is_file():
        raise not_built(out / cut_id)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    returned = _Returned(trial.cut, out, person, now, today or dt.date.today())
    for row in returned_rows(file):
        if row.is_filled_in:
            returned.take(row)
    if returned.problems:
        for line in returned.problems:
            tell(line)
        raise UsageError(
            plural(
                "{n} row cannot be taken, so nothing was written",
                "{n} rows cannot be taken, so nothing was written", len(returned.problems),
            ),
            file=str(file), next_step="correct the rows above, then give the file again",
        )  # fmt: skip
    place = answers_file(trial.cut, trial.root)
    added, marked = _kept(place, returned.answers.values(), returned.marks)
    if returned.answers or not returned.marks:
        for line in _told(added, len(returned.answers), place, cut_id):
            tell(line)
        for line in _contradictions(added, trial):
            tell(line)
    if returned.marks:
        tell(
            plural(
                "{n} record marked as reviewed in {place}", "{n} records marked as reviewed in {place}", len(marked),
                place=marks_file(place),
            )
        )  # fmt: skip


def _person(by: str) -> str:
    """Who answered, in plain blanks; raises UsageError for nobody, and for a number that identifies a person."""
    person = " ".join(by.split())
    if not person or masked_argument(person) != person:
        raise UsageError("--by names who answered, without a number that identifies a person", next_step="--by NAME")
    return person


@dataclass
class _Returned:
    """The rows of a returned list, each held against the build: answers, marks, and what is wrong."""

    cut: Cut
    out: Path
    person: str
    now: str
    today: dt.date
    problems: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listed = read_csv_list(self.out / self.cut.cut_id / QUERIES).set_index("query_id")
        clean = self.out / self.cut.cut_id / "data" / "clean"
        self._clean = LazyFrames(
            [path.stem.upper() for path in sorted(clean.glob("*.parquet"))],
            lambda code: read_dataset(clean / f"{code.lower()}.parquet"),
        )

    def take(self, row: Row) -> None:
        """Takes one row as an answer or a mark, or notes what is wrong with it."""
        if row.is_mark:
            self._mark(row)
        else:
            self._answer(row)

    def _mark(self, row: Row) -> None:
        values = mark_of_record(self._clean, row.domain.upper(), row.subject, row.record)
        wrong = [
            *([] if values else ["the data of the cut have no such record (domain, subject, record)"]),
            *_wrong_date(row, self.cut.cut_date, self.today),
        ]
        if wrong or values is None:
            self.problems.append(f"{row.place}, {row.domain} {row.subject} {row.record}: {'; '.join(wrong)}")
            return
        self.marks.append(
            Mark(row.domain.upper(), row.subject, row.record, row.day, self.person, self.now, self.cut.cut_date, values)
        )

    def _answer(self, row: Row) -> None:
        verdict = verdict_of(row.answer)
        wrong = list(_wrong(row, self._listed, self.out, self.cut.cut_id, self.today))
        if wrong or verdict is None:
            self.problems.append(f"{row.place}, {row.query_id or 'no query id'}: {'; '.join(wrong)}")
            return
        line = self._listed.loc[row.query_id]
        mark = mark_of(str(line["observed"]), str(line["record_list"]))
        said = Answer(row.query_id, verdict, row.reason, row.day, self.person, self.now, self.cut.cut_date, mark)
        if self.answers.setdefault(row.query_id, said).key != said.key:
            self.problems.append(f"{row.place}, {row.query_id}: this file answers the query twice, and differently")


def _kept(place: Path, answers: Iterable[Answer], marks: list[Mark]) -> tuple[list[Answer], list[Mark]]:
    """Writes answers and marks beside those that are there; returns what was not there yet.

    Raises UsageError while somebody else writes them.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=LOCK_SECONDS):
            given = list(answers)
            return keep_answers(place, given) if given else [], keep_marks(marks_file(place), marks) if marks else []
    except Timeout:
        raise UsageError(
            "other answers are being written", file=str(place), next_step="try again when that has ended"
        ) from None


def _told(added: list[Answer], given: int, place: Path, cut_id: str) -> Iterator[str]:
    for one in added:
        yield f"{one.query_id}: {one.answer} on {one.date} by {one.by}"
    known = given - len(added)
    said = plural("{n} answer written to {place}", "{n} answers written to {place}", len(added), place=place)
    yield said + (f"; {known} were there already" if known else "")
    if added:
        yield f"Next: run `trialbook build {cut_id}` to see what is still open; later cuts read these answers too"


def _contradictions(added: Iterable[Answer], trial: Trial) -> Iterator[str]:
    """A line for each new answer that contradicts another person's: the query stays open, and both are asked."""
    every = answers_until(trial)
    for one in added:
        others = [
            other for other in standing([a for a in every if a.query_id == one.query_id]).differing if other != one
        ]
        if others:
            said = "; ".join(f"{other.answer} on {other.date} by {other.by}" for other in others)
            yield f"{one.query_id}: others have answered differently ({said}); it stays open until you agree"


def _wrong(row: Row, listed: pd.DataFrame, out: Path, cut_id: str, today: dt.date) -> Iterator[str]:
    """What is wrong with a row, in words; nothing where it can be taken."""
    if row.query_id not in listed.index:
        other = _other_cut(row.query_id, out, cut_id) if row.query_id else None
        yield (
            f"the query belongs to the cut {other}, not to {cut_id}" if other
            else f"the list of the cut {cut_id} has no such query"
        )  # fmt: skip
    if not row.answer:
        yield f"the answer is missing; write {VOCABULARY}"
    elif verdict_of(row.answer) is None:
        yield f"the answer {masked_argument(row.answer)!r} is none of {VOCABULARY}"
    if not row.reason:
        yield "the reason is missing"
    elif len(row.reason) > LONGEST_REASON:
        yield f"the reason is longer than {LONGEST_REASON} characters"
    elif masked_argument(row.reason) != row.reason:
        yield "the reason identifies a person; name roles and subject numbers only"
    asked = str(listed.loc[row.query_id, "first_seen"]) if row.query_id in listed.index else ""
    yield from _wrong_date(row, asked, today)


def _wrong_date(row: Row, first: str, today: dt.date) -> Iterator[str]:
    """What is wrong with the date of a row; `first` is the earliest day that it may be, blank where none is known."""
    if not row.date:
        yield "the date is missing"
        return
    try:
        day = calendar_date(row.day, "not a complete date")
    except ValueError:
        yield f"the date {masked_argument(row.date)!r} is no calendar date; write YYYY-MM-DD"
        return
    if day > str(today):
        yield f"the date {day} is in the future"
    if day < first and row.is_mark:
        yield f"the date {day} is before the data cut of {first}"
    elif day < first:
        yield f"the date {day} is before the query, which was first asked at {first}"


def _other_cut(query_id: str, out: Path, cut_id: str) -> str | None:
    """Another built cut whose list has this query."""
    for path in sorted(out.glob(f"*/{QUERIES}")):
        if path.parent.name != cut_id and query_id in set(read_csv_list(path)["query_id"]):
            return path.parent.name
    return None

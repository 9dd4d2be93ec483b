"""The marks of records that people have reviewed, kept in `data/reviewed/<cut_id>.csv` and read like answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from trialbook.core.errors import UsageError
from trialbook.protocol.models import Trial
from trialbook.queries.answers import files_until
from trialbook.queries.kept_lists import keep_once, read_kept

FOLDER = "reviewed"


@dataclass(frozen=True)
class Mark:
    """One mark: the record, of which day and by whom, when it was taken in, at which cut, and the values as hashes."""

    domain: str
    subject: str
    record: str
    date: str
    by: str
    recorded: str
    cut_date: str
    values: str

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same mark when a file comes twice."""
        return (self.domain, self.subject, self.record, self.date, self.by.casefold(), self.cut_date)


MARK_COLUMNS = [field.name for field in fields(Mark)]


def marks_file(answers: Path) -> Path:
    """Where the marks of a cut are kept: in the folder `reviewed` beside the folder of its answers.

    >>> marks_file(Path("data/answers/2025-03-31.csv")).as_posix()
    'data/reviewed/2025-03-31.csv'
    """
    return answers.parent.parent / FOLDER / answers.name


def read_marks(path: Path) -> list[Mark]:
    """The marks of a file in the order in which they came; none where there is no file. Raises UsageError."""
    if not path.exists():
        return []
    try:
        columns, rows = read_kept(path.read_bytes())
        if columns != MARK_COLUMNS:
            raise ValueError
        marks = [Mark(**row) for row in rows]
        for mark in marks:
            json.loads(mark.values)
    except (OSError, ValueError) as error:
        raise UsageError(
            "the marks of reviewed records cannot be read", file=str(path),
            next_step="restore this file from a backup, or move it to another place so that a new one begins",
        ) from error  # fmt: skip
    return marks


def keep_marks(path: Path, new: Iterable[Mark]) -> list[Mark]:
    """Adds marks to the end of their file, each once; returns what was added."""
    return keep_once(path, read_marks(path), new, MARK_COLUMNS)


def marks_until(trial: Trial) -> list[Mark]:
    """The marks that a build of this cut reads: those at it, and at the cuts before it."""
    found = [mark for place in files_until(trial) for mark in read_marks(marks_file(place))]
    return sorted((mark for mark in found if mark.cut_date <= trial.cut.cut_date), key=lambda mark: mark.recorded)

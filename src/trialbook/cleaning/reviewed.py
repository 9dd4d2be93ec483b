"""Records that a person has marked as reviewed at a cut, and what has changed in each since then.

A mark keeps a short hash of every value that the record had, so that it needs neither the values nor the build of that
cut later. Marks are kept in `data/reviewed/<cut_id>.csv`, beside the answers, and are read like these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.core.errors import UsageError
from trialbook.protocol.models import Trial
from trialbook.queries.answers import files_until
from trialbook.queries.files import keep_once, read_csv_list

FOLDER = "reviewed"
UNCHANGED, CHANGED, GONE = "unchanged", "changed", "gone"
REVIEWED_COLUMNS = ["domain", "subject", "record", "date", "by", "cut_date", "since", "columns"]


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
        frame = read_csv_list(BytesIO(path.read_bytes()))
        if list(frame.columns) != MARK_COLUMNS:
            raise ValueError
        marks = [Mark(**{str(name): value for name, value in row.items()}) for row in frame.to_dict("records")]
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


def values_of(record: Mapping[str, object]) -> dict[str, str]:
    """A short hash of every value of a record by variable; its row in the file is no value.

    >>> sorted(values_of({"AETERM": "Rash", "SRCROW": 7, "AETOXGR": None}))
    ['AETERM', 'AETOXGR']
    """
    return {
        name: hashlib.sha256(("" if pd.isna(value) else str(value)).encode()).hexdigest()[:8]
        for name, value in record.items()
        if name != "SRCROW"
    }


def marks_until(trial: Trial) -> list[Mark]:
    """The marks that a build of this cut reads: those at it, and at the cuts before it."""
    found = [mark for place in files_until(trial) for mark in read_marks(marks_file(place))]
    return sorted((mark for mark in found if mark.cut_date <= trial.cut.cut_date), key=lambda mark: mark.recorded)


def mark_of_record(
    domains: Mapping[str, pd.DataFrame], domain: str, subject: str, record: str
) -> str | None:  # fmt: skip
    """The values of one record of the clean domains as a mark keeps them; None where there is no such record."""
    frame = domains.get(domain)
    if frame is None:
        return None
    # The keys of this subject's records alone: a list may mark many records of a large domain.
    own = frame[frame["USUBJID"].eq(subject)]
    found = own[record_keys(domain, own).eq(record)]
    return None if len(found) != 1 else json.dumps(values_of(found.iloc[0].to_dict()), sort_keys=True)


def reviewed_records(domains: Mapping[str, pd.DataFrame], marks: Sequence[Mark]) -> pd.DataFrame:
    """Every reviewed record with what has changed since its newest mark: columns `REVIEWED_COLUMNS`.

    `since`: unchanged, changed, or gone; `columns` the variables whose values are others than at the mark, those that
    came or went among them where they hold a value now.
    """
    newest = {(mark.domain, mark.subject, mark.record): mark for mark in marks}
    rows = []
    for mark in newest.values():
        now = mark_of_record(domains, mark.domain, mark.subject, mark.record)
        changed: list[str] = []
        if now is not None:
            then, today = json.loads(mark.values), json.loads(now)
            blank = values_of({"": None})[""]
            names = dict.fromkeys((*then, *today))
            changed = [name for name in names if then.get(name, blank) != today.get(name, blank)]
        since = GONE if now is None else CHANGED if changed else UNCHANGED
        rows.append((mark.domain, mark.subject, mark.record, mark.date, mark.by, mark.cut_date, since,
                     " ".join(changed)))  # fmt: skip
    frame = pd.DataFrame(rows, columns=REVIEWED_COLUMNS, dtype="str")
    return frame.sort_values(["domain", "subject", "record"], ignore_index=True)

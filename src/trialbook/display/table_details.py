"""Cells that open to the records behind them, and subjects that lead to their profile: HTML alone, no script.

A count becomes a button that shows a popover with a small table; Escape, a click beside it and its own button close
it. It works on live and static pages and in JupyterLab, by mouse, finger and keyboard, and is left out of print.

    events = display.Detail("Any TEAE, DL1", adae[["SUBJID", "AEDECOD", "ASTDY"]], labels={"AEDECOD": "Term"})
    display.table(counts, "Adverse events", details={(0, "DL1"): events}, subject="SUBJID", linked=profiled)
    display.ard_table(ard, "T-5", columns=["DL1", "Total"], headers=heads, details={("TEAE", "DL1"): events})

In `display.table` a key is (position of the row, column). In `display.ard_table` it is (group value if the table has
a `group`, row value, level), each as in the ARD. `subject` names the column of subject ids, in the table and
in its details alike; those in `linked` lead to `profiles/...html`. A detail with neither records nor notes opens
nothing, and one that is behind several cells of a table is written once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.payload import Payload, columns_of, text_of
from trialbook.profiles.subjects import profile_address

# A page must stay small: of more different details in one table the first open. A popover is for reading: of more
# records it shows the first. The files of the build hold every record.
MOST_DETAILS = 600
MOST_RECORDS = 60
# A number whose records find no room any more shows so many of them, and says how many there are.
FEW_RECORDS = 3
TITLE = msg("The records behind this number")
# Lines in the details of one table: a page stays below 10 MB at 12,000 subjects. Numbers with few records come first.
MOST_LINES = 750
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Subjects:
    """Which column holds subject ids (SUBJID), and which subjects have a profile page."""

    column: str = ""
    linked: Collection[str] = ()

    def links(self, frame: pd.DataFrame) -> dict[str, list[str]]:
        """Where each cell of the subject column leads; blank for a subject without a page."""
        if not self.column or self.column not in frame.columns:
            return {}
        ids = [str(value) for value in frame[self.column]]
        return {self.column: [profile_address(name) if name in self.linked else "" for name in ids]}

    def columns(self, frame: pd.DataFrame, labels: Mapping[str, str]) -> list[Payload]:
        """The columns of records behind a cell."""
        data = [self.column] if self.column else []
        return columns_of(frame, labels, data=data, links=self.links(frame))


class Opened:
    """The details that the cells of one table open to, each content once, and the lines that several of them share."""

    def __init__(self, subjects: Subjects) -> None:
        self.subjects = subjects
        self.details: list[Payload] = []
        self.left_out = 0
        self._places: dict[str, int] = {}
        # With the detail itself: the id of one that is gone would be that of another.
        self._content: dict[int, tuple[Detail, str]] = {}
        self._shared: dict[int, tuple[Lines, dict[int, int]]] = {}

    def place(self, detail: Detail) -> int | None:
        """Where the detail is among those of the table; None when it has nothing to show, or too many open already."""
        if detail.whole == 0 and not detail.notes:
            return None
        _, content = self._content.get(id(detail), (detail, ""))
        if not content:
            said = {"title": text_of(detail.title), "notes": [text_of(note) for note in detail.notes]}
            made = {**said, "whole": detail.whole, **(detail.records(self) if detail.whole else {})}
            content = json.dumps(made, ensure_ascii=False)
            self._content[id(detail)] = (detail, content)
            if content not in self._places and len(self.details) < MOST_DETAILS:
                self._places[content] = len(self.details)
                self.details.append(made)
        place = self._places.get(content)
        self.left_out += place is None
        return place

    def shared(self, lines: Lines, positions: Sequence[int]) -> Payload:
        """The lines at these positions, as places among those that this table holds of them."""
        number = list(self._shared).index(id(lines)) if id(lines) in self._shared else len(self._shared)
        _, places = self._shared.setdefault(id(lines), (lines, {}))
        return {"lines": number, "rows": [places.setdefault(position, len(places)) for position in positions]}

    @property
    def lines(self) -> list[list[Payload]]:
        """The columns of the lines that the details share, those shown alone."""
        return [lines.columns(list(places)) for lines, places in self._shared.values()]


@dataclass(frozen=True, eq=False)
class Detail:
    """The records behind a cell: title, frame (its columns in order), names of columns for readers, notes."""

    title: str
    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def whole(self) -> int:
        """How many records there are."""
        return len(self.frame)

    def records(self, opened: Opened) -> Payload:
        """The first records, for a payload."""
        frame = self.frame.head(MOST_RECORDS).reset_index(drop=True)
        return {"columns": opened.subjects.columns(frame, self.labels)}


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines that the details of tables show parts of.

    `labels` names their columns for readers; subjects of the column `subject` that are `linked` lead to their profile.
    """

    frame: pd.DataFrame
    labels: Mapping[str, str]
    subject: str = ""
    linked: Collection[str] = ()

    def openings(self, sets: Mapping[Key, Sequence[int]], *, most: int = MOST_LINES) -> dict[Key, Detail]:
        """The `details` of a table: for each key of a cell the lines at its positions.

        Numbers with the same records share one detail. Where all lines would be more than `most`, the numbers with
        the fewest records show all of theirs, and the others the first few: each says how many there are.
        """
        made: dict[tuple[int, ...], Detail] = {}
        room = most
        for found in sorted({tuple(positions) for positions in sets.values()}, key=lambda some: (len(some), some)):
            room -= min(len(found), MOST_RECORDS)
            shown = MOST_RECORDS if room >= 0 else FEW_RECORDS
            made[found] = _Part(TITLE, self.frame, self.labels, lines=self, positions=found, shown=shown)
        return {key: made[tuple(found)] for key, found in sets.items()}

    def opening(self, title: str, notes: Sequence[str], positions: Sequence[int]) -> Detail:
        """One detail with the lines at these positions, under a title and with notes of its own."""
        return _Part(title, self.frame, self.labels, notes, lines=self, positions=tuple(positions))

    def columns(self, positions: Sequence[int]) -> list[Payload]:
        """The columns of the lines at these positions: only these are made into text, of perhaps a million."""
        frame = self.frame.iloc[list(positions)].reset_index(drop=True)
        return Subjects(self.subject, frozenset(self.linked)).columns(frame, self.labels)


@dataclass(frozen=True, eq=False)
class _Part(Detail):
    """A detail that shows the lines at some positions; `frame` holds all lines."""

    lines: Lines | None = None
    positions: tuple[int, ...] = ()
    shown: int = MOST_RECORDS

    @property
    def whole(self) -> int:
        return len(self.positions)

    def records(self, opened: Opened) -> Payload:
        return {} if self.lines is None else opened.shared(self.lines, self.positions[: self.shown])

"""Details of whole tables at once: every number opens to its lines, and each line is drawn once for all numbers."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pandas as pd

from trialbook.display.table_body import (
    MOST_RECORDS,
    Detail,
    Grid,
    Subjects,
    TableMarkup,
    boxed,
    cells_of,
    drawn,
    number_columns,
)
from trialbook.display.text import visible

TITLE = "The records behind this number"
# Lines in the details of one table: a page stays below 10 MB at 12,000 subjects. Numbers with few records open first.
MOST_LINES = 750
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines that the details of tables show parts of: drawn once, put together as often as asked.

    `labels` names their columns for readers; subjects of the column `subject` that are `linked` lead to their profile.
    """

    frame: pd.DataFrame
    labels: Mapping[str, str]
    subject: str = ""
    linked: Collection[str] = ()

    def openings(self, sets: Mapping[Key, Sequence[int]], *, most: int = MOST_LINES) -> dict[Key, Detail]:
        """The `details` of a table: for each key of a cell the lines at its positions.

        Numbers with the same records share one detail. Where all lines would be more than `most`, the numbers with
        the fewest records open.
        """
        made: dict[tuple[int, ...], Detail] = {}
        room = most
        for found in sorted({tuple(positions) for positions in sets.values()}, key=lambda some: (len(some), some)):
            room -= min(len(found), MOST_RECORDS)
            if room < 0:
                break
            made[found] = _Part(TITLE, self.frame, self.labels, lines=self, positions=found)
        return {key: made[tuple(found)] for key, found in sets.items() if tuple(found) in made}

    def opening(self, title: str, notes: Sequence[str], positions: Sequence[int]) -> Detail:
        """One detail with the lines at these positions, under a title and with notes of its own."""
        return _Part(title, self.frame, self.labels, notes, lines=self, positions=tuple(positions))

    def part(self, positions: Sequence[int]) -> str:
        """The lines at these positions, at most MOST_RECORDS, as the HTML of a table."""
        markup, labels, rows = self._drawn
        shown = [rows[position] for position in positions[:MOST_RECORDS]]
        return boxed(markup.whole(labels, shown), TITLE, len(shown), keyed=True)

    @cached_property
    def _drawn(self) -> tuple[TableMarkup, list[str], list[str]]:
        frame = self.frame.reset_index(drop=True)
        heads = {str(name): visible(self.labels.get(str(name), str(name))) for name in frame.columns}
        links = Subjects(self.subject, frozenset(self.linked)).links(frame)
        return drawn(Grid(cells_of(frame), heads, number_columns(frame), around=links))


@dataclass(frozen=True, eq=False)
class _Part(Detail):
    """A detail that shows the lines at some positions; `frame` holds all lines."""

    lines: Lines | None = None
    positions: tuple[int, ...] = ()

    @property
    def whole(self) -> int:
        return len(self.positions)

    def table(self, subjects: Subjects) -> str:
        return "" if self.lines is None else self.lines.part(self.positions)

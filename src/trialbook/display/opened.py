"""Cells that open to the records behind them, and subjects that lead to their profile: HTML alone, no script.

A count becomes a button that shows a popover with a small table; Escape, a click beside it and its own button close
it. It works on live and static pages and in JupyterLab, by mouse, finger and keyboard, and is left out of print.

    events = display.Detail("Any TEAE, DL1", adae[["SUBJID", "AEDECOD", "ASTDY"]], labels={"AEDECOD": "Term"})
    display.table(counts, "Adverse events", details={(0, "DL1"): events}, subject="SUBJID", linked=profiled)
    display.ard_table(ard, "T-5", columns=["DL1", "Total"], headers=heads, details={("TEAE", "DL1"): events})

In `display.table` a key is (position of the row, column). In `display.ard_table` it is (group value if the table has
a `group`, row value, level), each as it stands in the ARD. `subject` names the column of subject ids, in the table and
in its details alike; those in `linked` lead to `profiles/...html`. A detail with neither records nor notes opens
nothing, and one that stands behind several cells of a table is written once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialbook.display.grid import Around, Grid, box, cells_of, number_columns
from trialbook.display.text import safe, visible
from trialbook.profiles.names import profile_address

# Enough to read in a popover; the files of the build hold every record.
MOST_RECORDS = 60
# A page must stay small: of more different details in one table the first open.
MOST_DETAILS = 600
CLOSE = "Close"
_POPOVER = re.compile(r'(?<= popover id=")(tb-[0-9a-z-]+)(?=")')
_TARGET = re.compile(r'(?<= popovertarget=")(tb-[0-9a-z-]+)(?=")')


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

    def table(self, subjects: Subjects) -> str:
        """The first records as the HTML of a table."""
        frame = self.frame.head(MOST_RECORDS).reset_index(drop=True)
        heads = {str(name): visible(self.labels.get(str(name), str(name))) for name in frame.columns}
        grid = Grid(cells_of(frame), heads, number_columns(frame), around=subjects.links(frame))
        return box(grid, self.title)


@dataclass(frozen=True)
class Subjects:
    """Which column holds subject ids (SUBJID), and which subjects have a profile page."""

    column: str = ""
    linked: Collection[str] = ()

    def links(self, frame: pd.DataFrame) -> dict[tuple[int, str], Around]:
        """The link around each cell of the subject column whose subject has a page."""
        if not self.column or self.column not in frame.columns:
            return {}
        ids = [str(value) for value in frame[self.column]]
        return {(row, self.column): link(name) for row, name in enumerate(ids) if name in self.linked}


def link(subject: str) -> Around:
    """The tags that make a text lead to the profile of a subject."""
    return f'<a class="tb-subject" href="{profile_address(subject)}">', "</a>"


class Popovers:
    """The popovers of one table, each content once; ids follow from the title of the table and the order."""

    def __init__(self, title: str, subjects: Subjects) -> None:
        self._mark = hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        self._subjects = subjects
        self._ids: dict[str, str] = {}
        self._made: dict[int, str] = {}
        self.left_out = 0

    def button(self, detail: Detail) -> Around | None:
        """The tags that make a text open a detail; None when there is nothing to open."""
        if detail.whole == 0 and not detail.notes:
            return None
        content = self._made.get(id(detail))
        if content is None:
            content = self._made[id(detail)] = self._content(detail)
        if content not in self._ids and len(self._ids) == MOST_DETAILS:
            self.left_out += 1
            return None
        name = self._ids.setdefault(content, f"tb-{self._mark}-{len(self._ids) + 1}")
        return f'<button class="tb-open" popovertarget="{name}">', "</button>"

    def _content(self, detail: Detail) -> str:
        left_out = f"The first {MOST_RECORDS} of {detail.whole} records; the files of this build hold all of them."
        notes = [*([left_out] if detail.whole > MOST_RECORDS else []), *detail.notes]
        said = "".join(f"<p>{safe(note)}</p>" for note in notes)
        return (
            f' aria-label="{safe(detail.title)}"><p class="tb-title">{safe(detail.title)}</p>'
            + (detail.table(self._subjects) if detail.whole else "")
            + (f'<div class="tb-notes">{said}</div>' if said else "")
        )

    @property
    def html(self) -> str:
        """Every popover, to stand once behind the table."""
        return "".join(
            f'<div class="tb-opened" popover id="{name}"{content}<p class="tb-shut"><button class="tb-close" '
            f'popovertarget="{name}" popovertargetaction="hide">{CLOSE}</button></p></div>'
            for content, name in self._ids.items()
        )

    @property
    def notes(self) -> list[str]:
        """What the table says when not every cell could open."""
        return [f"{self.left_out} cells do not open: too many records for one page."] if self.left_out else []


def opens_what_it_holds(html: str) -> bool:
    """Whether each popover of a piece of HTML has an id of its own, and each button opens one of them."""
    ids = _POPOVER.findall(html)
    return len(ids) == len(set(ids)) and set(_TARGET.findall(html)) <= set(ids)


def numbered(html: str, counted: int) -> tuple[str, int]:
    """The piece with its popovers numbered on from `counted`, so that ids are unique on a page; how many there are now.

    Text from data is escaped and holds no quotation mark, so that only our own attributes are met.
    """
    names = {name: f"tb-{counted + position}" for position, name in enumerate(_POPOVER.findall(html), 1)}
    if not names:
        return html, counted
    html = _POPOVER.sub(lambda found: names[found[1]], html)
    return _TARGET.sub(lambda found: names.get(found[1], found[1]), html), counted + len(names)

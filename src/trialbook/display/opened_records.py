"""What the numbers of a notebook open to: boxes of records, as sections of its records page and as data for our script.

A number on a page is a link to the records page (`03_safety_records.html#r-17`): that works without script and in
print. With script the same link opens the box in place, made of the data that the page holds beside it: JSON, which
costs no element and hardly any memory until a reader asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Characters of data for boxes in one page; numbers beyond lead to the records page.
MOST_CHARACTERS = 300_000


@dataclass
class Group:
    """The boxes of one table: its id on the page, its title as HTML, and its boxes by anchor."""

    table: str
    title: str
    boxes: list[str] = field(default_factory=list)


@dataclass
class Boxes:
    """The boxes of all numbers of a notebook, each with the anchor `r-<n>`.

    `shells`: tables without rows, as HTML; `rows`: the rows of each; `bodies`: (shell, numbers of rows, notes as HTML)
    each; `boxes`: by anchor (title as HTML, body); `numbers`: the anchor of a number of the results by its key.
    """

    groups: list[Group] = field(default_factory=list)
    shells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    bodies: list[tuple[int, list[int], str]] = field(default_factory=list)
    boxes: dict[str, tuple[str, int]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Boxes:
        """The boxes from what `dataclasses.asdict` made of them."""
        return cls(
            [Group(**group) for group in plain["groups"]], plain["shells"], plain["rows"],
            [(shell, rows, notes) for shell, rows, notes in plain["bodies"]],
            {anchor: (title, body) for anchor, (title, body) in plain["boxes"].items()}, plain["numbers"],
        )  # fmt: skip

    def begin(self, table: str, title: str) -> None:
        """From now on boxes belong to this table."""
        self.groups.append(Group(table, title))

    def table(self, shell: str, rows: Sequence[str]) -> int:
        """Keeps the rows of a table; returns its number."""
        self.shells.append(shell)
        self.rows.append(list(rows))
        return len(self.shells) - 1

    def body(self, shell: int, rows: Sequence[int], notes: str) -> int:
        """Keeps what one or several boxes show; returns its number. `shell` below 0: notes alone."""
        self.bodies.append((shell, list(rows), notes))
        return len(self.bodies) - 1

    def box(self, title: str, body: int, number: str = "") -> str:
        """Adds a box; returns its anchor. `number`: the key of the number of the results that it is behind."""
        anchor = f"r-{len(self.boxes) + 1}"
        self.boxes[anchor] = (title, body)
        self.groups[-1].boxes.append(anchor)
        if number:
            self.numbers.setdefault(number, anchor)
        return anchor

    def since(self, shells: int, bodies: int, boxes: int) -> Iterator[str]:
        """All HTML that was kept after the first so many tables, bodies and boxes."""
        for shell, rows in zip(self.shells[shells:], self.rows[shells:], strict=True):
            yield from (shell, *rows)
        yield from (notes for _, _, notes in self.bodies[bodies:])
        yield from (title for title, _ in list(self.boxes.values())[boxes:])

    def html(self, body: int) -> str:
        """The table and the notes of a body as HTML."""
        shell, rows, notes = self.bodies[body]
        if shell < 0:
            return notes
        return _filled(self.shells[shell], "".join(self.rows[shell][row] for row in rows)) + notes

    def sections(self) -> list[dict[str, Any]]:
        """The records page: a group per table, in it one part per body, with every box that shows it.

        Each group: table title parts; each part: `boxes`, (anchor, title) each, and `html`.
        """
        made = []
        for group in self.groups:
            of_body: dict[int, list[tuple[str, str]]] = {}
            for anchor in group.boxes:
                title, body = self.boxes[anchor]
                of_body.setdefault(body, []).append((anchor, title))
            if of_body:
                parts = [{"boxes": boxes, "html": self.html(body)} for body, boxes in of_body.items()]
                made.append({"table": group.table, "title": group.title, "parts": parts})
        return made

    def data(self, anchors: Sequence[str]) -> str:
        """The boxes of a page as JSON for our script, safe inside a script element; the first that fit."""
        left = MOST_CHARACTERS
        shells: dict[int, int] = {}
        rows: dict[tuple[int, int], int] = {}
        places: dict[int, int] = {}
        boxes: dict[str, tuple[str, int]] = {}
        for anchor in anchors:
            title, body = self.boxes[anchor]
            shell, wanted, notes = self.bodies[body]
            cost = len(title)
            if body not in places:
                cost += len(notes) + 6 * len(wanted) + (len(self.shells[shell]) if shell not in shells else 0)
                cost += sum(len(self.rows[shell][row]) for row in wanted if (shell, row) not in rows)
            if cost > left:
                continue
            left -= cost
            if body not in places and shell >= 0:
                shells.setdefault(shell, len(shells))
                for row in wanted:
                    rows.setdefault((shell, row), len(rows))
            boxes[anchor] = (title, places.setdefault(body, len(places)))
        if not boxes:
            return ""
        bodies = [
            (shells.get(shell, -1), [rows[shell, row] for row in wanted], notes)
            for shell, wanted, notes in (self.bodies[body] for body in places)
        ]
        found = {
            "shells": [self.shells[shell] for shell in shells], "rows": [self.rows[a][b] for a, b in rows],
            "bodies": bodies, "boxes": boxes,
        }  # fmt: skip
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _filled(shell: str, rows: str) -> str:
    head, _, tail = shell.partition("</tbody>")
    return f"{head}{rows}</tbody>{tail}"

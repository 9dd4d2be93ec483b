"""The markup of a table, made once by great_tables for each shape of table and filled with cells from then on.

great_tables sets and reads cell by cell through pandas: a quarter of a millisecond for each, more in long columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

GROUP = "@group@"


@dataclass(frozen=True)
class Template:
    """Markup with gaps; `order` says which value stands in each gap."""

    text: str
    order: tuple[int, ...]

    @classmethod
    def of(cls, markup: str) -> Template:
        """The template of markup that holds `@0@`, `@1@`, ... where values go."""
        order = tuple(int(number) for number in re.findall(r"@(\d+)@", markup))
        return cls(re.sub(r"@\d+@", "%s", markup.replace("%", "%%")), order)

    def filled(self, values: Sequence[str]) -> str:
        """The markup with values (HTML, escaped before) in its gaps."""
        return self.text % tuple(values[position] for position in self.order)


@dataclass(frozen=True)
class Pattern:
    """The parts of a table with a certain number of columns."""

    top: Template
    row: Template
    group: str
    group_without_text: str
    bottom: str

    def heading(self, label: str) -> str:
        """The line above the rows of one group; `label` is HTML, escaped before."""
        return (self.group if label else self.group_without_text).replace(GROUP, label)

    def around(self, heads: Sequence[str], lines: Iterable[str]) -> str:
        """Head and body of a table: column heads, then rows and group headings."""
        return self.top.filled(heads) + "".join(lines) + self.bottom


@cache
def table_pattern(alignments: tuple[str, ...], stub: int | None, grouped: bool) -> Pattern:
    """The pattern for columns that stand `left` or `right`, one of which may head the rows, with or without groups."""
    top, heading, row, bottom = _made(alignments, stub, GROUP if grouped else None)
    without_text = _made(alignments, stub, "")[1] if grouped else ""
    return Pattern(Template.of(top), Template.of(row), heading, without_text, bottom)


def _made(alignments: tuple[str, ...], stub: int | None, group: str | None) -> tuple[str, str, str, str]:
    """What great_tables makes of one row: everything up to the rows, the heading of the group, the row, the rest."""
    from great_tables import GT, html

    names = [f"c{position}" for position in range(len(alignments))]
    cells = {name: [f"@{position}@"] for position, name in enumerate(names)}
    frame = pd.DataFrame(cells | ({} if group is None else {"group": [group]}), dtype="object")
    head = None if stub is None else names[stub]
    gt = GT(frame, rowname_col=head, groupname_col=None if group is None else "group", id="tb")
    gt = gt.cols_label({name: html(f"@{position}@") for position, name in enumerate(names) if name != head})
    gt = gt if stub is None else gt.tab_stubhead(html(f"@{stub}@"))
    for side in ("left", "right"):
        named = [name for name, alignment in zip(names, alignments, strict=True) if alignment == side]
        gt = gt.cols_align(side, named) if named else gt
    inside = _bare(gt.as_raw_html())
    body = inside.index("<tr", inside.index("<tbody"))
    row = inside.rindex("<tr")
    end = inside.index("</tr>", row) + len("</tr>")
    return inside[:body], inside[body:row], inside[row:end], inside[end:]


def _bare(made: str) -> str:
    """Head and body of the table that great_tables made: without its style, which the page has once, and without ids,
    which would repeat on a page with several tables (each header cell has its scope instead).
    """
    inside = made[made.index("<thead>") : made.rindex("</table>")]
    inside = re.sub(r' (?:(?:id|headers)="[^"]*"|(?:row|col)span="1")', "", inside)
    return re.sub(r"\s*\n\s*", "", inside)

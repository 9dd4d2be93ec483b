"""The markup of a table, made once by great_tables and filled with cells from then on.

great_tables sets and reads cell by cell through pandas: a quarter of a millisecond for each, more in long columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

GROUP = "@group@"
# How great_tables says that a heading stands over all three columns.
SPANS = ' colspan="3" scope="colgroup"'


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


@dataclass(frozen=True)
class Markup:
    """What great_tables writes, in pieces: `heads` and `cells` by role, with `@` where the text goes."""

    opening: str
    heads: Mapping[str, str]
    between: str
    row: str
    cells: Mapping[str, str]
    row_end: str
    group: str
    group_without_text: str
    bottom: str


def table_pattern(alignments: Sequence[str], stub: int | None, grouped: bool) -> Pattern:
    """The pattern for columns that stand `left` or `right`, one of which may head the rows, with or without groups."""
    made = markup()
    roles = [("stub-" if position == stub else "") + alignment for position, alignment in enumerate(alignments)]
    # The column that heads the rows comes first.
    order = sorted(range(len(roles)), key=lambda position: position != stub)
    heads = "".join(made.heads[roles[k]].replace("@", f"@{k}@") for k in order)
    cells = "".join(made.cells[roles[k]].replace("@", f"@{k}@") for k in order)
    spans = f' colspan="{len(roles)}" scope="colgroup"' if len(roles) > 1 else ' scope="col"'
    return Pattern(
        Template.of(made.opening + heads + made.between),
        Template.of(made.row + cells + made.row_end),
        made.group.replace(SPANS, spans) if grouped else "",
        made.group_without_text.replace(SPANS, spans) if grouped else "",
        made.bottom,
    )


@cache
def markup() -> Markup:
    """The pieces, from three tables of three columns: great_tables is asked once in a process."""
    head, heading, row, bottom = _made("left", GROUP)
    other_head, _, other_row, _ = _made("right", GROUP)
    _, without_text, _, _ = _made("left", "")
    first, heads, between = _cut(head)
    start, cells, end = _cut(row)
    return Markup(
        first,
        heads | _cut(other_head)[1],
        between,
        start,
        cells | _cut(other_row)[1],
        end,
        heading,
        without_text,
        bottom,
    )


def _cut(made: str) -> tuple[str, dict[str, str], str]:
    """What stands before the cells of a line, the cell of each role, and what stands after them."""
    found = {match[2]: match for match in re.finditer(r"(<t[hd][^>]*>)@([a-z-]+)@(</t[hd]>)", made)}
    ends = [match.span() for match in found.values()]
    cells = {role: f"{match[1]}@{match[3]}" for role, match in found.items()}
    return made[: min(ends)[0]], cells, made[max(ends)[1] :]


def _made(stub: str, group: str) -> tuple[str, str, str, str]:
    """What great_tables makes of one row: everything up to the rows, the heading of the group, the row, the rest."""
    from great_tables import GT, html

    roles = {"c0": f"stub-{stub}", "c1": "left", "c2": "right"}
    frame = pd.DataFrame({name: [f"@{role}@"] for name, role in roles.items()} | {"group": [group]}, dtype="object")
    gt = GT(frame, rowname_col="c0", groupname_col="group", id="tb")
    gt = gt.cols_label({name: html(f"@{roles[name]}@") for name in ("c1", "c2")})
    gt = gt.tab_stubhead(html(f"@stub-{stub}@"))
    for name, side in (("c0", stub), ("c1", "left"), ("c2", "right")):
        gt = gt.cols_align(side, [name])
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

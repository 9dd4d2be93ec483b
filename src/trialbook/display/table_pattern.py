"""The markup of a table: its head, its rows, the headings of groups. Every text that goes in is HTML, escaped before.

The class names are those of great_tables, so that one style (blocks.css) serves our tables and those that analysts make
with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TableMarkup:
    """How to write a table whose columns stand `left` or `right` (`sides`).

    `row_heads`: the first column heads the rows; its cells are row headers and stand left.
    """

    sides: Sequence[str]
    row_heads: bool = False

    def whole(self, labels: Sequence[str], lines: Iterable[str]) -> str:
        """Head and body of the table: the labels of its columns, then its lines (rows and headings of groups)."""
        heads = "".join(
            f'<th class="gt_col_heading gt_columns_bottom_border gt_{side}" scope="col">{label}</th>'
            for side, label in zip(self._sides, labels, strict=True)
        )
        return (
            f'<thead><tr class="gt_col_headings">{heads}</tr></thead>'
            f'<tbody class="gt_table_body">{"".join(lines)}</tbody>'
        )

    def rows(self, cells: Iterable[Sequence[str]]) -> list[str]:
        """One line for each row of cells."""
        columns = [f'<td class="gt_row gt_{side}">{{}}</td>' for side in self._sides]
        if self.row_heads:
            columns[0] = '<th scope="row" class="gt_row gt_left gt_stub">{}</th>'
        line = f"<tr>{''.join(columns)}</tr>"
        return [line.format(*row) for row in cells]

    def heading(self, label: str) -> str:
        """The line above the rows of one group, across all columns."""
        kind = "gt_group_heading_row" if label else "gt_empty_group_heading"
        columns = len(self.sides)
        across = f'colspan="{columns}" scope="colgroup"' if columns > 1 else 'scope="col"'
        return f'<tr class="{kind}"><th class="gt_group_heading" {across}>{label}</th></tr>'

    @property
    def _sides(self) -> list[str]:
        return ["left" if self.row_heads and not k else side for k, side in enumerate(self.sides)]

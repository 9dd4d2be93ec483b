"""Where the records of a mapped domain stand in the site export: file, sheet, row and column of every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Part:
    """One source of a mapped domain: a file or sheet, and the source column of each variable."""

    file: str
    sheet: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """The source of every record of a mapped domain.

    `records` has the mapped record number as its index, and the columns `part` (position in `parts`), `row` (in the
    source) and `spread` (the source column of a result that stood beside others in one row, else blank); `result` is
    the variable that such a column fills.
    """

    parts: tuple[Part, ...]
    records: pd.DataFrame
    result: str = ""

    def place(self, row: int, column: str) -> tuple[str, str, int, str] | None:
        """File, sheet, row and column of a value; None for what is not about a record."""
        if row not in self.records.index:
            return None
        number, source_row, spread = self.records.loc[row, ["part", "row", "spread"]]
        part = self.parts[int(number)]
        named = part.columns.get(column, column)
        return part.file, part.sheet, int(source_row), str(spread) if spread and column == self.result else named

    def trace(self) -> pd.DataFrame:
        """One row per mapped record: SRCROW, file, sheet, row and the column of a result that stood in a wide row."""
        named = self.records.assign(
            file=[self.parts[k].file for k in self.records["part"]],
            sheet=[self.parts[k].sheet for k in self.records["part"]],
        )
        return named.rename_axis("SRCROW").reset_index()[["SRCROW", "file", "sheet", "row", "spread"]]

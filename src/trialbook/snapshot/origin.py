"""Where the records of a mapped domain stand in the site export: file, sheet, row and column of every value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

ARROW = " → "


@dataclass(frozen=True)
class Part:
    """One source of a mapped domain: a file or sheet, and the source column of each variable."""

    file: str
    sheet: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """The source of every record of a mapped domain.

    `records` has the mapped record number as its index, the columns `part` (position in `parts`) and `row` (in the
    source), and, for each variable whose source column differs from record to record, a column with its header.
    """

    parts: tuple[Part, ...]
    records: pd.DataFrame

    def place(self, row: int, column: str) -> tuple[str, str, int, str] | None:
        """File, sheet, row and column of a value; None for what is not about a record.

        The column is named as `性别 → SEX`, since one column of the export may fill several variables.
        """
        if row not in self.records.index:
            return None
        part = self.parts[int(self.records.at[row, "part"])]
        header = self.records.at[row, column] if column in self.records.columns else part.columns.get(column, "")
        named = f"{header}{ARROW}{column}" if isinstance(header, str) and header else column
        return part.file, part.sheet, int(self.records.at[row, "row"]), named

    def masked(self, mask: Callable[[str], str], mask_name: Callable[[str], str]) -> Origin:
        """The same places with every name of a file as `mask` gives it, of a sheet or header as `mask_name`."""
        parts = tuple(
            Part(mask(p.file), mask_name(p.sheet), {name: mask_name(header) for name, header in p.columns.items()})
            for p in self.parts
        )
        named = [name for name in self.records.columns if name not in ("part", "row")]
        headers = {name: self.records[name].map(mask_name, na_action="ignore") for name in named}
        return Origin(parts, self.records.assign(**headers))

    def trace(self) -> pd.DataFrame:
        """One row per mapped record, in their order: SRCROW (of the clean data), file, sheet, row of the export."""
        part = self.records["part"]
        return pd.DataFrame({
            "SRCROW": self.records.index,
            "file": [self.parts[k].file for k in part],
            "sheet": [self.parts[k].sheet for k in part],
            "row": self.records["row"].to_numpy(),
        })  # fmt: skip

"""What a snapshot is once read: one table of text per domain, with the place of every row in its source file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialbook.errors import StopError

KEY = "USUBJID"


@dataclass(frozen=True)
class Grid:
    """The cells of one file or sheet as text, None or blank where empty; `lines` says where each row stands in it."""

    rows: Sequence[Sequence[str | None]]
    lines: Sequence[int]
    encoding: str = ""


@dataclass(frozen=True)
class RawTable:
    """One domain as delivered.

    `frame` is all text (missing = NaN) under upper-case column names; its index ROW is the line, row or record number
    in the source file, the header being 1. `header_row` is where the variable names stood, `label_rows` the rows of
    labels that were set aside (P03).
    """

    domain: str
    frame: pd.DataFrame
    file: str
    sheet: str | None
    encoding: str
    sha256: str
    bytes: int
    header_row: int = 1
    label_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.frame)


@dataclass(frozen=True)
class Snapshot:
    """All domains of one delivery by upper-case code, and the files that were not read (`ignored`)."""

    tables: Mapping[str, RawTable]
    ignored: tuple[str, ...] = field(default=())


def raw_table(domain: str, grid: Grid, file: str, sheet: str | None, sha256: str, size: int) -> RawTable:
    """A grid as a raw table; raises StopError for a header that is absent, empty in places or not unique.

    A first row of labels above the variable names, or directly below them, is set aside (P03): exports of the EDC
    carry a Chinese label and a code.
    """
    if not grid.rows:
        raise StopError("the file is empty: it has no header", file=file, rule="P34", next_step="ask for the file anew")
    at = _header_position(grid)
    names = _variable_names(grid, at, file)
    start = at + 1
    if start < len(grid.rows) and _is_label_row(names, grid.rows[start]):
        start += 1
    labels = tuple(grid.lines[k] for k in range(start) if k != at)
    columns = list(zip(*grid.rows[start:], strict=True)) or [()] * len(names)
    frame = pd.DataFrame({name: _text(column) for name, column in zip(names, columns, strict=True)})
    frame.index = pd.Index(list(grid.lines[start:]), name="ROW", dtype="int64")
    return RawTable(domain, frame, file, sheet, grid.encoding, sha256, size, grid.lines[at], labels)


def _text(values: Sequence[str | None]) -> pd.Series:
    """A column of text; empty is missing."""
    text = pa.array(values, pa.large_string())
    present = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
    return pd.Series(pd.array(present, dtype="str"))


def _header_position(grid: Grid) -> int:
    """0, or 1 where the first row is labels and the second holds the variable names."""
    if KEY not in _upper(grid.rows[0]) and len(grid.rows) > 1 and KEY in _upper(grid.rows[1]):
        return 1
    return 0


def _variable_names(grid: Grid, at: int, file: str) -> list[str]:
    names, line = _upper(grid.rows[at]), grid.lines[at]
    if "" in names:
        raise StopError(
            f"column {names.index('') + 1} has no name", file=file, row=line, rule="P34",
            next_step="name or remove the column",
        )  # fmt: skip
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice:
        raise StopError(
            "two columns have this name", file=file, row=line, column=twice, rule="P34", next_step="keep one of them"
        )
    return names


def _is_label_row(names: list[str], row: Iterable[str | None]) -> bool:
    """Whether the row under the names describes the subject id in words instead of holding one."""
    cells = dict(zip(names, row, strict=True))
    text = (cells.get(KEY) or "").lower()
    return "subject identifier" in text or "受试者" in text


def _upper(row: Iterable[str | None]) -> list[str]:
    return [(cell or "").strip().upper() for cell in row]

"""Where two tables differ: the record by its key, the column, and both values; for parquet files and workbooks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.datasets import read_dataset
from trialbook.diff.words import against_rebuild

# What tells records apart, in the order of trial; a table's key is the first of these that make its records unique.
NAMING = (
    "analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name",
    "USUBJID", "PARAMCD", "CRITCD", "IETESTCD", "SSTESTCD", "IDVAR", "IDVARVAL", "QNAM", "VISIT", "ADT", "SRCROW",
)  # fmt: skip


def parquet_places(a: Path, b: Path) -> Iterator[str]:
    """Places of two parquet files; none when all values agree. Raises OSError or ValueError when one cannot be read."""
    yield from frame_places(read_dataset(a), read_dataset(b))


def frame_places(old: pd.DataFrame, new: pd.DataFrame, ignore: Collection[str] = ()) -> Iterator[str]:
    """Columns and records that are on one side only, records in another order, and every value that differs.

    >>> old = pd.DataFrame({"USUBJID": ["001", "002"], "AGE": [45, 50]})
    >>> list(frame_places(old, old.replace({"AGE": {45: 54}})))
    ['USUBJID 001, column AGE: 45 published, 54 rebuilt']
    """
    for column in [c for c in old.columns if c not in new.columns]:
        yield f"column {column}: only in the published build"
    for column in [c for c in new.columns if c not in old.columns]:
        yield f"column {column}: only in the rebuild"
    both = [c for c in old.columns if c in new.columns]
    if [c for c in new.columns if c in old.columns] != both:
        yield "the columns are in another order"
    key = record_key(old, new)
    left, right = keyed(old, key), keyed(new, key)
    for record in left.index.difference(right.index, sort=False):
        yield f"{named(record, key)}: this record is only in the published build"
    for record in right.index.difference(left.index, sort=False):
        yield f"{named(record, key)}: this record is only in the rebuild"
    shared = left.index.intersection(right.index, sort=False)
    if not right.index[right.index.isin(shared)].equals(shared):
        yield "the records are in another order"
    for record, column, x, y in differing_cells(
        left.loc[shared], right.loc[shared], [c for c in both if c not in ignore]
    ):
        yield f"{named(record, key)}, column {column}: {against_rebuild(x, y)}"


def differing_cells(old: pd.DataFrame, new: pd.DataFrame, columns: list[str]) -> list[tuple[Any, str, Any, Any]]:
    """Each value that differs, record by record: (record, column, old, new); both frames have the same index.

    >>> old, new = pd.DataFrame({"AGE": [45, 50]}), pd.DataFrame({"AGE": [54, 50]})
    >>> [(record, column, int(x), int(y)) for record, column, x, y in differing_cells(old, new, ["AGE"])]
    [(0, 'AGE', 45, 54)]
    """
    found: list[tuple[int, int, Any, str, Any, Any]] = []
    for place, column in enumerate(columns):
        one, two = old[column], new[column]
        if str(one.dtype) != str(two.dtype):
            one, two = one.astype("object"), two.astype("object")
        same = one.eq(two).fillna(False).to_numpy(dtype=bool) | (one.isna() & two.isna()).to_numpy(dtype=bool)
        found += [(int(at), place, old.index[at], column, one.iloc[at], two.iloc[at]) for at in (~same).nonzero()[0]]
    return [(record, column, x, y) for _, _, record, column, x, y in sorted(found, key=lambda f: f[:2])]


def record_key(old: pd.DataFrame, new: pd.DataFrame) -> list[str] | None:
    """The fewest naming columns, in their order, that tell the records of both tables apart; None when none do.

    >>> labs = pd.DataFrame({"USUBJID": ["001", "001"], "PARAMCD": ["ALT", "AST"], "AVAL": [30.0, 41.0]})
    >>> record_key(labs, labs)
    ['USUBJID', 'PARAMCD']
    >>> record_key(labs[["AVAL"]], labs[["AVAL"]]) is None
    True
    """
    sequences = [c for c in old.columns if c.endswith("SEQ") and len(c) <= 5]
    names = [*NAMING[:-2], *sequences, *NAMING[-2:]]
    key: list[str] = []
    for name in names:
        if name in old.columns and name in new.columns:
            key.append(name)
            if not old.duplicated(key).any() and not new.duplicated(key).any():
                return key
    return None


def keyed(frame: pd.DataFrame, key: list[str] | None) -> pd.DataFrame:
    """The frame with its key as index; with the number of the row, from 1, where there is no key.

    >>> keyed(pd.DataFrame({"USUBJID": ["001"], "AGE": [45]}), ["USUBJID"]).index.tolist()
    [('001',)]
    """
    if key is None:
        return frame.set_axis(pd.RangeIndex(1, len(frame) + 1), axis="index")
    parts = [frame[name].astype("object").where(frame[name].notna(), "") for name in key]
    return frame.set_axis(pd.Index(list(zip(*parts, strict=True)), tupleize_cols=False), axis="index")


def named(record: Any, key: list[str] | None) -> str:
    """A record by its key, blank parts left out, or by its row.

    >>> named(("001", "ALT"), ["USUBJID", "PARAMCD"]), named(3, None)
    ('USUBJID 001, PARAMCD ALT', 'row 3')
    """
    if key is None:
        return f"row {record}"
    parts = zip(key, record, strict=True)
    return ", ".join(f"{name} {str(value).removesuffix(' 00:00:00')}" for name, value in parts if value != "")


def workbook_places(a: Path, b: Path) -> Iterator[str]:
    """Places of two .xlsx files by sheet and cell. Raises an error of the reader when one cannot be read."""
    from python_calamine import CalamineWorkbook

    one, two = CalamineWorkbook.from_path(str(a)), CalamineWorkbook.from_path(str(b))
    if one.sheet_names != two.sheet_names:
        yield f"the sheets: {against_rebuild(', '.join(one.sheet_names), ', '.join(two.sheet_names))}"
        return
    for sheet in one.sheet_names:
        x, y = (book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) for book in (one, two))
        nothing: list[Any] = []
        for row, (p, q) in enumerate(zip_longest(x, y, fillvalue=nothing), start=1):
            for column, (old, new) in enumerate(zip_longest(p, q), start=1):
                if old != new:
                    yield f"sheet {sheet}, cell {cell_name(row, column)}: {against_rebuild(old, new)}"


def cell_name(row: int, column: int) -> str:
    """A cell as a spreadsheet names it: row 3, column 28 is AB3.

    >>> cell_name(3, 28)
    'AB3'
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"

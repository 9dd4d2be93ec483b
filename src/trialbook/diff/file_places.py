"""Where two versions of one file differ, in the terms of its kind: record and column, path, line, cell, or byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.datasets import read_dataset
from trialbook.diff.notebooks import notebook_places, page_places
from trialbook.diff.words import MOST, against_rebuild, first_and_more, first_difference

TEXT = ("csv", "html", "ipynb", "json", "txt")
BOM = b"\xef\xbb\xbf"


def places(a: Path, b: Path, most: int = MOST) -> list[str]:
    """The first places where two files differ and how many more there are; empty when every byte agrees."""
    one, two = a.read_bytes(), b.read_bytes()
    if one == two:
        return []
    kind = a.suffix.lstrip(".").lower()
    spelt = rewritten(one, two) if kind in TEXT else None
    if spelt:
        return [f"only {spelt}"]
    try:
        found = first_and_more(_places_of_kind(kind, a, b), most)
    except Exception as error:  # a file that was tampered with may break its reader in any way; the bytes still tell
        return [f"cannot be read as {kind} ({type(error).__name__}); {byte_place(one, two)}"]
    return found or [f"the content agrees, the bytes do not: {byte_place(one, two)}"]


def _places_of_kind(kind: str, a: Path, b: Path) -> Iterator[str]:
    if kind == "parquet":
        return parquet_places(a, b)
    if kind == "xlsx":
        return workbook_places(a, b)
    if kind == "ipynb":
        return notebook_places(a, b)
    one, two = (path.read_bytes().decode("utf-8-sig") for path in (a, b))
    if kind == "json":
        return json_places(json.loads(one), json.loads(two))
    if kind == "csv":
        return csv_places(one, two)
    if kind in ("html", "htm"):
        return page_places(one, two)
    return iter([line_place(one, two)])


def json_places(one: Any, two: Any, at: str = "") -> Iterator[str]:
    """Every path whose value differs, in the order of the paths.

    >>> list(json_places({"n": 3, "N": 12}, {"n": 4}))
    ['/N: only in the published build', '/n: 3 published, 4 rebuilt']
    """
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted({*one, *two}):
            if key not in two:
                yield f"{at}/{key}: only in the published build"
            elif key not in one:
                yield f"{at}/{key}: only in the rebuild"
            else:
                yield from json_places(one[key], two[key], f"{at}/{key}")
    elif isinstance(one, list) and isinstance(two, list):
        if len(one) != len(two):
            yield f"{at or '/'}: {len(one)} entries published, {len(two)} rebuilt"
        for number, (x, y) in enumerate(zip(one, two, strict=False)):
            yield from json_places(x, y, f"{at}/{number}")
    elif type(one) is not type(two) or one != two:
        yield f"{at or '/'}: {against_rebuild(json.dumps(one), json.dumps(two))}"


def csv_places(one: str, two: str) -> Iterator[str]:
    r"""Line and column of every field that differs; a line that one side does not have is one place.

    >>> list(csv_places("subject,n\n001,3\n", "subject,n\n001,4\n"))
    ['line 2, column n: 3 published, 4 rebuilt']
    """
    left, right = (list(_records(text)) for text in (one, two))
    header = left[0][1] if left else []
    for x, y in zip_longest(left, right):
        if x is None or y is None:
            line, fields = x or y
            yield f"line {line}: {'only in the published build' if x else 'only in the rebuild'}: {fields[0]}"
            continue
        for number, (old, new) in enumerate(zip_longest(x[1], y[1]), start=1):
            if old != new:
                name = header[number - 1] if number <= len(header) and x[0] > 1 else str(number)
                yield f"line {x[0]}, column {name}: {against_rebuild(old, new)}"


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    start = 1
    for fields in reader:
        yield start, fields
        start = reader.line_num + 1


def line_place(one: str, two: str) -> str:
    r"""Line and column of the first character that differs.

    >>> line_place("a\nb1", "a\nb2")
    'line 2, column 2'
    """
    at = first_difference(one, two)
    line, column = one.count("\n", 0, at) + 1, at - one.rfind("\n", 0, at)
    return f"line {line}, column {column}"


def byte_place(one: bytes, two: bytes) -> str:
    """The first byte that differs, or that one file is the beginning of the other."""
    at = first_difference(one, two)
    if at == min(len(one), len(two)):
        return f"{len(one)} bytes published, {len(two)} rebuilt; they agree as far as the shorter one goes"
    return f"byte {at} is the first that differs"


def rewritten(one: bytes, two: bytes) -> str | None:
    r"""How two texts differ that agree in every letter: byte order mark, line endings, or white space at the end.

    >>> rewritten(b"a\r\nb", b"a\nb"), rewritten(b"a", b"b")
    ('the line endings differ', None)
    """
    ways: dict[str, Callable[[bytes], bytes]] = {
        "a byte order mark at the beginning differs": lambda text: text.removeprefix(BOM),
        "the line endings differ": lambda text: text.replace(b"\r\n", b"\n"),
        "white space at the end of the file differs": lambda text: text.rstrip(),
    }
    return next((words for words, same in ways.items() if same(one) == same(two)), None)


# ----------------------------------------------------------------------------------------------------
# Where two tables differ: the record by its key, the column, and both values.


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

"""Where two versions of one file differ, in the terms of its kind: record and column, path, line, cell, or byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trialbook.diff.frames import parquet_places, workbook_places
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

"""Lists that people keep, such as answers: read and added to as plain text, cells as spreadsheets leave them alone.

Without pandas: a build in which nothing has changed reads these lists too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Protocol, TypeVar

from trialbook.core.characters import printable
from trialbook.core.files import write_whole

# ----------------------------------------------------------------------------------------------------
# A value as a cell of a list for spreadsheets: nothing computes, everything shows, and it reads back.


# What a spreadsheet takes for a formula, at the start of a cell. It may split a cell, quotes or not, where the list
# separator of the system or of an import is another sign than the comma: a semicolon or a bar. (A tab becomes an escape
# before. Blanks are not treated: "a -1" is prose, and no system has a blank as its separator.)
_SIGNS = "=+\\-@＝＋－＠"
_FORMULA = re.compile(rf"^'*\s*[{_SIGNS}]")
_BEHIND = re.compile(rf"([;|]\s*)('*[{_SIGNS}])")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_ESCAPED, _ESCAPED_BEHIND = re.compile(rf"^'(?='*\s*[{_SIGNS}])"), re.compile(rf"([;|]\s*)'(?='*[{_SIGNS}])")
_CODE = re.compile(r"\\(\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def list_text(value: str) -> str:
    """The value as a cell: an apostrophe before what a spreadsheet would compute, escapes for what does not show.

    >>> [list_text(value) for value in ("=1+1", "-2.5", "a;=1|+2", "rash\\u202e", "fever")]
    ["'=1+1", '-2.5', "a;'=1|'+2", 'rash\\\\u202e', 'fever']
    """
    shown = printable(value.replace("\\", "\\\\"))
    if _NUMBER.fullmatch(shown):
        return shown
    shown = _BEHIND.sub(r"\1'\2", shown)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def value_of(cell: str) -> str:
    """The value that `list_text` wrote as this cell.

    >>> value_of(list_text("=1+1\\n;@x")) == "=1+1\\n;@x"
    True
    """
    plain = _ESCAPED_BEHIND.sub(r"\1", _ESCAPED.sub("", cell))
    if "\\" not in plain:
        return plain
    return _CODE.sub(lambda code: code.group().encode("ascii").decode("unicode_escape"), plain)


# ----------------------------------------------------------------------------------------------------
# A list


def read_kept(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a kept list and its rows, every value as it was before `list_text`.

    Raises ValueError for what is no such list: other bytes than UTF-8, or a row with more or fewer cells.

    >>> read_kept(b"by,reason\\nLi,'=1+1\\n")
    (['by', 'reason'], [{'by': 'Li', 'reason': '=1+1'}])
    """
    try:
        rows = [row for row in csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    columns = [value_of(name) for name in rows[0]] if rows else []
    return columns, [dict(zip(columns, map(value_of, row), strict=True)) for row in rows[1:]]


class Kept(Protocol):
    """One entry of a list that people keep: a dataclass of texts."""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same entry when it comes twice."""


Entry = TypeVar("Entry", bound=Kept)


def keep_once(path: Path, known: Sequence[Entry], new: Iterable[Entry], columns: Sequence[str]) -> list[Entry]:
    """Adds entries to the end of a kept list, each once; what is there stays as it is. Returns what was added.

    `known`: the entries of the file as they were read.
    """
    seen = {one.key for one in known}
    added: list[Entry] = []
    for one in new:
        if one.key not in seen:
            seen.add(one.key)
            added.append(one)
    if added:
        rows = [[list_text(str(vars(one)[name])) for name in columns] for one in [*known, *added]]
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([list(columns), *rows])
        write_whole(path, text.getvalue().encode("utf-8-sig"))
    return added

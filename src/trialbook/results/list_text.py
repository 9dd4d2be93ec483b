"""A value as a cell of a list for spreadsheets: nothing computes, everything shows, and it reads back."""

from __future__ import annotations

import re

from trialbook.characters import printable

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

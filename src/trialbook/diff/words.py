"""Words for a difference: two values side by side, cut to where they differ, and lists that end with how many more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pandas as pd

MOST = 5
LENGTH = 60
LEAD = 20
CHUNK = 1 << 16


def shown(value: object) -> str:
    """One value as a line of text: blank where it is missing, dates as ISO 8601, control characters visible.

    >>> shown(None), shown(pd.Timestamp("2025-03-05")), shown(3)
    ('blank', '2025-03-05', '3')
    """
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return "blank"
    if isinstance(value, pd.Timestamp):
        text = value.isoformat()
        return text.removesuffix("T00:00:00")
    text = str(value)
    printable = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return printable if printable else "blank"


def two_values(old: object, new: object) -> tuple[str, str]:
    """Both values as shown, long ones cut to the place where they differ.

    >>> two_values("DL1", None)
    ('DL1', 'blank')
    """
    one, two = shown(old), shown(new)
    start = max(first_difference(one, two) - LEAD, 0) if max(len(one), len(two)) > LENGTH else 0
    return _window(one, start), _window(two, start)


def _window(text: str, start: int) -> str:
    end = start + LENGTH
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def against_rebuild(old: object, new: object) -> str:
    """A value of the published build beside the one of the rebuild."""
    one, two = two_values(old, new)
    return f"{one} published, {two} rebuilt"


def then_and_now(old: object, new: object) -> str:
    """A value of the time of the build beside the one of today.

    >>> then_and_now(45, 54)
    '45 then, 54 now'
    """
    one, two = two_values(old, new)
    return f"{one} then, {two} now"


def first_difference(one: Sequence[object], two: Sequence[object]) -> int:
    """Position of the first element that differs; the length of the shorter one when it begins the other.

    >>> first_difference("2025-03-05", "2025-04-05"), first_difference("abc", "abc")
    (6, 3)
    """
    shorter = min(len(one), len(two))
    for start in range(0, shorter, CHUNK):
        end = min(start + CHUNK, shorter)
        if one[start:end] != two[start:end]:
            return next(i for i in range(start, end) if one[i] != two[i])
    return shorter


def first_and_more(lines: Iterable[str], most: int = MOST) -> list[str]:
    """The first lines, and how many more there are.

    >>> first_and_more(["a", "b", "c", "d"], most=2)
    ['a', 'b', 'and 2 more']
    """
    found: Iterator[str] = iter(lines)
    first = list(islice(found, most))
    more = sum(1 for _ in found)
    return [*first, f"and {more} more"] if more else first

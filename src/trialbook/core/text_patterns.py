"""The ids of the catalogue as patterns: which English texts fit an id, and what may fill its places."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

# Places that hold text of the data or a code, which every language shows as it was delivered.
DATA_PLACES = frozenset(
    [
        "subject", "SUBJID", "test", "unit", "term", "terms", "drug", "product", "file", "column", "level",
        "dose_level", "TRT01A", "TRT01P", "cut", "last_cut", "previous_cut", "domain", "dataset", "key", "keys",
        "code", "codes", "command", "criterion", "build", "detail", "result",
    ]
)  # fmt: skip
# Places of them that hold one code: a name without spaces that has a capital letter or a digit.
CODE_PLACES = frozenset(
    [
        "subject", "SUBJID", "column", "level", "dose_level", "TRT01A", "TRT01P", "cut", "last_cut", "previous_cut",
        "domain", "dataset", "key", "code",
    ]
)  # fmt: skip
# Places that hold one number alone, never a date and never a word.
NUMBER_PLACES = frozenset(
    [
        "n", "N", "n_2", "n_3", "total", "day", "days", "relday", "year", "hours", "events", "count", "number",
        "planned", "treated", "infusions", "of", "evaluable", "dlts", "dlt", "dlt_evaluable", "orr_n", "orr_N", "cr_n",
        "screened", "enrolled", "estimate", "waiting",
    ]
)  # fmt: skip
# Places that hold a date, or why there is none in a few words.
DATE_PLACES = frozenset(["date", "start", "end", "since", "until"])
# Places that hold the end of a range: a number, or why there is none.
END_PLACES = frozenset(["low", "high", "min", "max"])
# Places that hold one grade, unit or list of sources, which does not go on behind a comma or in brackets.
SHORT_PLACES = {"unit": r"[^;,:()]", "grade": r"[^;,:()]", "sources": r"[^;:()]"}
TOKEN = re.compile(r"[A-Za-z]+")


class Pattern(NamedTuple):
    """A message id with places, as what an English text of it fits; `letters` outside of its places.

    Its expressions are made when a text is first tried: most are never needed in a process.
    """

    msgid: str
    said: str
    letters: int
    # How many of its places hold a number, a code or the like alone.
    narrow: int = 0

    @property
    def lazy(self) -> re.Pattern[str]:
        """The text with the shortest places that fit."""
        return _fits(self.msgid, "+?")

    @property
    def greedy(self) -> re.Pattern[str]:
        """The text with the longest places that fit."""
        return _fits(self.msgid, "+")


def parsed(msgid: str) -> Iterator[tuple[str, str | None]]:
    """The parts of an id: what is before a place, and the name of the place, None at the end."""
    for before, name, _, _ in string.Formatter().parse(msgid):
        yield before, name


def outside_of(msgid: str) -> list[str]:
    """What a pattern says outside of its places."""
    parts = [""]
    for before, name in parsed(msgid):
        parts[-1] += before
        if name is not None:
            parts.append("")
    return parts


def whole_words(parts: list[str]) -> set[str]:
    """The words of a pattern that no place can lengthen."""
    found: set[str] = set()
    for number, part in enumerate(parts):
        for word in TOKEN.finditer(part):
            begins = word.start() > 0 or number == 0
            ends = word.end() < len(part) or number == len(parts) - 1
            if begins and ends:
                found.add(word[0])
    return found


def pattern_of(msgid: str, said: str, letters: int) -> Pattern:
    """An id as a pattern; `said`: what it is in another language, `letters`: how many are outside of its places."""
    narrow = sum(name is not None and _filler(name, "+?")[0] != "." for _, name in parsed(msgid))
    return Pattern(msgid, said, letters, narrow)


@cache
def _fits(msgid: str, some: str) -> re.Pattern[str]:
    made, seen = "", set()
    for before, name in parsed(msgid):
        made += re.escape(before)
        if name is not None:
            # Two places side by side: the second begins with what sets it apart, so that no number is cut in two.
            apart = "" if before or not made else r"(?= )" if name == "unit" else r"(?=[;,:(\[]| \()"
            made += f"(?P={name})" if name in seen else f"(?P<{name}>{apart}{_filler(name, some)})"
            seen.add(name)
    return re.compile(made, re.DOTALL)


def _filler(name: str, some: str) -> str:
    """What a place may hold."""
    if name in NUMBER_PLACES:
        return r"[-+<>\u2264\u2265\u2212]?\d+(?:[.,]\d+)*[%+]?"
    if name in DATE_PLACES:
        return rf"(?:\d{{4}}(?:-\d\d){{0,2}}(?:[ T][\d:]+)?|[^;,():\d]{some})"
    if name == "counts":
        return r"\d+(?: (?:to|and|or) \d+)+"
    if name in SHORT_PLACES:
        return f"{SHORT_PLACES[name]}{some}"
    if name in END_PLACES:
        return r"[-+<>\u2264\u2265\u2212]?\d+(?:[.,]\d+)*[%+]?|\u221e|not reached|[A-Z-]{1,12}"
    if name in CODE_PLACES:
        return rf"(?=[^\sA-Z0-9]*[A-Z0-9])[^\s;:,()]{some}"
    # No text of its own ends with what leads to the next.
    return rf".{some}(?<![,;:(\s])"

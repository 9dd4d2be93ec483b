"""Texts of codes and numbers without a word: the marks between them are those of the language."""

from __future__ import annotations

import re
from collections.abc import Callable

# Chinese has a comma for lists and another one between facts.
LIST_COMMA, FACT_COMMA = "\u3001", "\uff0c"
# A comma between codes, not one within brackets, and a code in brackets behind another: `013 (DL2), 015 (DL3)`.
_COMMA = re.compile(r", (?![^()]*\))")
_CODE_IN_BRACKETS = re.compile(r"(?<![\w.-])([\w.-]+) \(([A-Z][\w.-]*)\)")
# The comma between a code and a date, which are two facts.
_CODE_AND_DATE = re.compile(r"(?<=[A-Z]\d), (?=\d{4}-\d\d-\d\d\b)")
# Codes or numbers one after the other, which each language lists by its own comma.
_LISTED = re.compile(r"[^\s,;:()\[\]]+(?:, [^\s,;:()\[\]]+)+")
# The same with a last one behind "and": such a list is one piece of a sentence. Each code is read in one way only, or
# a text that goes on behind a list of twenty would be tried in millions.
_CODE = r"(?=[-\w.%]*[A-Z0-9])[-\w.%]++"
LIST_OF_CODES = re.compile(rf"{_CODE}(?:(?:, | and | or | to ){_CODE})*")


def punctuated(text: str, between: Callable[[str], str]) -> str:
    """The text with the marks of a language; `between`: what that language writes for a separator.

    >>> punctuated("013 (DL2), 015 (DL3)", {", ": "\u3001", ": ": "\uff1a", "; ": "\uff1b"}.__getitem__)
    '013\uff08DL2\uff09\u3001015\uff08DL3\uff09'
    """
    said = _CODE_IN_BRACKETS.sub("\\1\uff08\\2\uff09", text)
    for mark in (": ", "; "):
        said = said.replace(mark, between(mark))
    if between(", ") == LIST_COMMA:
        said = _CODE_AND_DATE.sub(FACT_COMMA, said)
    return _COMMA.sub(between(", "), said)


def marks_between_pieces(text: str) -> int:
    """At how many marks the text could be taken apart; a list of codes is one piece.

    >>> marks_between_pieces("DL1: 3; DL2: 6"), marks_between_pieces("001, 003")
    (3, 0)
    """
    return 0 if _LISTED.fullmatch(text) else text.count(": ") + text.count("; ")

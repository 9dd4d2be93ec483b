"""Finds words of a code list in free or coded text, English or Chinese: the one way a term list is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

# An abbreviation of up to this many letters (ATG, VOD) must be a whole word, else it hits inside other words.
_ABBREVIATION = 4
_BETWEEN_WORDS = re.compile(r"[-‐‑–\s]+")


def holds_term(text: pd.Series, terms: Sequence[str]) -> pd.Series:
    """Whether each text holds one of the terms; a missing text holds none.

    Letter case does not matter, and a hyphen is a space. A Latin term is found at the start of a word, an abbreviation
    is a whole word; Chinese has no word breaks, so a Chinese term is found anywhere.

    >>> texts = pd.Series(["Anti-thymocyte globulin", "rabbit ATG", "Catgut suture", None])
    >>> holds_term(texts, ["anti thymocyte", "ATG"]).tolist()
    [True, True, False, False]
    """
    if not terms:
        return pd.Series(False, index=text.index)
    pattern = re.compile("|".join(_pattern(term) for term in terms))
    codes, known = pd.factorize(text.astype("str"))
    # A missing text has the code -1, which is the last.
    held = np.array([*(pattern.search(_plain(one)) is not None for one in known), False])
    return pd.Series(held[codes], index=text.index)


def find_term(text: pd.Series, terms: Sequence[str]) -> pd.Series:
    """The first term of a list that each text holds, blank where none does; read as by `holds_term`.

    >>> find_term(pd.Series(["ruxolitinib 10 mg", "芦可替尼片", "aspirin"]), ["ruxolitinib", "芦可替尼"]).tolist()
    ['ruxolitinib', '芦可替尼', '']
    """
    patterns = [(term, re.compile(_pattern(term))) for term in terms]
    found = {
        one: next((term for term, pattern in patterns if pattern.search(_plain(one))), "")
        for one in text.dropna().astype("str").unique()
    }
    return text.map(found).fillna("").astype("str")


def _plain(text: str) -> str:
    return _BETWEEN_WORDS.sub(" ", text).casefold()


def _pattern(term: str) -> str:
    escaped = re.escape(_plain(term))
    if not term.isascii():
        return escaped
    whole = r"(?![a-z0-9])" if len(term) <= _ABBREVIATION and term.isupper() else ""
    return rf"(?<![a-z0-9]){escaped}{whole}"


def in_sentence(term: str) -> str:
    """A term as it is written inside a sentence; an abbreviation keeps its capitals.

    >>> in_sentence("Lung infection"), in_sentence("ALT increased"), in_sentence("")
    ('lung infection', 'ALT increased', '')
    """
    return term[:1].lower() + term[1:] if term[1:2].islower() else term

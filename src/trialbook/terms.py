"""Finds words of a code list in free or coded text, English or Chinese: the one way a term list is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

# An abbreviation of up to this many letters (ATG, VOD) must be a whole word, else it hits inside other words.
_ABBREVIATION = 4


def holds_term(text: pd.Series, terms: Sequence[str]) -> pd.Series:
    """Whether each text holds one of the terms; a missing text holds none.

    Letter case does not matter. A Latin term stands at the start of a word, an abbreviation is a whole word; Chinese
    has no word breaks, so a Chinese term may stand anywhere.
    """
    if not terms:
        return pd.Series(False, index=text.index)
    pattern = "|".join(_pattern(term) for term in terms)
    return text.fillna("").astype("str").str.contains(pattern, case=False, regex=True).astype(bool)


def _pattern(term: str) -> str:
    escaped = re.escape(term)
    if not term.isascii():
        return escaped
    whole = r"(?![A-Za-z0-9])" if len(term) <= _ABBREVIATION and term.isupper() else ""
    return rf"(?<![A-Za-z0-9]){escaped}{whole}"

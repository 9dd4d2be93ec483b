"""Characters (P02): full-width forms, odd spaces and line breaks. Free text keeps its letters, codes get plain ones."""

from __future__ import annotations

from trialbook.characters import INVISIBLE, plain_text
from trialbook.cleaning.reading import Reading


def read_plain(value: str) -> Reading:
    """A date, number, code or id in plain characters; missing where nothing is left."""
    return Reading(plain_text(value) or None, "P02-CHARACTERS")


def read_free_text(value: str) -> Reading:
    """Free text as it was written, without the white space around it (domain document P02: keep raw text)."""
    return Reading(value.translate(INVISIBLE).strip() or None, "P02-CHARACTERS")

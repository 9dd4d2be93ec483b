"""Characters (P02): full-width forms, odd spaces and line breaks. Free text keeps its letters, codes get plain ones."""

from __future__ import annotations

import re
import unicodedata

from trialbook.cleaning.reading import Reading

# NFKC would turn 10⁹ into 109, so powers are spelled out first.
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"(?<=[0-9A-Za-zμµ])[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# Invisible characters that a copy from a web page or a workbook leaves behind.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def plain_text(value: str) -> str:
    """A value in plain characters: NFKC, powers as ^n, inner white space as one blank, none outside."""
    spelled = _POWER.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), value)
    return " ".join(unicodedata.normalize("NFKC", spelled).translate(_INVISIBLE).split())


def read_plain(value: str) -> Reading:
    """A date, number, code or id in plain characters; missing where nothing is left."""
    return Reading(plain_text(value) or None, "P02-CHARACTERS")


def read_free_text(value: str) -> Reading:
    """Free text as it was written, without the white space around it (domain document P02: keep raw text)."""
    return Reading(value.translate(_INVISIBLE).strip() or None, "P02-CHARACTERS")

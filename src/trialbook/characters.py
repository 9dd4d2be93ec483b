"""Plain characters: full-width forms, odd spaces and powers as a keyboard types them."""

from __future__ import annotations

import re
import unicodedata

# NFKC would turn 10⁹ into 109, so powers are spelled out first.
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"(?<=[0-9A-Za-zμµ])[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# Invisible characters that a copy from a web page or a workbook leaves behind.
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def plain_text(value: str) -> str:
    """A value in plain characters: NFKC, powers as ^n, inner white space as one blank, none outside."""
    spelled = _POWER.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), value)
    return " ".join(unicodedata.normalize("NFKC", spelled).translate(INVISIBLE).split())

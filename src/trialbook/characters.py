"""Plain characters: full-width forms, odd spaces and powers as a keyboard types them."""

from __future__ import annotations

import re
import unicodedata

# NFKC would turn 10⁹ into 109, so powers are spelled out first.
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"(?<=[0-9A-Za-zμµ])[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# Invisible characters that a copy from a web page or a workbook leaves behind.
INVISIBLE = dict.fromkeys(
    [
        *map(ord, "\u200b\u200c\u200d\u200e\u200f\u061c\u180e\ufeff\u00ad"), *range(0x202A, 0x202F),
        *range(0x2060, 0x2065), *range(0x2066, 0x206A),
    ]
)  # fmt: skip


def plain_text(value: str) -> str:
    """A value in plain characters: NFKC, digits of any script as 0 to 9, powers as ^n, inner white space as one blank,
    none outside.
    """
    if value.isascii():
        return " ".join(value.split())
    spelled = _POWER.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), value)
    plain = unicodedata.normalize("NFKC", spelled).translate(INVISIBLE)
    # Patterns and float() take every script's digits for digits; the parsers of columns do not.
    digits = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
    return " ".join(digits.split())


def printable(text: str) -> str:
    """A text in which everything shows: what a terminal acts on, or a reader cannot see, becomes an escape.

    Control characters, line ends, tabs, bidirectional and zero-width characters; blanks of any kind stay.

    >>> printable("a\\x1b[31mb\\u202ec")
    'a\\\\x1b[31mb\\\\u202ec'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else _escape(c) for c in text)


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")

"""Plain characters: full-width forms, odd spaces and powers as a keyboard types them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# NFKC would turn 10⁹ into 109, so powers are spelled out first.
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"(?<=[0-9A-Za-zμµ])[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# Invisible characters that come along with a copy from a web page or a workbook.
INVISIBLE = dict.fromkeys(
    [
        *map(ord, "\u200b\u200c\u200d\u200e\u200f\u061c\u180e\ufeff\u00ad"), *range(0x202A, 0x202F),
        *range(0x2060, 0x2065), *range(0x2066, 0x206A),
    ]
)  # fmt: skip


def plain_text(value: str) -> str:
    r"""A value in plain characters: NFKC, digits of any script as 0 to 9, powers as ^n, inner white space as one blank,
    none outside.

    >>> plain_text("１２．５\u3000 ×10⁹")
    '12.5 ×10^9'
    """
    if value.isascii():
        return " ".join(value.split())
    spelled = _POWER.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), value)
    plain = unicodedata.normalize("NFKC", spelled).translate(INVISIBLE)
    # Patterns and float() take every script's digits for digits; the parsers of columns do not.
    digits = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
    return " ".join(digits.split())


def searchable(value: str) -> str:
    """A value in plain characters in which numbers can be found, however they are spelled.

    Signs that mean a digit (❶, ⑴, Chinese numerals in a row of eleven or more) are that digit; marks and invisible
    signs behind a digit are gone, fillers are blanks; digits written for a web page (`&#49;`, `%31`) are read.

    >>> searchable("1\ufe0f\u20e33\ufe0f\u20e3"), searchable("一三九一二七七三四五一"), searchable("皮疹三次")
    ('13', '13912773451', '皮疹三次')
    """
    if _WEB.search(value):
        value = _WEB.sub(_sign_of, value)
    if value.isascii():
        return " ".join(value.split())
    plain = plain_text("".join(_signs(value)) if _ODD.search(value) else value)
    return _CARD_X.sub("X", _NUMERALS.sub(lambda run: run.group().translate(_HAN_DIGITS), plain))


# Anything but ASCII, Chinese characters, their punctuation, and full-width forms.
_ODD = re.compile(r"[^\x20-\x7e\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e]")
# Digits and signs around them as web pages and addresses spell them.
_WEB = re.compile(r"&#(?:(\d{2,6})|x([0-9a-f]{2,5}));|(?:%(3[0-9]|2[bd0]))(?=%3[0-9]|(?<=%3[0-9]))", re.IGNORECASE)
_HAN_DIGITS = str.maketrans("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖两", "0012345678911234567892")
_NUMERALS = re.compile("[〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]{11,}|[〇零一二三四五六七八九]{4}(?=年)")
# Signs that look like the X at the end of an identity number.
_CARD_X = re.compile(r"(?<=\d{17})[ХхΧχ×✕]")
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Powers and indices are read by `plain_text`.
_RAISED = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉")
_MARKS = frozenset(("Mn", "Me", "Cf", "Cc"))


def _sign_of(match: re.Match[str]) -> str:
    code = int(match[1]) if match[1] else int(match[2] or match[3], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]


def _signs(value: str) -> Iterator[str]:
    """The signs of a text as `searchable` reads them, before they are in plain characters."""
    behind_digit = False
    for given in value:
        # A second alphabet of signs that nobody sees.
        sign = chr(ord(given) - 0xE0000) if "\U000e0020" <= given <= "\U000e007e" else given
        kind = unicodedata.category(sign)
        if kind in _MARKS and not sign.isspace():
            if behind_digit:
                continue
        elif kind == "No" and sign not in _RAISED:
            digit = unicodedata.digit(sign, None)
            sign = sign if digit is None else str(digit)
        behind_digit = sign.isdigit()
        yield " " if sign in _FILLERS else sign


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

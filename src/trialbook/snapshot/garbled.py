"""Recognises text that was decoded with the wrong encoding before or while it was sent (P01); it is never repaired."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
# Letters of scripts that no hospital of this trial writes; two bytes of GB18030 read as UTF-8 fall among them.
_UNLIKELY = re.compile(r"[\u0180-\u036f\u0400-\u07ff]")
# The characters that the first national standard lacks are rare in Chinese text, and usual in misread text.
_RARE_SHARE = 0.3
# A run of fewer bytes that is UTF-8 but for its end may be so by chance.
MANY_BYTES = 9


def garbled(text: str) -> str | None:
    """What `text` should have been, when it is UTF-8 that somebody read as GB18030 or as a Western encoding; else None.

    | text    | should be |
    |---------|-----------|
    | 鍙戠儹  | 发热      |
    | çš®ç–¹  | 皮疹      |
    | 发热    | None      |
    """
    if text.isascii():
        return None
    for run in _FOREIGN.findall(text):
        for wrong in ("gb18030", "cp1252", "latin-1"):
            right = _read_again(run, wrong)
            if right is not None and right != run and _HAN.search(right) and not _odd(right):
                return right
    return None


def _read_again(run: str, wrong: str) -> str | None:
    try:
        content = run.encode(wrong)
    except UnicodeError:
        return None
    # The last character may have been lost: two bytes of it were no character of the wrong encoding.
    for lost in (0, 1, 2):
        if lost and len(content) < MANY_BYTES:
            return None
        try:
            return content[: len(content) - lost].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _odd(text: str) -> bool:
    """Whether a text holds what no person typed: private characters, or scripts that do not belong here."""
    return any(unicodedata.category(sign) in ("Co", "Cn", "Cc") for sign in text) or bool(_UNLIKELY.search(text))


def unlikely_utf8(text: str) -> bool:
    """Whether a text that decodes as UTF-8 has only letters of scripts that nobody here writes, and no Chinese."""
    return bool(_UNLIKELY.search(text)) and not _HAN.search(text)


def unlikely_gb18030(text: str) -> bool:
    """Whether a text that decodes as GB18030 is mostly characters that Chinese text hardly ever has."""
    foreign = "".join(_FOREIGN.findall(text))
    if not foreign:
        return False
    rare = sum(not _common(sign) for sign in foreign)
    return rare / len(foreign) > _RARE_SHARE


def _common(sign: str) -> bool:
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        # Signs of measurement and the full-width forms are common wherever they are encoded.
        return unicodedata.category(sign)[0] in "NPSZ"
    return True


def lost_text(values: Iterable[str]) -> tuple[str, str] | None:
    """The first value with a sign that text was lost (NUL, U+FFFD, half a character), and the name of that sign."""
    for value in values:
        for sign, name in (("\x00", "a NUL byte"), ("\ufffd", "the replacement character U+FFFD")):
            if sign in value:
                return value, name
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            return value, "half a character (a lone surrogate)"
    return None

"""Recognises text in the wrong encoding (P01), and chooses the encoding of the texts of a SAS file.

A transport file does not say its encoding, and SAS sessions write what their machine has: UTF-8, Chinese (GBK,
GB 18030) or Western (Windows-1252). Many Western texts decode as GB 18030 by chance, so a multi-byte encoding is taken
only where the result is Chinese as people write it and the Western reading is not a text.
"""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

# ----------------------------------------------------------------------------------------------------
# Recognises text that was decoded with the wrong encoding before or while it was sent (P01); it is never repaired.


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

    >>> garbled("çš®ç–¹"), garbled("皮疹")
    ('皮疹', None)
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
    """Whether a text that decodes as GB18030 is mostly characters that Chinese text hardly ever has.

    >>> unlikely_gb18030("皮疹"), unlikely_gb18030("灏鹃儴")
    (False, True)
    """
    foreign = Counter("".join(_FOREIGN.findall(text)))
    rare = sum(count for sign, count in foreign.items() if not _common(sign))
    return rare > _RARE_SHARE * foreign.total()


def _common(sign: str) -> bool:
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        # Signs of measurement and the full-width forms are common wherever they are encoded.
        return unicodedata.category(sign)[0] in "NPSZ"
    return True


def lost_text(values: Iterable[str]) -> tuple[str, str] | None:
    r"""The first value with a sign that text was lost (NUL, U+FFFD, half a character), and the name of that sign.

    >>> lost_text(["fever", "ra\ufffdsh"])
    ('ra�sh', 'the replacement character U+FFFD')
    >>> lost_text(["fever"]) is None
    True
    """
    for value in values:
        for sign, name in (("\x00", "a NUL byte"), ("\ufffd", "the replacement character U+FFFD")):
            if sign in value:
                return value, name
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            return value, "half a character (a lone surrogate)"
    return None


# ----------------------------------------------------------------------------------------------------
# Chooses the encoding of texts that do not say it.


UTF_8, CHINESE, WESTERN = "utf-8", "gb18030", "windows-1252"
# Headers that say no more than that a Western session wrote the file, which Chinese sites run too.
_ANY = {"", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252", "utf-8", "gbk", "gb2312", "gb18030"}
# From this share of characters of the first national standard on, a text may be Chinese.
_COMMON_SHARE = 0.7
# So many foreign letters in a row are in no Western word.
_LONG_RUN = 4
_QUOTES = "‘’‚“”„«»‹›™®"
_SIGNS = "°±µ·×÷©§–—…•€£¥¹²³½¼¾¿¡´ºª†‡‰\xa0" + _QUOTES
# These are not inside a word.
_APART = "•†‡§©¥£€¡¿‰×÷²³¹½¼¾"
# A raised digit follows a digit or one of these letters of a unit.
_BEFORE_POWER = "mMsSgGlLtT)]µ"


class Cell(NamedTuple):
    """The bytes of a text without its padding, and whether they fill their column (the writer may have cut them)."""

    content: bytes
    full: bool = False


def code_page(cells: Collection[Cell], declared: str = "") -> tuple[str, Cell | None]:
    """The encoding of these texts, and the first of them that is not text in it (None: all are).

    >>> code_page([Cell("Sjögren".encode("cp1252"))]), code_page([Cell("皮疹".encode("gbk"))])[0]
    (('windows-1252', None), 'gb18030')
    """
    foreign = [cell for cell in cells if not cell.content.isascii()]
    if not foreign:
        return UTF_8, None
    declared = declared.lower()
    if declared not in _ANY and _first_undecodable(foreign, declared) is None:
        return declared, None
    bad = _first_undecodable(foreign, UTF_8)
    chinese = _may_be_chinese(foreign)
    if bad is None and not (chinese and _stand_alone(foreign) and all(map(_is_odd_utf8, foreign))):
        return UTF_8, None
    western = _first_not_western(foreign)
    if chinese and (western is not None or _stand_alone(foreign)):
        return CHINESE, None
    return WESTERN, western


def text_of(cell: Cell, encoding: str) -> str:
    """The text of a cell; of one that was cut inside a character, without that character.

    Raises UnicodeDecodeError for bytes that are no text in this encoding.

    >>> text_of(Cell("发热".encode()[:-1], full=True), "utf-8")
    '发'
    """
    if not cell.full or encoding == WESTERN:
        return cell.content.decode(encoding)
    # What is left of a character at the end stays in the decoder.
    return codecs.getincrementaldecoder(encoding)().decode(cell.content)


def is_cut(cell: Cell, encoding: str) -> bool:
    """Whether the writer cut the text inside a character."""
    try:
        cell.content.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _first_undecodable(cells: Collection[Cell], encoding: str) -> Cell | None:
    for cell in cells:
        try:
            text_of(cell, encoding)
        except (UnicodeDecodeError, LookupError):
            return cell
    return None


def _is_odd_utf8(cell: Cell) -> bool:
    """Whether two bytes of Chinese, such as those of `女`, happen to be a letter of UTF-8 that no text here has."""
    text = text_of(cell, UTF_8)
    return unlikely_utf8(text) or all(sign.isascii() or "\u0100" <= sign <= "\u017f" for sign in text)


def _may_be_chinese(cells: Collection[Cell]) -> bool:
    """Whether the texts decode as GB 18030, mostly into characters that Chinese texts have."""
    if _first_undecodable(cells, CHINESE) is not None:
        return False
    signs = [sign for cell in cells for sign in text_of(cell, CHINESE) if not sign.isascii()]
    return bool(signs) and sum(map(_is_common, signs)) >= _COMMON_SHARE * len(signs)


def _is_common(sign: str) -> bool:
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _first_not_western(cells: Collection[Cell]) -> Cell | None:
    """The first text that nobody wrote in Windows-1252."""
    for cell in cells:
        try:
            text = cell.content.decode(WESTERN)
        except UnicodeDecodeError:
            return cell
        if not is_western(text):
            return cell
    return None


def _stand_alone(cells: Collection[Cell]) -> bool:
    """Whether no foreign character touches a plain letter: `男` does not, the ones in `GRÖßE` do."""
    for cell in cells:
        text = cell.content.decode("latin-1")
        for sign, other in itertools.pairwise(text):
            if sign.isascii() != other.isascii() and (sign if sign.isascii() else other).isalpha():
                return False
    return True


def is_western(text: str) -> bool:
    """Whether a text is one that people write with Western letters and signs.

    >>> is_western("Sjögren, 5 µmol/L ± 2"), is_western("·¢ÈÈ"), is_western("naŽve"), is_western("Pawe³")
    (True, False, False, False)
    """
    run = 0
    for k, sign in enumerate(text):
        before, after = text[k - 1 : k], text[k + 1 : k + 2]
        run = run + 1 if not sign.isascii() and sign.isalpha() else 0
        if sign.isascii():
            continue
        if run >= _LONG_RUN or not _fits(sign, before, after):
            return False
    return True


def _fits(sign: str, before: str, after: str) -> bool:
    """Whether a foreign sign can be between these two."""
    if sign in "¹²³" and before and not (before.isdigit() or before in _BEFORE_POWER):
        return False
    if sign in _APART and before.isalpha() and after.isalpha():
        return False
    if sign in _SIGNS:
        letters = [other for other in (before, after) if other and not other.isascii() and other.isalpha()]
        return sign in _QUOTES or not [other for other in letters if other not in _SIGNS]
    if unicodedata.category(sign) == "Lu":
        return not before.islower()
    return sign.isalpha() and sign not in "ƒˆ"

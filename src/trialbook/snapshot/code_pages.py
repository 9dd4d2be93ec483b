"""Which encoding the texts of a SAS file are in: by its header where it says so, by the bytes, and by the result.

A transport file does not say its encoding, and SAS sessions write what their machine has: UTF-8, Chinese (GBK,
GB 18030) or Western (Windows-1252). Many Western texts decode as GB 18030 by chance, so a multi-byte encoding is taken
only where the result is Chinese as people write it and the Western reading is not a text.
"""

from __future__ import annotations

import codecs
import itertools
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from trialbook.snapshot.tables import unlikely_utf8

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

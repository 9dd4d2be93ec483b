"""Splits the text of a drug into words that can be compared, whatever its spelling, width, case and language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# A number, one Chinese character, a word of any other script, or a sign that may part two drugs. Letters and digits are
# parted too, so that FK506, FK-506 and "FK 506" are the same, and a dose may follow without a blank.
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+|[+/,;、。&|(){}\[\]<>:\n]")
# Accents, and characters that show nothing.
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_TRADE_MARKS = str.maketrans("", "", "®™©℠")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
SIGNS = frozenset("+/,;、。&|(){}[]<>:\n")

Words = tuple[str, ...]


@lru_cache(maxsize=2**14)
def words_of(text: str) -> Words:
    """The words of a text in order: folded to one case and width, without accents and marks of trade.

    >>> words_of("ＦＫ-506，5mg"), words_of("甲泼尼龙40mg + Jakafi™")
    (('fk', '506', ',', '5', 'mg'), ('甲', '泼', '尼', '龙', '40', 'mg', '+', 'jakafi'))
    """
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_TRADE_MARKS)))
    return tuple(_WORD.findall(text.casefold()))


def is_chinese(word: str) -> bool:
    """Whether a word is (or begins with) a Chinese character."""
    return bool(_CHINESE.match(word))


def is_number(word: str) -> bool:
    """Whether a word is a number."""
    return word[:1].isdigit()

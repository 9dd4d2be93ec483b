"""Relationship of an adverse event to iMSC: the site's words, English or Chinese, as one of seven levels (§3.1, A-61)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pandas as pd

LEVELS = ("definite", "probable", "possible", "unlikely", "unrelated", "missing", "unassessable")
RELATED, NOT_RELATED = "RELATED", "NOT RELATED"

# The words of the five-level and the two-level forms. A plain "related" says nothing of its certainty: probable.
_WORDS: dict[str, tuple[str, ...]] = {
    "definite": ("DEFINITE", "DEFINITELY", "DEFINITELY RELATED", "CERTAIN", "肯定有关", "肯定相关"),
    "probable": (
        "PROBABLE", "PROBABLY", "PROBABLY RELATED", "LIKELY", "LIKELY RELATED", "RELATED", "Y", "YES",
        "很可能有关", "很可能相关", "有关", "相关", "是",
    ),
    "possible": ("POSSIBLE", "POSSIBLY", "POSSIBLY RELATED", "可能有关", "可能相关"),
    "unlikely": (
        "UNLIKELY", "UNLIKELY RELATED", "PROBABLY NOT", "PROBABLY NOT RELATED", "POSSIBLY NOT RELATED", "REMOTE",
        "DOUBTFUL", "可能无关", "很可能无关", "可能不相关",
    ),
    "unrelated": (
        "NOT RELATED", "UNRELATED", "NONE", "N", "NO", "NOT", "DEFINITELY NOT", "DEFINITELY NOT RELATED",
        "肯定无关", "无关", "不相关", "否",
    ),
    "unassessable": (
        "UNASSESSABLE", "NOT ASSESSABLE", "UNKNOWN", "INDETERMINATE", "CANNOT BE DETERMINED", "UNABLE TO DETERMINE",
        "无法判定", "无法判断", "无法评价",
    ),
    "missing": ("",),
}  # fmt: skip
_LEVEL_OF = {word: level for level, words in _WORDS.items() for word in words}


def causality_level(aerel: pd.Series) -> pd.Series:
    """Level of each AEREL: definite, probable, possible, unlikely, unrelated, missing or unassessable.

    | AEREL | level |
    |---|---|
    | 肯定有关, DEFINITE | definite |
    | 很可能有关, PROBABLE, RELATED | probable |
    | 可能有关, POSSIBLE | possible |
    | 可能无关, REMOTE, UNLIKELY | unlikely |
    | 肯定无关, NONE, NOT RELATED | unrelated |
    | blank | missing |
    | 无法判定, any other word | unassessable |

    A word outside the list is unassessable rather than unrelated: nobody can say from it that the event is unrelated.
    """
    levels = {text: _LEVEL_OF.get(_plain(text), "unassessable") for text in aerel.dropna().unique()}
    return aerel.map(levels).fillna("missing").astype("str")


def related(aerel: pd.Series, trae_levels: Sequence[str]) -> pd.Series:
    """AREL: RELATED where the level is one of `trae_levels`, else NOT RELATED."""
    return causality_level(aerel).isin([*trae_levels]).map({True: RELATED, False: NOT_RELATED}).astype("str")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).upper().replace("_", " ").replace("-", " ").split())

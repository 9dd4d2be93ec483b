"""How an adverse event relates to iMSC: the site's words, English or Chinese, as one of seven levels (§3.1, A-61)."""

from __future__ import annotations

import unicodedata

import pandas as pd

LEVELS = ("definite", "probable", "possible", "unlikely", "unrelated", "missing", "unassessable")

# The words of the five-level and the two-level forms. A plain "related" says nothing of its certainty: probable.
_WORDS: dict[str, tuple[str, ...]] = {
    "definite": ("DEFINITE", "DEFINITELY", "DEFINITELY RELATED", "CERTAIN", "CERTAINLY RELATED", "肯定有关", "肯定相关"),
    "probable": (
        "PROBABLE", "PROBABLY", "PROBABLY RELATED", "LIKELY", "LIKELY RELATED", "RELATED", "Y", "YES",
        "很可能有关", "很可能相关", "有关", "相关", "是",
    ),
    "possible": ("POSSIBLE", "POSSIBLY", "POSSIBLY RELATED", "可能有关", "可能相关"),
    "unlikely": (
        "UNLIKELY", "UNLIKELY RELATED", "UNLIKELY TO BE RELATED", "REMOTE", "DOUBTFUL", "PROBABLY NOT RELATED",
        "POSSIBLY NOT RELATED", "可能无关", "很可能无关", "可能不相关",
    ),
    "unrelated": (
        "NOT RELATED", "UNRELATED", "DEFINITELY NOT RELATED", "NONE", "NO", "N", "肯定无关", "无关", "不相关", "否",
    ),
    "unassessable": ("UNASSESSABLE", "NOT ASSESSABLE", "UNKNOWN", "UNCLASSIFIABLE", "CANNOT BE DETERMINED", "无法判定"),
}  # fmt: skip
_LEVEL_OF = {word: level for level, words in _WORDS.items() for word in words}


def causality_level(aerel: pd.Series) -> pd.Series:
    """Relationship to iMSC of each AEREL value: definite, probable, possible, unlikely, unrelated, missing, unassessable.

    | AEREL | level |
    |---|---|
    | 肯定有关, DEFINITE | definite |
    | 很可能有关, PROBABLE, RELATED | probable |
    | 可能有关, POSSIBLE | possible |
    | 可能无关, REMOTE, UNLIKELY | unlikely |
    | 肯定无关, NONE, NOT RELATED | unrelated |
    | blank | missing |
    | 无法判定, any other word | unassessable |

    A word outside the list is unassessable rather than unrelated: it counts as related until the site answers (A-61).
    """
    words = aerel.astype("str").fillna("").map(_plain)
    level = words.map(_LEVEL_OF).fillna("unassessable").astype("str")
    return level.mask(words == "", "missing")


def _plain(text: str) -> str:
    words = unicodedata.normalize("NFKC", text).upper().replace("_", " ").replace("-", " ")
    return " ".join(words.split())

"""Relationship of an adverse event to the product, in English or Chinese (§3.1), and seriousness criteria (P23)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pandas as pd

# ----------------------------------------------------------------------------------------------------
# The criteria of seriousness of an adverse event record, and whether one of them is ticked (P23).


SERIOUSNESS_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


def criterion_ticked(ae: pd.DataFrame) -> pd.Series:
    """Whether one of the seriousness criteria of an AE record is Y; those that a frame does not hold are not.

    >>> criterion_ticked(pd.DataFrame({"AESHOSP": ["Y", "N", None], "AESLIFE": ["N", "N", None]})).tolist()
    [True, False, False]
    """
    collected = [name for name in SERIOUSNESS_CRITERIA if name in ae.columns]
    if not collected:
        return pd.Series(False, index=ae.index)
    return ae[collected].apply(lambda column: column.str.upper().eq("Y")).fillna(False).any(axis=1)


# ----------------------------------------------------------------------------------------------------

# Words of AEREL in upper case. The plain yes/no forms are levels of their own: they say nothing of the certainty.
_WORDS: dict[str, tuple[str, ...]] = {
    "definite": ("DEFINITE", "DEFINITELY", "DEFINITELY RELATED", "CERTAIN", "CERTAINLY RELATED", "肯定有关",
                 "肯定相关"),
    "probable": ("PROBABLE", "PROBABLY", "PROBABLY RELATED", "LIKELY", "LIKELY RELATED", "很可能有关", "很可能相关"),
    "possible": ("POSSIBLE", "POSSIBLY", "POSSIBLY RELATED", "可能有关", "可能相关"),
    "related": ("RELATED", "Y", "YES", "有关", "相关", "是"),
    "unlikely": (
        "UNLIKELY", "UNLIKELY RELATED", "UNLIKELY TO BE RELATED", "PROBABLY NOT", "PROBABLY NOT RELATED",
        "POSSIBLY NOT RELATED", "REMOTE", "DOUBTFUL", "可能无关", "很可能无关", "可能不相关",
    ),
    "not": (
        "NOT RELATED", "UNRELATED", "NONE", "N", "NO", "NOT", "DEFINITELY NOT", "DEFINITELY NOT RELATED", "肯定无关",
        "无关", "不相关", "否",
    ),
    "unassessable": (
        "UNASSESSABLE", "NOT ASSESSABLE", "UNKNOWN", "UNCLASSIFIABLE", "INDETERMINATE", "CANNOT BE DETERMINED",
        "无法判定", "无法判断", "无法评价",
    ),
    "missing": ("",),
}  # fmt: skip
_LEVELS = {word: level for level, words in _WORDS.items() for word in words}


def relationship_level(aerel: pd.Series) -> pd.Series:
    """The level of each AEREL: definite, probable, possible, related, unlikely, not, unassessable, missing.

    | AEREL                    | level        |
    |--------------------------|--------------|
    | 很可能有关, PROBABLE      | probable     |
    | RELATED, Y, 有关          | related      |
    | 可能无关, REMOTE          | unlikely     |
    | 无法判定, any other word  | unassessable |

    A word outside the vocabulary is unassessable: nobody can say from it that the event is unrelated (A-61).

    >>> relationship_level(pd.Series(["很可能有关", "Y", "REMOTE", "perhaps", None])).tolist()
    ['probable', 'related', 'unlikely', 'unassessable', 'missing']
    """
    words = aerel.astype("str").fillna("")
    levels = {text: _LEVELS.get(_plain(text), "unassessable") for text in words.unique()}
    return words.map(levels).astype("str")


def relationship(aerel: pd.Series, trae_levels: Sequence[str]) -> pd.Series:
    """AREL: RELATED where the level is one of `trae_levels` or a plain "related", else NOT RELATED.

    >>> relationship(pd.Series(["PROBABLE", "UNLIKELY", "YES"]), ["definite", "probable", "possible"]).tolist()
    ['RELATED', 'NOT RELATED', 'RELATED']
    """
    counted = {*trae_levels, "related"}
    return relationship_level(aerel).isin(counted).map({True: "RELATED", False: "NOT RELATED"}).astype("str")


def relation_given(aerel: pd.Series) -> pd.Series:
    """Whether the site said whether the event is related: the field is neither empty nor unassessable.

    >>> relation_given(pd.Series(["NOT RELATED", "unknown", None])).tolist()
    [True, False, False]
    """
    return ~relationship_level(aerel).isin(["missing", "unassessable"])


def relation_text(ae: pd.DataFrame) -> pd.Series:
    """`related`, `not related`; `not given, counted as related` where the site did not say (A-61).

    `ae` needs AEREL and AREL.

    >>> relation_text(pd.DataFrame({"AEREL": ["PROBABLE", None], "AREL": ["RELATED", "RELATED"]})).tolist()
    ['related', 'not given, counted as related']
    """
    counted, level = ae["AREL"].str.lower(), relationship_level(ae["AEREL"])
    open_ = level.map({"missing": "not given", "unassessable": "cannot be judged"})
    return counted.where(open_.isna(), open_.astype("str") + ", counted as " + counted).astype("str")


def _plain(text: str) -> str:
    words = unicodedata.normalize("NFKC", text).upper().replace("_", " ").replace("-", " ")
    return " ".join(words.split())

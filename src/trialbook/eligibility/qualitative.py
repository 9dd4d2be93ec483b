"""Reads qualitative results: positive, negative or neither, in English or Chinese (EX12, EX13, EX15)."""

from __future__ import annotations

import pandas as pd

POSITIVE, NEGATIVE, UNCLEAR = "POSITIVE", "NEGATIVE", "UNCLEAR"

# Whole results in upper case, after spaces and brackets are taken away.
_POSITIVE = {
    "POSITIVE",
    "POS",
    "P",
    "+",
    "++",
    "+++",
    "++++",
    "REACTIVE",
    "DETECTED",
    "DETECTABLE",
    "Y",
    "阳性",
    "检出",
}
_NEGATIVE = {
    "NEGATIVE", "NEG", "N", "-", "--", "NONREACTIVE", "NON-REACTIVE", "NOTREACTIVE", "NOTDETECTED", "UNDETECTED",
    "UNDETECTABLE", "NOTDETECTABLE", "TND", "TARGETNOTDETECTED", "ND", "阴性", "未检出", "未检测到", "低于检测下限",
    "BELOWLLOQ", "<LLOQ", "BLQ",
}  # fmt: skip


def reading(text: pd.Series, value: pd.Series, sign: pd.Series, limit: pd.Series) -> pd.Series:
    """POSITIVE, NEGATIVE or UNCLEAR for each result.

    1. A known word or sign decides. 2. A number below a bound ("<20") is negative, above one (">300") positive.
    3. A number with an upper limit is positive from that limit on. 4. Anything else (weakly positive, indeterminate,
    a number without a limit) is UNCLEAR.
    """
    word = text.fillna("").str.upper().str.replace(r"[\s()\[\]（）]", "", regex=True)
    result = pd.Series(UNCLEAR, index=text.index, dtype="str")
    against_limit = (value >= limit).map({True: POSITIVE, False: NEGATIVE})
    result = result.mask(value.notna() & limit.notna(), against_limit)
    result = result.mask(value.notna() & sign.eq("<"), NEGATIVE).mask(value.notna() & sign.eq(">"), POSITIVE)
    return result.mask(word.isin(_NEGATIVE), NEGATIVE).mask(word.isin(_POSITIVE), POSITIVE)


def detection(text: pd.Series, value: pd.Series, sign: pd.Series) -> pd.Series:
    """The same for nucleic acid: a number stands for copies that were counted, so any number above 0 is POSITIVE.

    Below the limit of quantification ("<20", "TND", "未检出") is NEGATIVE: not detected (A-33).
    """
    counted = (value > 0).map({True: POSITIVE, False: NEGATIVE}).where(value.notna())
    result = reading(text, value, sign, pd.Series(float("nan"), index=text.index))
    return result.mask(value.notna() & ~sign.isin(["<", ">"]), counted)

"""Reads qualitative results of tests: positive, negative or neither, in English or Chinese (EX12, EX13, EX15, §16)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.criteria import CodeLists

POSITIVE, NEGATIVE, UNCLEAR = "POSITIVE", "NEGATIVE", "UNCLEAR"


def reading(text: pd.Series, value: pd.Series, sign: pd.Series, limit: pd.Series, words: CodeLists) -> pd.Series:
    """POSITIVE, NEGATIVE or UNCLEAR for each result.

    1. A known word or sign (`words`, compared without blanks and brackets) decides. 2. A number below a bound ("<20")
    is negative, above one (">300") positive. 3. A number with an upper limit is positive from that limit on.
    4. Anything else (weakly positive, indeterminate, a number without a limit) is UNCLEAR.

    >>> known = CodeLists(negative=["Negative", "阴性"], positive=["Positive"])
    >>> text, number = pd.Series(["阴性", None, "weak"]), pd.Series([float("nan"), 300.0, float("nan")])
    >>> reading(text, number, pd.Series(["", ">", ""]), pd.Series([float("nan")] * 3), known).tolist()
    ['NEGATIVE', 'POSITIVE', 'UNCLEAR']
    """
    word = _plain(text.fillna(""))
    result = pd.Series(UNCLEAR, index=text.index, dtype="str")
    against_limit = (value >= limit).map({True: POSITIVE, False: NEGATIVE})
    result = result.mask(value.notna() & limit.notna(), against_limit)
    result = result.mask(value.notna() & sign.eq("<"), NEGATIVE).mask(value.notna() & sign.eq(">"), POSITIVE)
    negative, positive = (set(_plain(pd.Series(known, dtype="str"))) for known in (words.negative, words.positive))
    return result.mask(word.isin(negative), NEGATIVE).mask(word.isin(positive), POSITIVE)


def detection(
    text: pd.Series, value: pd.Series, sign: pd.Series, words: CodeLists, quantified: pd.Series | None = None
) -> pd.Series:
    """The same for nucleic acid: a number is a count of copies, so any number above 0 is POSITIVE.

    Below the limit of quantification ("<20", "TND", "未检出") is NEGATIVE: not detected (A-33). `quantified`, where
    given, is that limit on the record: a number below it is NEGATIVE too.

    >>> text, number = pd.Series(["未检出", "<20", "150"]), pd.Series([float("nan"), 20, 150])
    >>> detection(text, number, pd.Series(["", "<", ""]), CodeLists(negative=["TND", "未检出"])).tolist()
    ['NEGATIVE', 'NEGATIVE', 'POSITIVE']
    """
    low = pd.Series(0.0, index=text.index) if quantified is None else quantified.fillna(0.0)
    counted = ((value > 0) & (value >= low)).map({True: POSITIVE, False: NEGATIVE}).where(value.notna())
    result = reading(text, value, sign, pd.Series(float("nan"), index=text.index), words)
    return result.mask(value.notna() & ~sign.isin(["<", ">"]), counted)


def _plain(text: pd.Series) -> pd.Series:
    return text.str.upper().str.replace(r"[\s()\[\]（）]", "", regex=True)

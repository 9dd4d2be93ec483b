"""Laboratory results of the treated subjects with their CTCAE grades, and where the grades begin (§3.2)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from trialbook.safety.ctcae_table import GRADED_TESTS, TERMS, Term

# What profiles draw (§8, F9); their tables hold every graded test.
DRAWN_TESTS = ("ALT", "AST", "BILI", "CREAT", "NEUT", "PLAT", "HGB", "LYM")
LIVER_TESTS = ("ALT", "AST", "BILI")


def lab_rows(adlb: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """Results of graded tests: USUBJID PARAMCD ADT DAY AVAL AVALOP AVALU GRADE (the worse direction), by test, time."""
    rows = adlb[adlb["USUBJID"].isin(treated["USUBJID"]) & adlb["PARAMCD"].isin(GRADED_TESTS) & adlb["AVAL"].notna()]
    frame = rows[["USUBJID", "PARAMCD", "ADT", "AVAL", "AVALOP", "AVALU", "LBSEQ"]].assign(
        DAY=rows["RELDAY"], GRADE=rows[["ATOXGRL", "ATOXGRH"]].max(axis=1).astype("Int64")
    )
    frame = frame.sort_values(["USUBJID", "PARAMCD", "DAY", "LBSEQ"], kind="stable", ignore_index=True)
    return frame.drop(columns="LBSEQ")


def grade_bands(adlb: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """Where CTCAE grades begin for each subject and drawn test: USUBJID PARAMCD DIRECTION GRADE LIMIT.

    With the reference limits and the baseline of the subject's baseline record (else the first record): limits of
    later records may differ, their own grades stand beside each result. LIMIT is where the first rule of the grade or
    a higher one begins; rules that need a clinical fact are left out.
    """
    rows = adlb[adlb["USUBJID"].isin(treated["USUBJID"]) & adlb["PARAMCD"].isin(DRAWN_TESTS)]
    rows = rows.assign(_first=rows["ABLFL"].ne("Y")).sort_values(["USUBJID", "PARAMCD", "_first", "ADT"], kind="stable")
    rows = rows.drop_duplicates(["USUBJID", "PARAMCD"])
    terms = {term.test: term for term in TERMS if term.test in DRAWN_TESTS}
    wanted = rows[["USUBJID", "PARAMCD", "ANRLO", "ANRHI", "BASE"]].itertuples(index=False, name=None)
    found = [
        (subject, test, terms[test].direction, grade, limit)
        for subject, test, low, high, base in wanted
        for grade, limit in _limits(terms[test], low, high, base)
    ]
    return pd.DataFrame(found, columns=["USUBJID", "PARAMCD", "DIRECTION", "GRADE", "LIMIT"])


def _limits(term: Term, low: float, high: float, base: float) -> Iterable[tuple[int, float]]:
    references = {"LLN": low, "ULN": high, "BASE": base, "ABS": 1.0}
    limits = term.abnormal if term.abnormal and pd.notna(base) and pd.notna(high) and base > high else term.normal
    known = [
        (limit.grade, limit.factor * references[limit.reference])
        for limit in limits
        if not limit.clinical and pd.notna(references[limit.reference])
    ]
    nearest = min if term.direction == "H" else max
    for grade in sorted({grade for grade, _ in known}):
        yield grade, nearest(limit for other, limit in known if other >= grade)

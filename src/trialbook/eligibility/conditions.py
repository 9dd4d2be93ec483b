"""Histories, events, drugs and procedures as conditions with dates that may be partial (EX01, EX02, EX05 to EX11)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date, time_of_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.protocol.criteria import CodeLists

YES, NO, UNKNOWN = "YES", "NO", "UNKNOWN"
# The variables that say what a record is about; TEXT is searched, the first is shown.
_WORDS = {
    "MH": ("MHTERM", "MHDECOD", "MHCAT", "MHSEV"), "CE": ("CETERM", "CEDECOD"), "AE": ("AETERM", "AEDECOD"),
    "CM": ("CMTRT", "CMDECOD"), "PR": ("PRTRT", "PRDECOD"), "SU": ("SUTRT", "SUCAT"),
}  # fmt: skip


Severity = tuple[tuple[str, float], ...]


def severity_words(words: CodeLists) -> Severity:
    """Each word for a severity (upper case) with the grade it means.

    >>> from trialbook.protocol.criteria import CodeLists
    >>> severity_words(CodeLists(severity={"2": ["moderate", "中度"]}))
    (('MODERATE', 2.0), ('中度', 2.0))
    """
    return tuple((word.upper(), float(grade)) for grade, known in sorted(words.severity.items()) for word in known)


def conditions(domains: Domains, severity: Severity) -> pd.DataFrame:
    """The records of MH, CE, AE, CM, PR and SU: USUBJID SRCDOM SRCSEQ TERM TEXT GRADE ADT, and what their dates allow.

    GRADE is --TOXGR, else the severity in words as a number (`severity_words`), NaN where neither is known. STLO STHI
    ENLO ENHI bound start and end; STTIME is the time of the start in seconds; ONGOING is --ENRTPT = ONGOING. A record
    that says a prespecified condition did not occur is left out.

    >>> mh = pd.DataFrame({"USUBJID": "001", "MHSEQ": [1, 2], "MHTERM": ["Asthma", "Angina"], "MHOCCUR": ["Y", "N"]})
    >>> conditions(Domains({"MH": mh}), severity=())["TERM"].tolist()
    ['Asthma']
    """
    filled = [code for code in _WORDS if len(domains[code])] or ["MH"]
    return pd.concat([_of_domain(domains[code], code, dict(severity)) for code in filled], ignore_index=True)


def _of_domain(rows: pd.DataFrame, code: str, severity: dict[str, float]) -> pd.DataFrame:
    if f"{code}OCCUR" in rows:
        rows = rows[rows[f"{code}OCCUR"].fillna("").str.upper() != "N"]
    first, *others = (rows[name].fillna("") for name in _WORDS[code])
    text = first.str.cat(others, sep=" | ")
    start, end = rows[f"{code}STDTC"], rows[f"{code}ENDTC"]
    ongoing = rows[f"{code}ENRTPT"] if f"{code}ENRTPT" in rows else pd.Series("", index=rows.index, dtype="str")
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "SRCDOM": pd.Series(code, index=rows.index, dtype="str"),
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
            "TERM": first.mask(first == "", others[0] if others else ""),
            "TEXT": text,
            "GRADE": _grade(rows, code, severity),
            "STARTDTC": start,
            "ENDDTC": end,
            "STLO": earliest_date(start),
            "STHI": latest_date(start),
            "ENLO": earliest_date(end),
            "ENHI": latest_date(end),
            "STTIME": time_of_day(start),
            "ADT": earliest_date(start),
            "ONGOING": ongoing.fillna("").str.upper().eq("ONGOING"),
        }
    )


def _grade(rows: pd.DataFrame, code: str, words: dict[str, float]) -> pd.Series:
    unknown = pd.Series(float("nan"), index=rows.index)
    grade = pd.to_numeric(rows[f"{code}TOXGR"], errors="coerce") if f"{code}TOXGR" in rows else unknown
    severity = rows[f"{code}SEV"].str.strip().str.upper().map(words) if f"{code}SEV" in rows else unknown
    return grade.astype("float64").fillna(severity.astype("float64"))


def started_before(rows: pd.DataFrame) -> pd.Series:
    """Whether each condition (with the subject's columns added) began before the reference moment.

    A history without a start date is taken as begun, since that is what makes it history; what ended before had begun.
    On the day of the infusion itself only an earlier time proves it; a condition of that day without a time is taken to
    have come after. Of a subject who was never infused the reference day counts as a whole.
    """
    timed = (rows["STLO"] == rows["REFDT"]) & (rows["STTIME"] < rows["REFTIME"])
    history = rows["SRCDOM"].eq("MH") & rows["STLO"].isna()
    ended = rows["ENHI"] < rows["REFDT"]
    waiting = ~rows["TREATED"].astype(bool) & ((rows["STHI"] <= rows["REFDT"]) | (rows["ENHI"] <= rows["REFDT"]))
    sure = (rows["STHI"] < rows["REFDT"]) | timed | history | ended | waiting
    one_day = rows["STLO"].eq(rows["STHI"])
    same_day = rows["TREATED"].astype(bool) & one_day & rows["STLO"].eq(rows["REFDT"]) & ~timed
    never = (rows["STLO"] > rows["REFDT"]) | same_day
    return _three(sure, never)


def ongoing_at_reference(rows: pd.DataFrame) -> pd.Series:
    """Whether each condition was present at the reference moment: begun before (BEGUN), and not ended before it."""
    ended = rows["ENHI"] < rows["REFDT"]
    lasted = rows["ONGOING"] | (rows["ENLO"] >= rows["REFDT"])
    return _three(rows["BEGUN"].eq(YES) & lasted & ~ended, rows["BEGUN"].eq(NO) | ended)


def active_since(rows: pd.DataFrame, first: pd.Series, last: pd.Series) -> pd.Series:
    """Whether each condition that began before the reference (BEGUN) was still present on or after a day.

    The day lies between `first` and `last` (both the same where it is known; NaT = open on that side).
    """
    ended = rows["ENHI"] < first
    lasted = rows["ONGOING"] | (rows["ENLO"] >= last) | (rows["STLO"] >= last)
    return _three(rows["BEGUN"].eq(YES) & lasted & ~ended, rows["BEGUN"].eq(NO) | ended)


def _three(sure: pd.Series, never: pd.Series) -> pd.Series:
    answer = pd.Series(UNKNOWN, index=sure.index, dtype="str")
    return answer.mask(sure.fillna(False).astype(bool), YES).mask(never.fillna(False).astype(bool), NO)


def in_words(rows: pd.DataFrame) -> pd.Series:
    """Each condition as evidence: domain, term, grade, dates.

    >>> asthma = {"SRCDOM": ["MH"], "TERM": "Asthma", "GRADE": 2.0, "STARTDTC": None, "ENDDTC": None, "ONGOING": True}
    >>> in_words(pd.DataFrame(asthma)).tolist()
    ['MH: Asthma, grade 2, start not known to ongoing']
    """
    texts = []
    names = ("SRCDOM", "TERM", "GRADE", "STARTDTC", "ENDDTC", "ONGOING")
    for source, term, grade, start, end, ongoing in zip(*(rows[name].tolist() for name in names), strict=True):
        severity = msg(", grade {grade:g}", grade=grade) if grade == grade else ""
        began = start if isinstance(start, str) else msg("start not known")
        ended = end if isinstance(end, str) else ("ongoing" if ongoing else msg("end not known"))
        texts.append(f"{source}: {term}{severity}, {began} to {ended}")
    return pd.Series(texts, index=rows.index, dtype="str")

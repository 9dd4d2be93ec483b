"""Listings of laboratory results: grade 3 and 4 against reported events (L-5), the results behind a count (§3.2)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.safety.ctcae_table import TERMS, Term
from trialbook.safety.lab_results import shift_variable
from trialbook.safety.listings import subject_ids
from trialbook.terms import holds_term

LABELS = {
    "SUBJID": "Subject", "TRT01A": "Dose level", "TEST": "Test", "BGRADE": "Baseline grade", "WORST": "Worst grade",
    "RESULTS": "Results of grade 3 or 4", "FIRST": "First on day", "LAST": "Last on day", "VALUE": "Worst result",
    "DRIVER": "Graded by", "RISE": "Against baseline", "EVENT": "Adverse event", "RELDAY": "Day",
}  # fmt: skip
# The columns of ADLB that the listing is made from.
NEEDED = (
    "USUBJID", "TRT01A", "PARAMCD", "LBSEQ", "ADT", "RELDAY", "AVAL", "AVALOP", "AVALU", "ATOXGRL", "ATOXGRH",
    "BTOXGRL", "BTOXGRH", "ATOXDRV", "CLINFL", "LBCLSIG",
)  # fmt: skip
LINE_COLUMNS = ["SUBJID", "TRT01A", "TEST", "BGRADE", "WORST", "VALUE", "RELDAY", "DRIVER"]
DRIVERS = {"ULN": "upper limit", "LLN": "lower limit", "BASE": "baseline", "ABS": "fixed limit"}
NO_EVENT, NOT_SIGNIFICANT = "none: asked", "none: not clinically significant"
SEVERE = 3
KNOWN, RISEN = "not worse", "worse"


def worst_lines(worst: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """One line per row of `worst_grades`, in its order: LINE_COLUMNS."""
    return pd.DataFrame({
        "SUBJID": subject_ids(worst, adsl), "TRT01A": worst["TRT01A"], "TEST": worst["VARIABLE"],
        "BGRADE": worst["BGRADE"], "WORST": worst["WORST"], "VALUE": value_text(worst), "RELDAY": worst["RELDAY"],
        "DRIVER": driver_text(worst),
    })[LINE_COLUMNS].reset_index(drop=True)  # fmt: skip


def severe_listing(adlb: pd.DataFrame, adae: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-5: one line per treated subject and test with a grade 3 or 4 result after the infusion, by subject and test.

    Columns of LABELS from SUBJID to EVENT. EVENT names the adverse events that run within `lab_ae_match_days` of a
    grade 3 or 4 result; without one the site is asked, unless the grade is not worse than at baseline or the
    investigator marked the results not clinically significant.
    """
    graded = adlb[["ATOXGRL", "ATOXGRH"]].max(axis=1).ge(SEVERE).fillna(False).astype(bool)
    severe = adlb[graded & adlb["APOBLFL"].eq("Y") & adlb["SAFFL"].eq("Y")]
    severe = severe[[name for name in NEEDED if name in severe]]
    found = [term for term in TERMS if term.test in set(severe["PARAMCD"])]
    # Without any such result one term still gives the columns.
    frames = [_severe_of_term(severe, adae, term, analysis.lab_ae_match_days) for term in found or TERMS[:1]]
    listed = pd.concat(frames, ignore_index=True)
    listed = listed.assign(SUBJID=subject_ids(listed, adsl))
    columns = [name for name in LABELS if name in listed.columns and name != "RELDAY"]
    return listed.sort_values(["SUBJID", "TEST"], kind="stable", ignore_index=True)[columns]


def match_note(analysis: Analysis) -> str:
    """What the column of events says."""
    return (
        f"Adverse events of that kind within {analysis.lab_ae_match_days} days of such a result (A-110); asked = query."
    )


def _severe_of_term(severe: pd.DataFrame, adae: pd.DataFrame, term: Term, days: int) -> pd.DataFrame:
    grade, base = f"ATOXGR{term.direction}", f"BTOXGR{term.direction}"
    rows = severe[severe["PARAMCD"].eq(term.test) & severe[grade].ge(SEVERE).fillna(False).astype(bool)]
    rows = rows.assign(EVENT=matching_event(rows, adae, term, days), VALUE=value_text(rows), DRIVER=driver_text(rows))
    rows = rows.sort_values(["USUBJID", grade, "ADT", "LBSEQ"], ascending=[True, False, True, True], kind="stable")
    of_subject = rows.groupby("USUBJID", sort=False)
    worst = rows.drop_duplicates("USUBJID").set_index("USUBJID")
    ignored = _not_significant(rows).groupby(rows["USUBJID"]).all().reindex(worst.index).astype(bool)
    rise = pd.Series(RISEN, index=worst.index, dtype="str").mask(
        (worst[grade] <= worst[base]).fillna(False).astype(bool), KNOWN
    )
    events = of_subject["EVENT"].agg(_joined).reindex(worst.index)
    none = (
        pd.Series(NO_EVENT, index=worst.index, dtype="str").mask(ignored, NOT_SIGNIFICANT).mask(rise == KNOWN, "none")
    )
    return pd.DataFrame({
        "USUBJID": worst.index, "TRT01A": worst["TRT01A"].to_numpy(), "TEST": shift_variable(term.test, term.direction),
        "BGRADE": worst[base].to_numpy(), "WORST": worst[grade].to_numpy(),
        "RESULTS": of_subject.size().reindex(worst.index).to_numpy("int64"),
        "FIRST": of_subject["RELDAY"].min().reindex(worst.index).to_numpy(),
        "LAST": of_subject["RELDAY"].max().reindex(worst.index).to_numpy(),
        "VALUE": worst["VALUE"].to_numpy(), "DRIVER": worst["DRIVER"].to_numpy(), "RISE": rise.to_numpy(),
        "EVENT": events.where(events != "", none).to_numpy(),
    })  # fmt: skip


def matching_event(rows: pd.DataFrame, adae: pd.DataFrame, term: Term, days: int) -> pd.Series:
    """The terms of events of the term's kind that run within `days` of each result; blank without one.

    An event without end is ongoing.
    """
    if rows.empty:
        return pd.Series("", index=rows.index, dtype="str")
    words = adae["AEDECOD"].fillna("") + " | " + adae["AETERM"].fillna("")
    events = adae[holds_term(words, term.words)][["USUBJID", "ADECOD", "ASTDT", "AENDT"]]
    pairs = rows[["USUBJID", "ADT"]].assign(row=rows.index).merge(events, on="USUBJID")
    margin = pd.Timedelta(days=days)
    near = (pairs["ASTDT"] - margin <= pairs["ADT"]) & ~(pairs["AENDT"] + margin < pairs["ADT"])
    found = pairs[near].groupby("row")["ADECOD"].agg(_joined)
    return found.reindex(rows.index).fillna("").astype("str")


def value_text(rows: pd.DataFrame) -> pd.Series:
    """`< 0.5 10^9/L`: sign, number with at most four significant digits, and unit."""
    number = rows["AVAL"].map(lambda value: "" if pd.isna(value) else f"{value:.4g}").astype("str")
    return (rows["AVALOP"].fillna("") + " " + number + " " + rows["AVALU"].fillna("")).str.strip().astype("str")


def driver_text(rows: pd.DataFrame) -> pd.Series:
    """What gave the grade: upper limit, baseline (creatinine, say), both, or a fixed limit; and the worse case."""
    said = rows["ATOXDRV"].map({code: _drivers(code) for code in rows["ATOXDRV"].unique()}).astype("str")
    return said.mask(rows["CLINFL"] == "Y", said + ", worse clinical case (A-63)")


def _drivers(code: str) -> str:
    return " and ".join(DRIVERS[part] for part in code.split("+") if part)


def _not_significant(rows: pd.DataFrame) -> pd.Series:
    if "LBCLSIG" not in rows.columns:
        return pd.Series(False, index=rows.index)
    return rows["LBCLSIG"].fillna("").str.upper().eq("N")


def _joined(texts: pd.Series) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))

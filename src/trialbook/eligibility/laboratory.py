"""Organ function before the infusion: ALT, AST, BUN, INR against the laboratory's own limit, and clearance (EX04)."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.comparisons import excluded_above, significant
from trialbook.eligibility.conditions import YES
from trialbook.eligibility.creatinine import creatinine_clearance
from trialbook.eligibility.findings import FAIL, NE, Found, decide, together
from trialbook.eligibility.parameters import number, parameter, words
from trialbook.eligibility.records import IN_WINDOW, WORST, result_records
from trialbook.eligibility.results_in_window import in_window, last_result, window_text
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion
from trialbook.terms import holds_term
from trialbook.units import si_factor

# The five parts of the criterion, in the order of its audit columns.
PARTS = ("ALT", "AST", "creatinine clearance", "BUN or urea", "INR")


def organ_function(screening: Screening, criterion: Criterion) -> Found:
    """EX04A ALT, EX04B AST, EX04C creatinine clearance, EX04D BUN or urea, EX04E INR: five findings per subject.

    The last result in the laboratory window decides (A-11); ratios are to the upper limit on the same record (A-12),
    so no unit is converted. A ratio equal to the limit passes, a clearance equal to the limit does not (A-13). A
    violation by a haemolysed AST sample stays one and is asked about; an anticoagulant exempts no INR, it is told.
    """
    alt, ast, clearance, bun, inr = criterion.audit_columns()
    return together(
        [
            times_uln(screening, alt, ["ALT"], number(criterion, "ALT_uln")),
            times_uln(
                screening, ast, ["AST"], number(criterion, "AST_uln"), spoilt=words(criterion, "haemolysis_terms")
            ),
            creatinine_clearance(screening, clearance, criterion),
            times_uln(screening, bun, ["BUN", "UREA"], number(criterion, "BUN_uln"), _urea_band(criterion)),
            times_uln(
                screening,
                inr,
                ["INR"],
                number(criterion, "INR_uln"),
                told=_drugs_at_reference(screening, screening.analysis.anticoagulants),
            ),
        ]
    )


def times_uln(
    screening: Screening, column: str, tests: list[str], limit: float, uln_band: tuple[float, float] | None = None,
    *, spoilt: list[str] | None = None, told: pd.Series | None = None,
) -> Found:  # fmt: skip
    """Excluded where the last result in the window is more than `limit` times its own upper limit of normal.

    NE without a result, without an upper limit, with a censored value that does not decide, or with an upper limit
    outside `uln_band` (in SI units): a urea value printed with the limit of BUN, or the reverse (§1.4). `spoilt`: words
    in the remarks on a sample that make a violation a question; `told`: information by USUBJID for the evidence.
    """
    days = screening.analysis.lab_window_days
    rows = in_window(screening.results(["LB"], tests), days)
    rows = rows[rows["VALUE"].notna()].reset_index(drop=True)
    rows["RATIO"] = significant(rows["VALUE"] / rows["HIGH"].where(rows["HIGH"] > 0))
    # A result without a limit cannot be shown to be better than one with a limit, so it ranks as the worst.
    last = last_result(rows, rows["RATIO"].fillna(float("inf")))
    last["DATARESULT"] = excluded_above(last["RATIO"], last["SIGN"], limit)
    last["FLAG"] = _doubt(last)
    if uln_band is not None:
        mixed = _outside(last, uln_band)
        last["DATARESULT"] = last["DATARESULT"].mask(mixed, NE)
        last["FLAG"] = last["FLAG"].mask(mixed, "MIXED-LIMIT")
    if spoilt:
        doubtful = last["DATARESULT"].eq(FAIL) & holds_term(last["NOTE"] + " " + last["TEXT"], spoilt)
        last["FLAG"] = last["FLAG"].mask(doubtful, "HAEMOLYSED")
    worst = last["USUBJID"].map(rows.groupby("USUBJID")["RATIO"].max())
    said = _in_words(last, worst)
    if told is not None:
        said = said + last["USUBJID"].map(told).astype("str").fillna("")
    records = last.assign(AVAL=last["RATIO"], UNIT="x ULN", LIMIT=limit, EVIDENCE=said)
    missing = "no " + " or ".join(tests) + " result from " + window_text(screening, days)
    if not screening.domains.delivered("LB"):
        missing = pd.Series("laboratory results (LB) were not delivered", index=missing.index)
    highest = rows["RATIO"].eq(rows["USUBJID"].map(worst.set_axis(last["USUBJID"])))
    role = pd.Series(IN_WINDOW, index=rows.index, dtype="str").mask(highest, WORST)
    shown = result_records(rows, says=excluded_above(rows["RATIO"], rows["SIGN"], limit)).assign(ROLE=role)
    return decide(screening, column, records, NE, missing, [shown])


def _drugs_at_reference(screening: Screening, terms: list[str]) -> pd.Series:
    """By USUBJID: that a drug of the list was being taken at the reference day, in words."""
    rows = screening.conditions(["CM"], terms)
    taken = rows[rows["PRESENT"].eq(YES)].drop_duplicates("USUBJID").set_index("USUBJID")
    return "; on " + taken["TERM"]


def _urea_band(criterion: Criterion) -> tuple[float, float]:
    low, high = parameter(criterion, "urea_uln_mmol_l")
    return float(low), float(high)


def _doubt(last: pd.DataFrame) -> pd.Series:
    """The question that an undecided result raises: NO-LIMIT, or CENSORED."""
    undecided = last["DATARESULT"].eq(NE)
    flag = pd.Series("", index=last.index, dtype="str").mask(undecided, "CENSORED")
    return flag.mask(undecided & last["RATIO"].isna(), "NO-LIMIT")


def _outside(last: pd.DataFrame, band: tuple[float, float]) -> pd.Series:
    """Whether the upper limit, in the unit of its record, is no upper limit of this test; unknown units are not."""
    limit = last["HIGH"] * si_factor(last["TEST"], last["UNIT"])
    return (limit < band[0]) | (limit > band[1])


def _in_words(last: pd.DataFrame, worst: pd.Series) -> pd.Series:
    texts = []
    names = ("TEST", "SIGN", "VALUE", "UNIT", "ADT", "HIGH", "RATIO")
    records = zip(*(last[name].tolist() for name in names), worst.tolist(), strict=True)
    for test, sign, size, unit, day, high, ratio, highest in records:
        value = f"{test} {sign}{size:g} {unit}".strip()
        limit = f"upper limit {high:g}" if high > 0 else "no upper limit on the record"
        more = f"; highest in the window {highest:.3g} x ULN" if highest > ratio else ""
        texts.append(f"{value} on {day:%Y-%m-%d}, {limit}{more}")
    return pd.Series(texts, index=last.index, dtype="str")

"""Organ function before the infusion (EX04): ALT, AST, BUN, INR against the upper limit, and creatinine clearance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.core.units import plain_unit, si_factor
from trialbook.eligibility.conditions import YES
from trialbook.eligibility.criterion_results import (
    FAIL,
    IN_WINDOW,
    NE,
    PART,
    WORST,
    Found,
    decide,
    records,
    result_records,
    together,
)
from trialbook.eligibility.parameters import excluded_above, excluded_at_or_below, number, parameter, significant, words
from trialbook.eligibility.screening import Screening, in_window, last_result, window_text
from trialbook.protocol.criteria import Criterion
from trialbook.subjects.weights import last_on_or_before, measurements, weights

# ----------------------------------------------------------------------------------------------------
# Creatinine clearance by formula: Cockcroft-Gault for adults, bedside Schwartz for children (A-25, §1.3).


ADULT_AGE = 18
UMOL_PER_MG_DL = 88.42  # umol/L of creatinine in 1 mg/dL, as in admiral
_SEX_FACTOR = {"M": 1.0, "F": 0.85}
_SEX_FACTOR_UMOL = {"M": 1.23, "F": 1.04}
# Creatinine in mg/dL: size of each accepted unit (as `trialbook.core.units.plain_unit` spells it).
MG_DL = {"mg/dl": 1.0, "mg/l": 0.1, "umol/l": 1 / UMOL_PER_MG_DL, "mmol/l": 1000 / UMOL_PER_MG_DL}


def cockcroft_gault(age: Any, weight_kg: Any, creatinine_mg_dl: Any, sex: Any) -> np.ndarray:
    """Clearance in mL/min: (140 - age) x kg x (0.85 if female) / (72 x creatinine in mg/dL), with actual body weight.

    Raises ValueError for an age below 18, where the formula does not hold. NaN where anything is missing.

    >>> round(float(cockcroft_gault(55, 70, 1.0, "F")), 1)
    70.2
    >>> cockcroft_gault(16, 50, 1.0, "F")
    Traceback (most recent call last):
    ValueError: Cockcroft-Gault was given an age below 18; children need the Schwartz formula
    """
    _refuse(age, adult=True)
    factor = _by_sex(sex, _SEX_FACTOR)
    years, kilograms, creatinine = (np.asarray(x, dtype="float64") for x in (age, weight_kg, creatinine_mg_dl))
    return (140 - years) * kilograms * factor / (72 * creatinine)


def cockcroft_gault_umol(age: Any, weight_kg: Any, creatinine_umol_l: Any, sex: Any) -> np.ndarray:
    """The same from creatinine in umol/L with its own rounded factors (1.23, 1.04); differs by less than 1%.

    >>> round(float(cockcroft_gault_umol(55, 70, 88.4, "F")), 1)
    70.0
    """
    _refuse(age, adult=True)
    factor = _by_sex(sex, _SEX_FACTOR_UMOL)
    years, kilograms, creatinine = (np.asarray(x, dtype="float64") for x in (age, weight_kg, creatinine_umol_l))
    return (140 - years) * kilograms * factor / creatinine


def bedside_schwartz(age: Any, height_cm: Any, creatinine_mg_dl: Any) -> np.ndarray:
    """eGFR in mL/min/1.73 m2: 0.413 x height / creatinine in mg/dL (Schwartz 2009).

    Raises ValueError for an age of 18 or more. NaN where anything is missing.

    >>> round(float(bedside_schwartz(12, 150, 0.6)), 1)
    103.2
    """
    _refuse(age, adult=False)
    return 0.413 * np.asarray(height_cm, dtype="float64") / np.asarray(creatinine_mg_dl, dtype="float64")


def bedside_schwartz_umol(age: Any, height_cm: Any, creatinine_umol_l: Any) -> np.ndarray:
    """The same from creatinine in umol/L with its own rounded factor (36.5).

    >>> round(float(bedside_schwartz_umol(12, 150, 53.0)), 1)
    103.3
    """
    _refuse(age, adult=False)
    return 36.5 * np.asarray(height_cm, dtype="float64") / np.asarray(creatinine_umol_l, dtype="float64")


def deindexed(egfr: Any, height_cm: Any, weight_kg: Any) -> np.ndarray:
    """mL/min from mL/min/1.73 m2, with the body surface of Mosteller: sqrt(cm x kg / 3600) (A-36).

    >>> round(float(deindexed(100.0, 150, 40)), 1)
    74.6
    """
    height, weight = np.asarray(height_cm, dtype="float64"), np.asarray(weight_kg, dtype="float64")
    return np.asarray(egfr, dtype="float64") * np.sqrt(height * weight / 3600) / 1.73


def _refuse(age: Any, *, adult: bool) -> None:
    years = np.asarray(age, dtype="float64")
    if adult and np.any(years < ADULT_AGE):
        raise ValueError("Cockcroft-Gault was given an age below 18; children need the Schwartz formula")
    if not adult and np.any(years >= ADULT_AGE):
        raise ValueError("the Schwartz formula was given an age of 18 or more; adults need Cockcroft-Gault")


def _by_sex(sex: Any, factors: dict[str, float]) -> np.ndarray:
    texts = np.atleast_1d(np.asarray(sex, dtype="object"))
    found = np.array([factors.get(text, np.nan) for text in texts], dtype="float64")
    return found if np.ndim(sex) else found[0]


# ----------------------------------------------------------------------------------------------------
# EX04C: creatinine clearance, measured where it was, else estimated by the formula for the age.


_CENTIMETRES = {"cm": 1.0, "m": 100.0, "mm": 0.1, "in": 2.54}
# A low creatinine is a high clearance: the sign of a censored value turns round.
_TURNED = {"<": ">", ">": "<"}


def creatinine_clearance(screening: Screening, column: str, criterion: Criterion) -> Found:
    """Excluded where the clearance is at the limit or below.

    In order: the last measured clearance in the laboratory window (A-37); else an estimate from the last creatinine in
    the window, by Cockcroft-Gault from 18 years and bedside Schwartz below (A-25), with weight or height no older than
    `weight_days`. NE where a part is missing.
    """
    limit = number(criterion, "creatinine_clearance_ml_min")
    seen = {test: _in_lab_window(screening, test) for test in ("CREATCLR", "CREAT")}
    measured = _measured(seen["CREATCLR"], limit)
    last = last_result(seen["CREAT"], seen["CREAT"]["VALUE"])
    last = last[~last["USUBJID"].isin(measured["USUBJID"])].reset_index(drop=True)
    estimated = _estimated(screening, last, limit, int(number(criterion, "weight_days")))
    judged = pd.concat([measured, estimated], ignore_index=True).assign(LIMIT=limit)
    missing = "no creatinine or clearance from " + window_text(screening, screening.analysis.lab_window_days)
    if not screening.domains.delivered("LB"):
        missing = pd.Series("laboratory results (LB) were not delivered", index=missing.index)
    sizes = [
        records(
            estimated.assign(SRCDOM="VS", SRCSEQ=estimated[f"{name}SEQ"], ADT=estimated[f"{name}DT"])[
                estimated[f"{name}SEQ"].notna()
            ],
            PART, test, estimated[name].map("{:.4g}".format).astype("str"), UNIT=unit,
        )
        for name, test, unit in (("KG", "WEIGHT", "kg"), ("CM", "HEIGHT", "cm"))
    ]  # fmt: skip
    return decide(screening, column, judged, NE, missing, [*map(result_records, seen.values()), *sizes])


def _in_lab_window(screening: Screening, test: str) -> pd.DataFrame:
    rows = in_window(screening.results(["LB"], [test]), screening.analysis.lab_window_days)
    return rows[rows["VALUE"] > 0].reset_index(drop=True)


def _measured(rows: pd.DataFrame, limit: float) -> pd.DataFrame:
    last = last_result(rows, -rows["VALUE"])
    clearance = last["VALUE"] * si_factor(last["TEST"], last["UNIT"])
    result = excluded_at_or_below(clearance, last["SIGN"], limit)
    flag = pd.Series("", index=last.index, dtype="str").mask(result.eq(NE), "CENSORED").mask(clearance.isna(), "UNIT")
    said = [
        msg(
            "measured clearance {SIGN}{VALUE:g} {UNIT} on {ADT:%Y-%m-%d}",
            SIGN=row.SIGN,
            VALUE=row.VALUE,
            UNIT=row.UNIT,
            ADT=row.ADT,
        )
        for row in last.itertuples()
    ]
    return last.assign(
        DATARESULT=result, AVAL=clearance, UNIT="mL/min", FLAG=flag, EVIDENCE=pd.Series(said, dtype="str")
    )


def _estimated(screening: Screening, last: pd.DataFrame, limit: float, size_days: int) -> pd.DataFrame:
    heights = measurements(screening.domains, "HEIGHT", _CENTIMETRES)
    for name, measured in (("KG", weights(screening.domains)), ("CM", heights)):
        last[[name, f"{name}DT", f"{name}SEQ"]] = _size(last, measured, size_days)
    last["MGDL"] = last["VALUE"] * plain_unit(last["UNIT"]).map(MG_DL).astype("float64")
    last["LABUNIT"] = last["UNIT"]
    age = last["AGE"].astype("float64")
    rows = pd.concat(
        [
            _adults(last[age >= ADULT_AGE], limit),
            _children(last[age < ADULT_AGE], limit, screening.analysis.schwartz_compare),
            last[age.isna()].assign(CLEARANCE=np.nan, OTHER=np.nan, HOW="age not known", UNIT="mL/min"),
        ],
        ignore_index=True,
    )
    sign = rows["SIGN"].map(_TURNED).fillna("")
    result = excluded_at_or_below(rows["CLEARANCE"], sign, limit)
    other = excluded_at_or_below(rows["OTHER"], sign, limit).where(rows["OTHER"].notna(), result)
    if screening.analysis.schwartz_compare == "both":
        result = result.mask(rows["HOW"].str.startswith("Schwartz") & other.eq(FAIL), FAIL)
    flag = pd.Series("", index=rows.index, dtype="str").mask(other.ne(result), "FORMS-DIFFER")
    flag = flag.mask(result.eq(NE), "CENSORED").mask(rows["CLEARANCE"].isna(), "SIZE-MISSING")
    flag = flag.mask(rows["MGDL"].isna(), "UNIT")
    evidence = _clearance_in_words(rows, size_days)
    return rows.assign(DATARESULT=result, AVAL=rows["CLEARANCE"], FLAG=flag, EVIDENCE=evidence)


def _size(last: pd.DataFrame, measured: pd.DataFrame, size_days: int) -> pd.DataFrame:
    """VALUE VSDT VSSEQ of the last weight or height up to the reference day, unless it is too old."""
    found = last_on_or_before(last[["USUBJID"]].assign(DAY=last["REFDT"]), measured)
    return found.where(found["VSDT"] >= last["ANCHORDT"] - pd.Timedelta(days=size_days))


def _adults(rows: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Cockcroft-Gault; the umol/L form of the formula is the second opinion near the limit."""
    umol = rows["MGDL"] * UMOL_PER_MG_DL
    clearance = cockcroft_gault(rows["AGE"], rows["KG"], rows["MGDL"], rows["SEX"])
    other = cockcroft_gault_umol(rows["AGE"], rows["KG"], umol, rows["SEX"])
    return rows.assign(CLEARANCE=clearance, OTHER=other, HOW="Cockcroft-Gault", UNIT="mL/min")


def _children(rows: pd.DataFrame, limit: float, compare: str) -> pd.DataFrame:
    """Bedside Schwartz, compared per 1.73 m2 or de-indexed; the other of the two is the second opinion (A-36)."""
    indexed = bedside_schwartz(rows["AGE"], rows["CM"], rows["MGDL"])
    plain = deindexed(indexed, rows["CM"], rows["KG"])
    if compare == "deindexed":
        return rows.assign(CLEARANCE=plain, OTHER=indexed, HOW="Schwartz, de-indexed", UNIT="mL/min")
    return rows.assign(CLEARANCE=indexed, OTHER=plain, HOW="Schwartz", UNIT="mL/min/1.73 m2")


def _clearance_in_words(rows: pd.DataFrame, size_days: int) -> pd.Series:
    texts = []
    for row in rows.itertuples():
        creatinine = msg(
            "creatinine {SIGN}{VALUE:g} {LABUNIT}", SIGN=row.SIGN, VALUE=row.VALUE, LABUNIT=row.LABUNIT
        ).strip()
        if not np.isnan(row.CLEARANCE):
            second = "" if np.isnan(row.OTHER) else msg(" (other form {OTHER:.1f})", OTHER=row.OTHER)
            texts.append(f"{row.HOW} {row.CLEARANCE:.1f}{second}; {creatinine} on {row.ADT:%Y-%m-%d}")
        else:
            why = _why_not(row.HOW, row.MGDL, row.KG, size_days)
            texts.append(
                msg("{creatinine} on {ADT:%Y-%m-%d}; no estimate: {why}", creatinine=creatinine, ADT=row.ADT, why=why)
            )
    return pd.Series(texts, index=rows.index, dtype="str")


def _why_not(how: str, creatinine: float, weight: float, size_days: int) -> str:
    if np.isnan(creatinine):
        return "unit of creatinine not known"
    if how.startswith("Schwartz"):
        return f"height or weight missing in the {size_days} days before"
    if np.isnan(weight):
        return f"no weight in the {size_days} days before"
    return "age or sex not known"


# ----------------------------------------------------------------------------------------------------

# The five parts of the criterion, in the order of its audit columns.
PARTS = ("ALT", "AST", "creatinine clearance", "BUN or urea", "INR")


def organ_function(screening: Screening, criterion: Criterion) -> Found:
    """EX04A ALT, EX04B AST, EX04C creatinine clearance, EX04D BUN or urea, EX04E INR: five findings per subject.

    The last result in the laboratory window decides (A-11); ratios are to the upper limit on the same record (A-12),
    so no unit is converted. A ratio equal to the limit passes, a clearance equal to the limit does not (A-13). A
    violation by a haemolysed AST sample stays one and is asked about; an anticoagulant exempts no INR, it is mentioned.
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
    """Whether the upper limit, in the unit of its record, cannot be one of this test; false for unknown units."""
    limit = last["HIGH"] * si_factor(last["TEST"], last["UNIT"])
    return (limit < band[0]) | (limit > band[1])


def _in_words(last: pd.DataFrame, worst: pd.Series) -> pd.Series:
    texts = []
    names = ("TEST", "SIGN", "VALUE", "UNIT", "ADT", "HIGH", "RATIO")
    records = zip(*(last[name].tolist() for name in names), worst.tolist(), strict=True)
    for test, sign, size, unit, day, high, ratio, highest in records:
        value, on = f"{test} {sign}{size:g} {unit}".strip(), f"{day:%Y-%m-%d}"
        limit = msg("upper limit {high:g}", high=high) if high > 0 else msg("no upper limit on the record")
        more = msg("; highest in the window {highest:.3g} x ULN", highest=highest) if highest > ratio else ""
        texts.append(msg("{value} on {on}, {limit}{more}", value=value, on=on, limit=limit, more=more))
    return pd.Series(texts, index=last.index, dtype="str")

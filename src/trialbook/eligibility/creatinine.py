"""EX04C: creatinine clearance, measured where it was, else estimated by the formula for the age (A-25, A-36, A-37)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.eligibility import renal
from trialbook.eligibility.comparisons import excluded_at_or_below
from trialbook.eligibility.findings import FAIL, NE, Found, decide
from trialbook.eligibility.parameters import number
from trialbook.eligibility.records import PART, records, result_records
from trialbook.eligibility.results_in_window import in_window, last_result, window_text
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion
from trialbook.subjects.weights import last_on_or_before, measurements, weights
from trialbook.units import plain_unit, si_factor

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
    said = [f"measured clearance {row.SIGN}{row.VALUE:g} {row.UNIT} on {row.ADT:%Y-%m-%d}" for row in last.itertuples()]
    return last.assign(
        DATARESULT=result, AVAL=clearance, UNIT="mL/min", FLAG=flag, EVIDENCE=pd.Series(said, dtype="str")
    )


def _estimated(screening: Screening, last: pd.DataFrame, limit: float, size_days: int) -> pd.DataFrame:
    heights = measurements(screening.domains, "HEIGHT", _CENTIMETRES)
    for name, measured in (("KG", weights(screening.domains)), ("CM", heights)):
        last[[name, f"{name}DT", f"{name}SEQ"]] = _size(last, measured, size_days)
    last["MGDL"] = last["VALUE"] * plain_unit(last["UNIT"]).map(renal.MG_DL).astype("float64")
    last["LABUNIT"] = last["UNIT"]
    age = last["AGE"].astype("float64")
    rows = pd.concat(
        [
            _adults(last[age >= renal.ADULT_AGE], limit),
            _children(last[age < renal.ADULT_AGE], limit, screening.analysis.schwartz_compare),
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
    return rows.assign(DATARESULT=result, AVAL=rows["CLEARANCE"], FLAG=flag, EVIDENCE=_in_words(rows, size_days))


def _size(last: pd.DataFrame, measured: pd.DataFrame, size_days: int) -> pd.DataFrame:
    """VALUE VSDT VSSEQ of the last weight or height up to the reference day, unless it is too old."""
    found = last_on_or_before(last[["USUBJID"]].assign(DAY=last["REFDT"]), measured)
    return found.where(found["VSDT"] >= last["ANCHORDT"] - pd.Timedelta(days=size_days))


def _adults(rows: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Cockcroft-Gault; the umol/L form of the formula is the second opinion near the limit."""
    umol = rows["MGDL"] * renal.UMOL_PER_MG_DL
    clearance = renal.cockcroft_gault(rows["AGE"], rows["KG"], rows["MGDL"], rows["SEX"])
    other = renal.cockcroft_gault_umol(rows["AGE"], rows["KG"], umol, rows["SEX"])
    return rows.assign(CLEARANCE=clearance, OTHER=other, HOW="Cockcroft-Gault", UNIT="mL/min")


def _children(rows: pd.DataFrame, limit: float, compare: str) -> pd.DataFrame:
    """Bedside Schwartz, compared per 1.73 m2 or de-indexed; the other of the two is the second opinion (A-36)."""
    indexed = renal.bedside_schwartz(rows["AGE"], rows["CM"], rows["MGDL"])
    plain = renal.deindexed(indexed, rows["CM"], rows["KG"])
    if compare == "deindexed":
        return rows.assign(CLEARANCE=plain, OTHER=indexed, HOW="Schwartz, de-indexed", UNIT="mL/min")
    return rows.assign(CLEARANCE=indexed, OTHER=plain, HOW="Schwartz", UNIT="mL/min/1.73 m2")


def _in_words(rows: pd.DataFrame, size_days: int) -> pd.Series:
    texts = []
    for row in rows.itertuples():
        creatinine = f"creatinine {row.SIGN}{row.VALUE:g} {row.LABUNIT}".strip()
        if not np.isnan(row.CLEARANCE):
            second = "" if np.isnan(row.OTHER) else f" (other form {row.OTHER:.1f})"
            texts.append(f"{row.HOW} {row.CLEARANCE:.1f}{second}; {creatinine} on {row.ADT:%Y-%m-%d}")
        else:
            why = _why_not(row.HOW, row.MGDL, row.KG, size_days)
            texts.append(f"{creatinine} on {row.ADT:%Y-%m-%d}; no estimate: {why}")
    return pd.Series(texts, index=rows.index, dtype="str")


def _why_not(how: str, creatinine: float, weight: float, size_days: int) -> str:
    if np.isnan(creatinine):
        return "unit of creatinine not known"
    if how.startswith("Schwartz"):
        return f"height or weight missing in the {size_days} days before"
    if np.isnan(weight):
        return f"no weight in the {size_days} days before"
    return "age or sex not known"

"""Heart and blood pressure: severe heart disease with the ejection fraction (EX07), resistant hypertension (EX08)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.terms import holds_term
from trialbook.core.units import plain_unit
from trialbook.eligibility.conditions import active_since, in_words
from trialbook.eligibility.criteria.history import BY_ANSWER, by_records
from trialbook.eligibility.criterion_results import BY_FORM, NE, PART, PASS, Found, condition_records, result_records
from trialbook.eligibility.parameters import excluded_below, lists, number, text, words
from trialbook.eligibility.screening import Screening, in_window, last_result
from trialbook.protocol.criteria import Criterion

_HISTORY = ["MH", "AE", "CE"]
# Findings domains in which a site may deliver an ejection fraction; the interface names none for it.
_IMAGING = ("VS", "LB", "FA", "QS")


def cardiac(screening: Screening, criterion: Criterion) -> Found:
    """EX07: excluded by a myocardial infarction ever, an uncontrolled heart disease at the infusion, or a low LVEF.

    The last ejection fraction of `imaging_window_days` is compared with `minimum_lvef` (%): below it excludes, above
    it proves nothing of the rest of the criterion. NE where its unit or a bound leaves it open (A-14, A-28).
    """
    ever = screening.conditions(_HISTORY, words(criterion, "ever_terms"))
    now = screening.conditions(_HISTORY, words(criterion, "uncontrolled_terms"))
    result = pd.concat([ever["BEGUN"], now["PRESENT"]], ignore_index=True).map(BY_ANSWER)
    measured, seen = _ejection_fraction(screening, criterion)
    return by_records(
        screening, criterion, pd.concat([ever, now], ignore_index=True), result, "MH, AE and CE",
        measured.set_index("USUBJID")["EVIDENCE"].radd("; "), [result_records(seen)],
        measured[measured["DATARESULT"].ne(BY_FORM)],
    )  # fmt: skip


def _ejection_fraction(screening: Screening, criterion: Criterion) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last ejection fraction of each subject with what it says, and all of the window."""
    rows = screening.results(_IMAGING, words(criterion, "lvef_tests"))
    rows = in_window(rows, int(number(criterion, "imaging_window_days")))
    rows = rows[rows["VALUE"].notna()].reset_index(drop=True)
    last = last_result(rows, -rows["VALUE"])
    limit = number(criterion, "minimum_lvef")
    result = excluded_below(last["VALUE"], last["SIGN"], limit).replace(PASS, BY_FORM)
    # A share of 1 is not a percentage: whether 0.35 is 35% or a slip is for the site to say.
    unclear = ~plain_unit(last["UNIT"]).isin(["%", ""]) | (last["VALUE"] <= 1)
    result = result.mask(unclear, NE)
    flag = pd.Series("", index=last.index, dtype="str").mask(result.eq(NE), "CENSORED").mask(unclear, "UNIT")
    said = last["TEST"] + " " + last["TEXT"] + last["ADT"].dt.strftime(" on %Y-%m-%d")
    return last.assign(DATARESULT=result, AVAL=last["VALUE"], UNIT="%", LIMIT=limit, FLAG=flag, EVIDENCE=said), rows


def resistant_hypertension(screening: Screening, criterion: Criterion) -> Found:
    """EX08: excluded by the diagnosis, where it was present in the `window_days` before consent or later.

    Blood pressure at `systolic_mmhg` or `diastolic_mmhg` or above, on a day with drugs of `minimum_classes` classes or
    more, among them `required_class`, is asked about and leaves the answer to the form (A-29).
    """
    rows = screening.conditions(_HISTORY, words(criterion, "terms"))
    back = pd.Timedelta(days=int(number(criterion, "window_days")))
    result = active_since(rows, rows["CONSLO"] - back, rows["CONSHI"] - back).map(BY_ANSWER)
    pressure, drugs = _pressure_on_drugs(screening, criterion, back)
    drugs = drugs[drugs["USUBJID"].isin(pressure["USUBJID"])]
    beside = [result_records(pressure).assign(ROLE=PART), condition_records(drugs, in_words(drugs))]
    measured = last_result(pressure, pressure["VALUE"])
    return by_records(screening, criterion, rows, result, "MH, AE and CE", None, beside, measured)


def _pressure_on_drugs(
    screening: Screening, criterion: Criterion, back: pd.Timedelta
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """High blood pressures since the window began, on enough classes of drugs; and the drugs of these classes."""
    limits = {"SYSBP": number(criterion, "systolic_mmhg"), "DIABP": number(criterion, "diastolic_mmhg")}
    rows = screening.results(["VS"], list(limits))
    limit = rows["TEST"].map(limits).astype("float64")
    since = rows["CONSHI"] - back
    known = plain_unit(rows["UNIT"]).isin(["mmhg", ""])
    high = rows[(rows["VALUE"] >= limit) & known & (rows["ADT"] >= since)]
    high = high.assign(LIMIT=limit[high.index]).reset_index(drop=True)
    drugs = screening.conditions(["CM"])
    drugs = drugs[drugs["USUBJID"].isin(high["USUBJID"])]
    classes = [drugs[holds_term(drugs["TEXT"], names)].assign(CLASS=name)
               for name, names in lists(criterion, "drug_classes").items()]  # fmt: skip
    taken = pd.concat(classes, ignore_index=True) if classes else drugs.assign(CLASS="")
    pairs = high[["USUBJID", "ADT"]].drop_duplicates().merge(
        taken[["USUBJID", "CLASS", "STHI", "ENLO", "ONGOING"]], on="USUBJID"
    )  # fmt: skip
    on = pairs[(pairs["STHI"] <= pairs["ADT"]) & (pairs["ONGOING"] | (pairs["ENLO"] >= pairs["ADT"]))]
    per_day = on.groupby(["USUBJID", "ADT"])["CLASS"].agg(lambda names: sorted(set(names))).reset_index()
    needed, least = text(criterion, "required_class"), number(criterion, "minimum_classes")
    enough = pd.Series([len(names) >= least and needed in names for names in per_day["CLASS"]], dtype="bool")
    found = high.merge(per_day[enough], on=["USUBJID", "ADT"], how="inner")
    said = (
        "by the form; for information: " + found["TEST"] + " " + found["TEXT"] + " " + found["UNIT"]
        + found["ADT"].dt.strftime(" on %Y-%m-%d, on ") + found["CLASS"].map(", ".join)
    )  # fmt: skip
    found = found.assign(DATARESULT=BY_FORM, AVAL=found["VALUE"], FLAG="HYPERTENSION", EVIDENCE=said)
    return found, taken.drop_duplicates(["USUBJID", "SRCSEQ"])

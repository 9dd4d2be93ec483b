"""Heart and blood pressure: severe heart disease with the ejection fraction (EX07), resistant hypertension (EX08)."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.comparisons import excluded_below
from trialbook.eligibility.conditions import active_since, in_words, ongoing_at_reference, started_before
from trialbook.eligibility.findings import BY_FORM, NE, PASS, Found, decide
from trialbook.eligibility.history import BY_ANSWER, by_records, with_term
from trialbook.eligibility.parameters import lists, number, text, words
from trialbook.eligibility.records import PART, condition_records, result_records
from trialbook.eligibility.results_in_window import in_window, last_result
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion
from trialbook.terms import holds_term
from trialbook.units import plain_unit

_HISTORY = ["MH", "AE", "CE"]
# Findings domains in which a site may deliver an ejection fraction; the interface names none for it.
_IMAGING = ("VS", "LB", "FA", "QS")


def cardiac(screening: Screening, criterion: Criterion) -> Found:
    """EX07: excluded by a myocardial infarction ever, an uncontrolled heart disease at the infusion, or a low LVEF.

    The last ejection fraction of `imaging_window_days` is compared with `minimum_lvef` (%): below it excludes, above
    it proves nothing of the rest of the criterion. NE where its unit or a bound leaves it open (A-14, A-28).
    """
    ever = with_term(screening, _HISTORY, words(criterion, "ever_terms"))
    now = with_term(screening, _HISTORY, words(criterion, "uncontrolled_terms"))
    result = pd.concat([started_before(ever), ongoing_at_reference(now)], ignore_index=True).map(BY_ANSWER)
    measured, seen = _ejection_fraction(screening, criterion)
    found = by_records(
        screening, criterion, pd.concat([ever, now], ignore_index=True), result, "MH, AE and CE",
        measured.set_index("USUBJID")["EVIDENCE"].radd("; "), [result_records(seen)],
    )  # fmt: skip
    return _with_measured(screening, criterion, found, measured[measured["DATARESULT"].ne(BY_FORM)])


def _ejection_fraction(screening: Screening, criterion: Criterion) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last ejection fraction of each subject with what it says, and all of the window."""
    rows = screening.results(_IMAGING, words(criterion, "lvef_tests"))
    rows = in_window(rows, screening, int(number(criterion, "imaging_window_days")))
    rows = rows[rows["VALUE"].notna()].reset_index(drop=True)
    last = last_result(rows, -rows["VALUE"])
    limit = number(criterion, "minimum_lvef")
    result = excluded_below(last["VALUE"], last["SIGN"], limit).replace(PASS, BY_FORM)
    # A share of 1 is no percentage: whether 0.35 is 35% or a slip is for the site to say.
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
    rows = with_term(screening, _HISTORY, words(criterion, "terms"))
    back = pd.Timedelta(days=int(number(criterion, "window_days")))
    result = active_since(rows, rows["CONSLO"] - back, rows["CONSHI"] - back).map(BY_ANSWER)
    pressure, drugs = _pressure_on_drugs(screening, criterion, back)
    drugs = drugs[drugs["USUBJID"].isin(pressure["USUBJID"])]
    beside = [result_records(pressure).assign(ROLE=PART), condition_records(drugs, in_words(drugs))]
    found = by_records(screening, criterion, rows, result, "MH, AE and CE", None, beside)
    return _with_measured(screening, criterion, found, last_result(pressure, pressure["VALUE"]))


def _pressure_on_drugs(
    screening: Screening, criterion: Criterion, back: pd.Timedelta
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """High blood pressures since the window began, on enough classes of drugs; and the drugs of these classes."""
    limits = {"SYSBP": number(criterion, "systolic_mmhg"), "DIABP": number(criterion, "diastolic_mmhg")}
    rows = screening.add_subject(screening.results(["VS"], list(limits)))
    limit = rows["TEST"].map(limits).astype("float64")
    since = rows["CONSHI"] - back
    known = plain_unit(rows["UNIT"]).isin(["mmhg", ""])
    high = rows[(rows["VALUE"] >= limit) & known & (rows["ADT"] >= since) & (rows["ADT"] <= rows["REFDT"])]
    high = high.assign(LIMIT=limit[high.index]).reset_index(drop=True)
    drugs = screening.add_subject(screening.conditions(["CM"]))
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


def _with_measured(screening: Screening, criterion: Criterion, found: Found, measured: pd.DataFrame) -> Found:
    """A finding by histories, and one by a measurement: the one that decides, violation before doubt."""
    history = found.findings
    silent = history["SRCDOM"].eq("") & history["DATARESULT"].eq(BY_FORM)
    quiet = history["EVIDENCE"].set_axis(screening.subjects.index)
    both = pd.concat([history[~silent.to_numpy()], measured], ignore_index=True)
    decided = decide(screening, criterion.id, both, BY_FORM, quiet)
    return Found(decided.findings, found.records)

"""Consent and age: IN01, IN02."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date, time_of_day
from trialbook.eligibility.findings import BY_FORM, FAIL, NE, PASS, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening
from trialbook.protocol.models import Criterion
from trialbook.subjects.ages import age_bounds
from trialbook.terms import holds_term


def informed_consent(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """IN01: passes where consent is dated and not after the first infusion.

    NE where the date is missing or partial (never imputed), or on the day of the infusion without times. Under
    `adult_age` the guardian's signature, and from assent_age the child's assent, are needed too: where no dated record
    of DS tells them, the form decides (A-17). Whether the subject understood is the investigator's word alone.
    """
    people = screening.subjects
    consent, time = complete_date(people["CONSENTDTC"]), time_of_day(people["CONSENTDTC"])
    same_day = people["TREATED"] & consent.eq(people["TRTSDT"])
    before = (~people["TREATED"]) | (consent < people["TRTSDT"]) | (same_day & (time <= people["REFTIME"]))
    after = (people["TREATED"] & (consent > people["TRTSDT"])) | (same_day & (time > people["REFTIME"]))
    signed = _signatures(screening, criterion)
    result = pd.Series(NE, index=people.index, dtype="str").mask(before & consent.notna(), PASS).mask(after, FAIL)
    result = result.mask(result.eq(PASS) & ~signed, BY_FORM)
    undated = people["CONSENTDTC"].isna()
    shown = ("consent " + people["CONSENTDTC"]).mask(undated, "no date of consent")
    infused = (", first infusion " + people["TRTSDTM"]).where(people["TREATED"], "")
    minor = pd.Series("", index=people.index).mask(~signed, "; signature of guardian or assent of child not in DS")
    flag = pd.Series("", index=people.index, dtype="str").mask(result.eq(NE), "CONSENT-DATE")
    records = people[["USUBJID"]].assign(
        DATARESULT=result, ADT=consent, EVIDENCE=shown + infused + minor, FLAG=flag.mask(~signed, "GUARDIAN"),
        SRCDOM=pd.Series("DM", index=people.index),
    )  # fmt: skip
    return decide(screening, criterion.id, records, NE, "")


def _signatures(screening: Screening, criterion: Criterion) -> pd.Series:
    """Whether those who must sign beside or for the subject have signed by the reference day."""
    people, ds = screening.subjects, screening.domains["DS"]
    text = ds["DSDECOD"].fillna("") + " | " + ds["DSTERM"].fillna("")
    dated = pd.DataFrame({"USUBJID": ds["USUBJID"], "DAY": complete_date(ds["DSSTDTC"]), "TEXT": text})
    dated = screening.add_subject(dated)
    dated = dated[dated["DAY"] <= dated["REFDT"]]
    guardian = dated[holds_term(dated["TEXT"], words(criterion, "guardian_terms"))]["USUBJID"]
    assent = dated[holds_term(dated["TEXT"], words(criterion, "assent_terms"))]["USUBJID"]
    minor = (people["AGE"] < number(criterion, "adult_age")).fillna(False).astype(bool)
    assents = minor & (people["AGE"] >= screening.analysis.assent_age).fillna(False).astype(bool)
    return (~minor | people["USUBJID"].isin(guardian)) & (~assents | people["USUBJID"].isin(assent))


def age_range(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """IN02: completed years at consent from `minimum_years` to `maximum_years`, both inclusive (A-18).

    With a partial birth date both the lowest and the highest possible age must lie inside to pass, both outside to
    fail; else NE. The collected age counts only where the birth date is missing altogether. Under the age rule
    strict_70 the last day inside is the birthday of `maximum_years`.
    """
    people = screening.subjects
    low, high = number(criterion, "minimum_years"), number(criterion, "maximum_years")
    consent = people["RFICDT"]
    result = _inside(screening, consent, low, high)
    days = int(number(criterion, "boundary_days"))
    turned = [_inside(screening, consent + pd.Timedelta(days=step), low, high) for step in (-days, days)]
    near = (turned[0].ne(result) | turned[1].ne(result)) & result.isin([PASS, FAIL]) & people["BRTHDTC"].notna()
    age = people["AGE"].astype("float64")
    how = pd.Series("from birth date", index=people.index).mask(people["BRTHDTC"].isna(), "as collected")
    said = "age " + people["AGE"].astype("str").replace("<NA>", "not known") + " at consent, " + how
    records = people[["USUBJID"]].assign(
        DATARESULT=result, AVAL=age, UNIT="years", LIMIT=age.lt(low).map({True: low, False: high}), ADT=consent,
        EVIDENCE=said + pd.Series("", index=people.index).mask(near, f"; within {days} days of a limit"),
        FLAG=pd.Series("", index=people.index).mask(result.eq(NE), "AGE"), SRCDOM="DM",
    )  # fmt: skip
    return decide(screening, criterion.id, records, NE, "")


def _inside(screening: Screening, day: pd.Series, low: float, high: float) -> pd.Series:
    people = screening.subjects
    bounds = age_bounds(people["BRTHDTC"], day)
    # "Not past the birthday": on the birthday itself the day before still counts one year less.
    strict = screening.analysis.age_rule == "strict_70"
    upper = age_bounds(people["BRTHDTC"], day - pd.Timedelta(days=1)) if strict else bounds
    collected = people["AGE"].where(people["BRTHDTC"].isna() & day.notna())
    youngest, oldest = bounds["AGELO"].fillna(collected), bounds["AGEHI"].fillna(collected)
    highest = high - 1 if strict else high
    youngest_up, oldest_up = upper["AGELO"].fillna(collected), upper["AGEHI"].fillna(collected)
    inside = (youngest >= low) & (oldest_up <= highest)
    outside = (oldest < low) | (youngest_up > highest)
    result = pd.Series(NE, index=people.index, dtype="str")
    return result.mask(inside.fillna(False).astype(bool), PASS).mask(outside.fillna(False).astype(bool), FAIL)

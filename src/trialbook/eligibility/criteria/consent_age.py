"""Consent and age: IN01, IN02."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date, time_of_day
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.eligibility.criterion_results import BY_FORM, CONSIDERED, FAIL, NE, PART, PASS, Found, decide, records
from trialbook.eligibility.evidence import sequence
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion
from trialbook.subjects.ages import age_at, ages_of

# Domains whose records of a screening visit are study-specific procedures.
_PROCEDURES = {"LB": "LBTESTCD", "VS": "VSTESTCD", "PR": "PRTRT"}


def informed_consent(screening: Screening, criterion: Criterion) -> Found:
    """IN01: passes where consent is dated, not after the first study-specific procedure, nor after the first infusion.

    NE where the date is missing or partial (never imputed), or on the day of the infusion without times. A procedure is
    study-specific where its visit is one of `procedure_visits` (A-119); one of the day of consent precedes it only by
    its time. Under `adult_age` the guardian's signature, and from assent_age the child's assent, are needed too: where
    no dated record of DS tells them, the form decides (A-17); NE where it is not known whether the subject is a child.
    Whether the subject understood is for the investigator.
    """
    people = screening.subjects
    consent, time = complete_date(people["CONSENTDTC"]), time_of_day(people["CONSENTDTC"])
    same_day = people["TREATED"] & consent.eq(people["TRTSDT"])
    before = (~people["TREATED"]) | (consent < people["TRTSDT"]) | (same_day & (time <= people["REFTIME"]))
    after = (people["TREATED"] & (people["CONSLO"] > people["TRTSDT"])) | (same_day & (time > people["REFTIME"]))
    signed, signatures = _signatures(screening, criterion)
    result = pd.Series(NE, index=people.index, dtype="str").mask(before & consent.notna(), PASS).mask(after, FAIL)
    result = result.mask(result.eq(PASS) & ~signed, BY_FORM)
    ageless = result.eq(PASS) & _maybe_minor(screening, criterion)
    undated = people["CONSENTDTC"].isna()
    shown = ("consent " + people["CONSENTDTC"]).mask(undated, "no date of consent")
    infused = (", first infusion " + people["TRTSDTM"]).where(people["TREATED"], "")
    minor = pd.Series("", index=people.index).mask(~signed, "; signature of guardian or assent of child not in DS")
    flag = pd.Series("", index=people.index, dtype="str").mask(result.eq(NE), "CONSENT-DATE").mask(ageless, "AGE")
    result = result.mask(ageless, NE)
    procedures = _procedures(screening, criterion)
    first = procedures.drop_duplicates("USUBJID").set_index("USUBJID")["DTC"].reindex(people["USUBJID"])
    since = (", first study procedure " + first.set_axis(people.index)).fillna("")
    own = people[["USUBJID"]].assign(
        DATARESULT=result, ADT=consent, EVIDENCE=shown + since + infused + minor, FLAG=flag.mask(~signed, "GUARDIAN"),
        SRCDOM=pd.Series("DM", index=people.index), SRCSEQ=pd.Series(pd.NA, index=people.index, dtype="Int64"),
    )  # fmt: skip
    early = procedures[procedures["DATARESULT"].ne(PASS)]
    early = early.assign(
        EVIDENCE="consent " + early["CONSENTDTC"] + ", study procedure " + early["SRCDOM"] + " " + early["WHAT"]
        + " of " + early["DTC"], FLAG="PROCEDURE-BEFORE-CONSENT",
    )  # fmt: skip
    shown_first = pd.concat([early[procedures.columns], procedures.drop_duplicates("USUBJID")], ignore_index=True)
    looked_at = [
        records(own, PART, "consent", people["CONSENTDTC"]),
        records(shown_first, CONSIDERED, shown_first["WHAT"], shown_first["DTC"], SAYS=shown_first["DATARESULT"]),
        records(signatures, PART, signatures["TEXT"], signatures["DTC"]),
    ]
    return decide(screening, criterion.id, pd.concat([own, early], ignore_index=True), NE, "", looked_at)


def _procedures(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """Study-specific procedures up to the reference day, earliest first: DATARESULT says whether each precedes consent.

    FAIL where it surely does, NE where its own date leaves that open; where the consent is not dated, nothing.
    """
    study, routine = words(criterion, "procedure_visits"), words(criterion, "routine_terms")
    parts = []
    for code, name in _PROCEDURES.items():
        rows = screening.domains[code]
        if "VISIT" not in rows or rows.empty:
            continue
        category = rows[f"{code}CAT"].fillna("") if f"{code}CAT" in rows else ""
        label = rows["VISIT"].fillna("") + " " + category
        rows, text = (frame[holds_term(label, study) & ~holds_term(label, routine)] for frame in (rows, label))
        dtc = rows[f"{code}STDTC" if code == "PR" else f"{code}DTC"]
        parts.append(pd.DataFrame({
            "USUBJID": rows["USUBJID"], "SRCDOM": pd.Series(code, index=text.index, dtype="str"),
            "SRCSEQ": sequence(rows, code), "WHAT": rows[name], "DTC": dtc, "ADT": earliest_date(dtc),
            "LATEST": latest_date(dtc), "TIME": time_of_day(dtc),
        }))  # fmt: skip
    names = ["USUBJID", "SRCDOM", "SRCSEQ", "WHAT", "DTC", "ADT", "LATEST", "TIME", "CONSENTDTC", "DATARESULT"]
    if not parts:
        kinds = dict.fromkeys(names, "str") | {"ADT": "datetime64[s]", "LATEST": "datetime64[s]", "SRCSEQ": "Int64"}
        return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in names})
    rows = screening.records.add_subject(pd.concat(parts, ignore_index=True))
    consent = complete_date(rows["CONSENTDTC"])
    rows = rows[(rows["ADT"] <= rows["REFDT"]) & consent.notna()]
    consent, time = consent[rows.index], time_of_day(rows["CONSENTDTC"])
    sure = (rows["LATEST"] < consent) | ((rows["LATEST"] == consent) & (rows["ADT"] == consent) & (rows["TIME"] < time))
    result = pd.Series(PASS, index=rows.index, dtype="str").mask(rows["ADT"] < consent, NE).mask(sure, FAIL)
    rows = rows.assign(DATARESULT=result)
    return rows.sort_values(["USUBJID", "ADT", "TIME", "SRCDOM", "SRCSEQ"], kind="stable")[names].reset_index(drop=True)


def _maybe_minor(screening: Screening, criterion: Criterion) -> pd.Series:
    """Whose age is not known and may, by the birth date, be under `adult_age`."""
    people = screening.subjects
    youngest = age_at(_ages(screening), people["USUBJID"], "CONSENT-FIRST")["AGELO"]
    adult = (youngest >= number(criterion, "adult_age")).fillna(False).astype(bool)
    return people["AGE"].isna() & ~adult


def _signatures(screening: Screening, criterion: Criterion) -> tuple[pd.Series, pd.DataFrame]:
    """Whether those who must sign beside or for the subject have signed by the reference day, and their records."""
    people, ds = screening.subjects, screening.domains["DS"]
    text = ds["DSDECOD"].fillna("") + " | " + ds["DSTERM"].fillna("")
    dated = pd.DataFrame({
        "USUBJID": ds["USUBJID"], "ADT": complete_date(ds["DSSTDTC"]), "TEXT": text, "DTC": ds["DSSTDTC"],
        "SRCDOM": pd.Series("DS", index=ds.index, dtype="str"), "SRCSEQ": ds["DSSEQ"],
    })  # fmt: skip
    dated = screening.records.add_subject(dated)
    dated = dated[dated["ADT"] <= dated["REFDT"]]
    by_guardian = holds_term(dated["TEXT"], words(criterion, "guardian_terms"))
    by_child = holds_term(dated["TEXT"], words(criterion, "assent_terms"))
    minor = (people["AGE"] < number(criterion, "adult_age")).fillna(False).astype(bool)
    assents = minor & (people["AGE"] >= screening.analysis.assent_age).fillna(False).astype(bool)
    guardian, assent = (people["USUBJID"].isin(dated.loc[who, "USUBJID"]) for who in (by_guardian, by_child))
    own = dated[(by_guardian | by_child) & dated["USUBJID"].isin(people.loc[minor, "USUBJID"])]
    return (~minor | guardian) & (~assents | assent), own


def age_range(screening: Screening, criterion: Criterion) -> Found:
    """IN02: completed years at consent from `minimum_years` to `maximum_years`, both inclusive (A-18).

    With a partial date of birth or consent both the lowest and the highest possible age must lie inside to pass, both
    outside to fail; else NE. The collected age counts only where the birth date is missing altogether. Under the age
    rule strict_70 the last day inside is the birthday of `maximum_years`.
    """
    people = screening.subjects
    low, high = number(criterion, "minimum_years"), number(criterion, "maximum_years")
    ages, subject = _ages(screening), people["USUBJID"]
    given = age_at(ages, subject, "BIRTH")["AGEHI"].eq(1).fillna(False).astype(bool)
    result = _inside(screening, 0, low, high, given)
    days = int(number(criterion, "boundary_days"))
    turned = [_inside(screening, by, low, high, given) for by in (-days, days)]
    exact = people["RFICDT"].notna() & given
    near = (turned[0].ne(result) | turned[1].ne(result)) & result.isin([PASS, FAIL]) & exact
    age = people["AGE"].astype("float64")
    how = pd.Series("from birth date", index=people.index).mask(~given, "as collected")
    said = "age " + people["AGE"].astype("str").fillna("not known").replace("<NA>", "not known") + " at consent, " + how
    later = age_at(ages, subject, "INFUSION")
    known = later["AGELO"].eq(later["AGEHI"]).fillna(False).astype(bool)
    at_infusion = ("; " + later["AGELO"].astype("str") + " at the infusion").where(known, "")
    own = people[["USUBJID"]].assign(
        DATARESULT=result, AVAL=age, UNIT="years", LIMIT=age.lt(low).map({True: low, False: high}),
        ADT=people["RFICDT"], FLAG=pd.Series("", index=people.index).mask(result.eq(NE), "AGE"), SRCDOM="DM",
        SRCSEQ=pd.Series(pd.NA, index=people.index, dtype="Int64"),
        EVIDENCE=said + at_infusion
        + pd.Series("", index=people.index).mask(near, msg("; within {days} days of a limit", days=days)),
    )  # fmt: skip
    told = age.map("{:g}".format).astype("str").where(age.notna(), "not known")
    shown = records(own, PART, "age", told, UNIT="years", LIMIT=own["LIMIT"])
    return decide(screening, criterion.id, own, NE, "", [shown])


def _ages(screening: Screening) -> pd.DataFrame:
    return ages_of(screening.domains, screening.protocol, screening.cut_date)


def _inside(screening: Screening, shift: int, low: float, high: float, given: pd.Series) -> pd.Series:
    """Whether the age some days (`shift`) after consent lies between the limits; `given`: who has a birth date."""
    people, ages = screening.subjects, _ages(screening)

    def bounds(days: int) -> tuple[pd.Series, pd.Series]:
        first, last = (age_at(ages, people["USUBJID"], f"CONSENT-{which}", days) for which in ("FIRST", "LAST"))
        return first["AGELO"], last["AGEHI"]

    youngest, oldest = bounds(shift)
    # "Not past the birthday": on the birthday itself the day before still counts one year less.
    strict = screening.analysis.age_rule == "strict_70"
    youngest_up, oldest_up = bounds(shift - 1) if strict else (youngest, oldest)
    collected = people["AGE"].where(~given & people["CONSLO"].notna())
    youngest, oldest, youngest_up, oldest_up = (
        age.fillna(collected) for age in (youngest, oldest, youngest_up, oldest_up)
    )  # fmt: skip
    highest = high - 1 if strict else high
    inside = (youngest >= low) & (oldest_up <= highest)
    outside = (oldest < low) | (youngest_up > highest)
    result = pd.Series(NE, index=people.index, dtype="str")
    return result.mask(inside.fillna(False).astype(bool), PASS).mask(outside.fillna(False).astype(bool), FAIL)

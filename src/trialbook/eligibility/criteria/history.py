"""Criteria on medical history, events, drugs and procedures: EX01, EX02, EX05, EX06, EX09 to EX11, EX16.

Records can prove a violation or raise a doubt; the absence of a record proves nothing, so the form then decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.eligibility.conditions import NO, UNKNOWN, YES, active_since, in_words
from trialbook.eligibility.criterion_results import BY_FORM, FAIL, NE, PASS, Found, condition_records, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion

BY_ANSWER = {YES: FAIL, UNKNOWN: NE, NO: BY_FORM}


def prior_msc(screening: Screening, criterion: Criterion) -> Found:
    """EX01: excluded where a mesenchymal stem cell product was started before the infusion, ever (A-23)."""
    rows = screening.conditions(["CM", "PR", "MH"], words(criterion, "terms"))
    return by_records(screening, criterion, rows, rows["BEGUN"].map(BY_ANSWER), "CM, PR and MH")


def allergy(screening: Screening, criterion: Criterion) -> Found:
    """EX02: excluded by any allergy to heterologous protein, or a severe one to blood products (A-24).

    Severe is `minimum_grade` or more, or anaphylaxis. A blood product allergy without a grade is NE.
    """
    rows = screening.conditions(["MH", "AE"], words(criterion, "allergy_terms"))
    before = rows["BEGUN"]
    foreign = holds_term(rows["TEXT"], words(criterion, "heterologous_terms"))
    blood = holds_term(rows["TEXT"], words(criterion, "blood_product_terms"))
    severe = rows["GRADE"].ge(number(criterion, "minimum_grade"))
    severe |= holds_term(rows["TEXT"], words(criterion, "anaphylaxis_terms"))
    result = pd.Series(BY_FORM, index=rows.index, dtype="str").mask(blood & rows["GRADE"].isna(), NE)
    result = result.mask(foreign | (blood & severe), FAIL)
    result = result.mask(result.eq(FAIL) & before.eq(UNKNOWN), NE).mask(before.eq(NO), BY_FORM)
    told = _told(rows, words(criterion, "information_terms"))
    return by_records(screening, criterion, rows, result, "MH and AE", told)


def ongoing_condition(screening: Screening, criterion: Criterion) -> Found:
    """EX05, EX06, EX09: excluded by a condition of `terms` at `minimum_grade` or more, ongoing at the infusion.

    A condition whose grade is not known leaves the answer to the form, as does one that was milder or had ended; NE
    where the dates leave it open. `support_terms`, where given, are treatments in CM or PR that count by themselves.
    """
    rows = screening.conditions(["MH", "AE", "CE"], words(criterion, "terms"))
    minimum = number(criterion, "minimum_grade")
    grave = rows["GRADE"].ge(minimum) | (minimum == 0)
    result = rows["PRESENT"].map(BY_ANSWER).where(grave, BY_FORM)
    sources = "MH, AE and CE"
    if "support_terms" in criterion.parameters:
        support = screening.conditions(["CM", "PR"], words(criterion, "support_terms"))
        rows = pd.concat([rows, support], ignore_index=True)
        result = pd.concat([result, support["PRESENT"].map(BY_ANSWER)], ignore_index=True)
        sources = "MH, AE, CE, CM and PR"
    return by_records(screening, criterion, rows, result, sources)


def solid_tumour(screening: Screening, criterion: Criterion) -> Found:
    """EX10: excluded by a solid tumour diagnosed or active in the `years` before consent, not recorded as treated.

    `untreated_terms` win over `treated_terms` ("not treated"); a disease of the blood (`blood_terms`) is no solid
    tumour; what the registry does not address (`attested_terms`) is left to the form.
    """
    rows = screening.conditions(["MH"], words(criterion, "terms"))
    blood = holds_term(rows["TEXT"], words(criterion, "blood_terms"))
    rows = rows[~blood].reset_index(drop=True)
    treated, untreated, attested = (
        holds_term(rows["TEXT"], words(criterion, f"{name}_terms")) for name in ("treated", "untreated", "attested")
    )
    back = pd.DateOffset(years=int(number(criterion, "years")))
    result = active_since(rows, rows["CONSLO"] - back, rows["CONSHI"] - back).map(BY_ANSWER)
    return by_records(screening, criterion, rows, result.mask((treated & ~untreated) | attested, BY_FORM), "MH")


def addiction_or_mental_disorder(screening: Screening, criterion: Criterion) -> Found:
    """EX11: excluded by any such history; drugs given as treatment are mentioned, not counted (A-31)."""
    rows = screening.conditions(["MH", "SU"], words(criterion, "terms"))
    drugs = screening.conditions(["CM"], words(criterion, "information_terms"))
    drugs = drugs[drugs["BEGUN"].ne(NO)].reset_index(drop=True)
    given = drugs["TERM"].groupby(drugs["USUBJID"]).agg(lambda names: ", ".join(sorted(set(names))))
    result = rows["BEGUN"].map(BY_ANSWER)
    beside = [condition_records(drugs, in_words(drugs))]
    return by_records(screening, criterion, rows, result, "MH and SU", "; as treatment: " + given, beside)


def other_trial(screening: Screening, criterion: Criterion) -> Found:
    """EX16: excluded by another trial's product within `window_days` before consent, the first day included (A-35).

    The last use is the end of the record; an ongoing record runs to consent; without an end it lies between start and
    consent. A last use that is surely earlier passes, one that the dates (of consent too) leave open is NE, as is an
    unknown start that may lie after consent.
    """
    rows = screening.conditions(["CM", "MH", "PR"], words(criterion, "terms"))
    rows = rows[~(rows["STLO"] > rows["CONSHI"])].reset_index(drop=True)
    consent, open_end = rows["CONSHI"], rows["ENHI"].isna()
    last = rows["ENHI"].mask(open_end, consent)
    first = rows["ENLO"].mask(open_end, rows["STLO"]).mask(rows["ONGOING"], consent)
    begun = (rows["STHI"] <= consent) | (rows["ENHI"] <= consent)
    back = pd.Timedelta(days=int(number(criterion, "window_days")))
    result = pd.Series(NE, index=rows.index, dtype="str").mask(last < rows["CONSLO"] - back, PASS)
    result = result.mask(begun & (first >= consent - back), FAIL)
    return by_records(screening, criterion, rows, result, "CM, MH and PR")


def _told(rows: pd.DataFrame, terms: list[str]) -> pd.Series:
    """By USUBJID: records that are mentioned for information only, in words."""
    own = rows[holds_term(rows["TEXT"], terms)]
    return "; for information: " + own["TERM"].groupby(own["USUBJID"]).agg(lambda names: ", ".join(sorted(set(names))))


def by_records(
    screening: Screening, criterion: Criterion, rows: pd.DataFrame, result: pd.Series, sources: str,
    told: pd.Series | None = None, beside: Sequence[pd.DataFrame] = (), measured: pd.DataFrame | None = None,
) -> Found:  # fmt: skip
    """The finding of a criterion by the `result` of each of the records; without one the form decides.

    `sources`: the domains searched, in words; `told`: information by USUBJID for the evidence; `beside`: other records
    that were looked at; `measured`: records with their own result that may decide instead, violation before doubt.
    """
    flag = pd.Series("", index=rows.index, dtype="str").mask(result.eq(NE), "DATES-OR-GRADE")
    told = pd.Series(dtype="str") if told is None else told
    said = in_words(rows)
    judged = rows.assign(
        DATARESULT=result, FLAG=flag, EVIDENCE=said + rows["USUBJID"].map(told).astype("str").fillna("")
    )
    if measured is not None and len(measured):
        judged = pd.concat([judged, measured], ignore_index=True)
    delivered = [code for code in ("MH", "AE", "CE", "CM", "PR", "SU") if screening.domains.delivered(code)]
    asked = [code for code in ("MH", "AE", "CE", "CM", "PR", "SU") if code in sources]
    missing = [code for code in asked if code not in delivered]
    silent = msg("no such record in {sources}", sources=sources) + (
        msg(" ({missing} not delivered)", missing=", ".join(missing)) if missing else ""
    )
    people = screening.subjects["USUBJID"]
    quiet = silent + people.map(told).astype("str").fillna("")
    looked_at = [condition_records(rows, said, result), *beside]
    return decide(screening, criterion.id, judged, BY_FORM, quiet, looked_at)

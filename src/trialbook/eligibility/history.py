"""Criteria on medical history, events, drugs and procedures: EX01, EX02, EX05 to EX11, EX16.

Records can prove a violation or raise a doubt; the absence of a record proves nothing, so the form then decides.
"""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.conditions import (
    NO,
    UNKNOWN,
    YES,
    active_since,
    in_words,
    ongoing_at_reference,
    started_before,
)
from trialbook.eligibility.findings import BY_FORM, FAIL, NE, PASS, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening
from trialbook.protocol.models import Criterion
from trialbook.terms import holds_term

_BY_ANSWER = {YES: FAIL, UNKNOWN: NE, NO: BY_FORM}


def prior_msc(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX01: excluded where a mesenchymal stem cell product was started before the infusion, ever (A-23)."""
    rows = _found(screening, ["CM", "PR", "MH"], words(criterion, "terms"))
    return _decided(screening, criterion, rows, started_before(rows).map(_BY_ANSWER), "CM, PR and MH")


def allergy(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX02: excluded by any allergy to heterologous protein, or a severe one to blood products (A-24).

    Severe is `minimum_grade` or more, or anaphylaxis. A blood product allergy without a grade is NE.
    """
    rows = _found(screening, ["MH", "AE"], words(criterion, "allergy_terms"))
    before = started_before(rows)
    foreign = holds_term(rows["TEXT"], words(criterion, "heterologous_terms"))
    blood = holds_term(rows["TEXT"], words(criterion, "blood_product_terms"))
    severe = rows["GRADE"].ge(number(criterion, "minimum_grade"))
    severe |= holds_term(rows["TEXT"], words(criterion, "anaphylaxis_terms"))
    result = pd.Series(BY_FORM, index=rows.index, dtype="str").mask(blood & rows["GRADE"].isna(), NE)
    result = result.mask(foreign | (blood & severe), FAIL)
    result = result.mask(result.eq(FAIL) & before.eq(UNKNOWN), NE).mask(before.eq(NO), BY_FORM)
    return _decided(screening, criterion, rows, result, "MH and AE")


def ongoing_condition(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX05, EX06, EX09: excluded by a condition of `terms` at `minimum_grade` or more, ongoing at the infusion.

    A condition whose grade is not known leaves the answer to the form, as does one that was milder or had ended; NE
    where the dates leave it open. `support_terms`, where given, are treatments in CM or PR that count by themselves.
    """
    rows = _found(screening, ["MH", "AE", "CE"], words(criterion, "terms"))
    minimum = number(criterion, "minimum_grade")
    grave = rows["GRADE"].ge(minimum) | (minimum == 0)
    result = ongoing_at_reference(rows).map(_BY_ANSWER).where(grave, BY_FORM)
    sources = "MH, AE and CE"
    if "support_terms" in criterion.parameters:
        support = _found(screening, ["CM", "PR"], words(criterion, "support_terms"))
        rows = pd.concat([rows, support], ignore_index=True)
        result = pd.concat([result, ongoing_at_reference(support).map(_BY_ANSWER)], ignore_index=True)
        sources = "MH, AE, CE, CM and PR"
    return _decided(screening, criterion, rows, result, sources)


def cardiac(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX07: excluded by a myocardial infarction ever, or an uncontrolled heart disease at the infusion (A-28)."""
    ever = _found(screening, ["MH", "AE", "CE"], words(criterion, "ever_terms"))
    now = _found(screening, ["MH", "AE", "CE"], words(criterion, "uncontrolled_terms"))
    result = pd.concat([started_before(ever), ongoing_at_reference(now)], ignore_index=True).map(_BY_ANSWER)
    return _decided(screening, criterion, pd.concat([ever, now], ignore_index=True), result, "MH, AE and CE")


def recent_condition(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX08: excluded by a condition of `terms` that was present in the `window_days` before consent or later."""
    rows = _found(screening, ["MH", "AE", "CE"], words(criterion, "terms"))
    since = _consent(rows) - pd.Timedelta(days=int(number(criterion, "window_days")))
    return _decided(screening, criterion, rows, active_since(rows, since).map(_BY_ANSWER), "MH, AE and CE")


def solid_tumour(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX10: excluded by a solid tumour diagnosed or active in the `years` before consent, not recorded as treated."""
    rows = _found(screening, ["MH"], words(criterion, "terms"))
    treated = holds_term(rows["TEXT"], words(criterion, "treated_terms"))
    since = _consent(rows) - pd.DateOffset(years=int(number(criterion, "years")))
    result = active_since(rows, since).map(_BY_ANSWER).mask(treated, BY_FORM)
    return _decided(screening, criterion, rows, result, "MH")


def addiction_or_mental_disorder(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX11: excluded by any such history; drugs given as treatment are not counted (A-31)."""
    rows = _found(screening, ["MH", "SU"], words(criterion, "terms"))
    return _decided(screening, criterion, rows, started_before(rows).map(_BY_ANSWER), "MH and SU")


def other_trial(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX16: excluded by another trial's product within `window_days` before consent, the first day included (A-35).

    The last use is the end of the record; an ongoing record runs to consent; without an end it lies between start and
    consent. A last use that is surely earlier passes, one that the dates leave open is NE.
    """
    rows = _found(screening, ["CM", "MH", "PR"], words(criterion, "terms"))
    consent = _consent(rows)
    rows = rows[~(rows["STLO"] > consent)]
    consent = consent[rows.index]
    open_end = rows["ENHI"].isna()
    last = rows["ENHI"].mask(open_end, consent)
    first = rows["ENLO"].mask(open_end, rows["STLO"]).mask(rows["ONGOING"], consent)
    limit = consent - pd.Timedelta(days=int(number(criterion, "window_days")))
    result = pd.Series(NE, index=rows.index, dtype="str").mask(last < limit, PASS).mask(first >= limit, FAIL)
    return _decided(screening, criterion, rows, result, "CM, MH and PR")


def _found(screening: Screening, codes: list[str], terms: list[str]) -> pd.DataFrame:
    """The conditions that hold one of the terms, with the subject's columns added."""
    rows = screening.conditions(codes)
    return screening.add_subject(rows[holds_term(rows["TEXT"], terms)])


def _consent(rows: pd.DataFrame) -> pd.Series:
    """The day look-backs count from: consent, else the reference day."""
    return rows["RFICDT"].fillna(rows["REFDT"])


def _decided(
    screening: Screening, criterion: Criterion, rows: pd.DataFrame, result: pd.Series, sources: str
) -> pd.DataFrame:
    flag = pd.Series("", index=rows.index, dtype="str").mask(result.eq(NE), "DATES-OR-GRADE")
    records = rows.assign(DATARESULT=result, FLAG=flag, EVIDENCE=in_words(rows))
    delivered = [code for code in ("MH", "AE", "CE", "CM", "PR", "SU") if screening.domains.delivered(code)]
    asked = [code for code in ("MH", "AE", "CE", "CM", "PR", "SU") if code in sources]
    missing = [code for code in asked if code not in delivered]
    silent = f"no such record in {sources}" + (f" ({', '.join(missing)} not delivered)" if missing else "")
    return decide(screening, criterion.id, records, BY_FORM, silent)

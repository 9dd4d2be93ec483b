"""The eligibility audit (ADIE): every screened subject against every registered criterion (domain document §1)."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from trialbook.domains import Domains
from trialbook.eligibility import attested, consent_age, disease, history, laboratory, serology
from trialbook.eligibility.findings import TYPES, together
from trialbook.eligibility.form import answer_for_parts, combine, form_answers, waivers
from trialbook.eligibility.screening import Screening, screening
from trialbook.errors import UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Criterion, Protocol

Check = Callable[[Screening, Criterion], pd.DataFrame]
# The check that the protocol file names for a criterion -> its function.
CHECKS: dict[str, Check] = {
    "informed_consent": consent_age.informed_consent,
    "age_range": consent_age.age_range,
    "steroid_refractory": disease.steroid_refractory,
    "performance_status": disease.performance_status,
    "agvhd_grade": disease.agvhd_grade,
    "prior_msc": history.prior_msc,
    "allergy": history.allergy,
    "attested": attested.attested,
    "organ_function": laboratory.organ_function,
    "ongoing_condition": history.ongoing_condition,
    "cardiac": history.cardiac,
    "recent_condition": history.recent_condition,
    "solid_tumour": history.solid_tumour,
    "addiction_or_mental_disorder": history.addiction_or_mental_disorder,
    "hiv_tp_antibody": serology.hiv_tp_antibody,
    "active_hepatitis": serology.active_hepatitis,
    "pregnancy": serology.pregnancy,
    "other_trial": history.other_trial,
}
ASSUMPTIONS = {
    "informed_consent": "A-17", "age_range": "A-18", "steroid_refractory": "A-19", "performance_status": "A-20",
    "agvhd_grade": "A-21", "prior_msc": "A-23", "allergy": "A-24", "organ_function": "A-10 to A-14, A-22, A-25",
    "ongoing_condition": "A-26, A-27, A-30", "cardiac": "A-28", "recent_condition": "A-29",
    "addiction_or_mental_disorder": "A-31", "hiv_tp_antibody": "A-32", "active_hepatitis": "A-33",
    "pregnancy": "A-34", "other_trial": "A-35",
}  # fmt: skip
COLUMNS = [
    "USUBJID", "CRITCD", "RESULT", "DATARESULT", "FORMANSWER", "AVAL", "UNIT", "LIMIT", "EVIDENCE", "ADT", "SRCDOM",
    "SRCSEQ", "RULE", "ASSUMPTION", "FLAG",
]  # fmt: skip


def audit(
    adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """ADIE: one row per screened subject and audit column, in the order of subject and of the protocol file.

    USUBJID CRITCD; RESULT (codes of §1.0); DATARESULT, what data alone say (blank = no data can test it); FORMANSWER;
    AVAL UNIT LIMIT of a measured criterion; EVIDENCE in words with ADT SRCDOM SRCSEQ of the deciding record; RULE, the
    registered wording; ASSUMPTION ids; FLAG, the question the record raises. Empty, with these columns, for a trial
    without criteria. Raises UsageError for a check that does not exist.
    """
    people = screening(adsl, domains, protocol, analysis, cut_date)
    if not protocol.criteria or not protocol.has_endpoint("ELIGIBILITY") or people.subjects.empty:
        return _empty()
    found = together([_check(criterion)(people, criterion) for criterion in protocol.criteria])
    columns = _columns(protocol)
    adie = found.merge(columns, on="CRITCD", how="left", validate="many_to_one")
    adie = adie.merge(people.subjects[["USUBJID", "TREATED"]], on="USUBJID", how="left", validate="many_to_one")
    adie = adie.merge(form_answers(domains, protocol), on=["USUBJID", "CRITERION"], how="left", validate="many_to_one")
    adie = adie.merge(waivers(domains, protocol), on=["USUBJID", "CRITCD"], how="left", validate="one_to_one")
    adie["WAIVER"] = adie["EXACT"].map({True: "EXACT", False: "PART"}).fillna("")
    adie["FORMANSWER"] = adie["FORMANSWER"].fillna("")
    adie["SATISFIED"] = answer_for_parts(adie, protocol)
    adie["RESULT"] = combine(adie, form_delivered=domains.delivered("IE"))
    ordered = adie.sort_values(["USUBJID", "ORDER"], kind="stable").reset_index(drop=True)
    text = dict.fromkeys(["RESULT", "FORMANSWER", "RULE", "ASSUMPTION"], "str")
    return ordered[COLUMNS].astype(text)


def audit_columns(protocol: Protocol) -> list[str]:
    """The audit columns in the order of the protocol file: IN01 to IN05, EX01 to EX03, EX04A to EX04E, EX05 to EX17."""
    return [column for criterion in protocol.criteria for column in criterion.audit_columns()]


def rule_text(criterion: Criterion, column: str) -> str:
    """The registered wording of an audit column; a part of a criterion is named before it."""
    if len(criterion.audit_columns()) == 1:
        return criterion.text
    part = dict(zip(criterion.audit_columns(), laboratory.PARTS, strict=True))[column]
    return f"[{part}] {criterion.text}"


def _check(criterion: Criterion) -> Check:
    if criterion.check not in CHECKS:
        raise UsageError(
            f"there is no check {criterion.check}", file="protocol file", column=f"criteria.{criterion.id}.check",
            next_step=f"name one of {', '.join(sorted(CHECKS))}",
        )  # fmt: skip
    return CHECKS[criterion.check]


def _columns(protocol: Protocol) -> pd.DataFrame:
    """CRITCD CRITERION RULE ASSUMPTION ORDER of each audit column."""
    rows = [
        (column, criterion.id, rule_text(criterion, column), ASSUMPTIONS.get(criterion.check, ""))
        for criterion in protocol.criteria
        for column in criterion.audit_columns()
    ]
    return pd.DataFrame(rows, columns=["CRITCD", "CRITERION", "RULE", "ASSUMPTION"]).assign(ORDER=range(len(rows)))


def _empty() -> pd.DataFrame:
    text = dict.fromkeys(["RESULT", "FORMANSWER", "RULE", "ASSUMPTION"], "str")
    kinds = {**TYPES, **text}
    return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})

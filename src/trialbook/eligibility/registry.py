"""The check that the protocol file names for a criterion, as a function, and the assumptions that it rests on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.errors import UsageError
from trialbook.eligibility import form
from trialbook.eligibility.criteria import circulation, consent_age, disease, history, laboratory, serology
from trialbook.eligibility.criterion_results import NE, Found
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import CLEARANCE, NEEDS, Criterion
from trialbook.protocol.models import Protocol

# ----------------------------------------------------------------------------------------------------
# Which domains each criterion rests on, so that one that was not delivered is one question, not one per subject.


# The form, which decides where no data can.
FORM = "IE"
# Every domain whose absence may be the one reason.
DECIDING = tuple(dict.fromkeys([FORM, *CLEARANCE, *(code for needs in NEEDS.values() for code in needs)]))
# What a criterion asks where no record was found: nothing more than that the domain is missing.
NOTHING_FOUND = ("HCG-MISSING", "ORGAN-MISSING")
WITHOUT_SIZE = "SIZE-MISSING"


def undelivered_cause(adie: pd.DataFrame, domains: Domains, protocol: Protocol) -> pd.Series:
    """The domain whose absence alone leaves a criterion not evaluable, blank where there is another reason.

    For the rows of ADIE with the result NE. By data: the first domain of `NEEDS` that was not delivered, where no
    record decides (the clearance may have a creatinine, but no weight). Where no data can test the criterion, or leave
    it to the form: the eligibility form.
    """
    missing = {
        column: _first_missing(criterion.check, part, domains)
        for criterion in protocol.criteria
        for part, column in enumerate(criterion.audit_columns())
    }
    by_data = adie["DATARESULT"].eq(NE)
    no_size = adie["FLAG"].eq(WITHOUT_SIZE) & (not domains.delivered("VS"))
    silent = (adie["SRCDOM"].eq("") & adie["FLAG"].isin(["", *NOTHING_FOUND])) | no_size
    by_form = "" if domains.delivered(FORM) else FORM
    cause = np.where(by_data, adie["CRITCD"].map(missing).fillna(""), by_form)
    return pd.Series(cause, index=adie.index, dtype="str").where(adie["RESULT"].eq(NE) & (silent | ~by_data), "")


def _first_missing(check: str, part: int, domains: Domains) -> str:
    needs = CLEARANCE if (check, part) == ("organ_function", 2) else NEEDS.get(check, ())
    return next((code for code in needs if not domains.delivered(code)), "")


# ----------------------------------------------------------------------------------------------------

Check = Callable[[Screening, Criterion], Found]
CHECKS: dict[str, Check] = {
    "informed_consent": consent_age.informed_consent,
    "age_range": consent_age.age_range,
    "steroid_refractory": disease.steroid_refractory,
    "performance_status": disease.performance_status,
    "agvhd_grade": disease.agvhd_grade,
    "prior_msc": history.prior_msc,
    "allergy": history.allergy,
    "attested": form.attested,
    "gastrointestinal_cause": form.gastrointestinal_cause,
    "organ_function": laboratory.organ_function,
    "ongoing_condition": history.ongoing_condition,
    "cardiac": circulation.cardiac,
    "recent_condition": circulation.resistant_hypertension,
    "solid_tumour": history.solid_tumour,
    "addiction_or_mental_disorder": history.addiction_or_mental_disorder,
    "hiv_tp_antibody": serology.hiv_tp_antibody,
    "active_hepatitis": serology.active_hepatitis,
    "pregnancy": serology.pregnancy,
    "other_trial": history.other_trial,
}
ASSUMPTIONS = {
    "informed_consent": "A-17, A-119", "age_range": "A-18", "steroid_refractory": "A-19",
    "performance_status": "A-10, A-11, A-20", "agvhd_grade": "A-10, A-21, A-45", "prior_msc": "A-23",
    "allergy": "A-24", "organ_function": "A-10 to A-14, A-22, A-25", "gastrointestinal_cause": "A-10",
    "ongoing_condition": "A-26, A-27, A-30", "cardiac": "A-10, A-14, A-28", "recent_condition": "A-29",
    "addiction_or_mental_disorder": "A-31", "hiv_tp_antibody": "A-10, A-32", "active_hepatitis": "A-10, A-33",
    "pregnancy": "A-10, A-34", "other_trial": "A-35",
}  # fmt: skip


def stop_if_no_check(protocol: Protocol) -> None:
    """Raises UsageError for the first criterion whose check does not exist."""
    for criterion in protocol.criteria:
        check_of(criterion)


def check_of(criterion: Criterion) -> Check:
    """The function of a criterion's check; raises UsageError where there is none."""
    if criterion.check not in CHECKS:
        raise UsageError(
            f"there is no check {criterion.check}", file="protocol file", column=f"criteria.{criterion.id}.check",
            next_step=f"name one of {', '.join(sorted(CHECKS))}",
        )  # fmt: skip
    return CHECKS[criterion.check]

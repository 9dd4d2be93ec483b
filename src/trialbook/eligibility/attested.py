"""Criteria that only the investigator's answer on the form can decide: EX03, EX14, EX17."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import rel_day
from trialbook.eligibility.findings import BY_FORM, decide
from trialbook.eligibility.parameters import number
from trialbook.eligibility.screening import Screening
from trialbook.protocol.models import Criterion


def attested(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """No data test: the form decides.

    Where the criterion has `information_days`, a death within them is told for information: an outcome never changes
    eligibility.
    """
    people = screening.subjects
    evidence = pd.Series("by the form only", index=people.index, dtype="str")
    if "information_days" in criterion.parameters:
        days = int(number(criterion, "information_days"))
        early = (rel_day(people["DTHDT"], people["TRTSDT"]) <= days).fillna(False).astype(bool)
        evidence = evidence.mask(early, f"by the form only; for information: died within {days} days of the infusion")
    return decide(screening, criterion.id, people[["USUBJID"]].iloc[:0], BY_FORM, evidence)

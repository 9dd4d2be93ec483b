"""Which domains each criterion rests on, so that one that was not delivered is one question, not one per subject."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.eligibility.findings import NE
from trialbook.protocol.models import Protocol

# By check: the domains that its data are read from; other domains may carry such data too.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "informed_consent": ("DS",),
    "steroid_refractory": ("CM", "RS", "VS"),
    "performance_status": ("RS",),
    "agvhd_grade": ("RS",),
    "organ_function": ("LB",),
    "hiv_tp_antibody": ("LB",),
    "active_hepatitis": ("LB",),
    "pregnancy": ("LB",),
}
# The third part of organ function is the creatinine clearance, which needs weight and height too.
CLEARANCE = ("LB", "VS")
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

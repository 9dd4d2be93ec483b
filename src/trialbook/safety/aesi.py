"""Editable searches of adverse events, applied in their order: special interest and kinds of infection (§3.4, §3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.protocol.analysis import AesiRule
from trialbook.terms import holds_term


def event_category(ae: pd.DataFrame, rules: Sequence[AesiRule], near: pd.Series) -> pd.Series:
    """The category of the first search that fits each record, blank where none does.

    `ae` needs AETERM AEDECOD AEBODSYS ATOXGR; `near` marks onsets within the hours after an infusion. A record
    without a grade fits only a search that asks for no grade.
    """
    words = ae["AEDECOD"].fillna("") + " | " + ae["AETERM"].fillna("")
    category = pd.Series("", index=ae.index, dtype="str")
    for rule in rules:
        fits = pd.Series(True, index=ae.index)
        if rule.terms:
            fits &= holds_term(words, rule.terms)
        if rule.socs:
            fits &= holds_term(ae["AEBODSYS"], rule.socs)
        if rule.minimum_grade > 1:
            fits &= (ae["ATOXGR"] >= rule.minimum_grade).fillna(False).astype(bool)
        if rule.after_infusion:
            fits &= near
        category = category.mask(fits & (category == ""), rule.category)
    return category

"""Adverse events of special interest: the editable searches of the protocol file, applied in their order (§3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from trialbook.protocol.analysis import AesiRule
from trialbook.safety.emergence import moment_range


def aesi_category(
    ae: pd.DataFrame, infusion_starts: pd.DataFrame, rules: Sequence[AesiRule], hours: int
) -> pd.Series:  # fmt: skip
    """AESICAT: the category of the first search that fits each record, blank where none does.

    `ae` needs USUBJID AETERM AEDECOD AEBODSYS AESTDTC ATOXGR; `infusion_starts` USUBJID EXSTDTC of each infusion
    given. A record without a grade fits only a search that asks for no grade.
    """
    near = after_infusion(ae, infusion_starts, hours)
    words = ae["AEDECOD"].fillna("") + " | " + ae["AETERM"].fillna("")
    category = pd.Series("", index=ae.index, dtype="str")
    for rule in rules:
        fits = pd.Series(True, index=ae.index)
        if rule.terms:
            fits &= words.str.contains(_word_start(rule.terms), case=False, regex=True)
        if rule.socs:
            fits &= ae["AEBODSYS"].fillna("").str.contains(_word_start(rule.socs), case=False, regex=True)
        if rule.minimum_grade > 1:
            fits &= (ae["ATOXGR"] >= rule.minimum_grade).fillna(False).astype(bool)
        if rule.after_infusion:
            fits &= near
        category = category.mask(fits & (category == ""), rule.category)
    return category


def after_infusion(ae: pd.DataFrame, infusion_starts: pd.DataFrame, hours: int) -> pd.Series:
    """Whether each event may have begun within `hours` after the start of an infusion of its subject.

    A date without time may mean any moment of its day, so it counts when part of that day lies in the window; an
    event on the day of an infusion whose time is not known counts.
    """
    onset = moment_range(ae["AESTDTC"]).assign(USUBJID=ae["USUBJID"], row=range(len(ae)))
    start = moment_range(infusion_starts["EXSTDTC"]).rename(columns={"first": "from", "last": "until"})
    pairs = onset.merge(start.assign(USUBJID=infusion_starts["USUBJID"]), on="USUBJID")
    until = pairs["until"] + pd.Timedelta(hours=hours)
    hit = pairs.loc[(pairs["last"] >= pairs["from"]) & (pairs["first"] <= until), "row"]
    return pd.Series(pd.Series(range(len(ae))).isin(hit).to_numpy(), index=ae.index)


def _word_start(terms: Sequence[str]) -> str:
    # \b keeps "embolic" from matching inside "metabolic"-like words; Chinese has no word breaks, so none is asked.
    return "|".join((r"\b" if term[0].isascii() else "") + re.escape(term) for term in terms)

"""Whether a sample was taken under an anticoagulant: CTCAE v5.0 grades INR by other limits then (§3.2, A-154)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.dates import earliest_date, latest_date
from trialbook.domains import Domains
from trialbook.terms import holds_term

ON, OFF, UNKNOWN = "Y", "N", ""


def anticoagulated(samples: pd.DataFrame, domains: Domains, terms: Sequence[str]) -> pd.Series:
    """Y, N or blank (not known) for each sample; `samples` needs USUBJID and ADT.

    Y: a drug of `terms` in CM certainly covers the day. N: CM was delivered and no such drug may cover it. Blank: CM
    was not delivered, the list is empty, or the dates of a drug or the sample leave it open.
    """
    state = pd.Series(UNKNOWN, index=samples.index, dtype="str")
    if not domains.delivered("CM") or not terms:
        return state
    cm = domains["CM"]
    own = cm[holds_term(cm["CMDECOD"].fillna("") + " | " + cm["CMTRT"].fillna(""), terms)]
    ongoing = own["CMENRTPT"].fillna("").str.upper().eq("ONGOING")
    far = pd.Timestamp("2261-01-01")
    spans = pd.DataFrame({
        "USUBJID": own["USUBJID"],
        "BEGAN": earliest_date(own["CMSTDTC"]), "BEGUN": latest_date(own["CMSTDTC"]),
        "ENDS": earliest_date(own["CMENDTC"]).mask(ongoing, far),
        "ENDED": latest_date(own["CMENDTC"]).mask(ongoing, far),
    })  # fmt: skip
    pairs = samples[["USUBJID", "ADT"]].assign(SAMPLE=samples.index).merge(spans, on="USUBJID")
    day = pairs["ADT"]
    certain = (pairs["BEGUN"] <= day) & (pairs["ENDS"] >= day)
    # A date that is not known rules nothing out.
    possible = ~(pairs["BEGAN"] > day) & ~(pairs["ENDED"] < day)
    by_sample = pd.DataFrame({"certain": certain, "possible": possible}).groupby(pairs["SAMPLE"]).any()
    found = by_sample.reindex(samples.index).fillna(False).astype(bool)
    return state.mask(~found["possible"], OFF).mask(found["certain"], ON)

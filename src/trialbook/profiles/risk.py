"""The order in which subjects are looked at: open windows and severe events first, whatever the dose level (A-170)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.safety.ae_results import seriousness_open
from trialbook.subjects.dlt_status import DLT, PENDING, PENDING_ADJUDICATION, PENDING_DATA, UNRESOLVED

# From the first to the last; a subject stands where the first of these holds.
KINDS = (
    "DLT window open", "DLT", "serious event", "death", "event of grade 3 or more", "response pending", "none of these"
)  # fmt: skip
SEVERE = 3


def risk_order(data: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The treated subjects in the order of risk: USUBJID SUBJID RISK (one of `KINDS`).

    The first kind that holds counts: a DLT window that is open or lacks data; a DLT, also one that is not adjudicated;
    a serious event, or one whose seriousness is not known; death; an event of grade 3 or more, or without a grade; a
    response at day 28 that is pending; none of these. Within a kind the highest dose level and the latest first
    infusion come first. `data`: ADSL, ADAE, ADDLT and ADRS, empty where the trial has no such endpoint.
    """
    adsl, adae, addlt, adrs = (data[name] for name in ("adsl", "adae", "addlt", "adrs"))
    treated = adsl[adsl["SAFFL"].eq("Y")]
    status = addlt.get("DLTSTAT", pd.Series(dtype="str"))
    grade = adae.get("ATOXGR", pd.Series(dtype="Int64"))
    serious = adae["ASER"].eq("Y") | seriousness_open(adae) if len(adae) else pd.Series(dtype="bool")
    day_28 = adrs[adrs["PARAMCD"].eq("RSP28")] if "AVALC" in adrs else adrs.head(0)
    holds = [
        addlt.loc[status.isin([PENDING, PENDING_DATA]), "USUBJID"],
        addlt.loc[status.isin([DLT, PENDING_ADJUDICATION, UNRESOLVED]), "USUBJID"],
        adae.loc[serious, "USUBJID"],
        treated.loc[treated["DTHFL"].eq("Y"), "USUBJID"],
        adae.loc[(grade >= SEVERE).fillna(True).astype("bool"), "USUBJID"],
        day_28.loc[day_28["AVALC"].eq("PENDING"), "USUBJID"] if len(day_28) else day_28["USUBJID"],
    ]
    rank = pd.Series(len(holds), index=treated.index)
    for place, subjects in reversed(list(enumerate(holds))):
        rank = rank.mask(treated["USUBJID"].isin(subjects), place)
    ordered = treated.assign(_rank=rank).sort_values(
        ["_rank", "TRT01AN", "TRTSDT", "USUBJID"], ascending=[True, False, False, True], kind="stable"
    )
    kinds = ordered["_rank"].map(dict(enumerate(KINDS))).astype("str")
    return ordered[["USUBJID", "SUBJID"]].assign(RISK=kinds).reset_index(drop=True)


def kinds_in_words(kinds: pd.Series) -> str:
    """How many subjects of each kind, in the order of risk: `2 serious event, 5 none of these`."""
    counts = kinds.value_counts()
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)

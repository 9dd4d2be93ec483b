"""Records of drugs started after the infusion that may be new therapy of acute GVHD: what each leaves open (P31)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.drugs.dictionary import BACKGROUND, THERAPY
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.therapy_records import (
    FOR_ELSE,
    FOR_GVHD,
    as_starts,
    clock_of,
    dated,
    drug_records,
    is_unclassified,
    new_starts,
    running_at_infusion,
)
from trialbook.protocol.analysis import Analysis

UNLISTED, NEAR_NAME, OTHER_USE, NEW_BACKGROUND = "UNCLASSIFIED", "NEAR-NAME", "OTHER-USE", "BACKGROUND-STARTED"


def open_records(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The records of drugs that may have started after the first infusion and may be new therapy of acute GVHD.

    `subjects`: USUBJID TRTSDT (TRTSDTM). Returns the columns of `therapy_starts`, WHY, and of `drug_records` those that
    a question needs (REPORTED TERM NEAR NEARDRUG NEARCLASS PURPOSE CODED). WHY:

    - UNCLASSIFIED: the drug is in no list of the trial;
    - NEAR-NAME: nor is it, and its name is nearly one of a list;
    - OTHER-USE: a therapy of GVHD that is often given for something else, and the record does not say what for (A-142);
    - BACKGROUND-STARTED: a calcineurin inhibitor, and none was running at the infusion (A-141).
    """
    records = drug_records(domains, drugs_in_force(analysis), tuple(analysis.local_routes))
    other_use = (records["CLASS"] == THERAPY) & records["OTHERUSE"]
    unlisted, background = is_unclassified(records), records["CLASS"] == BACKGROUND
    chosen = unlisted | background | (other_use & ~records["PURPOSE"].isin([FOR_GVHD, FOR_ELSE]))
    clock = clock_of(subjects)
    rows = dated(records[chosen])
    found = new_starts(rows, clock)
    of_class = found["CLASS"] == BACKGROUND
    found = found[~of_class | ~found["USUBJID"].isin(_with_background(rows, clock))]
    why = np.select(
        [found["CLASS"] == BACKGROUND, found["CLASS"] == THERAPY, found["NEAR"] != ""],
        [NEW_BACKGROUND, OTHER_USE, NEAR_NAME],
        UNLISTED,
    )
    more = ["REPORTED", "TERM", "NEAR", "NEARDRUG", "NEARCLASS", "PURPOSE", "CODED"]
    return as_starts(found).assign(WHY=pd.array(why, dtype="str"), **{name: found[name] for name in more})


def _with_background(rows: pd.DataFrame, clock: pd.DataFrame) -> set[str]:
    """Subjects with a calcineurin inhibitor that was running at the first infusion."""
    background = rows[rows["CLASS"] == BACKGROUND].merge(clock, on="USUBJID", how="inner")
    return set(background.loc[running_at_infusion(background), "USUBJID"])

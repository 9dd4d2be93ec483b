"""Steroids at day 28 against the day of the first infusion, as methylprednisolone equivalent (domain §2.8)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.assessments import DAY_28
from trialbook.efficacy.day28 import PENDING
from trialbook.gvhd.steroids import steroid_days
from trialbook.protocol.analysis import Analysis

SPARED, STOPPED, NOT_SPARED, NOT_KNOWN, DEAD = "SPARED", "STOPPED", "NOT SPARED", "NE", "DEAD"


def steroid_sparing(
    responses: pd.DataFrame, treated: pd.DataFrame, domains: Domains, analysis: Analysis
) -> pd.DataFrame:  # fmt: skip
    """The steroid dose of day 28 of each subject on steroids at the first infusion: one row per subject.

    `responses`: `day28_response`; `treated`: `treated_subjects`. Returns USUBJID ADT (day 28) BASE AVAL (mg/kg/day on
    day 0 and on day 28) AVALC: STOPPED no steroid on day 28; SPARED lower by `steroid_sparing` or more; NOT SPARED;
    DEAD by day 28 (not spared); NE a dose is not known; PENDING not mature. Empty without medication records. Who
    took no steroid at the infusion, or an unknown dose, has nothing to spare and has no row.
    """
    if not domains.delivered("CM") or treated.empty:
        return _typed(pd.DataFrame(columns=["USUBJID", "ADT", "BASE", "AVAL", "AVALC"]))
    daily = steroid_days(domains, treated, drugs_in_force(analysis), analysis.local_routes)
    landmark = DAY_28 - (1 if analysis.day_numbering == "CDISC" else 0)
    frame = treated[["USUBJID", "TRTSDT", "DTHDT"]].merge(responses[["USUBJID", "MAT28FL"]], on="USUBJID")
    frame = frame.assign(ADT=frame["TRTSDT"] + pd.Timedelta(days=landmark))
    before, now = (_dose_on(daily, frame["USUBJID"], frame[day]) for day in ("TRTSDT", "ADT"))
    share = 1 - now / before.where(before > 0)
    dead = (frame["DTHDT"] <= frame["ADT"]).fillna(False)
    # Ten digits, so that half of a dose is half of it in floating point too.
    kinds = [frame["MAT28FL"] != "Y", dead, now.isna(), now == 0, share.round(10) >= analysis.steroid_sparing]
    value = np.select(kinds, [PENDING, DEAD, NOT_KNOWN, STOPPED, SPARED], NOT_SPARED)
    mature = frame["MAT28FL"] == "Y"
    shown = now.where(mature & ~dead)
    rows = frame.assign(BASE=before, AVAL=shown, AVALC=value, ADT=frame["ADT"].where(mature & ~dead))
    return _typed(rows[before > 0])


def _dose_on(daily: pd.DataFrame, subjects: pd.Series, days: pd.Series) -> pd.Series:
    """MPEQ of each subject on its day: 0 without a record of that day, missing where the dose is not known."""
    asked = pd.DataFrame({"USUBJID": subjects, "ADT": days.astype("datetime64[s]")})
    found = asked.merge(daily, on=["USUBJID", "ADT"], how="left", validate="one_to_one", indicator=True)
    dose = found["MPEQ"].astype("float64").mask(found["_merge"] == "left_only", 0.0)
    return pd.Series(dose.to_numpy(), index=subjects.index)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    kinds = {"USUBJID": "str", "ADT": "datetime64[s]", "BASE": "float64", "AVAL": "float64", "AVALC": "str"}
    return frame[list(kinds)].astype(kinds).sort_values("USUBJID", kind="stable").reset_index(drop=True)

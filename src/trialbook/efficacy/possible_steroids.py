"""Steroid courses after the infusion that may exceed the baseline dose, because a dose or a start is unknown (A-53)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.dates import ONE_DAY
from trialbook.domains import Domains
from trialbook.drugs.dictionary import DrugDictionary
from trialbook.drugs.records import drugs_in_force
from trialbook.gvhd.steroids import long_runs, steroid_spans
from trialbook.protocol.analysis import Analysis
from trialbook.subjects.weights import weights


def possible_escalations(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Runs of `steroid_escalation_days` days after the infusion on which the dose may be above that at the infusion.

    `subjects`: USUBJID TRTSDT CUTDT (DTHDT). Returns USUBJID EVNTDT (first day of the run) COUNTDT (day from which it
    counts) LASTDT CMSEQ CMTRT (the first record of the run that leaves it open), one row per run.

    1. A record is new when it may have started after the infusion; the others ran at the infusion.
    2. A day may be above baseline when a new record of it has no known dose, or when the known doses of the day, new
       ones included, exceed those that surely ran at the infusion. An old record without a dose is the same on both
       sides as long as it runs.
    Only subjects with a steroid record that is open in one of these ways are looked at: of all others
    `steroid_escalations` says it.
    """
    used = [name for name in ("USUBJID", "TRTSDT", "CUTDT", "DTHDT", "REFDT") if name in subjects]
    drugs, routes = drugs_in_force(analysis), tuple(analysis.local_routes)
    return domains.once(_possible_escalations, subjects[used], drugs, routes, analysis.steroid_escalation_days)


def _possible_escalations(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: tuple[str, ...], least_days: int
) -> pd.DataFrame:
    spans = steroid_spans(domains["CM"], weights(domains), subjects, drugs, local_routes)
    spans = spans.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID", validate="many_to_one")
    infusion = spans["TRTSDT"]
    new = ~(spans["laststart"] <= infusion)
    unknown = spans["MPEQ"].isna()
    spans = spans.assign(
        new=new, unknown=unknown, open=new & (unknown | ~(spans["start"] > infusion)) | (~new & unknown)
    )
    spans = spans[spans["USUBJID"].isin(spans.loc[spans["open"], "USUBJID"]) & ~(spans["stop"] < infusion)]
    base = spans[~spans["new"]].groupby("USUBJID")["MPEQ"].sum()
    days = _after_infusion(spans)
    daily = days.groupby(["USUBJID", "ADT"], as_index=False).agg(
        MPEQ=("MPEQ", "sum"), blind=("blind", "any"), CMSEQ=("CMSEQ", "first"), CMTRT=("CMTRT", "first"),
    )  # fmt: skip
    usual = daily["USUBJID"].map(base).astype("float64").fillna(0.0)
    # Nine decimals, as for the daily dose.
    high = daily[daily["blind"].astype("bool") | (daily["MPEQ"].round(9) > usual.round(9))]
    runs = long_runs(high, least_days)
    return pd.DataFrame(
        {
            "USUBJID": runs["USUBJID"],
            "EVNTDT": runs["ADT"],
            "COUNTDT": runs["COUNTDT"],
            "LASTDT": runs["COUNTDT"],
            "CMSEQ": runs["CMSEQ"],
            "CMTRT": runs["CMTRT"],
        }
    ).reset_index(drop=True)


def _after_infusion(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per record and day after the infusion: USUBJID ADT MPEQ blind CMSEQ CMTRT, the open records first."""
    first = spans["start"].where(spans["start"] > spans["TRTSDT"], spans["TRTSDT"] + ONE_DAY)
    spans = spans.assign(first=first, blind=spans["new"] & spans["unknown"])
    spans = spans[spans["first"] <= spans["stop"]].sort_values(
        ["open", "CMSEQ"], ascending=[False, True], kind="stable"
    )
    length = ((spans["stop"] - spans["first"]) / ONE_DAY).astype("int64") + 1
    rows = spans.loc[spans.index.repeat(length)]
    offset = np.concatenate([np.arange(n) for n in length]) if len(length) else np.array([], dtype="int64")
    day = rows["first"] + pd.to_timedelta(offset, unit="D")
    return rows.assign(ADT=day.astype("datetime64[s]"))[["USUBJID", "ADT", "MPEQ", "blind", "CMSEQ", "CMTRT"]]

"""The moment at which each subject's eligibility is judged, and what every criterion is given to judge it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.dates import time_of_day
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.disposition import consent_dtc, screen_failure_date


@dataclass(frozen=True)
class Screening:
    """What a criterion is given. `subjects` has one row per screened subject, sorted:

    USUBJID; AGE SEX RFICDT TRTSDT DTHDT as in ADSL; CONSENTDTC and BRTHDTC as text; TREATED; REFDT, the reference day:
    the first infusion, else the screen failure, else the cut; REFTIME, seconds after midnight of the infusion where
    known; ANCHORDT, from which windows reach back: the first infusion, else consent, else the reference day.
    """

    subjects: pd.DataFrame
    domains: Domains
    protocol: Protocol
    analysis: Analysis
    cut_date: pd.Timestamp

    def add_subject(self, records: pd.DataFrame) -> pd.DataFrame:
        """Records (with USUBJID) of screened subjects with the columns of `subjects` added, in their own order."""
        return records.merge(self.subjects, on="USUBJID", how="inner", validate="many_to_one")


def screening(
    adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> Screening:
    """The screening of every subject of ADSL with SCRFL = Y.

    A subject who was never infused is judged at the screen failure (at the cut while screening goes on), with windows
    that reach back from the consent: all of the screening period counts.
    """
    people = adsl[adsl["SCRFL"].eq("Y")].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    dm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    subject = people["USUBJID"]
    treated = people["TRTSDT"].notna()
    failed = screen_failure_date(domains).reindex(subject).set_axis(people.index)
    failed = failed.mask(failed > cut_date)
    reference = people["TRTSDT"].fillna(failed).fillna(cut_date).astype("datetime64[s]")
    frame = pd.DataFrame(
        {
            **{name: people[name] for name in ("USUBJID", "AGE", "SEX", "RFICDT", "TRTSDT", "TRTSDTM", "DTHDT")},
            "CUTDT": pd.Series(cut_date, index=people.index).astype("datetime64[s]"),
            "CONSENTDTC": consent_dtc(domains).reindex(subject).set_axis(people.index),
            "BRTHDTC": dm["BRTHDTC"].reindex(subject).set_axis(people.index),
            "TREATED": treated,
            "REFDT": reference,
            "REFTIME": time_of_day(people["TRTSDTM"]),
            "ANCHORDT": people["TRTSDT"].fillna(people["RFICDT"]).fillna(reference).astype("datetime64[s]"),
        }
    )
    return Screening(frame, domains, protocol, analysis, cut_date)

"""The moment at which each subject's eligibility is judged, and what every criterion is given to judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from trialbook.dates import earliest_date, latest_date, time_of_day
from trialbook.domains import Domains
from trialbook.eligibility.conditions import conditions, severity_words
from trialbook.eligibility.test_results import results_of
from trialbook.gvhd.stages import derive_stages
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.disposition import consent_dtc, screen_failure_date


@dataclass(frozen=True)
class Screening:
    """What a criterion is given. `subjects` has one row per screened subject, sorted:

    USUBJID; AGE SEX RFICDT TRTSDT DTHDT as in ADSL; CONSENTDTC and BRTHDTC as text; CONSLO CONSHI, the days that a
    consent, complete or partial, may be of (NaT and the reference day without one); TREATED; REFDT, the reference day:
    the first infusion, else the screen failure, else the cut; REFTIME, seconds after midnight of the infusion where
    known; ANCHORDT, from which windows reach back: the first infusion, else consent, else the reference day.
    """

    subjects: pd.DataFrame
    domains: Domains
    protocol: Protocol
    analysis: Analysis
    cut_date: pd.Timestamp

    @cached_property
    def stages(self) -> pd.DataFrame:
        """Organ stages of every assessment up to the reference day, sorted; with the subject's columns added.

        On the day of the infusion itself only assessments known to precede it count (A-50).
        """
        rows = self.add_subject(derive_stages(self.domains, self.subjects, self.analysis))
        rows = rows[(rows["ADT"] <= rows["REFDT"]) & ~rows["TIMING"].isin(["UNTIMED", "POST"])]
        return rows.sort_values(["USUBJID", "ADT"], kind="stable").reset_index(drop=True)

    def results(self, sources: Sequence[str], tests: Sequence[str]) -> pd.DataFrame:
        """The results of some test codes from some domains, in the shape of `results_of`."""
        filled = [code for code in sources if len(self.domains[code])] or list(sources[:1])
        found = (self.domains.once(results_of, code) for code in filled)
        return pd.concat([rows[rows["TEST"].isin(tests)] for rows in found], ignore_index=True)

    def conditions(self, codes: Sequence[str]) -> pd.DataFrame:
        """The histories, events, drugs and procedures of some domains, in the shape of `conditions`."""
        rows = self.domains.once(conditions, severity_words(self.protocol.code_lists))
        return rows[rows["SRCDOM"].isin(codes)].reset_index(drop=True)

    def add_subject(self, records: pd.DataFrame) -> pd.DataFrame:
        """Records (with USUBJID) of screened subjects with the columns of `subjects` added, in their own order."""
        return records.merge(self.subjects, on="USUBJID", how="inner", validate="many_to_one")

    def narrowed(self, wanted: Sequence[bool], analysis: Analysis) -> Screening:
        """The screening of some of the subjects, under other analysis keys."""
        return replace(self, subjects=self.subjects[list(wanted)].reset_index(drop=True), analysis=analysis)


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
    consent = consent_dtc(domains).reindex(subject).set_axis(people.index)
    frame = pd.DataFrame(
        {
            **{name: people[name] for name in ("USUBJID", "AGE", "SEX", "RFICDT", "TRTSDT", "TRTSDTM", "DTHDT")},
            "CUTDT": pd.Series(cut_date, index=people.index).astype("datetime64[s]"),
            "CONSENTDTC": consent,
            "CONSLO": earliest_date(consent),
            "CONSHI": latest_date(consent).fillna(reference),
            "BRTHDTC": dm["BRTHDTC"].reindex(subject).set_axis(people.index),
            "TREATED": treated,
            "REFDT": reference,
            "REFTIME": time_of_day(people["TRTSDTM"]),
            "ANCHORDT": people["TRTSDT"].fillna(people["RFICDT"]).fillna(reference).astype("datetime64[s]"),
        }
    )
    return Screening(frame, domains, protocol, analysis, cut_date)

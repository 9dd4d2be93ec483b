"""The moment at which each subject's eligibility is judged, and what every criterion is given to judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from trialbook.dates import earliest_date, latest_date, time_of_day
from trialbook.domains import Domains
from trialbook.eligibility.conditions import severity_words
from trialbook.eligibility.subject_records import SubjectRecords
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.disposition import consent_dtc, screen_failure_date
from trialbook.terms import holds_term

_OF_ADSL = ["USUBJID", "AGE", "SEX", "RFICDT", "TRTSDT", "TRTSDTM", "DTHDT"]

_FEW = 100


@dataclass(frozen=True)
class Screening:
    """What a criterion is given. `subjects` has one row per screened subject, sorted:

    USUBJID; AGE SEX RFICDT TRTSDT DTHDT as in ADSL; CONSENTDTC as text; CONSLO CONSHI, the days that a
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
    def records(self) -> SubjectRecords:
        """The records of the subjects, in the shapes that criteria ask for.

        All who judge the same few subjects share them. Of many they are let go with the screening: only some subjects
        of a large trial are looked at a second time.
        """
        if len(self.subjects) > _FEW:
            return SubjectRecords(self.domains, self.subjects)
        return self.domains.once(SubjectRecords, self.subjects)

    @property
    def stages(self) -> pd.DataFrame:
        """Organ stages of every assessment up to the reference day (`SubjectRecords.stages`)."""
        return self.records.stages(self.analysis)

    def results(self, sources: Sequence[str], tests: Sequence[str]) -> pd.DataFrame:
        """The results of some test codes from some domains (`SubjectRecords.results`)."""
        filled = [code for code in sources if len(self.domains[code])] or list(sources[:1])
        found = [rows[rows["TEST"].isin(tests)] for rows in map(self.records.results, filled)]
        return pd.concat(found, ignore_index=True) if len(found) > 1 else found[0].reset_index(drop=True)

    def conditions(self, codes: Sequence[str], terms: Sequence[str] | None = None) -> pd.DataFrame:
        """The histories, events, drugs and procedures of some domains (`SubjectRecords.conditions`); where `terms` are
        given, those that hold one of them."""
        rows = self.records.conditions(severity_words(self.protocol.code_lists))
        places = np.flatnonzero(rows["SRCDOM"].isin(codes))
        if terms is not None:
            places = places[holds_term(rows["TEXT"].iloc[places], terms)]
        return rows.iloc[places].reset_index(drop=True)

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
    people = adsl.loc[adsl["SCRFL"].eq("Y"), _OF_ADSL]
    return Screening(domains.once(_subjects, people, cut_date), domains, protocol, analysis, cut_date)


def _subjects(domains: Domains, people: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    people = people.sort_values("USUBJID", kind="stable").reset_index(drop=True)
    subject = people["USUBJID"]
    treated = people["TRTSDT"].notna()
    failed = screen_failure_date(domains).reindex(subject).set_axis(people.index)
    failed = failed.mask(failed > cut_date)
    reference = people["TRTSDT"].fillna(failed).fillna(cut_date).astype("datetime64[s]")
    consent = consent_dtc(domains).reindex(subject).set_axis(people.index)
    return pd.DataFrame(
        {
            **{name: people[name] for name in _OF_ADSL},
            "CUTDT": pd.Series(cut_date, index=people.index).astype("datetime64[s]"),
            "CONSENTDTC": consent,
            "CONSLO": earliest_date(consent),
            "CONSHI": latest_date(consent).fillna(reference),
            "TREATED": treated,
            "REFDT": reference,
            "REFTIME": time_of_day(people["TRTSDTM"]),
            "ANCHORDT": people["TRTSDT"].fillna(people["RFICDT"]).fillna(reference).astype("datetime64[s]"),
        }
    )

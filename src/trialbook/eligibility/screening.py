"""Screening episodes, the moment at which eligibility is judged, and the records that every criterion is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date, time_of_day
from trialbook.core.domains import RESULT_DOMAINS, Domains
from trialbook.core.terms import holds_term
from trialbook.drugs.records import drugs_in_force
from trialbook.eligibility.conditions import Severity, conditions, ongoing_at_reference, severity_words, started_before
from trialbook.gvhd.assessments import PREDOSE, organ_findings
from trialbook.gvhd.staging import StagingRules, derive_stages
from trialbook.gvhd.steroids import daily_steroid_dose
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import DrugDictionary
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.disposition import consent_dtc, screen_failure_date
from trialbook.subjects.weights import weights

# ----------------------------------------------------------------------------------------------------
# Test results of the findings domains in one shape, for every criterion that looks at a measurement.


_PREDOSE = re.compile(PREDOSE, re.IGNORECASE)
# Variables of a record that may say something of the sample.
_NOTES = ("COM", "SPCCND", "REASND")


def results_of(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    """The results among the records of one findings domain (LB, VS, RS, QS, FA, MB, IS).

    Returns USUBJID TEST ADT TIME (seconds, NaN without) PREDOSE (label says before the dose) TEXT (upper case) VALUE
    SIGN UNIT LOW HIGH LLOQ (limit of quantification) NOTE (remarks on the sample) SRCDOM SRCSEQ. Left out: records
    without a result or without a complete date.
    """
    frame = _of_domain(rows, code)
    return frame[frame["ADT"].notna() & frame["TEXT"].fillna("").ne("")].reset_index(drop=True)


def _of_domain(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    parsed = code in RESULT_DOMAINS
    value = rows[f"{code}ORRESN"] if parsed else pd.to_numeric(rows[f"{code}ORRES"], errors="coerce")
    blank = pd.Series(np.nan, index=rows.index, dtype="float64")
    label = _joined(rows, ["VISIT", f"{code}TPT"])
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "TEST": rows[f"{code}TESTCD"],
            "ADT": complete_date(rows[f"{code}DTC"]),
            "TIME": time_of_day(rows[f"{code}DTC"]),
            "PREDOSE": label.map({text: bool(_PREDOSE.search(text)) for text in label.unique()}).astype("bool"),
            "TEXT": rows[f"{code}ORRES"].str.strip().str.upper(),
            "VALUE": value.astype("float64"),
            "SIGN": rows[f"{code}ORRESOP"].fillna("") if parsed else "",
            "UNIT": rows[f"{code}ORRESU"].fillna("") if f"{code}ORRESU" in rows else "",
            "LOW": rows.get(f"{code}ORNRLO", blank).astype("float64"),
            "HIGH": rows.get(f"{code}ORNRHI", blank).astype("float64"),
            "LLOQ": pd.to_numeric(rows.get(f"{code}LLOQ", blank), errors="coerce").astype("float64"),
            "NOTE": _joined(rows, [f"{code}{part}" for part in _NOTES]),
            "SRCDOM": pd.Series(code, index=rows.index, dtype="str"),
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
        }
    )  # fmt: skip


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series:
    """The texts of the variables that were delivered, joined by blanks."""
    text = pd.Series("", index=rows.index, dtype="str")
    for name in names:
        if name in rows:
            text = text.str.cat(rows[name].fillna("").astype("str"), sep=" ")
    return text


# ----------------------------------------------------------------------------------------------------
# The records of the screened subjects in the shapes that criteria ask for, each shape made once for all criteria.


# Of the subject's columns those that say what a result means; a large trial has many results.
_OF_RESULTS = ["USUBJID", "AGE", "SEX", "REFDT", "ANCHORDT", "CONSHI", "TREATED", "REFTIME"]


class SubjectRecords:
    """The records of some subjects (`Screening.subjects`), with the subject's columns added, in their own order.

    What came after the reference day decides no criterion. It is left out before anything is worked out: of a large
    trial it is nearly all.
    """

    def __init__(self, domains: Domains, subjects: pd.DataFrame) -> None:
        self._domains, self._subjects = domains, subjects
        # To those who look for the cut, the records end at the reference day.
        self._until_reference = subjects.assign(CUTDT=subjects["REFDT"])
        self._made: dict[Hashable, pd.DataFrame] = {}

    def results(self, code: str) -> pd.DataFrame:
        """The results of one domain up to the reference day, in the shape of `results_of`, with AGE SEX REFDT ANCHORDT
        CONSHI of the subject.

        BEFORE: not on the day of the infusion, or known to precede it. On that day a record counts when its time is not
        after the infusion, or when time is not known on either side, only if its visit or time point says pre-dose.
        """
        return self._once((results_of, code), lambda: self._results(code))

    def _results(self, code: str) -> pd.DataFrame:
        rows = self._domains[code]
        rows = rows[complete_date(rows[f"{code}DTC"]) <= self._reference_days(rows)]
        rows = results_of(rows, code).merge(self._subjects[_OF_RESULTS], on="USUBJID", validate="many_to_one")
        same_day = rows["TREATED"] & (rows["ADT"] == rows["REFDT"])
        by_label = rows["PREDOSE"] & ~(rows["TIME"] > rows["REFTIME"])
        before = (rows["TIME"] <= rows["REFTIME"]) | by_label | ~same_day
        return rows.assign(BEFORE=before).drop(columns=["PREDOSE", "TREATED", "REFTIME"])

    def conditions(self, severity: Severity) -> pd.DataFrame:
        """Histories, events, drugs and procedures in the shape of `conditions`; BEGUN and PRESENT (YES, NO, UNKNOWN):
        whether each began before the reference moment, and was present at it."""
        return self._once((conditions, severity), lambda: self._conditions(severity))

    def _conditions(self, severity: Severity) -> pd.DataFrame:
        rows = self.add_subject(conditions(self._domains, severity))
        rows["BEGUN"] = started_before(rows)
        rows["PRESENT"] = ongoing_at_reference(rows)
        return rows

    def stages(self, analysis: Analysis) -> pd.DataFrame:
        """Organ stages of every assessment up to the reference day, sorted by subject and date.

        On the day of the infusion itself only assessments known to precede it count (A-50).
        """
        return self._once((derive_stages, StagingRules.of(analysis)), lambda: self._stages(analysis))

    def _stages(self, analysis: Analysis) -> pd.DataFrame:
        rows = self.add_subject(derive_stages(self._domains, self._until_reference, analysis))
        rows = rows[~rows["TIMING"].isin(["UNTIMED", "POST"])]
        return rows.sort_values(["USUBJID", "ADT"], kind="stable").reset_index(drop=True)

    def organ_findings(self) -> pd.DataFrame:
        """Collected stages and raw findings up to the reference day, in the shape of `gvhd.assessments`."""
        return organ_findings(self._domains, self._until_reference)

    def steroids(self, analysis: Analysis) -> pd.DataFrame:
        """The systemic steroid dose of every day before the reference day: USUBJID ADT MPEQ (`daily_steroid_dose`)."""
        drugs, routes = drugs_in_force(analysis), tuple(analysis.local_routes)
        return self._once((daily_steroid_dose, drugs, routes), lambda: self._steroids(drugs, routes))

    def _steroids(self, drugs: DrugDictionary, local_routes: tuple[str, ...]) -> pd.DataFrame:
        known = weights(self._domains)
        doses = daily_steroid_dose(self._domains["CM"], known, self._until_reference, drugs, local_routes)
        return doses[doses["ADT"] < self._reference_days(doses)].reset_index(drop=True)

    def add_subject(self, records: pd.DataFrame) -> pd.DataFrame:
        """Records (with USUBJID) of these subjects with the columns of the subject added."""
        return records.merge(self._subjects, on="USUBJID", how="inner", validate="many_to_one")

    def _reference_days(self, records: pd.DataFrame) -> pd.Series:
        """The reference day of the subject of each record, on their index; NaT of those who are not among these."""
        return self._subjects.set_index("USUBJID")["REFDT"].reindex(records["USUBJID"]).set_axis(records.index)

    def _once(self, name: Hashable, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name].copy(deep=False)


# ----------------------------------------------------------------------------------------------------
# Screening episodes: which screening of a person a subject number belongs to, and which one counts.


def screening_episodes(adsl: pd.DataFrame) -> pd.DataFrame:
    """One row per subject of ADSL: USUBJID PERSON SCREENNO REPORTED, on the index of `adsl`.

    A person who is screened again has a new number that names the one before (RESCREEN_OF). PERSON is the first number
    of the person, SCREENNO counts its screenings from 1. REPORTED is Y for the screening that led to enrolment, else
    for the last one. A number before that is not in the snapshot still counts as a screening; numbers that name each
    other in a circle are taken as one screening each.
    """
    before = adsl["RESCREEN_OF"].fillna("")
    earlier = dict(zip(adsl["USUBJID"], before, strict=True))
    chains = [_chain(subject, earlier) for subject in adsl["USUBJID"]]
    frame = pd.DataFrame(
        {
            "USUBJID": adsl["USUBJID"],
            "PERSON": pd.Series([chain[-1] for chain in chains], index=adsl.index, dtype="str"),
            "SCREENNO": pd.Series([len(chain) for chain in chains], index=adsl.index, dtype="Int64"),
        }
    )
    ranked = frame.assign(ENROLLED=adsl["ENRFL"].eq("Y")).sort_values(["PERSON", "ENROLLED", "SCREENNO"], kind="stable")
    counts = ~ranked.duplicated("PERSON", keep="last")
    return frame.assign(REPORTED=counts.reindex(frame.index).map({True: "Y", False: ""}).astype("str"))


def _chain(subject: str, earlier: dict[str, str]) -> list[str]:
    """A subject number and those before it, newest first; only itself where they run in a circle."""
    chain = [subject]
    while earlier.get(chain[-1], ""):
        if earlier[chain[-1]] in chain:
            return [subject]
        chain.append(earlier[chain[-1]])
    return chain


# ----------------------------------------------------------------------------------------------------

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


def screening(adsl: pd.DataFrame, study: StudyData) -> Screening:
    """The screening of every subject of ADSL with SCRFL = Y.

    A subject who was never infused is judged at the screen failure (at the cut while screening goes on), with windows
    that reach back from the consent: all of the screening period counts.
    """
    people = adsl.loc[adsl["SCRFL"].eq("Y"), _OF_ADSL]
    return Screening(
        study.domains.once(_subjects, people, study.cut_date),
        study.domains,
        study.protocol,
        study.analysis,
        study.cut_date,
    )


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


# ----------------------------------------------------------------------------------------------------
# Test results in the eligibility window: the last one before the infusion decides (A-10, A-11, P16).


def in_window(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """The results (`Screening.results`) of REL_DAY -days..0, those of the day of the infusion only where BEFORE it.

    >>> days = pd.to_datetime(["2025-03-01", "2025-02-01", "2025-03-05"])
    >>> rows = pd.DataFrame({"ADT": days, "ANCHORDT": pd.Timestamp("2025-03-05"), "BEFORE": [True, True, False]})
    >>> in_window(rows, 7)["ADT"].astype("str").tolist()
    ['2025-03-01']
    """
    first = rows["ANCHORDT"] - pd.Timedelta(days=days)
    return rows[rows["BEFORE"] & (rows["ADT"] >= first)].reset_index(drop=True)


def last_result(rows: pd.DataFrame, badness: pd.Series) -> pd.DataFrame:
    """The last record of each subject by date and time; of several at one time the one with the highest `badness`.

    A record without a time counts as the earliest of its day. The sequence number breaks what ties remain.

    >>> rows = pd.DataFrame({
    ...     "USUBJID": "001", "ADT": pd.to_datetime(["2025-03-01", "2025-03-01"]), "TIME": float("nan"), "SRCDOM": "LB",
    ...     "SRCSEQ": [1, 2], "VALUE": [60.0, 45.0],
    ... })
    >>> last_result(rows, badness=rows["VALUE"])["VALUE"].tolist()
    [60.0]
    """
    ordered = rows.assign(_late=rows["TIME"].fillna(-1.0), _bad=badness.fillna(-np.inf))
    ordered = ordered.sort_values(["USUBJID", "ADT", "_late", "_bad", "SRCDOM", "SRCSEQ"], kind="stable")
    return ordered.drop_duplicates("USUBJID", keep="last").drop(columns=["_late", "_bad"]).reset_index(drop=True)


def window_text(screening: Screening, days: int) -> pd.Series:
    """The window of each subject in words, on the index of `screening.subjects`."""
    people = screening.subjects
    first = (people["ANCHORDT"] - pd.Timedelta(days=days)).dt.strftime("%Y-%m-%d")
    return first + " to " + people["REFDT"].dt.strftime("%Y-%m-%d")

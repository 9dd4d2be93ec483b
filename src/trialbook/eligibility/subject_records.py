"""The records of the screened subjects in the shapes that criteria ask for, each shape made once for all criteria."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import pandas as pd

from trialbook.dates import complete_date
from trialbook.domains import Domains
from trialbook.drugs.dictionary import DrugDictionary
from trialbook.drugs.records import drugs_in_force
from trialbook.eligibility.conditions import Severity, conditions, ongoing_at_reference, started_before
from trialbook.eligibility.test_results import results_of
from trialbook.gvhd.findings import organ_findings
from trialbook.gvhd.stages import StagingRules, derive_stages
from trialbook.gvhd.steroids import daily_steroid_dose
from trialbook.protocol.analysis import Analysis
from trialbook.subjects.weights import weights

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
        """Collected stages and raw findings up to the reference day, in the shape of `gvhd.findings`."""
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

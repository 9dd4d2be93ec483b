"""The datasets of a cut under other analysis keys, derived by the functions that the notebooks call, in their order.

A test derives every dataset under the keys of the build itself and compares it with what the build holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from trialbook.conduct.deviations import checked_infusions, derive_addv
from trialbook.conduct.frames import COLUMNS, all_with_columns, treated_of
from trialbook.conduct.visits import visit_table
from trialbook.core.domains import AGES, Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.adtte import derive_adtte, unresolved_subjects
from trialbook.efficacy.day28 import day28_response
from trialbook.eligibility.adie import audit_with_evidence
from trialbook.explore.names import Named
from trialbook.explore.published import Published
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData
from trialbook.safety import adct
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import KEYS as ADLB_KEYS
from trialbook.safety.adlb import derive_adlb
from trialbook.subjects.adsl import add_analysis_sets, derive_subjects

# How the steps sort what they write.
KEYS: dict[str, list[str]] = {
    "adie": ["USUBJID", "CRITCD"], "addlt": ["USUBJID"], "adrsp28": ["USUBJID"], "adsl": ["USUBJID"],
    "adae": ["USUBJID", "AESEQ"], "adct": adct.KEYS, "adlb": ADLB_KEYS, "adrs": ["USUBJID", "PARAMCD", "ADT"],
    "adtte": ["PARAMCD", "USUBJID"], "addv": ["USUBJID", "ADVSEQ"],
}  # fmt: skip


def with_other_keys(trial: Trial, keys: Mapping[str, Any]) -> Trial:
    """The trial under other analysis keys, checked like those of a cut file; raises ParameterError naming the key."""
    overrides = {**trial.cut.overrides, **keys}
    analysis = analysis_values(trial.protocol, overrides, "with_keys")
    return trial.model_copy(update={"analysis": analysis, "cut": trial.cut.model_copy(update={"overrides": overrides})})


def study_of(published: Published, trial: Trial) -> StudyData:
    """What derivations start from: the clean domains of a build, under the keys of `trial`."""
    frames: dict[str, pd.DataFrame] = dict(published.clean)
    if published.ages is not None:
        frames[AGES] = published.ages
    return StudyData(Domains(frames), trial.protocol, trial.analysis, trial.cut_date)


class Rederived:
    """The analysis datasets that the notebooks derive, each derived when it is asked for, once."""

    def __init__(self, study: StudyData) -> None:
        self.study = study

    @cached_property
    def datasets(self) -> Named[pd.DataFrame]:
        """The datasets by name, sorted as a build writes them."""
        make: dict[str, Callable[[], pd.DataFrame]] = {
            "adie": lambda: self._audit, "addlt": lambda: self._addlt, "adrsp28": lambda: self._day28,
            "adsl": lambda: self._adsl, "adae": lambda: self._adae,
            "adct": lambda: adct.derive_adct(self._adae, self._adsl, self.study),
            "adlb": lambda: derive_adlb(self._adsl, self.study),
            "adrs": lambda: derive_adrs(self._adsl, self.study, self._day28),
            "adtte": lambda: derive_adtte(self._adsl, self.study), "addv": self._deviations,
        }  # fmt: skip
        return Named("dataset", sorted(make), lambda name: _in_order(make[name](), KEYS[name]), str.lower)

    @cached_property
    def _core(self) -> pd.DataFrame:
        return derive_subjects(self.study)

    @cached_property
    def _audit(self) -> pd.DataFrame:
        return audit_with_evidence(self._core, self.study).adie

    @cached_property
    def _addlt(self) -> pd.DataFrame:
        return derive_addlt(self._core, self.study)

    @cached_property
    def _day28(self) -> pd.DataFrame:
        return day28_response(self._core, self.study)

    @cached_property
    def _adsl(self) -> pd.DataFrame:
        study = self.study
        unresolved = unresolved_subjects(self._core, study.domains, study.cut_date)
        return add_analysis_sets(
            self._core, self._addlt, self._day28, study.protocol, study.analysis, self._audit, unresolved
        )

    @cached_property
    def _adae(self) -> pd.DataFrame:
        return derive_adae(self._adsl, self.study)

    def _deviations(self) -> pd.DataFrame:
        data = all_with_columns({name: self.datasets[name] for name in COLUMNS if name in self.datasets})
        given = checked_infusions(treated_of(data["adsl"]), self.study)
        return derive_addv(data, visit_table(data, self.study), given, self.study)


def _in_order(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return frame.sort_values(keys, kind="stable", na_position="last").reset_index(drop=True)

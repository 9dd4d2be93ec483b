"""What a number of the results is named by, and the datasets of a cut with what many numbers ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from trialbook.safety.ae_tables import (
    GRADE_WORDS,
    RELATION_WORDS,
    grade_rank,
    infections,
    left_open,
    possible,
    relation_rank,
    selections,
)
from trialbook.safety.counting import by_maximum
from trialbook.safety.ctcae import TERMS
from trialbook.safety.lab_tables import shift_variable
from trialbook.safety.ledger import AFTER, BEFORE, IN_WINDOW, NOT_TREATED, from_consent

# The graded laboratory tests by the name that results give them: the test and the direction of its grades.
GRADED = {shift_variable(term.test, term.direction): (term.test, term.direction) for term in TERMS}


class ResultNumber(NamedTuple):
    """What names a number of the results; its statistics (n, N, estimate) share their records."""

    analysis_id: str
    group1_level: str
    variable: str
    variable_level: str = ""
    context: str = ""


@dataclass(frozen=True)
class RecordsBehind:
    """Records of one analysis dataset: the positions of its rows, the first `counted` of which are counted."""

    dataset: str
    rows: tuple[int, ...]
    counted: int


class Studied:
    """The analysis datasets of one cut (by name: adsl adae addlt ...), with what many numbers ask of them."""

    def __init__(self, datasets: Mapping[str, pd.DataFrame]) -> None:
        self._datasets = datasets
        self._frames: dict[str, pd.DataFrame] = {}
        self._worst: dict[str, pd.DataFrame] = {}
        # A page in each language asks for the same numbers.
        self.behind: dict[ResultNumber, RecordsBehind | None] = {}
        self._levels: dict[tuple[str, str], pd.Series] = {}

    def has(self, name: str) -> bool:
        """Whether there is such a dataset."""
        return name in self._datasets

    def frame(self, name: str) -> pd.DataFrame:
        """A dataset, its rows counted from 0."""
        if name not in self._frames:
            self._frames[name] = self._datasets[name].reset_index(drop=True)
        return self._frames[name]

    def level_of(self, name: str, variable: str) -> pd.Series:
        """The dose level of each row of a dataset: a variable of it; blank: received, planned where nothing was."""
        if (name, variable) not in self._levels:
            frame, adsl = self.frame(name), self.frame("adsl")
            known = adsl["TRT01A"].where(adsl["TRT01A"] != "", adsl["TRT01P"])
            by_subject = dict(zip(adsl["USUBJID"], known, strict=True))
            self._levels[name, variable] = frame[variable] if variable else frame["USUBJID"].map(by_subject)
        return self._levels[name, variable]

    @property
    def levels(self) -> list[str]:
        """The dose levels that somebody received, in their order."""
        treated = self.frame("adsl").query("SAFFL == 'Y'").sort_values(["TRT01AN", "TRT01A"], kind="stable")
        return list(dict.fromkeys(treated["TRT01A"].astype("str")))

    @cached_property
    def chosen(self) -> dict[str, pd.Series]:
        """Which records of ADAE each row of the overview counts."""
        return selections(self.frame("adae"))

    @cached_property
    def left_open(self) -> dict[str, pd.Series]:
        """Which may belong to a row because their grade or seriousness is missing."""
        return left_open(self.frame("adae"))

    @cached_property
    def maxima(self) -> dict[str, pd.DataFrame]:
        """The records with the highest grade and the strongest relationship of their subject."""
        adae = self.frame("adae")
        teae = adae[self.chosen["TEAE"]]
        return {
            "TEAE_GRADE": by_maximum(teae, grade_rank(adae), GRADE_WORDS),
            "TEAE_REL": by_maximum(teae, relation_rank(adae), RELATION_WORDS),
        }

    def worst_results(self, variable: str) -> pd.DataFrame:
        """Of a graded test the first result with the worst grade of each treated subject: TRT01A, GRADE and BASE."""
        if variable not in self._worst:
            adlb, (test, way) = self.frame("adlb"), GRADED[variable]
            after = adlb["PARAMCD"].eq(test) & adlb["APOBLFL"].eq("Y") & adlb["SAFFL"].eq("Y") & adlb["AVAL"].notna()
            # Of the few columns that are asked for: to select rows of all of them takes ten times as long.
            own = adlb.loc[after, ["USUBJID", "TRT01A", f"ATOXGR{way}", f"BTOXGR{way}"]]
            grades = own.set_axis(["USUBJID", "TRT01A", "GRADE", "BASE"], axis=1)
            rank = grades["GRADE"].astype("Float64").fillna(-1).sort_values(ascending=False, kind="stable")
            self._worst[variable] = grades.loc[rank.index].drop_duplicates("USUBJID")
        return self._worst[variable]

    @cached_property
    def categories(self) -> dict[str, pd.Series]:
        """The category of each record that counts: of infections, of special interest, and possibly of these."""
        adae = self.frame("adae")
        return {
            "INFECTION": infections(adae)["INFCAT"], "AESI": adae.loc[self.chosen["AESI"], "AESICAT"],
            "POSSIBLE": possible(adae)["AESICAT"],
        }  # fmt: skip

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """The records of ADAE from consent on, with where each lies (WHERE): in the window, before, after it, or of
        somebody who was never treated.
        """
        adae = self.frame("adae")
        records = adae[from_consent(adae, self.frame("adsl"))]
        treated, within = records["SAFFL"].eq("Y"), records["TRTEMFL"].eq("Y")
        after = records["RELDAY"].gt(0).fillna(False).astype(bool)
        where = pd.Series(BEFORE, index=records.index, dtype="str").mask(after, AFTER)
        return records.assign(WHERE=where.mask(treated & within, IN_WINDOW).mask(~treated, NOT_TREATED))

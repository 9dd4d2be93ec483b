"""Which drug each record of CM or PR is about, by its reported and its coded name."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.drugs.dictionary import (
    BACKGROUND,
    EQUAL_TO,
    NONSYSTEMIC,
    STEROID,
    SUPPORTIVE,
    THERAPY,
    Drug,
    DrugDictionary,
)
from trialbook.drugs.nearness import Near, near_names
from trialbook.drugs.reading import Lexicon, lexicon
from trialbook.drugs.words import Words
from trialbook.protocol.analysis import Analysis

UNCLASSIFIED = "unclassified"
# The class that counts of a record of several drugs: the first of these that one of them has.
BY_RELEVANCE = (THERAPY, UNCLASSIFIED, STEROID, BACKGROUND, NONSYSTEMIC, SUPPORTIVE)
BETWEEN = " + "
Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True)
class NamedDrugs:
    """What a record is about: its drugs, whether one in it is unknown, the words that were not read, a local route."""

    drugs: tuple[Drug, ...]
    unknown: bool
    unread: tuple[Words, ...]
    local: bool

    @property
    def kind(self) -> str:
        """The class of the record: that of its most relevant drug, an unknown one included."""
        kinds = {drug.kind for drug in self.drugs} | ({UNCLASSIFIED} if self.unknown else set())
        return next(kind for kind in BY_RELEVANCE if kind in kinds)

    def of(self, *kinds: str) -> tuple[Drug, ...]:
        """Its drugs of these classes."""
        return tuple(drug for drug in self.drugs if drug.kind in kinds)

    @property
    def drug(self) -> str:
        """The names of the drugs that decide the class, in order; blank where it is unclassified."""
        return BETWEEN.join(sorted({drug.name for drug in self.of(self.kind)}))

    @property
    def other_use(self) -> bool:
        """Whether all its therapies of GVHD are drugs that are often given for something else."""
        therapies = self.of(THERAPY)
        return bool(therapies) and all(drug.other_use for drug in therapies)

    @property
    def factor(self) -> float:
        """mg of methylprednisolone equal to 1 mg of its strongest steroid; NaN where it has none, or no known."""
        doses = [drug.mg for drug in self.of(STEROID) if drug.mg is not None]
        return EQUAL_TO / min(doses) if doses else float("nan")


class Medications:
    """The drugs of many records: each different pair of reported and coded name is read once."""

    def __init__(self, reported: pd.Series, coded: pd.Series, dictionary: DrugDictionary) -> None:
        pairs = pd.DataFrame({"REPORTED": reported.fillna("").str.strip(), "CODED": coded.fillna("").str.strip()})
        self._index, self._dictionary = reported.index, dictionary
        self._codes = pairs.groupby(["REPORTED", "CODED"], sort=False).ngroup().to_numpy()
        different = pairs.drop_duplicates().itertuples(index=False, name=None)
        words = lexicon(dictionary)
        self.different = [named_drugs(one, two, words) for one, two in different]

    @cached_property
    def near(self) -> list[Near | None]:
        """For each different pair with an unknown drug, the name of the dictionary that it nearly is."""
        unknown = any(named.unknown for named in self.different)
        names = near_names(self._dictionary) if unknown else None
        return [names.nearest(named.unread) if names and named.unknown else None for named in self.different]

    def column(self, value: Callable[[NamedDrugs], Value], kind: str = "str") -> pd.Series:
        """A value of each record, by its drugs."""
        return self._spread([value(named) for named in self.different], kind)

    def near_column(self, value: Callable[[Near], str]) -> pd.Series:
        """A value of each record by the name that it nearly is; blank where there is none."""
        return self._spread([value(near) if near else "" for near in self.near], "str")

    def _spread(self, values: list[Value], kind: str) -> pd.Series:
        of_each = pd.Series(values, dtype=kind).array
        return pd.Series(of_each.take(self._codes), index=self._index) if len(of_each) else self._nothing(kind)

    def _nothing(self, kind: str) -> pd.Series:
        return pd.Series(np.array([]), index=self._index, dtype=kind)


def named_drugs(reported: str, coded: str, words: Lexicon) -> NamedDrugs:
    """The drugs of a record.

    Both names count. One name that is read in full is enough: a brand that is in no list, with the standard name beside
    it, is known. It is not enough where the other name holds a drug of its own beside a known one (`A + B` coded as A).
    """
    one = words.read(reported)
    two = one if coded.casefold() == reported.casefold() else words.read(coded)
    named = [reading for reading in (one, two) if reading.drugs or reading.unread]
    unknown = any(reading.extra for reading in named) or not any(reading.clean for reading in named)
    return NamedDrugs(
        drugs=tuple(dict.fromkeys((*two.drugs, *one.drugs))),
        unknown=unknown,
        unread=tuple(dict.fromkeys(run for reading in named if not reading.clean for run in reading.unread)),
        local=one.local or two.local,
    )


def drugs_in_force(analysis: Analysis) -> DrugDictionary:
    """The dictionary with the further names of the analysis keys (`gvhdtx`, `nonsystemic_drugs`)."""
    return analysis.drugs.with_names(analysis.gvhdtx, analysis.nonsystemic_drugs)


def medications(domains: Domains, code: str, dictionary: DrugDictionary) -> Medications:
    """The drugs of the records of CM or PR, read once."""
    return domains.once(_medications, code, dictionary)


def _medications(domains: Domains, code: str, dictionary: DrugDictionary) -> Medications:
    rows = domains[code]
    return Medications(rows[f"{code}TRT"], rows[f"{code}DECOD"], dictionary)

"""Which drug each record of CM or PR is about, by reported and coded name; nearly matching names for questions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np
import pandas as pd

from trialbook.core.domains import Domains
from trialbook.drugs.reading import Lexicon, lexicon
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import (
    BACKGROUND,
    EQUAL_TO,
    NONSYSTEMIC,
    SIGNS,
    STEROID,
    SUPPORTIVE,
    THERAPY,
    Drug,
    DrugDictionary,
    Words,
    is_chinese,
    is_number,
    words_of,
)

# ----------------------------------------------------------------------------------------------------
# Names that are nearly one of the dictionary: misspellings, by a bounded edit distance, for a question only.


# The most edits (an insertion, deletion, substitution, or two neighbours exchanged) by length of the name.
ONE_EDIT, TWO_EDITS = 6, 9
CHINESE_ONE_EDIT = 4
# A name of the text may have been split by blanks into up to this many words.
_MOST_WORDS = 6
_LONGEST = 40
_BEGINNING = 7


@dataclass(frozen=True)
class Near:
    """A name of the dictionary that the text nearly has, whose it is, and by how many edits the text differs."""

    name: str
    drug: Drug
    edits: int


def allowed_edits(name: str) -> int:
    """How many edits a squeezed name (no blanks, no signs) may differ by.

    >>> [allowed_edits(name) for name in ("atg", "jakafi", "ruxolitinib", "骁悉", "芦可替尼")]
    [0, 1, 2, 0, 1]
    """
    if any(map(is_chinese, name)):
        return int(len(name) >= CHINESE_ONE_EDIT)
    return int(len(name) >= ONE_EDIT) + int(len(name) >= TWO_EDITS)


class NearNames:
    """The names of a dictionary, by what is left of the beginning of each when one or two characters are taken away.

    Two texts within k edits share what is left of their beginnings after at most k deletions, so that a few look-ups
    find the few names that are worth measuring.
    """

    def __init__(self, dictionary: DrugDictionary) -> None:
        self._names: dict[str, tuple[str, Drug]] = {}
        for drug in dictionary.drugs:
            for name in drug.all_names:
                self._names.setdefault(_squeezed(words_of(name)), (name, drug))
        self._left: dict[str, list[str]] = {}
        for name in self._names:
            for rest in _without(name, allowed_edits(name)):
                self._left.setdefault(rest, []).append(name)

    def nearest(self, unread: Iterable[Words]) -> Near | None:
        """The nearest name to any run of the unread words: fewest edits, therapy first, then the longest name.

        >>> names = NearNames(DrugDictionary([Drug("ruxolitinib", "therapy")]))
        >>> names.nearest([("ruxolitinb",)]).name, names.nearest([("aspirin",)])
        ('ruxolitinib', None)
        """
        found = [near for text in dict.fromkeys(_candidates(unread)) for near in self._near(text)]
        order = [(near.edits, near.drug.kind != THERAPY, -len(near.name), near.name) for near in found]
        return found[order.index(min(order))] if found else None

    def _near(self, text: str) -> Iterator[Near]:
        most = 1 if any(map(is_chinese, text)) else 2
        for name in {name for rest in _without(text, most) for name in self._left.get(rest, ())}:
            edits = edit_distance(text, name)
            if edits <= allowed_edits(name):
                yield Near(self._names[name][0], self._names[name][1], edits)


@lru_cache(maxsize=4)
def near_names(dictionary: DrugDictionary) -> NearNames:
    """The near names of a dictionary, made once and only when something is unread."""
    return NearNames(dictionary)


def edit_distance(one: str, two: str) -> int:
    """Damerau-Levenshtein distance of two texts in its restricted form (no text is edited twice in one place).

    >>> edit_distance("ruxolitinib", "ruxolitinb"), edit_distance("jakafi", "jaakfi"), edit_distance("", "abc")
    (1, 1, 3)
    """
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(two, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _squeezed(words: Words) -> str:
    return "".join(word for word in words if word not in SIGNS)


def _without(text: str, most: int) -> Iterator[str]:
    """The beginning of the text without any up to `most` of its characters."""
    rests = {text[:_BEGINNING]}
    for _ in range(most):
        rests |= {rest[:k] + rest[k + 1 :] for rest in rests for k in range(len(rest))}
    yield from rests


def _candidates(unread: Iterable[Words]) -> Iterator[str]:
    """Neighbouring words joined, as one name may be: Latin words up to six, Chinese characters up to any length."""
    for words in unread:
        run = [word for word in words if word not in SIGNS]
        for start in range(len(run)):
            text = ""
            for count, word in enumerate(run[start:], 1):
                text += word
                chinese = any(map(is_chinese, text))
                if len(text) > _LONGEST or (count > _MOST_WORDS and not chinese):
                    break
                if len(text) >= (CHINESE_ONE_EDIT - 1 if chinese else 3) and not all(
                    map(is_number, run[start : start + count])
                ):
                    yield text


# ----------------------------------------------------------------------------------------------------

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
        """The class of the record: that of its most relevant drug, an unknown one included.

        >>> words = lexicon(DrugDictionary([Drug("ruxolitinib", "therapy")]))
        >>> named_drugs("ruxolitinib", "", words).kind, named_drugs("unheard-of", "", words).kind
        ('therapy', 'unclassified')
        """
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

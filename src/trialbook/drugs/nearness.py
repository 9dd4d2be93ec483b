"""Names that are nearly one of the dictionary: misspellings, by a bounded edit distance, for a question only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from trialbook.drugs.dictionary import THERAPY, Drug, DrugDictionary
from trialbook.drugs.words import SIGNS, Words, is_chinese, is_number, words_of

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
        """The nearest name to any run of the unread words: fewest edits, therapy first, then the longest name."""
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

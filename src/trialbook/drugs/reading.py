"""Reads the text of a drug with the dictionary: which drugs it names, and what of it is left unread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from trialbook.protocol.drug_dictionary import SIGNS, Drug, DrugDictionary, Words, is_chinese, is_number, words_of

# Words between two drugs; a name that holds one of them is found before.
CONNECTING = frozenset({"and", "plus", "with", "or", "和", "及", "与", "加", "或"})
CONNECTING_PAIRS = frozenset({("联", "合"), ("合", "并"), ("联", "用")})
OPENING, CLOSING = frozenset("([{<"), frozenset(")]}>")
# A Chinese name of up to this many characters must not be a part of an unknown longer word.
SHORT_CHINESE = 2
# Unread beside a name or in brackets: a Latin word of fewer letters is a unit or route, one Chinese character a filler.
LATIN_WORD, CHINESE_WORD = 4, 2
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Reading:
    """One text as read.

    `drugs`: those it names. `clean`: it names at least one and nothing in it is unread. `extra`: beside a drug that it
    names, it names another one that is unread. `unread`: the words in which no name was found, for a search of names
    that are nearly the same. `local`: it says that the drug acts where it is put.
    """

    drugs: tuple[Drug, ...] = ()
    clean: bool = False
    extra: bool = False
    unread: tuple[Words, ...] = ()
    local: bool = False


@dataclass(frozen=True)
class _Part:
    """The words between two separators: which were read, and whether the part is in brackets."""

    places: tuple[int, ...]
    named: bool
    significant: bool
    bracketed: bool


class Lexicon:
    """A dictionary ready to read with: every name by its words."""

    def __init__(self, dictionary: DrugDictionary) -> None:
        self.dictionary = dictionary
        self.names: dict[Words, Drug] = {words_of(name): drug for drug in dictionary.drugs for name in drug.all_names}
        self._around = {words_of(word) for word in (*dictionary.around, *dictionary.local)} - {()}
        self._local = {words_of(word) for word in dictionary.local} - {()}
        self._longest = max(map(len, self.names), default=0)
        self._longest_around = max(map(len, self._around), default=0)

    def read(self, text: str) -> Reading:
        """What a text says. A text that is blank names nothing and has nothing unread.

        >>> from trialbook.protocol.drug_dictionary import Drug
        >>> known = Lexicon(DrugDictionary([Drug("ruxolitinib", "therapy", ("芦可替尼",))], around=["mg"]))
        >>> found = known.read("芦可替尼 10 mg + aspirin")
        >>> [drug.name for drug in found.drugs], found.extra
        (['ruxolitinib'], True)
        """
        words = words_of(text)[:_LONGEST_TEXT]
        taken, drugs = self._drugs_in(words)
        around = self._found(words, self._around, self._longest_around, taken)
        local = any(words[start:end] in self._local for start, end in around)
        silent = {place for start, end in around for place in range(start, end)}
        parts = list(_parts(words, taken, silent))
        named, unread = [p for p in parts if p.named], [p for p in parts if p.significant]
        left = [words[run[0] : run[-1] + 1] for p in unread for run in _runs(p.places, taken)]
        blank = not any(p.named or p.significant for p in parts) and bool(words)
        return Reading(
            drugs=tuple(dict.fromkeys(drugs)),
            clean=bool(named) and not unread,
            extra=bool(named) and any(not p.named and not p.bracketed for p in unread),
            unread=(words,) if blank else tuple(left),
            local=local,
        )

    def _drugs_in(self, words: Words) -> tuple[set[int], list[Drug]]:
        """Places of the words that are names, and the drugs; the longest name wins."""
        found = self._found(words, self.names, self._longest, set())
        taken = {place for start, end in found for place in range(start, end)}
        around = self._found(words, self._around, self._longest_around, taken)
        known = taken | {place for start, end in around for place in range(start, end)}
        sure = [(start, end) for start, end in found if not _inside_a_word(words, start, end, known)]
        return {place for start, end in sure for place in range(start, end)}, [self.names[words[a:b]] for a, b in sure]

    @staticmethod
    def _found(words: Words, names: Iterable[Words], longest: int, taken: set[int]) -> list[tuple[int, int]]:
        """Where names are, the longest first, none over another or over words that are taken; in order."""
        spans = [
            (start, start + size)
            for start in range(len(words))
            for size in range(1, min(longest, len(words) - start) + 1)
            if words[start : start + size] in names
        ]
        spans.sort(key=lambda span: (-sum(map(len, words[span[0] : span[1]])), span))
        used, chosen = set(taken), []
        for start, end in spans:
            if used.isdisjoint(range(start, end)):
                used.update(range(start, end))
                chosen.append((start, end))
        return sorted(chosen)


@lru_cache(maxsize=4)
def lexicon(dictionary: DrugDictionary) -> Lexicon:
    """The lexicon of a dictionary, made once."""
    return Lexicon(dictionary)


def _inside_a_word(words: Words, start: int, end: int, known: set[int]) -> bool:
    """Whether a short Chinese name has an unknown character beside it, so that it may be part of another name."""
    name = words[start:end]
    if len(name) > SHORT_CHINESE or not all(map(is_chinese, name)):
        return False
    beside = (place for place in (start - 1, end) if 0 <= place < len(words))
    return any(is_chinese(words[place]) and place not in known and not _parts_here(words, place) for place in beside)


def _parts(words: Words, taken: set[int], silent: set[int]) -> Iterator[_Part]:
    """The text parted at signs and connecting words that are not part of a name."""
    depth, places = 0, list[int]()
    for place, word in enumerate(words):
        if place in taken or place in silent or not _parts_here(words, place):
            places.append(place)
            continue
        yield _part(words, places, taken, silent, depth > 0)
        depth = max(0, depth + (word in OPENING) - (word in CLOSING))
        places = []
    yield _part(words, places, taken, silent, depth > 0)


def _parts_here(words: Words, place: int) -> bool:
    word = words[place]
    pairs = (words[place - 1 : place + 1], words[place : place + 2])
    return word in SIGNS or word in CONNECTING or any(pair in CONNECTING_PAIRS for pair in pairs)


def _part(words: Words, places: list[int], taken: set[int], silent: set[int], bracketed: bool) -> _Part:
    named = any(place in taken for place in places)
    open_words = [(place, words[place]) for place in places if place not in taken and place not in silent]
    latin = [word for _, word in open_words if not is_chinese(word) and not is_number(word)]
    chinese = {place for place, word in open_words if is_chinese(word)}
    pairs = sum(place + 1 in chinese for place in chinese)
    if named or bracketed:
        significant = any(len(word) >= LATIN_WORD for word in latin) or pairs >= CHINESE_WORD - 1
    else:
        significant = bool(chinese) or any(len(word) > 1 for word in latin) or len(latin) > 2
    return _Part(tuple(places), named, significant, bracketed)


def _runs(places: tuple[int, ...], taken: set[int]) -> Iterator[list[int]]:
    """Neighbouring places that are not part of a name."""
    run: list[int] = []
    for place in places:
        if place in taken:
            if run:
                yield run
            run = []
        else:
            run.append(place)
    if run:
        yield run

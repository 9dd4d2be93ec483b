"""Chinese texts for readers: the catalogue of translations as a Language that also reads English back by its ids.

A text that has passed through a file or was joined to others is its English alone. What it says is found again from the
ids of the catalogue, never from what this process has made: the id whose pattern it fits, its places read the same way,
or texts one after the other that are each known. What fits nothing is shown as it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from trialbook.core.coded_texts import FACT_COMMA, LIST_COMMA, LIST_OF_CODES, marks_between_pieces, punctuated
from trialbook.core.errors import UsageError
from trialbook.core.file_marks import PACKAGE
from trialbook.core.messages import ENGLISH, Language, Plain, filled_pattern, msg
from trialbook.core.text_patterns import DATA_PLACES, TOKEN, Pattern, outside_of, parsed, pattern_of, whole_words

CHINESE_TEXTS = "locales/zh_CN/LC_MESSAGES/trialbook.po"
CHINESE_TAG = "zh-CN"
# Columns that hold text of the data: what was written at the site, drugs, and terms of dictionaries.
DATA_COLUMN = re.compile(r"[A-Z]{2}(?:TERM|DECOD|TRT|LLT|BODSYS)|COVAL|DISEASE")
# What a text about one record begins with, and the patterns of such texts: the term in it is as it was delivered, even
# where the catalogue has the same words.
_OF_RECORD = re.compile(r"[A-Z]{2}: |AESEQ \d")
_RECORD_HEADED = re.compile(r"([^:;]{3,}): ([A-Z]{2}: .+)", re.DOTALL)
_RECORD_PATTERNS = ("{domain}: {term}", "AESEQ {number}, {term}", "{event}: ")
# Patterns of events: a term of the data begins with a capital letter.
_EVENT_PATTERNS = (
    "{term}, grade {grade}", "{term}, not graded", "{term} without a grade", "serious {term}, grade {grade}",
)  # fmt: skip
_EVENT_TERM = re.compile(r"[A-Z][^,;:()]*")
# What a text that goes on with another goes on with.
HEAD = "a"
# How a text ends that a drawing has no room for.
CUT_OFF = " ..."
_MARK = re.compile(r"[,;:()] |\. ")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d:\d\d)(?::\d\d)?)?")
# How a date is written in a sentence.
_DAY = msg("{year}-{month}-{day}")
# Longer texts, and those of several paragraphs, are prose of their own, found whole or not at all.
LONGEST = 3000
# A pattern that says less than half of a text is looked for in texts of so many words and marks; others are read by
# their pieces, or the time would grow with the square of their marks.
MOST_WORDS, MOST_MARKS = 90, 16
# What is written in Latin letters in a translation too: names of methods and persons, words of the registry.
_NAME = re.compile(r"[A-Za-z][A-Za-z-]*[a-z][A-Za-z-]*")
_HAN = re.compile("[\u4e00-\u9fff]")
# A number that is no part of a code or name.
_NUMBER = re.compile(r"(?<![A-Za-z\d._-])\d")
_PLACE_OR_CODE = re.compile(r"\{[^{}]*\}|`[^`]*`")
# A word; units of measurement are the same in every language.
_WORD = re.compile(r"(?<![a-z])(?!(?:umol|mmol|mol|min|log|mg|kg|ng|ug|pg|mm|cm|ml|dl|fl)(?![a-z]))[a-z]{2,}")
_LINE = re.compile(r'(msgid|msgid_plural|msgstr|msgstr\[0\]|msgctxt)? ?(".*")')
# What lies between two texts that follow each other, the loosest first; each is the id of how a language joins them.
_BETWEEN = ("; ", ": ", ", ", " and ", " or ", " / ")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?]) (?=[^\s(])")
_COUNTED = re.compile(r"(.+) \[([^\[\]]+)\]", re.DOTALL)
_BRACKETED = re.compile(r"(.+?) \((.+)\)", re.DOTALL)


class Entry(NamedTuple):
    """One entry of a catalogue; `plural` is the id of many, blank where a text has one form."""

    msgid: str
    plural: str
    said: str
    fuzzy: bool


class _Read(NamedTuple):
    """A text as it is said: how many words of it were not found, and how many are taken for text of the data."""

    said: str
    unread: int
    data: int = 0
    pieces: int = 1

    @property
    def worth(self) -> tuple[int, int, int]:
        """The less, the more of the text is known, and the larger the pieces that it is known by."""
        return self.unread, self.data, self.pieces


def read_entries(text: str) -> Iterator[Entry]:
    """The entries of a file of translations (.po), its header left out."""
    for block in re.split(r"\n\s*\n", text):
        found: dict[str, str] = {}
        key = ""
        fuzzy = False
        for line in block.splitlines():
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
                continue
            part = _LINE.fullmatch(line.strip())
            if part is not None:
                key = part[1] or key
                found[key] = found.get(key, "") + json.loads(part[2])
        if found.get("msgid"):
            yield Entry(found["msgid"], found.get("msgid_plural", ""), _said_of(found), fuzzy)


def _said_of(found: Mapping[str, str]) -> str:
    return found.get("msgstr[0]", found.get("msgstr", ""))


class Translation(Language):
    """A language whose texts are the entries of a catalogue; `unread` collects the English that is not found in it."""

    def __init__(self, tag: str, entries: Iterable[Entry]) -> None:
        self._texts: dict[str, str] = {}
        for entry in entries:
            if entry.said and not entry.fuzzy:
                self._texts[entry.msgid] = entry.said
                if entry.plural:
                    self._texts[entry.plural] = entry.said
        self._known: dict[str, _Read] = {}
        self._names: frozenset[str] = frozenset()
        self._by_word: dict[str, list[Pattern]] = defaultdict(list)
        self._prepared = False
        self.unread: set[str] = set()
        super().__init__(tag, self._of, lambda one, many, n: self._of(many))

    def say(self, text: Plain) -> str:
        """The text in this language."""
        if isinstance(text, str) and not hasattr(text, "msgid"):
            return self._of(text) if text else ""
        return super().say(text)

    def whole(self, text: str) -> str:
        """A text of which only the English is left in this language, blank where a word of it is not found."""
        read = self._read(text) if text else _Read("", 0)
        return "" if read.unread or read.said == text else read.said

    def lacks(self, msgid: str) -> bool:
        """Whether a message id is neither in the catalogue nor made of texts that are."""
        return msgid not in self._texts and self._read(msgid).unread > 0

    def filling(self, name: str, value: Any) -> Any:
        """What fills a place: a text of which only the English is left is read back, text of the data is kept."""
        if isinstance(value, dict) and not value.get("a") and _DATE.fullmatch(str(value.get("m"))):
            return self.dated(value["m"])
        if isinstance(value, str) and name not in DATA_PLACES:
            return self.dated(value) if _DATE.fullmatch(value) else self._read(value).said
        return super().filling(name, value)

    def dated(self, value: str) -> str:
        """A whole date as a sentence of this language has it; another text as it is."""
        found = _DATE.fullmatch(value)
        if found is None or _DAY not in self._texts:
            return value
        year, month, day, time = found.groups()
        said = filled_pattern(self._texts[_DAY], {"year": year, "month": int(month), "day": int(day)})
        return f"{said}{time or ''}"

    def _of(self, text: str) -> str:
        found = self._texts.get(text)
        if found is not None:
            return found
        read = self._read(text)
        if read.unread:
            self.unread.add(text)
        return read.said

    # ------------------------------------------------------------------------------------------------
    # English read back

    def _read(self, text: str) -> _Read:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._best(text)
        return known

    def _best(self, text: str) -> _Read:
        found = self._texts.get(text)
        if found is not None and "{" not in text:
            return _Read(found, 0)
        if not self._prepared:
            self._prepare()
        words = self._words(text)
        if not words:
            return _Read(punctuated(text, self._between), 0, pieces=marks_between_pieces(text))
        if len(text) > LONGEST or "\n\n" in text:
            return _Read(text, 0)
        if text.endswith(CUT_OFF):
            begin = text.removesuffix(CUT_OFF)
            whole = [said for msgid, said in self._texts.items() if msgid.startswith(begin) and "{" not in msgid]
            if len(whole) == 1:
                # A character of it is as wide as two letters.
                said = re.sub("\uff08[^\uff09]*$", "", whole[0][: max(len(begin) // 2, 1)])
                return _Read(f"{said}\u2026\u2026", 0)
        if text[0].islower() and found is None and (begins := self._texts.get(text[0].upper() + text[1:])):
            # A text that begins a line elsewhere.
            return _Read(text if "{" in begins else begins, 0)
        if found is None and (within := self._texts.get(text[0].lower() + text[1:])) and "{" not in within:
            # A text that begins a line here.
            return _Read(within, 0)
        if text != text.strip():
            inner = self._read(text.strip())
            return inner._replace(said=text.replace(text.strip(), inner.said))
        fitting = self._fitting(text)
        if (record := self._of_record(text, fitting)) is not None:
            return record
        # A message that says most of the text is this text, however else its parts may be read.
        letters = sum(character.isalpha() for character in text)
        strong = [pattern for pattern in fitting if pattern.letters * 2 >= letters]
        first = [pattern.lazy.fullmatch(text) for pattern in strong]
        most: _Read | None = None
        for pattern, match in zip(strong, first, strict=True):
            # A full stop is no part of the last place.
            if match is None or not _all_closed(match) or (text[-1] == "." and pattern.said[-1] == "}"):
                continue
            if _runs_on(match.groupdict()) and HEAD not in match.groupdict():
                continue
            read = self._filled(pattern, match.groupdict())
            if read.worth[:2] == (0, 0) and (most is None or read.worth < most.worth):
                most = read
        if most is not None:
            return most
        best = unknown = _Read(text, words)
        for read in self._pieces(text, ("\n", " ")):
            best = read if read.worth < best.worth else best
        if best.worth[:2] == (0, 0):
            return best
        is_short = len(_MARK.findall(text)) <= MOST_MARKS and text.count(" ") < MOST_WORDS
        loose = fitting[len(strong) :] if is_short else []
        for pattern, match in chain(
            zip(strong, first, strict=True), ((one, one.lazy.fullmatch(text)) for one in loose)
        ):
            for fits in (match, match and pattern.greedy.fullmatch(text)):
                if fits is not None and _all_closed(fits):
                    read = self._filled(pattern, fits.groupdict())
                    best = read if read.worth < best.worth else best
        for read in self._pieces(text, _BETWEEN):
            best = read if read.worth < best.worth else best
        if best.unread and len(text) < 100 and text[0].isupper() and text[1:2].islower():
            # A text that begins a line.
            small = self._read(text[0].lower() + text[1:])
            best = small if small.worth < best.worth else best
        # Half a sentence in each language would say nothing.
        return best if best.unread * 2 < unknown.unread else unknown

    def _of_record(self, text: str, fitting: Iterable[Pattern]) -> _Read | None:
        """A text that names the record which it is about, with its term, and what follows; None where it is no such."""
        if (headed := _RECORD_HEADED.fullmatch(text)) is not None:
            head, read = self._read(headed[1]), self._of_record(headed[2], self._fitting(headed[2]))
            said = "" if read is None else f"{head.said}{self._between(': ')}{read.said}"
            return read and _Read(said, *_summed([head, read]))
        for pattern in fitting:
            match = pattern.lazy.fullmatch(text) if pattern.msgid.startswith(_EVENT_PATTERNS) else None
            if match is not None and _EVENT_TERM.fullmatch(match["term"]):
                return self._filled(pattern, match.groupdict())
        if not _OF_RECORD.match(text):
            return None
        one, _, rest = text.partition("; ")
        if rest:
            read = self._of_record(one, fitting)
            follows = self._read(rest)
            said = "" if read is None else f"{read.said}{self._between('; ')}{follows.said}"
            return read and _Read(said, *_summed([read, follows]))
        for pattern in fitting:
            match = pattern.lazy.fullmatch(text) if pattern.msgid.startswith(_RECORD_PATTERNS) else None
            if match is not None and _all_closed(match) and ": " not in match.groupdict().get("term", ""):
                return self._filled(pattern, match.groupdict())
        return None

    def _filled(self, pattern: Pattern, values: Mapping[str, str]) -> _Read:
        read = {name: self._of_place(name, value) for name, value in values.items()}
        said = filled_pattern(pattern.said, {name: one.said for name, one in read.items()})
        unread, data, pieces = _summed(read.values())
        # A sentence does not go on within a place: `between {ends}` is left to end before `, open: {deciding}`.
        return _Read(said, unread, data, pieces + (0 if HEAD in values else _runs_on(values)))

    def _of_place(self, name: str, value: str) -> _Read:
        """What fills a place. Text of the data is as it was delivered; another text that follows it is none of it."""
        if name not in DATA_PLACES:
            read = _Read(self.dated(value), 0) if _DATE.fullmatch(value) else self._read(value)
            # Several counts of one total are one piece.
            return read._replace(pieces=1) if name == "counts" else read
        words = self._words(value)
        return _Read(value, words if "; " in value else 0, words, pieces=0)

    def _words(self, text: str) -> int:
        """How many words of a text a reader of this language would not know: names are the same in every language."""
        if not _WORD.search(text):
            return 0
        named = _NAME.sub(
            lambda found: "" if found[0] in self._names or found[0].title() in self._names else found[0], text
        )
        return len(_WORD.findall(named))

    def _pieces(self, text: str, separators: Iterable[str]) -> Iterator[_Read]:
        """The text as texts that follow each other, by each separator that it holds."""
        if text[-1] in ".:" and len(text) > 1:
            inner = self._read(text[:-1])
            yield inner._replace(said=inner.said + {".": "。", ":": "："}[text[-1]])
        bracketed = _BRACKETED.fullmatch(text) if separators is _BETWEEN else None
        if bracketed is not None:
            outside, inside = (self._read(part) for part in bracketed.groups())
            yield _Read(f"{outside.said}（{inside.said}）", *_summed([outside, inside]))
        counted = _COUNTED.fullmatch(text) if separators is _BETWEEN else None
        if counted is not None:
            outside, inside = (self._read(part) for part in counted.groups())
            space = "" if outside.said[-1] in "\uff09\u3002" else " "
            yield _Read(f"{outside.said}{space}[{inside.said}]", *_summed([outside, inside]))
        for between in separators:
            pieces = _SENTENCE_ENDS.split(text) if between == " " else text.split(between)
            if len(pieces) < 2 or not all(pieces) or not all(map(_closed, pieces)):
                continue
            read = [self._read(piece) for piece in pieces]
            facts = between == ", " and self._are_facts([one.said for one in read])
            apart = FACT_COMMA if facts else self._between(between)
            pattern = f"{{a}}{apart}{{b}}"
            said = read[0].said
            for one in read[1:]:
                said = filled_pattern(pattern, {"a": said, "b": one.said})
            yield _Read(said, *_summed(read))

    def _joined(self, pattern: str, said: list[str]) -> str:
        facts = pattern == self._texts.get("{a}, {b}") and self._are_facts(said)
        return super()._joined(f"{{a}}{FACT_COMMA}{{b}}" if facts else pattern, said)

    def _are_facts(self, said: Iterable[str]) -> bool:
        """Whether texts one after the other are facts and no list, where the language has another comma for them: of
        facts some give a number, or say of what behind a colon, and some do not.
        """
        if self._between(", ") != LIST_COMMA:
            return False
        texts = list(said)
        plain = [text for text in texts if _NUMBER.search(text) is None]
        is_mixed = 0 < len(plain) < len(texts) or 0 < sum("：" in text for text in texts) < len(texts)
        is_mixed &= any(map(_HAN.search, texts))
        # Codes with one more thing behind them are a list.
        only_codes = bool(plain) and all(LIST_OF_CODES.fullmatch(text) and not _HAN.search(text) for text in plain)
        return is_mixed and not only_codes

    def _between(self, separator: str) -> str:
        """What this language writes for a separator."""
        pattern = f"{{a}}{separator}{{b}}"
        return self._texts.get(pattern, pattern).removeprefix("{a}").removesuffix("{b}")

    def _fitting(self, text: str) -> list[Pattern]:
        """The patterns that a text may fit, those with most letters first."""
        words = {*TOKEN.findall(text), ""}
        found = [pattern for word in words for pattern in self._by_word.get(word, ())]
        return sorted(found, key=lambda pattern: (-pattern.letters, -pattern.narrow, pattern.said))

    def _prepare(self) -> None:
        """Each pattern under the word of it that is rarest, so that few are tried on a text; and the names."""
        self._names = frozenset(
            name
            for said in self._texts.values() if _HAN.search(said)
            for name in _NAME.findall(_PLACE_OR_CODE.sub("", said)) if name[0].isupper() or "-" in name
        )  # fmt: skip
        outside = {msgid: outside_of(msgid) for msgid in self._texts if "{" in msgid}
        words = {msgid: whole_words(parts) for msgid, parts in outside.items()}
        counts = Counter(word for found in words.values() for word in found)
        for msgid, parts in outside.items():
            letters = sum(character.isalpha() for part in parts for character in part)
            if letters == 0 or not all(name is None or name.isidentifier() for _, name in parsed(msgid)):
                continue
            if msgid.startswith("{a}") and msgid.endswith("{b}"):
                # How texts follow each other: `_pieces` reads them, the loosest first.
                continue
            rarest = min(words[msgid], key=lambda word: (counts[word], word), default="")
            self._by_word[rarest].append(pattern_of(msgid, self._texts[msgid], letters))
        for msgid, said in self._texts.items():
            # What goes on with another text: `, open: {deciding}`.
            if msgid[0] in ",;( " and _WORD.search(" ".join(outside_of(msgid))):
                letters = sum(character.isalpha() for part in outside_of(msgid) for character in part)
                rarest = min(whole_words(outside_of(msgid)), key=lambda word: (counts[word], word), default="")
                self._by_word[rarest].append(pattern_of(f"{{{HEAD}}}{msgid}", f"{{{HEAD}}}{said}", letters))
        self._prepared = True


def _closed(value: str) -> bool:
    return value.count("(") == value.count(")")


def _all_closed(match: re.Match[str]) -> bool:
    return all(map(_closed, match.groupdict().values()))


def _runs_on(values: Mapping[str, str]) -> int:
    """How often what fills places goes on behind a comma, which a sentence does not within a place; codes do."""
    said = (value for value in values.values() if not LIST_OF_CODES.fullmatch(value))
    return sum(value.count(", ") + value.count("; ") for value in said)


def _summed(read: Iterable[_Read]) -> tuple[int, int, int]:
    found = list(read)
    pieces = 1 + sum(one.pieces for one in found)
    return sum(one.unread for one in found), sum(one.data for one in found), pieces


@cache
def chinese() -> Translation:
    """Chinese as the catalogue of this library has it; read once in a process."""
    return Translation(CHINESE_TAG, read_entries((PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8")))


def languages() -> tuple[Language, ...]:
    """The languages of the pages of a build, English first."""
    return (ENGLISH, chinese())


def language_of(tag: str) -> Language:
    """The language that a person names by two letters. Raises UsageError where there is none.

    >>> language_of("en").tag
    'en'
    """
    by_tag = {language.tag[:2]: language for language in languages()}
    if tag not in by_tag:
        raise UsageError(f"there is no language {tag!r}", next_step=f"choose among {', '.join(by_tag)}")
    return by_tag[tag]

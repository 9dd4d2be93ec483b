"""Text for readers that can be said in another language later: a message id with its arguments, English as its value.

    msg("{n} of {total} subjects", n=3, total=12)      # the string "3 of 12 subjects", and its parts
    plural("{n} subject", "{n} subjects", n)           # the form follows the number
    joined([msg("Alive"), msg("day {day}", day=28)], "; ")
    enumerated(["S01", "S02", "S03"])                  # S01, S02 and S03

A Message is a `str`, so that everything that takes text goes on working. A file or a join may keep its English alone;
`core.translations` reads that back by the catalogue, so that what is said depends on the text and not on this process.
Text of the data (subject ids, verbatim terms) is never a message: as an argument it is shown as it was delivered.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from numbers import Integral, Real
from typing import Any

# A text as JSON: a message without arguments is its English text.
Plain = str | dict[str, Any]


class Message(str):
    """English text that knows its message id (`msgid`, a pattern with named places) and what fills the places.

    `plural` is the id for other numbers than one, decided by the argument `counted`. A text of several messages has a
    pattern of two places, a and b, that is applied from left to right to its `parts`.
    """

    msgid: str
    arguments: Mapping[str, Any]
    plural: str
    counted: str
    parts: tuple[str, ...]

    def __new__(
        cls,
        text: str,
        msgid: str,
        arguments: Mapping[str, Any] | None = None,
        plural: str = "",
        counted: str = "",
        parts: tuple[str, ...] = (),
    ) -> Message:
        """The message with this English text."""
        made = super().__new__(cls, text)
        made.msgid, made.arguments, made.plural, made.counted, made.parts = (
            msgid, arguments or {}, plural, counted, parts,
        )  # fmt: skip
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (str(self), self.msgid, dict(self.arguments), self.plural, self.counted, self.parts)

    def __copy__(self) -> Message:
        return self

    def __deepcopy__(self, memo: object) -> Message:
        return self


# ----------------------------------------------------------------------------------------------------
# Making messages


@lru_cache(maxsize=4096)
def has_words(msgid: str) -> bool:
    """Whether a message id says anything besides what fills its places.

    >>> has_words("{n} of {total}"), has_words("{n} ({share})")
    (True, False)
    """
    return any(character.isalpha() for said, *_ in string.Formatter().parse(msgid) for character in said)


def msg(msgid: str, /, **arguments: object) -> Message:
    """The message with its places filled; without arguments the id is the text.

    >>> msg("{n} of {total} subjects", n=3, total=12)
    '3 of 12 subjects'
    """
    if not arguments:
        return _constant(msgid)
    return Message(msgid.format(**arguments), msgid, arguments)


@lru_cache(maxsize=4096)
def _constant(msgid: str) -> Message:
    return Message(msgid, msgid)


def plural(one: str, many: str, n: int, /, **arguments: object) -> Message:
    """The message in the form that the number `n` asks for; it fills the place {n}.

    >>> plural("{n} subject", "{n} subjects", 1), plural("{n} subject", "{n} subjects", 0)
    ('1 subject', '0 subjects')
    """
    values = {"n": n, **arguments}
    return Message((one if n == 1 else many).format(**values), one, values, many, "n")


# How texts follow each other; a language has its own punctuation.
JOINED = {
    " ": msg("{a} {b}"),
    ", ": msg("{a}, {b}"),
    "; ": msg("{a}; {b}"),
    ": ": msg("{a}: {b}"),
    "": msg("{a}{b}"),
    " / ": msg("{a} / {b}"),
    " and ": msg("{a} and {b}"),
    " or ": msg("{a} or {b}"),
    "\n": msg("{a}\n{b}"),
}


def joined(parts: Iterable[str], separator: str = " ") -> str:
    """The parts that say something, one after the other, as one message.

    >>> joined(["Alive", "", "day 28"], "; ")
    'Alive; day 28'
    """
    said = tuple(part for part in parts if part)
    if len(said) < 2:
        return said[0] if said else ""
    return Message(separator.join(said), JOINED[separator], parts=said)


def enumerated(parts: Iterable[object], last: str = " and ") -> str:
    """The parts as a list in a sentence.

    >>> enumerated([28, 100, 180]), enumerated(["S01"]), enumerated([])
    ('28, 100 and 180', 'S01', '')
    """
    said = [part if isinstance(part, str) else str(part) for part in parts]
    return joined([joined(said[:-1], ", "), *said[-1:]], last)


def as_text(text: str) -> Message:
    """A text of ours that is part of another: the message that it is, else its words as an id of their own."""
    return text if isinstance(text, Message) else Message(text, text)


# ----------------------------------------------------------------------------------------------------
# Messages as JSON, and said in a language


def plain(text: str, clean: Callable[[str], str] = str) -> Plain:
    """A text as JSON, which `Language.say` reads: a message without arguments is its id; `clean` is for other text.

    Of a message: m its id, a its arguments, p its other form and n what decides on it; or j the pattern that joins the
    texts in l.
    """
    if not isinstance(text, Message):
        return clean(str(text))
    if text.parts:
        return {"j": text.msgid, "l": [plain(part, clean) for part in text.parts]}
    if not text.arguments:
        return clean(text.msgid)
    formats = _formats(text.msgid)
    arguments = {name: _argument(value, clean, formats.get(name, "")) for name, value in text.arguments.items()}
    made: dict[str, Any] = {"m": text.msgid, "a": arguments}
    return {**made, "p": text.plural, "n": text.counted} if text.plural else made


def following(texts: Sequence[Plain], separator: str) -> Plain:
    """Texts as JSON one after the other; `{"d": text}` among them is text of the data.

    >>> ENGLISH.say(following([{"d": "Infections"}, "any event"], ", "))
    'Infections, any event'
    """
    return {"j": str(JOINED[separator]), "l": list(texts)} if len(texts) > 1 else texts[0] if texts else ""


def _argument(value: object, clean: Callable[[str], str], form: str) -> Any:
    """What fills a place as JSON: a number as it is, a text, and all else as it is shown in the format of its place."""
    if isinstance(value, str):
        said = plain(value, clean)
        # As a dict also without arguments: a plain string is text of the data here.
        return {"m": said, "a": {}} if isinstance(said, str) and isinstance(value, Message) else said
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    return clean(format(value, form))


@lru_cache(maxsize=4096)
def _formats(msgid: str) -> dict[str, str]:
    return {name: form or "" for _, name, form, _ in string.Formatter().parse(msgid) if name}


class _Places(string.Formatter):
    """Fills places of plain names; text is kept as it is, whatever format its place asks of a number."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if not field_name.isidentifier():
            raise ValueError(f"the place {field_name!r} of a message is not a plain name")
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return value if isinstance(value, str) else format(value, format_spec)


_fill = _Places().vformat


def filled_pattern(pattern: str, values: Mapping[str, Any]) -> str:
    """A pattern with its places filled.

    >>> filled_pattern("{n} of {total:g}", {"n": 3, "total": "12"})
    '3 of 12'
    """
    return _fill(pattern, (), values)


class Language:
    """Says texts in one language; `texts` leads from message ids to translations, `plurals` from pairs of ids.

    What has no translation is said in English.
    """

    def __init__(
        self,
        tag: str,
        lookup: Callable[[str], str] = str,
        lookup_plural: Callable[[str, str, int], str] = lambda one, many, n: one if n == 1 else many,
    ) -> None:
        self.tag, self._lookup, self._lookup_plural = tag, lookup, lookup_plural

    def say(self, text: Plain) -> str:
        """The text in this language, whether a string, a Message, or what `plain` makes of it (`{"d": text}`, text of
        the data, as it is).
        """
        if isinstance(text, Message):
            return self.say(plain(text)) if text.arguments or text.parts else self._lookup(text.msgid)
        if isinstance(text, str):
            return self._lookup(text) if text else ""
        if "d" in text:
            return str(text["d"])
        if "j" in text:
            return self._joined(self._lookup(text["j"]), [self.say(part) for part in text["l"]])
        filled = {name: self.filling(name, value) for name, value in text["a"].items()}
        pattern = (
            self._lookup_plural(text["m"], text["p"], int(text["a"][text["n"]]))
            if "p" in text
            else self._lookup(text["m"])
        )
        return _fill(pattern, (), filled) if filled else pattern

    def filling(self, name: str, value: Any) -> Any:
        """What fills the place `name` of a message: a message is said, all else is as it is."""
        return self.say(value) if isinstance(value, dict) else value

    def dated(self, value: str) -> str:
        """A whole date as a sentence of this language has it; another text as it is."""
        return value

    def _joined(self, pattern: str, said: list[str]) -> str:
        whole = said[0]
        for part in said[1:]:
            whole = _fill(pattern, (), {"a": whole, "b": part})
        return whole


ENGLISH = Language("en")


def places(msgid: str) -> set[str]:
    """The names of the places of a message id.

    >>> sorted(places("{n} of {total:g} subjects"))
    ['n', 'total']
    """
    return {name for _, name, _, _ in string.Formatter().parse(msgid) if name}

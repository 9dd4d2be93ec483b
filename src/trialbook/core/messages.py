"""Text for readers that can be said in another language later: a message id with its arguments, English as its value.

    msg("{n} of {total} subjects", n=3, total=12)      # the string "3 of 12 subjects", and what it is made of
    plural("{n} subject", "{n} subjects", n)           # the form follows the number
    joined([msg("Alive"), msg("day {day}", day=28)], "; ")
    enumerated(["S01", "S02", "S03"])                  # S01, S02 and S03

A Message is a `str`, so that everything that takes text goes on working. Text of the data (subject ids, verbatim terms)
is never a message: as an argument it is shown as it was delivered.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
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

# The messages of this process by their text: see `found_again`.
_made: dict[str, Message] = {}


def _known(message: Message) -> Message:
    _made.setdefault(str(message), message)
    return message


def msg(msgid: str, /, **arguments: object) -> Message:
    """The message with its places filled; without arguments the id is the text.

    >>> msg("{n} of {total} subjects", n=3, total=12)
    '3 of 12 subjects'
    """
    if not arguments:
        return _constant(msgid)
    return _known(Message(msgid.format(**arguments), msgid, arguments))


@lru_cache(maxsize=4096)
def _constant(msgid: str) -> Message:
    return _known(Message(msgid, msgid))


def plural(one: str, many: str, n: int, /, **arguments: object) -> Message:
    """The message in the form that the number `n` asks for; it fills the place {n}.

    >>> plural("{n} subject", "{n} subjects", 1), plural("{n} subject", "{n} subjects", 0)
    ('1 subject', '0 subjects')
    """
    values = {"n": n, **arguments}
    return _known(Message((one if n == 1 else many).format(**values), one, values, many, "n"))


# How texts follow each other; a language has its own punctuation.
JOINED = {
    " ": msg("{a} {b}"), ", ": msg("{a}, {b}"), "; ": msg("{a}; {b}"), ": ": msg("{a}: {b}"),
    " / ": msg("{a} / {b}"), " and ": msg("{a} and {b}"), " or ": msg("{a} or {b}"), "\n": msg("{a}\n{b}"),
}  # fmt: skip


def joined(parts: Iterable[str], separator: str = " ") -> str:
    """The parts that say something, one after the other, as one message.

    >>> joined(["Alive", "", "day 28"], "; ")
    'Alive; day 28'
    """
    said = tuple(part for part in parts if part)
    if len(said) < 2:
        return said[0] if said else ""
    return _known(Message(separator.join(said), JOINED[separator], parts=said))


def enumerated(parts: Iterable[object], last: str = " and ") -> str:
    """The parts as a list in a sentence.

    >>> enumerated([28, 100, 180]), enumerated(["S01"]), enumerated([])
    ('28, 100 and 180', 'S01', '')
    """
    said = [part if isinstance(part, str) else str(part) for part in parts]
    return joined([joined(said[:-1], ", "), *said[-1:]], last)


# ----------------------------------------------------------------------------------------------------
# Messages that have passed through a frame or a join, which keep the text alone, are found again by it.


def composed(text: str) -> Message | None:
    """The message with arguments, or of several texts, that has this text in this process."""
    found = text if isinstance(text, Message) else _made.get(text)
    return found if found is not None and (found.arguments or found.parts) else None


def found_again(text: str) -> str:
    """The message that has this text in this process; of a text of several messages, joined by spaces, all of them.

    >>> shown = "Seen " + "on 3 days."
    >>> found_again(str(msg("Seen on {n} days.", n=3))).msgid
    'Seen on {n} days.'
    """
    if isinstance(text, Message):
        return text
    whole = _made.get(text)
    if whole is not None:
        return whole
    for separator in (" ", "; "):
        parts = _pieces(text, separator)
        if parts and any(part.arguments or part.parts for part in parts):
            return Message(text, JOINED[separator], parts=tuple(parts))
    return text


def as_text(text: str) -> Message:
    """A text of ours that is part of another: the message that it is, else its words as an id of their own."""
    found = found_again(text)
    return found if isinstance(found, Message) else Message(text, text)


def _pieces(text: str, separator: str) -> list[Message]:
    """The known messages that make up a text, the longest first; none when a piece is not known."""
    pieces: list[Message] = []
    begin = 0
    while begin < len(text):
        end = len(text)
        while end > begin and text[begin:end] not in _made:
            end = text.rfind(separator, begin, end)
        if end <= begin:
            return []
        pieces.append(_made[text[begin:end]])
        begin = end + len(separator)
    return pieces


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
    made: dict[str, Any] = {"m": text.msgid, "a": {k: _argument(v, clean) for k, v in text.arguments.items()}}
    return {**made, "p": text.plural, "n": text.counted} if text.plural else made


def _argument(value: object, clean: Callable[[str], str]) -> Any:
    if isinstance(value, Message):
        # As a dict also without arguments: a plain string is text of the data here.
        said = plain(value, clean)
        return {"m": said, "a": {}} if isinstance(said, str) else said
    if isinstance(value, bool | str):
        return clean(value) if isinstance(value, str) else value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if abs(float(value)) < float("inf") else str(float(value))
    return value.isoformat() if isinstance(value, date) else clean(str(value))


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
        """The text in this language, whether a string, a Message, or what `plain` makes of it."""
        if isinstance(text, Message):
            return self.say(plain(text)) if text.arguments or text.parts else self._lookup(text.msgid)
        if isinstance(text, str):
            return self._lookup(text) if text else ""
        if "j" in text:
            return self._joined(self._lookup(text["j"]), [self.say(part) for part in text["l"]])
        filled = {name: self.say(value) if isinstance(value, dict) else value for name, value in text["a"].items()}
        pattern = (
            self._lookup_plural(text["m"], text["p"], int(text["a"][text["n"]]))
            if "p" in text
            else self._lookup(text["m"])
        )
        return pattern.format(**filled) if filled else pattern

    def _joined(self, pattern: str, said: list[str]) -> str:
        whole = said[0]
        for part in said[1:]:
            whole = pattern.format(a=whole, b=part)
        return whole


ENGLISH = Language("en")


def places(msgid: str) -> set[str]:
    """The names of the places of a message id.

    >>> sorted(places("{n} of {total:g} subjects"))
    ['n', 'total']
    """
    return {name for _, name, _, _ in string.Formatter().parse(msgid) if name}

"""The face of documents, a file of this project, and which characters it can show."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FAMILY = "Trialbook Sans"
FACE = Path(__file__).with_name("face") / "TrialbookSans-Regular.otf"
# What breaks lines and cells shows nothing.
_BLANK = frozenset("\n\t")


@dataclass(frozen=True)
class Missing:
    """A character that the face cannot show, and the first text that holds it."""

    character: str
    where: str

    def __str__(self) -> str:
        return f"U+{ord(self.character):04X} {self.character}: {self.where}"


@cache
def covered() -> frozenset[int]:
    """The code points of the face, read from its character map."""
    return frozenset(_mapped(FACE.read_bytes()))


def without_glyph(texts: Iterable[tuple[str, str]]) -> list[Missing]:
    """The characters that the face lacks, each with the first of the texts (where, text) that holds it."""
    known, found = covered(), dict[str, Missing]()
    for where, text in texts:
        for character in text:
            if ord(character) not in known and character not in _BLANK and character not in found:
                found[character] = Missing(character, f"{where}: {_around(text, character)}")
    return [found[character] for character in sorted(found)]


def shown(text: str) -> str:
    """The text as the face can show it: a character that it lacks is written out, `‹U+1F600›`.

    >>> shown("ALT 4.5 × ULN 谷丙转氨酶")
    'ALT 4.5 × ULN 谷丙转氨酶'
    """
    known = covered()
    if all(ord(character) in known or character in _BLANK for character in text):
        return text
    return "".join(
        character if ord(character) in known or character in _BLANK else f"‹U+{ord(character):04X}›"
        for character in text
    )


def _around(text: str, character: str) -> str:
    place = text.index(character)
    return text[max(0, place - 20) : place + 20].strip()


def _mapped(face: bytes) -> Iterator[int]:
    """The code points of the character map of an OpenType face: its subtable of format 4, runs of code points."""
    count = struct.unpack_from(">H", face, 4)[0]
    places = range(12, 12 + 16 * count, 16)
    tables = {face[place : place + 4]: struct.unpack_from(">I", face, place + 8)[0] for place in places}
    start = tables[b"cmap"]
    for number in range(struct.unpack_from(">H", face, start + 2)[0]):
        place = start + struct.unpack_from(">I", face, start + 8 + 8 * number)[0]
        if struct.unpack_from(">H", face, place)[0] == 4:
            runs = struct.unpack_from(">H", face, place + 6)[0] // 2
            lasts, firsts = (struct.unpack_from(f">{runs}H", face, place + at) for at in (14, 16 + 2 * runs))
            deltas, offsets = (struct.unpack_from(f">{runs}H", face, place + 16 + k * runs) for k in (4, 6))
            for run in range(runs):
                for point in range(firsts[run], min(lasts[run], 0xFFFE) + 1):
                    if offsets[run]:
                        at = place + 16 + 6 * runs + 2 * run + offsets[run] + 2 * (point - firsts[run])
                        glyph = struct.unpack_from(">H", face, at)[0]
                    else:
                        glyph = (point + deltas[run]) & 0xFFFF
                    if glyph:
                        yield point
            return
    raise ValueError("the face has no character map that is known here")

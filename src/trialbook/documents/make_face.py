"""Makes the face of documents from the whole Noto Sans CJK SC: for developers, when it must cover more (`make face`).

It keeps the characters of GB 2312 and of our Chinese texts, Latin, Greek and Cyrillic, punctuation, arrows, technical
and mathematical signs.
The family has a name of its own, so that a face of the machine is never taken in its place. Needs fonttools, and the
face that the package mplfonts carries; neither is needed for anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from trialbook.core.file_marks import PACKAGE
from trialbook.core.translations import CHINESE_TEXTS
from trialbook.documents.glyphs import FACE, FAMILY

# First and last code point of each range beside GB 2312.
RANGES = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x2FF), (0x370, 0x52F), (0x1E00, 0x1EFF), (0x2000, 0x20CF), (0x2100, 0x23FF),
    (0x2460, 0x26FF), (0x3000, 0x303F), (0xFF00, 0xFFEF),
)  # fmt: skip
# Beyond GB 2312: characters of drug names, and some that names of people often have.
FURTHER = "䓬䏲䗪喆堃玥珺昇翀瑄晞璟翊頔旻赟鑫淼犇垚瑀琰晗祎祺禕烜煊昱昕曦弢祐樾橦洺漷骎龑峯堯镕晖"
FEATURES = ["ccmp", "locl", "mark", "mkmk", "kern"]


def wanted() -> set[int]:
    """The code points that the face should have."""
    catalogue = {ord(character) for character in (PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8")}
    in_ranges = {point for first, last in RANGES for point in range(first, last + 1)}
    return in_ranges | set(_gb2312()) | {ord(character) for character in FURTHER} | catalogue


def _gb2312() -> Iterator[int]:
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            character = bytes([row, cell]).decode("gb2312", errors="ignore")
            if len(character) == 1:
                yield ord(character)


def make(whole: Path, target: Path) -> None:
    """Writes the face made of the whole one; the same bytes from the same file and version of fonttools."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    face = TTFont(whole, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features, options.hinting, options.notdef_outline = FEATURES, False, True
    options.name_IDs, options.recalc_timestamp = ["*"], False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(face)
    plain = FAMILY.replace(" ", "")
    names = {1: FAMILY, 3: f"{plain}-Regular", 4: FAMILY, 6: f"{plain}-Regular", 16: FAMILY}
    for record in list(face["name"].names):
        if record.nameID in names:
            face["name"].setName(
                names[record.nameID], record.nameID, record.platformID, record.platEncID, record.langID
            )
    letters = face["CFF "].cff
    letters.fontNames = [f"{plain}-Regular"]
    letters.topDictIndex[0].FamilyName, letters.topDictIndex[0].FullName = FAMILY, FAMILY
    face.save(target)


if __name__ == "__main__":
    make(Path(sys.argv[1]), FACE)

"""The face of documents covers what they may say; what it cannot show is named."""

from __future__ import annotations

from trialbook.core.file_marks import PACKAGE
from trialbook.core.translations import CHINESE_TEXTS, read_entries
from trialbook.documents.glyphs import covered, shown, without_glyph


def test_the_face_covers_gb_2312() -> None:
    rows = [
        bytes([row, cell]).decode("gb2312", errors="ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
    ]
    wanted = [character for character in rows if character]
    assert len(wanted) == 6763
    assert [character for character in wanted if ord(character) not in covered()] == []


def test_the_face_covers_every_text_of_the_catalogue() -> None:
    entries = read_entries((PACKAGE / CHINESE_TEXTS).read_text(encoding="utf-8"))
    texts = [("catalogue", text) for entry in entries for text in entry if isinstance(text, str)]
    assert len(texts) > 1000
    assert without_glyph(texts) == []


def test_a_character_without_a_glyph_is_named_with_its_place() -> None:
    (found,) = without_glyph(
        [("T-5", "ALT raised"), ("L-8", "rash \U0001f600 on the arm"), ("L-9", "again \U0001f600")]
    )
    assert str(found) == "U+1F600 \U0001f600: L-8: rash \U0001f600 on the arm"
    assert shown("rash \U0001f600") == "rash ‹U+1F600›"
    assert shown("皮疹\n2 级") == "皮疹\n2 级"

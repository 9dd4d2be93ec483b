"""Every text on the pages of the demo is data, a number, or a message that can be translated; what is not is listed.

`tests/golden/untranslated.txt` lists what remains, numbers written as 0: a new text without a message id fails, and so
does a line that no page shows any more, so that the list can only become shorter. Write the list again with
`python tests/builds/test_every_text_is_a_message.py BUILD`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from trialbook.display.catalogue import Marking, extracted
from trialbook.display.page_content import page_content, page_number

LISTED = Path(__file__).resolve().parents[1] / "golden" / "untranslated.txt"


def untranslated(build: Path) -> set[str]:
    """The texts of the notebooks of a build that are asked of the catalogue and are not there, numbers as 0."""
    marking = Marking(extracted())
    for path in sorted((build / "notebooks").glob("*.ipynb")):
        content = page_content(
            json.loads(path.read_text(encoding="utf-8")), "live", marking, number=page_number(path.stem)
        )
        assert content.dropped == []
        assert any("⟦" in piece.html for piece in content.pieces)
    return {re.sub(r"\d+(?:[.,]\d+)*", "0", text).replace("\n", "\\n") for text in marking.unread}


def test_every_text_of_the_pages_is_a_message_data_or_listed(demo: Path):
    found = untranslated(demo / "2025-09-30")
    listed = set(LISTED.read_text(encoding="utf-8").splitlines())
    assert sorted(found - listed) == [], "make messages of these texts: msg(...), see docs/extend.md, A language"
    assert sorted(listed - found) == [], f"no page shows these any more: delete them from {LISTED.name}"


if __name__ == "__main__":
    LISTED.write_text("".join(f"{text}\n" for text in sorted(untranslated(Path(sys.argv[1])))), encoding="utf-8")

"""Documents as PDF, by Typst: one fixed template, which reads what it says as data; the same bytes on every machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from trialbook.core.messages import msg
from trialbook.display.chart_rendering import svg_size
from trialbook.display.text import width
from trialbook.display.theme import ACCENT, INK, LINE, QUIET, SEQUENTIAL, VERMILION
from trialbook.documents import layout
from trialbook.documents.content import (
    Block,
    Bullets,
    Document,
    Figure,
    KeyNumbers,
    Notice,
    Paragraph,
    Section,
    Speaker,
    Table,
)
from trialbook.documents.drawings import compiled, svg_of
from trialbook.documents.glyphs import FAMILY, shown

# Pixels of a drawing that fill the width of a page.
FULL_WIDTH = 760
COLOURS = {"accent": ACCENT, "ink": INK, "quiet": QUIET, "rule": LINE, "pale": SEQUENTIAL[0], "hot": VERMILION}


def pdf(document: Document, speaker: Speaker) -> bytes:
    """The document as PDF in the language of the speaker."""
    writer = _Writer(document, speaker)
    given = json.dumps(writer.data(), ensure_ascii=False, sort_keys=True)
    template = files("trialbook.documents").joinpath("templates/report.typ").read_bytes()
    return compiled({"main.typ": template, "document.json": given.encode("utf-8"), **writer.files}, "pdf")


class _Writer:
    """What the template reads: texts in one language as the face can show them, and drawings."""

    def __init__(self, document: Document, speaker: Speaker) -> None:
        self._document, self._speaker = document, speaker
        self._known = layout.known_ids(document)
        self.files: dict[str, bytes] = {}

    def data(self) -> dict[str, Any]:
        document, say, cover = self._document, self._say, self._document.cover
        tag = layout.language_tag(self._speaker.language)
        chinese = tag.startswith("zh")
        return {
            "lang": tag[:2], "region": tag[-2:], "family": FAMILY, "study": cover.study, "title": say(cover.title),
            "subtitle": say(cover.subtitle), "banner": say(cover.banner), "head": say(document.head),
            "foot": say(document.foot), "facts": [[say(a), say(b)] for a, b in cover.facts],
            "notices": [say(notice) for notice in cover.notices], "contents": say(layout.CONTENTS),
            "page": self._page(), "brackets": ["（", "）"] if chinese else ["(", ")"],
            "comma": "、" if chinese else ", ", "answer": say(document.answer), "colours": COLOURS,
            "sections": list(self._sections(document.sections, 1)),
        }  # fmt: skip

    def _page(self) -> list[str]:
        """`Page n of m` in pieces; a piece of text has a sign before it, so that it is none of the two numbers."""
        said = self._speaker.language.say(msg("Page {page} of {pages}", page="\x01", pages="\x02"))
        pieces: list[str] = []
        for part in said.replace("\x01", "\x00\x01\x00").replace("\x02", "\x00\x02\x00").split("\x00"):
            if part:
                pieces.append({"\x01": "page", "\x02": "pages"}.get(part, f"={part}"))
        return pieces

    def _say(self, text: Any) -> str:
        return shown(self._speaker.say(text))

    def _sections(self, sections: tuple[Section, ...], level: int) -> Iterator[dict[str, Any]]:
        for section in sections:
            blocks = [self._block(block) for block in section.blocks]
            yield {"anchor": section.anchor, "level": level, "title": self._say(section.title), "blocks": blocks}
            yield from self._sections(section.sections, level + 1)

    def _block(self, block: Block) -> dict[str, Any]:
        say = self._say
        if isinstance(block, Paragraph):
            see = [number for number in block.see if number in self._known]
            return {"kind": "paragraph", "text": say(block.text), "style": block.style, "see": see}
        if isinstance(block, Bullets):
            items = [[say(a), say(b)] for a, b in block.items]
            widest = max((width(a) for a, _ in items), default=0)
            return {"kind": "bullets", "items": items, "width": min(16.0, 0.62 * widest + 0.5)}
        if isinstance(block, Notice):
            return {"kind": "notice", "word": say(layout.NOTICE_WORDS[block.level]), "text": say(block.text)}
        if isinstance(block, KeyNumbers):
            return {"kind": "numbers", "items": [[say(part) for part in item] for item in block.items]}
        if isinstance(block, Table):
            return self._table(block)
        return self._figure(block)

    def _table(self, table: Table) -> dict[str, Any]:
        grid = layout.grid_of(table, self._speaker)
        lines = [shown(line) if isinstance(line, str) else [shown(cell) for cell in line] for line in grid.lines]
        return {
            "kind": "table", "id": table.id, "title": self._say(table.title), "lines": lines,
            "heads": [shown(head) for head in grid.heads], "sides": grid.sides, "shares": grid.shares,
            "size": layout.size_of(grid), "width": layout.narrow(grid), "whole": layout.whole(grid),
            "notes": [shown(note) for note in layout.notes_of(table, self._speaker)], "empty": self._say(table.empty),
        }  # fmt: skip

    def _figure(self, figure: Figure) -> dict[str, Any]:
        svg = svg_of(figure, self._speaker)
        name = f"{layout.bookmark(figure.id)}.svg"
        self.files[name] = svg.encode("utf-8")
        wide, _ = svg_size(svg)
        return {
            "kind": "figure", "id": figure.id, "title": self._say(figure.title), "file": name,
            "alt": self._say(figure.title), "width": min(1.0, wide / FULL_WIDTH),
            "notes": [self._say(note) for note in figure.notes],
        }  # fmt: skip

"""The report as one HTML file for mail: no script, no network, every link an anchor, every table and figure whole."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

from trialbook.core.messages import msg
from trialbook.display.text import safe
from trialbook.display.theme import ACCENT, INK, LINE, QUIET, SEQUENTIAL, VERMILION
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
from trialbook.documents.drawings import for_office, svg_of
from trialbook.documents.layout import CONTENTS, bookmark, grid_of, notes_of
from trialbook.documents.report import report
from trialbook.documents.source import CutSource

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
ALL = "all-tables-and-figures"
STYLE = f"""
body {{ font: 16px/1.5 Arial, "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: {INK};
  max-width: 72rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }}
a {{ color: {ACCENT}; }} h1, h2, h3 {{ line-height: 1.25; }}
h2 {{ border-top: 2px solid {LINE}; padding-top: 1rem; margin-top: 2.5rem; }}
.banner, .notice {{ border-left: 4px solid {VERMILION}; background: {SEQUENTIAL[0]}; padding: .5rem .8rem; }}
.lead {{ font-size: 1.2rem; }} .small, .note, .quiet {{ font-size: .85rem; color: {QUIET}; }}
.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; font-size: .9rem; margin: .4rem 0; }}
caption {{ text-align: left; font-weight: bold; padding: .3rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid {LINE}; }}
.right {{ text-align: right; font-variant-numeric: tabular-nums; }} img {{ max-width: 100%; height: auto; }}
dl.numbers {{ display: flex; flex-wrap: wrap; gap: .5rem 2rem; }} dl.numbers dd {{ margin: 0; font-size: 1.3rem; }}
dl.numbers div {{ min-width: 9rem; }} figure {{ margin: 1rem 0; }}
@media print {{ nav {{ display: none; }} tr {{ break-inside: avoid; }} }}
"""


def whole_report(source: CutSource) -> Document:
    """The committee report, and after it every table and figure of the pages that it lacks or shows in part."""
    document = report(source)
    shown = {block.id: _size(block) for block in document.blocks() if isinstance(block, Figure | Table)}
    every = [output.table if output.spec is None else output.figure for output in source.outputs]
    blocks: tuple[Block, ...] = tuple(block for block in every if shown.get(block.id) != _size(block))
    added = Section(ALL, msg("The other tables and figures, whole"), blocks)
    return replace(document, sections=(*document.sections, added))


def _size(block: Table | Figure) -> tuple[int, int]:
    return (block.rows, len(block.columns)) if isinstance(block, Table) else (0, 0)


def html(document: Document, speaker: Speaker) -> bytes:
    """The document as one HTML file in the language of the speaker."""
    return "\n".join(_Writer(document, speaker).lines()).encode("utf-8")


class _Writer:
    """Writes one document; every text passes through `_say`, which makes it text and nothing else."""

    def __init__(self, document: Document, speaker: Speaker) -> None:
        self._document, self._speaker = document, speaker
        # Where a table is there in part and whole, links lead to the last one.
        self._known = {block.id: block for block in document.blocks() if isinstance(block, Table | Figure) and block.id}

    def _say(self, text: object) -> str:
        return safe(self._speaker.say(text))  # type: ignore[arg-type]

    def lines(self) -> Iterator[str]:
        """The file, line by line."""
        document, say, cover = self._document, self._say, self._document.cover
        title = f"{safe(cover.study)} · {say(cover.title)}"
        yield f'<!DOCTYPE html>\n<html lang="{self._speaker.language.tag}">\n<head>\n<meta charset="utf-8">'
        yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
        if cover.banner:
            yield f'<p class="banner" role="note">{say(cover.banner)}</p>'
        if document.alone:
            yield "<main>"
            yield from (
                line for section in document.sections for block in section.blocks for line in self._block(block)
            )
            yield f'</main>\n<footer class="quiet"><p>{say(document.head)}</p></footer>\n</body>\n</html>\n'
            return
        yield f"<header>\n<h1>{title}</h1>\n<p>{say(cover.subtitle)}</p>"
        yield from (f'<p class="notice">{say(notice)}</p>' for notice in cover.notices)
        yield "<table>"
        yield from (f'<tr><th scope="row">{say(a)}</th><td>{say(b)}</td></tr>' for a, b in cover.facts)
        yield "</table>\n</header>"
        if document.answer:
            yield f'<p class="lead"><strong>{say(document.answer)}</strong></p>'
        yield f"<nav>\n<h2>{say(CONTENTS)}</h2>"
        yield from self._contents(document.sections)
        yield "</nav>\n<main>"
        yield from self._sections(document.sections, 2)
        yield f'</main>\n<footer class="quiet"><p>{say(document.foot)}</p></footer>\n</body>\n</html>\n'

    def _contents(self, sections: tuple[Section, ...]) -> Iterator[str]:
        yield "<ul>"
        for section in sections:
            yield f'<li><a href="#s-{section.anchor}">{self._say(section.title)}</a>'
            if section.sections:
                yield from self._contents(section.sections)
            if section.anchor == ALL:
                yield "<ul>"
                listed = [block for block in section.blocks if isinstance(block, Table | Figure) and block.title]
                yield from map(self._entry, listed)
                yield "</ul>"
            yield "</li>"
        yield "</ul>"

    def _entry(self, block: Table | Figure) -> str:
        return f'<li><a href="#{bookmark(block.id)}">{safe(block.id)}</a> {self._say(block.title)}</li>'

    def _sections(self, sections: tuple[Section, ...], level: int) -> Iterator[str]:
        for section in sections:
            yield f'<section id="s-{section.anchor}">\n<h{level}>{self._say(section.title)}</h{level}>'
            for block in section.blocks:
                yield from self._block(block)
            yield from self._sections(section.sections, min(level + 1, 6))
            yield "</section>"

    def _block(self, block: Block) -> Iterator[str]:
        say = self._say
        match block:
            case Paragraph():
                links = [f'<a href="#{bookmark(one)}">{safe(one)}</a>' for one in block.see if one in self._known]
                yield f'<p class="{block.style}">{say(block.text)} {" ".join(links)}</p>'
            case Bullets():
                yield "<ul>"
                for head, text in block.items:
                    said = say(text)
                    yield f"<li><strong>{say(head)}</strong>{' ' + said if said else ''}</li>"
                yield "</ul>"
            case Notice():
                yield f'<p class="notice">{say(block.text)}</p>'
            case KeyNumbers():
                yield '<dl class="numbers">'
                for label, value, note in block.items:
                    yield f'<div><dt>{say(label)}</dt><dd>{say(value)}</dd><dd class="small">{say(note)}</dd></div>'
                yield "</dl>"
            case Table():
                yield from self._table(block)
            case Figure():
                yield from self._figure(block)

    def _anchor(self, block: Table | Figure) -> str:
        return f' id="{bookmark(block.id)}"' if block.id and self._known[block.id] is block else ""

    def _table(self, table: Table) -> Iterator[str]:
        grid = grid_of(table, self._speaker)
        title = f"{safe(table.id)} {self._say(table.title)}".strip()
        if not grid.lines:
            yield f"<p{self._anchor(table)}><strong>{title}</strong>: {self._say(table.empty)}</p>"
            return
        yield f'<div class="wide"{self._anchor(table)}>\n<table>\n<caption>{title}</caption>\n<thead><tr>'
        yield "".join(
            f'<th scope="col" class="{a}">{safe(h)}</th>' for h, a in zip(grid.heads, grid.sides, strict=True)
        )
        yield "</tr></thead>\n<tbody>"
        for line in grid.lines:
            if isinstance(line, str):
                yield f'<tr><th scope="rowgroup" colspan="{len(grid.heads)}">{safe(line)}</th></tr>'
            else:
                cells = (f'<td class="{a}">{safe(t)}</td>' for t, a in zip(line, grid.sides, strict=True))
                yield f"<tr>{''.join(cells)}</tr>"
        yield "</tbody>\n</table>\n</div>"
        yield from (f'<p class="note">{safe(note)}</p>' for note in notes_of(table, self._speaker))

    def _figure(self, figure: Figure) -> Iterator[str]:
        # A picture runs nothing and loads nothing, whatever the texts in it are.
        picture = b64encode(for_office(svg_of(figure, self._speaker)).encode("utf-8")).decode("ascii")
        title = f"{safe(figure.id)} {self._say(figure.title)}".strip()
        yield f"<figure{self._anchor(figure)}>\n<figcaption><strong>{title}</strong></figcaption>"
        yield f'<img alt="{title}" src="data:image/svg+xml;base64,{picture}">\n</figure>'
        yield from (f'<p class="note">{self._say(note)}</p>' for note in figure.notes)
        if figure.data is not None:
            yield f"<details><summary>{self._say(msg('Data of this figure'))}</summary>"
            yield from self._table(figure.data)
            yield "</details>"

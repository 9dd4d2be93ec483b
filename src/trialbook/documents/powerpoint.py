"""Slides as a PowerPoint file: titles that are titles, tables that are tables, drawings that stay sharp, notes."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from trialbook.core.messages import msg
from trialbook.display.chart_rendering import svg_size
from trialbook.display.text import width
from trialbook.display.theme import ACCENT, INK, LINE, PAPER, QUIET, SEQUENTIAL, VERMILION
from trialbook.documents import layout
from trialbook.documents.archives import repacked
from trialbook.documents.content import Block, Bullets, Deck, Figure, Paragraph, Slide, Speaker, Table
from trialbook.documents.drawings import for_office, png_of, svg_of
from trialbook.documents.office import HAN, LATIN, add_vector

# Inches of a slide, of its margins, and of the room between title and foot.
WIDE, HIGH, EDGE, TOP, BOTTOM = 13.333, 7.5, 0.6, 1.45, 6.85
SIZES = (16, 14, 13, 12, 11, 10, 9, 8)
# Inches that a character of one point takes, and a line of one point; of Chinese characters.
CHARACTER, LINE_HEIGHT, HAN_HEIGHT = 0.0072, 0.0172, 0.0198


def pptx(deck: Deck, speaker: Speaker) -> bytes:
    """The slides as a PowerPoint file in the language of the speaker."""
    return repacked(_Writer(deck, speaker).made(), deck.cut_date)


class _Writer:
    """Writes one deck with python-pptx."""

    def __init__(self, deck: Deck, speaker: Speaker) -> None:
        import pptx as library
        from pptx.util import Inches

        self._deck, self._speaker, self._inches = deck, speaker, Inches
        self._show: Any = library.Presentation()
        self._show.slide_width, self._show.slide_height = Inches(WIDE), Inches(HIGH)
        self._tag = layout.language_tag(speaker.language)
        self._line_height = HAN_HEIGHT if self._tag.startswith("zh") else LINE_HEIGHT
        self._drawings = 0

    def made(self) -> bytes:
        self._properties()
        self._first()
        for number, slide in enumerate(self._deck.slides, 2):
            self._slide(slide, number)
        file = io.BytesIO()
        self._show.save(file)
        return file.getvalue()

    def _say(self, text: Any) -> str:
        return self._speaker.say(text)

    def _properties(self) -> None:
        properties, cover = self._show.core_properties, self._deck.cover
        day = datetime.fromisoformat(self._deck.cut_date)
        properties.title, properties.author = f"{cover.study}: {self._say(cover.title)}", cover.study
        properties.created = properties.modified = day
        properties.last_modified_by, properties.revision = cover.study, 1
        properties.subject, properties.language = self._say(cover.subtitle), self._tag

    # ------------------------------------------------------------------------------------------------

    def _first(self) -> None:
        cover = self._deck.cover
        slide = self._blank(self._say(cover.title), 36, (EDGE, 1.5, WIDE - 2 * EDGE, 0.9))
        self._banner(slide)
        self._text(slide, f"{cover.study}   {self._say(cover.subtitle)}", (EDGE, 2.4, 12, 0.5), 18, QUIET)
        answer = self._text(slide, self._say(self._deck.answer), (EDGE, 3.2, 12.1, 1.1), 26, INK, bold=True)
        answer.fill.solid()
        answer.fill.fore_color.rgb = _colour(SEQUENTIAL[0])
        facts = "\n".join(f"{self._say(label)}: {self._say(value)}" for label, value in cover.facts[-4:])
        self._text(slide, facts, (EDGE, 4.6, 12, 1.4), 14, INK)
        self._text(slide, "\n".join(self._say(one) for one in cover.notices), (EDGE, 6.2, 12, 0.7), 11, QUIET)

    def _slide(self, content: Slide, number: int) -> None:
        slide = self._blank(self._say(content.title), 24, (EDGE, 0.45, WIDE - 2 * EDGE, 0.9))
        self._banner(slide)
        self._text(slide, self._say(self._deck.foot), (EDGE, 6.98, 9, 0.35), 10, QUIET)
        self._text(slide, str(number), (WIDE - EDGE - 1, 6.98, 1, 0.35), 10, QUIET, right=True)
        top = TOP
        for place, block in enumerate(content.blocks):
            room = BOTTOM - top
            top = self._block(slide, block, top, room if place == len(content.blocks) - 1 else 0.68 * room) + 0.2
        if content.notes:
            slide.notes_slide.notes_text_frame.text = "\n".join(self._say(note) for note in content.notes)

    def _blank(self, title: str, size: int, box: tuple[float, float, float, float]) -> Any:
        """A new slide with its title."""
        slide = self._show.slides.add_slide(self._show.slide_layouts[5])
        place = slide.shapes.title
        place.left, place.top, place.width, place.height = (self._inches(one) for one in box)
        self._write(place.text_frame, title, size, ACCENT, bold=True)
        return slide

    def _banner(self, slide: Any) -> None:
        banner = self._say(self._deck.cover.banner)
        if banner:
            self._text(slide, banner, (EDGE, 0.1, WIDE - 2 * EDGE, 0.35), 11, VERMILION, bold=True)

    def _text(
        self, slide: Any, text: str, box: tuple[float, float, float, float], size: float, colour: str, *,
        bold: bool = False, right: bool = False,
    ) -> Any:  # fmt: skip
        made = slide.shapes.add_textbox(*(self._inches(one) for one in box))
        self._write(made.text_frame, text, size, colour, bold=bold, right=right)
        return made

    def _write(
        self, frame: Any, text: str, size: float, colour: str, *, bold: bool = False, right: bool = False
    ) -> None:  # fmt: skip
        from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
        from pptx.util import Pt

        frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.TOP
        for place, line in enumerate(text.split("\n")):
            paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text = line
            run.font.size, run.font.bold, run.font.color.rgb, run.font.name = Pt(size), bold, _colour(colour), LATIN
            properties = run._r.get_or_add_rPr()
            properties.set("lang", self._tag)
            _east_asian(properties)

    # ------------------------------------------------------------------------------------------------

    def _block(self, slide: Any, block: Block, top: float, room: float) -> float:
        """Shows a block in the room below `top`; returns where it ends."""
        if isinstance(block, Table):
            return self._table(slide, block, top, room)
        if isinstance(block, Figure):
            return self._figure(slide, block, top, room)
        if isinstance(block, Bullets):
            items = [[self._say(a), self._say(b)] for a, b in block.items]
            grid = layout.Grid([], ["left", "left"], [0.16, 0.84], list(items))
            return self._grid(slide, grid, top, room, headed=False)
        text = self._say(block.text) if isinstance(block, Paragraph) else ""
        self._text(slide, text, (EDGE, top, WIDE - 2 * EDGE, room), 16, INK)
        return top + room

    def _table(self, slide: Any, table: Table, top: float, room: float) -> float:
        grid = layout.grid_of(table, self._speaker)
        title = f"{table.id}  {self._say(table.title)}".strip()
        self._text(slide, title, (EDGE, top - 0.05, WIDE - 2 * EDGE, 0.35), 12, QUIET)
        if not grid.lines:
            self._text(slide, self._say(table.empty), (EDGE, top + 0.35, WIDE - 2 * EDGE, 0.5), 16, INK)
            return top + 0.9
        end = self._grid(slide, grid, top + 0.35, room - 0.35)
        if table.whole > table.rows:
            said = layout.notes_of(table, self._speaker)[-1]
            self._text(slide, said, (EDGE, min(end, BOTTOM - 0.3), WIDE - 2 * EDGE, 0.3), 10, QUIET)
        return end

    def _grid(self, slide: Any, grid: layout.Grid, top: float, room: float, *, headed: bool = True) -> float:
        lines = [*([grid.heads] if headed else []), *grid.lines]
        size = next((one for one in SIZES if self._height(lines, grid.shares, one) <= room), SIZES[-1])
        inches = self._inches
        shape = slide.shapes.add_table(
            len(lines), len(grid.sides), inches(EDGE), inches(top), inches(WIDE - 2 * EDGE), inches(0.3 * len(lines))
        )
        made = shape.table
        made.first_row, made.horz_banding = headed, False
        for column, share in zip(made.columns, grid.shares, strict=True):
            column.width = inches((WIDE - 2 * EDGE) * share)
        for number, line in enumerate(lines):
            made.rows[number].height = inches(self._row_height(line, grid.shares, size))
            if isinstance(line, str):
                made.cell(number, 0).merge(made.cell(number, len(grid.sides) - 1))
                self._cell(made.cell(number, 0), line, "left", size, bold=True, fill=SEQUENTIAL[0])
                continue
            for place, text in enumerate(line):
                head = headed and number == 0
                strong = head or (not headed and place == 0)
                fill = SEQUENTIAL[0] if head else PAPER
                self._cell(made.cell(number, place), text, grid.sides[place], size, bold=strong, fill=fill)
        return top + self._height(lines, grid.shares, size)

    def _cell(self, cell: Any, text: str, side: str, size: int, *, bold: bool = False, fill: str) -> None:
        inches = self._inches
        cell.margin_left = cell.margin_right = inches(0.06)
        cell.margin_top = cell.margin_bottom = inches(0.025)
        cell.fill.solid()
        cell.fill.fore_color.rgb = _colour(fill)
        indent = "   " if text.startswith(layout.INDENT) else ""
        shown = indent + text.lstrip(layout.INDENT)
        self._write(cell.text_frame, shown, size, INK, bold=bold, right=side == "right")
        _under(cell)

    def _height(self, lines: list[list[str] | str], shares: list[float], size: int) -> float:
        return sum(self._row_height(line, shares, size) for line in lines)

    def _row_height(self, line: list[str] | str, shares: list[float], size: int) -> float:
        texts = [(line, 1.0)] if isinstance(line, str) else list(zip(line, shares, strict=True))
        deepest = 1
        for text, share in texts:
            fit = max(1, int(((WIDE - 2 * EDGE) * share - 0.12) / (CHARACTER * size)))
            deepest = max(deepest, sum(max(1, -(-_asked(part) // fit)) for part in text.split("\n")))
        return deepest * self._line_height * size + 0.06

    def _figure(self, slide: Any, figure: Figure, top: float, room: float) -> float:
        title = self._say(figure.title)
        self._text(slide, f"{figure.id}  {title}", (EDGE, top - 0.05, WIDE - 2 * EDGE, 0.35), 12, QUIET)
        svg = svg_of(figure, self._speaker)
        wide, high = svg_size(svg)
        scale = min((WIDE - 2 * EDGE) / wide, (room - 0.4) / high)
        left = (WIDE - wide * scale) / 2
        inches = self._inches
        shape = slide.shapes.add_picture(
            io.BytesIO(png_of(svg)), inches(left), inches(top + 0.4), inches(wide * scale), inches(high * scale)
        )
        self._drawings += 1
        add_vector(slide.part, shape._element, f"/ppt/media/drawing{self._drawings}.svg", for_office(svg))
        properties = shape._element.nvPicPr.cNvPr
        properties.set("descr", self._speaker.language.say(msg("Chart: {title}", title=title)))
        properties.set("name", figure.id)
        return top + room


def _asked(text: str) -> int:
    """The room of a line of text: Chinese characters take more than twice a mean letter and leave a line unfilled."""
    return width(text) if text.isascii() else round(1.18 * width(text))


def _colour(hexadecimal: str) -> Any:
    from pptx.dml.color import RGBColor

    made: Any = RGBColor
    return made.from_string(hexadecimal.lstrip("#").upper())


def _east_asian(properties: Any) -> None:
    """Names the face of Chinese characters of a run, after that of Latin ones."""
    from lxml import etree
    from pptx.oxml.ns import qn

    latin = properties.find(qn("a:latin"))
    face = etree.SubElement(properties, qn("a:ea"), typeface=HAN)
    latin.addnext(face)


def _under(cell: Any) -> None:
    """A thin line under a cell, and none beside it."""
    from lxml import etree
    from pptx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()
    for place, side in enumerate(("L", "R", "T", "B")):
        line = etree.Element(qn(f"a:ln{side}"), w="6350" if side == "B" else "0")
        if side == "B":
            fill = etree.SubElement(line, qn("a:solidFill"))
            etree.SubElement(fill, qn("a:srgbClr"), val=LINE.lstrip("#").upper())
        else:
            etree.SubElement(line, qn("a:noFill"))
        properties.insert(place, line)

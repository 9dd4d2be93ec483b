"""Documents as Word files that a committee can edit: styles, contents, references, tables that are tables."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from trialbook.core.messages import msg
from trialbook.display.chart_rendering import svg_size
from trialbook.display.theme import ACCENT, INK, LINE, QUIET, SEQUENTIAL, VERMILION
from trialbook.documents import layout
from trialbook.documents.archives import repacked
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
from trialbook.documents.drawings import for_office, png_of, svg_of
from trialbook.documents.office import add_vector, language_of, plain_fonts
from trialbook.documents.pdf import FULL_WIDTH

# The width of the text of a page, upright and on its side, in twentieths of a point: A4 with margins of 20 mm.
TEXT_WIDTH, ON_ITS_SIDE = 9638, 14570


def docx(document: Document, speaker: Speaker) -> bytes:
    """The document as a Word file in the language of the speaker."""
    return repacked(_Writer(document, speaker).made(), document.cut_date)


class _Writer:
    """Writes one document with python-docx, and with plain elements where that library has no word for something."""

    def __init__(self, document: Document, speaker: Speaker) -> None:
        import docx as library

        self._document, self._speaker = document, speaker
        self._word: Any = library.Document()
        self._known = layout.known_ids(document)
        self._chinese = layout.language_tag(speaker.language).startswith("zh")
        self._wide = document.alone and any(isinstance(block, Table) and block.wide for block in document.blocks())
        self._width = ON_ITS_SIDE if self._wide else TEXT_WIDTH
        self._bookmarks = 0
        self._headings = [(section, level) for section, level in _levels(document.sections, 1)]

    def made(self) -> bytes:
        document, word = self._document, self._word
        self._styles()
        self._page()
        self._properties()
        self._cover()
        for place, (section, level) in enumerate(self._headings, 1):
            if section.title:
                heading = word.add_heading(level=level)
                self._bookmarked(heading, f"_Toc{place:08d}", self._say(section.title))
            for block in section.blocks:
                self._block(block)
        file = io.BytesIO()
        word.save(file)
        assert document.cut_date  # noqa: S101 - a document without a date would be dated by the clock
        return file.getvalue()

    def _say(self, text: Any) -> str:
        return self._speaker.say(text)

    # ------------------------------------------------------------------------------------------------
    # Styles, page, properties

    def _styles(self) -> None:
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Pt, RGBColor

        styles = self._word.styles
        language_of(styles.element, layout.language_tag(self._speaker.language))
        looks: dict[str, tuple[float, str, bool, float, float]] = {
            # size, colour, bold, space before, space after
            "Normal": (9.5, INK, False, 0, 5), "Title": (22, ACCENT, True, 0, 2), "Subtitle": (13, INK, False, 0, 8),
            "Heading 1": (14, ACCENT, True, 16, 6), "Heading 2": (11, ACCENT, True, 10, 4),
            "Caption": (9, INK, True, 10, 3), "Header": (8, QUIET, False, 0, 0), "Footer": (8, QUIET, False, 0, 0),
            "Cell": (8.5, INK, False, 1.5, 1.5), "Note": (7.5, QUIET, False, 2, 2), "Remark": (8, QUIET, False, 0, 5),
            "Lead": (9.5, INK, True, 6, 3), "Answer": (14, INK, True, 6, 10), "TOC 1": (9.5, INK, False, 0, 3),
            "Contents": (12, ACCENT, True, 12, 4), "Number": (12, INK, True, 0, 0),
        }  # fmt: skip
        names = {style.name for style in styles}
        for name, (size, colour, bold, before, after) in looks.items():
            style = styles[name] if name in names else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            if name not in names:
                style.base_style = styles["Normal"]
            plain_fonts(style.element)
            style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
            style.font.color.rgb = RGBColor.from_string(colour.lstrip("#").upper())
            style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
            # A height of its own: faces differ, and a Chinese one would make a document a quarter longer. Not where
            # pictures are, which it would cut off.
            style.paragraph_format.line_spacing = 1.1 if name == "Normal" else Pt(round(1.3 * size, 1))
        for name in ("Heading 1", "Heading 2", "Caption", "Lead", "Contents"):
            styles[name].paragraph_format.keep_with_next = True
        for border in styles["Title"].element.xpath(".//w:pBdr"):
            border.getparent().remove(border)

    def _page(self) -> None:
        from docx.enum.section import WD_ORIENT
        from docx.enum.text import WD_TAB_ALIGNMENT
        from docx.shared import Mm, Pt, RGBColor

        section = self._word.sections[0]
        for name in ("Header", "Footer"):
            for stops in self._word.styles[name].element.xpath(".//w:tabs"):
                stops.getparent().remove(stops)
        section.page_width, section.page_height = (Mm(297), Mm(210)) if self._wide else (Mm(210), Mm(297))
        if self._wide:
            section.orientation = WD_ORIENT.LANDSCAPE
        section.left_margin = section.right_margin = Mm(20)
        section.top_margin, section.bottom_margin = Mm(26), Mm(20)
        section.header_distance, section.footer_distance = Mm(10), Mm(10)
        cover, head, foot = self._document.cover, section.header.paragraphs[0], section.footer.paragraphs[0]
        if cover.banner:
            banner = head.insert_paragraph_before(style="Header")
            banner.alignment = 1
            run = banner.add_run(self._say(cover.banner))
            run.bold, run.font.color.rgb = True, RGBColor.from_string(VERMILION.lstrip("#"))
        for paragraph in (head, foot):
            paragraph.paragraph_format.tab_stops.clear_all()
            stops = paragraph.paragraph_format.tab_stops
            stops.add_tab_stop(Pt(self._width / 20), WD_TAB_ALIGNMENT.RIGHT)
        head.add_run(f"{self._say(self._document.head)}\t{self._say(cover.title)}")
        foot.add_run(f"{self._say(self._document.foot)}\t")
        said = self._speaker.language.say(msg("Page {page} of {pages}", page="\x01", pages="\x02"))
        for part in said.replace("\x01", "\x00\x01\x00").replace("\x02", "\x00\x02\x00").split("\x00"):
            if part in ("\x01", "\x02"):
                _field(foot, "PAGE" if part == "\x01" else "NUMPAGES", "1")
            elif part:
                foot.add_run(part)

    def _properties(self) -> None:
        properties, cover = self._word.core_properties, self._document.cover
        day = datetime.fromisoformat(self._document.cut_date)
        properties.title, properties.author = f"{cover.study}: {self._say(cover.title)}", cover.study
        properties.subject, properties.comments, properties.keywords = self._say(cover.subtitle), "", ""
        properties.created = properties.modified = day
        properties.last_modified_by, properties.revision = cover.study, 1
        properties.language = layout.language_tag(self._speaker.language)

    # ------------------------------------------------------------------------------------------------
    # The first page

    def _cover(self) -> None:
        word, cover = self._word, self._document.cover
        if self._document.alone:
            return
        word.add_paragraph(cover.study, style="Remark")
        word.add_paragraph(self._say(cover.title), style="Title")
        word.add_paragraph(self._say(cover.subtitle), style="Subtitle")
        if self._document.answer:
            answer = word.add_paragraph(self._say(self._document.answer), style="Answer")
            _shaded(answer, SEQUENTIAL[0], ACCENT)
        facts = [(self._say(label), self._say(value)) for label, value in cover.facts]
        table = self._table_of(len(facts), [0.18, 0.82])
        for row, fact in zip(table.rows, facts, strict=True):
            for cell, text in zip(row.cells, fact, strict=True):
                cell.paragraphs[0].add_run(text)
        for notice in cover.notices:
            word.add_paragraph(self._say(notice), style="Remark")
        if len(self._document.sections) > 1:
            self._contents()

    def _contents(self) -> None:
        """The table of contents: a field that Word brings up to date (F9), filled with links to the headings."""
        word = self._word
        word.add_paragraph(self._say(layout.CONTENTS), style="Contents")
        entries = [(place, section) for place, (section, level) in enumerate(self._headings, 1) if level == 1]
        for number, (place, section) in enumerate(entries):
            paragraph = word.add_paragraph(style="TOC 1")
            if number == 0:
                _begin(paragraph, 'TOC \\o "1-1" \\h \\z \\u')
            _link(paragraph, f"_Toc{place:08d}", self._say(section.title))
            if number == len(entries) - 1:
                _end(paragraph)

    # ------------------------------------------------------------------------------------------------
    # Blocks

    def _block(self, block: Block) -> None:
        word, say = self._word, self._say
        if isinstance(block, Paragraph):
            style = {"body": "Normal", "lead": "Lead", "small": "Remark"}[block.style]
            paragraph = word.add_paragraph(say(block.text), style=style)
            numbers = [number for number in block.see if number in self._known]
            self._refer(paragraph, numbers)
            if numbers:
                paragraph.paragraph_format.keep_with_next = True
        elif isinstance(block, Notice):
            paragraph = word.add_paragraph(style="Normal")
            paragraph.add_run(f"{say(layout.NOTICE_WORDS[block.level])} ").bold = True
            paragraph.add_run(say(block.text))
            _shaded(paragraph, SEQUENTIAL[0], VERMILION)
        elif isinstance(block, Bullets):
            items = [(say(a), say(b)) for a, b in block.items]
            table = self._table_of(len(items), [0.2, 0.8], lined=False)
            for row, item in zip(table.rows, items, strict=True):
                row.cells[0].paragraphs[0].add_run(item[0]).bold = True
                row.cells[1].paragraphs[0].add_run(item[1])
            self._gap()
        elif isinstance(block, KeyNumbers):
            items_3 = [[say(part) for part in item] for item in block.items]
            table = self._table_of(1, [1 / len(items_3)] * len(items_3), lined=False)
            for cell, (label, value, note) in zip(table.rows[0].cells, items_3, strict=True):
                cell.paragraphs[0].style = word.styles["Note"]
                cell.paragraphs[0].add_run(label)
                cell.add_paragraph(value, style="Number")
                if note:
                    cell.add_paragraph(note, style="Note")
                _filled(cell, SEQUENTIAL[0])
            self._gap()
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Figure):
            self._figure(block)

    def _gap(self) -> None:
        from docx.shared import Pt

        paragraph = self._word.add_paragraph(style="Note")
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(0)

    def _refer(self, paragraph: Any, numbers: list[str]) -> None:
        """References to tables and figures: fields, so that Word leads there and keeps them right."""
        if not numbers:
            return
        opening, closing, comma = ("（", "）", "、") if self._chinese else (" (", ")", ", ")
        paragraph.add_run(opening)
        for place, number in enumerate(numbers):
            if place:
                paragraph.add_run(comma)
            _field(paragraph, f"REF {layout.bookmark(number)} \\h", number)
        paragraph.add_run(closing)

    def _caption(self, number: str, title: str) -> None:
        paragraph = self._word.add_paragraph(style="Caption")
        if number:
            self._bookmarked(paragraph, layout.bookmark(number), number)
            paragraph.add_run("   ")
        paragraph.add_run(title)

    def _bookmarked(self, paragraph: Any, name: str, text: str) -> None:
        """A run with a bookmark around it."""
        self._bookmarks += 1
        start = _element("w:bookmarkStart", {"w:id": str(self._bookmarks), "w:name": name})
        paragraph._p.append(start)
        paragraph.add_run(text)
        paragraph._p.append(_element("w:bookmarkEnd", {"w:id": str(self._bookmarks)}))

    def _table(self, block: Table) -> None:
        from docx.shared import Pt

        word, grid = self._word, layout.grid_of(block, self._speaker)
        self._caption(block.id, self._say(block.title))
        if not grid.lines:
            word.add_paragraph(self._say(block.empty), style="Normal")
        else:
            part = layout.narrow(grid)
            table = self._table_of(1 + len(grid.lines), [share * part for share in grid.shares])
            size, whole = Pt(layout.size_of(grid)), layout.whole(grid)
            self._row(table.rows[0], grid.heads, grid.sides, size, bold=True)
            _repeated(table.rows[0])
            notes = layout.notes_of(block, self._speaker)
            for place, (row, line) in enumerate(zip(table.rows[1:], grid.lines, strict=False)):
                last = place == len(grid.lines) - 1
                if isinstance(line, str):
                    cell = row.cells[0].merge(row.cells[-1])
                    run = cell.paragraphs[0].add_run(line)
                    run.bold, run.font.size = True, size
                    _filled(cell, SEQUENTIAL[0])
                else:
                    self._row(row, line, grid.sides, size)
                if isinstance(line, str) or (notes if last else whole):
                    _kept(row)
            _kept(table.rows[0])
        self._notes(layout.notes_of(block, self._speaker))
        self._gap()

    def _notes(self, notes: Sequence[str]) -> None:
        """Footnotes, on one page."""
        for place, note in enumerate(notes, 1):
            paragraph = self._word.add_paragraph(note, style="Note")
            paragraph.paragraph_format.keep_with_next = place < len(notes)

    def _row(self, row: Any, cells: list[str], sides: list[str], size: Any, *, bold: bool = False) -> None:
        from docx.shared import Pt

        for cell, text, side in zip(row.cells, cells, sides, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.alignment = 2 if side == "right" else 0
            if text.startswith(layout.INDENT):
                paragraph.paragraph_format.left_indent = Pt(8)
            run = paragraph.add_run(text.lstrip(layout.INDENT))
            run.bold, run.font.size = bold or None, size

    def _table_of(self, rows: int, shares: list[float], *, lined: bool = True) -> Any:
        """An empty table with columns of these shares of the page."""
        from docx.shared import Twips

        table = self._word.add_table(rows=rows, cols=len(shares))
        table.autofit = False
        _bordered(table, lined)
        widths = [Twips(round(self._width * share)) for share in shares]
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        for row in table.rows:
            _unsplit(row)
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width
                cell.paragraphs[0]._p.style = "Cell"
        return table

    def _figure(self, figure: Figure) -> None:
        from docx.shared import Twips

        title = self._say(figure.title)
        self._caption(figure.id, title)
        svg = svg_of(figure, self._speaker)
        paragraph = self._word.add_paragraph(style="Normal")
        paragraph.paragraph_format.keep_with_next = bool(figure.notes)
        width = Twips(round(self._width * min(1.0, svg_size(svg)[0] / FULL_WIDTH)))
        picture = paragraph.add_run().add_picture(io.BytesIO(png_of(svg)), width=width)
        add_vector(self._word.part, picture._inline, f"/word/media/{layout.bookmark(figure.id)}.svg", for_office(svg))
        described = picture._inline.docPr
        described.set("descr", title)
        described.set("name", figure.id)
        self._notes([self._say(note) for note in figure.notes])


def _levels(sections: tuple[Section, ...], level: int) -> Iterator[tuple[Section, int]]:
    for section in sections:
        yield section, level
        yield from _levels(section.sections, level + 1)


# ----------------------------------------------------------------------------------------------------
# Elements of WordprocessingML that python-docx has no word for


def _element(tag: str, attributes: dict[str, str] | None = None) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(tag)
    for name, value in (attributes or {}).items():
        made.set(qn(name), value)
    return made


def _begin(paragraph: Any, code: str) -> None:
    """The beginning of a field: its code, and the mark that comes before its result."""
    for kind in ("begin", "", "separate"):
        run = paragraph.add_run()._r
        if kind:
            run.append(_element("w:fldChar", {"w:fldCharType": kind}))
        else:
            said = _element("w:instrText", {"xml:space": "preserve"})
            said.text = f" {code} "
            run.append(said)


def _end(paragraph: Any) -> None:
    paragraph.add_run()._r.append(_element("w:fldChar", {"w:fldCharType": "end"}))


def _field(paragraph: Any, code: str, result: str) -> None:
    """A whole field; its code is ours, never text of the data."""
    _begin(paragraph, code)
    paragraph.add_run(result)
    _end(paragraph)


def _link(paragraph: Any, anchor: str, text: str) -> None:
    """A link to a bookmark of the document."""
    link = _element("w:hyperlink", {"w:anchor": anchor, "w:history": "1"})
    paragraph._p.append(link)
    run = paragraph.add_run(text)
    link.append(run._r)


def _shaded(paragraph: Any, fill: str, edge: str) -> None:
    properties = paragraph._p.get_or_add_pPr()
    border = _element("w:pBdr")
    side = {"w:val": "single", "w:sz": "24", "w:space": "6", "w:color": edge.lstrip("#")}
    border.append(_element("w:left", side))
    # The order of these elements is part of the format.
    properties.insert_element_before(border, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    shade = _element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": fill.lstrip("#")})
    properties.insert_element_before(shade, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _filled(cell: Any, fill: str) -> None:
    properties = cell._tc.get_or_add_tcPr()
    properties.append(_element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": fill.lstrip("#")}))


def _bordered(table: Any, lined: bool) -> None:
    properties = table._tbl.tblPr
    borders = _element("w:tblBorders")
    thin = {"w:val": "single", "w:sz": "4", "w:space": "0", "w:color": LINE.lstrip("#")}
    for side in ("top", "bottom", "insideH") if lined else ():
        borders.append(_element(f"w:{side}", thin if side == "insideH" else {**thin, "w:color": INK.lstrip("#")}))
    properties.append(borders)
    margins = _element("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(f"w:{side}", {"w:w": "60", "w:type": "dxa"}))
    properties.append(margins)


def _repeated(row: Any) -> None:
    row._tr.get_or_add_trPr().append(_element("w:tblHeader"))


def _unsplit(row: Any) -> None:
    row._tr.get_or_add_trPr().append(_element("w:cantSplit"))


def _kept(row: Any) -> None:
    """The row stays on the page of the next one."""
    for cell in row.cells:
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.keep_with_next = True

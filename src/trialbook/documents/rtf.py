"""The pack of tables, listings and figures of a cut as one RTF file: a page for each, as programmers expect it.

Text of the data is escaped character by character, so that no control word, group or field of it is ever read as RTF.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trialbook.core.messages import Message, msg
from trialbook.display.chart_rendering import svg_size
from trialbook.display.payload import text_of
from trialbook.documents import layout
from trialbook.documents import report as parts
from trialbook.documents.content import Cover, Figure, Speaker, Table, Text
from trialbook.documents.drawings import png_of, svg_of
from trialbook.documents.source import CutSource

# Twentieths of a point: A4 on its side, its margins, and the width between them.
WIDE, HIGH, EDGE = 16838, 11906, 1134
LINE = WIDE - 2 * EDGE
# The largest a figure is drawn, in the same unit, and how many pixels for each of its drawing.
ROOM, SHARP = 7000, 2
# Letters in half points: tables, titles, small print.
CELL, TITLE, SMALL = 16, 20, 14
KINDS = {"T": msg("Table {number}"), "F": msg("Figure {number}"), "L": msg("Listing {number}")}


@dataclass(frozen=True)
class Shown:
    """One page of the pack: a table, listing or figure, and the step of the build that it comes from."""

    block: Table | Figure
    step: str


@dataclass(frozen=True)
class Pack:
    """The pack of a cut: what it says of itself, and its tables, listings and figures in the order of the pages.

    `alone`: it is one table, without a first page.
    """

    cover: Cover
    head: Text
    foot: Text
    shown: tuple[Shown, ...]
    alone: bool = False


def pack(source: CutSource) -> Pack:
    """Every table, listing and figure of the pages of a build, whole, without a language."""
    shown = [Shown(one.table if one.spec is None else one.figure, one.step) for one in source.outputs]
    title = msg("Tables, listings and figures")
    return Pack(parts.cover(source, title), parts.head(source), parts.foot(source), tuple(shown))


def rtf(content: Pack, speaker: Speaker) -> bytes:
    """The pack as RTF in the language of the speaker."""
    return ("\n".join(_Writer(content, speaker).lines()) + "\n").encode("ascii")


def escaped(text: str) -> str:
    r"""A text as RTF shows it: nothing of it is a control word, a group or a field.

    >>> print(escaped("{\\b x} 3\u2265\U0001f600"))
    \{\\b x\} 3\u8805?\u-10179?\u-8704?
    """
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character in "\\{}":
        return f"\\{character}"
    if character == "\n":
        return "\\line "
    if " " <= character <= "~":
        return character
    if ord(character) < 0xA0:
        return " "
    units = character.encode("utf-16-le", "replace")
    codes = (int.from_bytes(units[k : k + 2], "little", signed=True) for k in range(0, len(units), 2))
    return "".join(f"\\u{code}?" for code in codes)


class _Writer:
    """Writes one pack."""

    def __init__(self, content: Pack, speaker: Speaker) -> None:
        self._content, self._speaker = content, speaker
        self._chinese = layout.language_tag(speaker.language).startswith("zh")

    def _say(self, text: Text) -> str:
        return escaped(self._speaker.say(text))

    def lines(self) -> Iterator[str]:
        """The file, line by line."""
        content, cover, say = self._content, self._content.cover, self._say
        face = "Microsoft YaHei" if self._chinese else "Arial"
        charset, spoken = (134, 2052) if self._chinese else (0, 2057)
        yield f"{{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0\\deflang{spoken}"
        yield f"{{\\fonttbl{{\\f0\\fswiss\\fcharset{charset} {face};}}}}"
        yield f"{{\\info{{\\title {escaped(cover.study)}: {say(cover.title)}}}{{\\author {escaped(cover.study)}}}}}"
        yield f"\\paperw{WIDE}\\paperh{HIGH}\\landscape\\lndscpsxn\\margl{EDGE}\\margr{EDGE}\\margt{EDGE}\\margb{EDGE}"
        tab = f"\\tqr\\tx{LINE}"
        banner = f"{{\\pard\\plain\\f0\\qc\\b\\fs{SMALL} {say(cover.banner)}\\par}}" if cover.banner else ""
        yield f"{{\\header{banner}{{\\pard\\plain\\f0{tab}\\fs{SMALL} {say(content.head)}\\tab {self._page()}\\par}}}}"
        yield f"{{\\footer{{\\pard\\plain\\f0{tab}\\fs{SMALL} {say(content.foot)}\\tab {say(cover.title)}\\par}}}}"
        if content.alone:
            yield from self._one(content.shown[0])
            yield "}"
            return
        yield f"\\pard\\sa120\\fs32\\b {say(cover.title)}\\b0\\par"
        yield f"\\pard\\sa240\\fs{TITLE} {escaped(cover.study)}, {say(cover.subtitle)}\\par"
        yield from (f"\\pard\\sa120\\fs{CELL} {say(notice)}\\par" for notice in cover.notices)
        for one in content.shown:
            number, title = escaped(one.block.id), say(one.block.title)
            # A link inside of this file: its target is a bookmark of ours, never text of the data.
            link = (
                f'{{\\field{{\\*\\fldinst HYPERLINK \\\\l "{layout.bookmark(one.block.id)}"}}{{\\fldrslt {number}}}}}'
            )
            yield f"\\pard\\tx1100\\fi-1100\\li1100\\fs{CELL} {link}\\tab {title}\\par"
        for one in content.shown:
            yield from self._one(one)
        yield "}"

    def _page(self) -> str:
        said = self._speaker.language.say(msg("Page {page} of {pages}", page="\x01", pages="\x02"))
        fields = {"\x01": "PAGE", "\x02": "NUMPAGES"}
        return "".join(
            f"{{\\field{{\\*\\fldinst {fields[c]}}}{{\\fldrslt 1}}}}" if c in fields else escaped(c) for c in said
        )

    def _one(self, shown: Shown) -> Iterator[str]:
        block, mark = shown.block, layout.bookmark(shown.block.id)
        if block.id:
            kind: Message = msg(KINDS[block.id[:1]].msgid, number=block.id)
            named = f"{{\\*\\bkmkstart {mark}}}{self._say(text_of(kind))}{{\\*\\bkmkend {mark}}}"
            fresh = "" if self._content.alone else "\\pagebb"
            yield f"\\pard{fresh}\\keepn\\qc\\fs{TITLE}\\b {named}\\par"
        yield f"\\pard\\keepn\\qc\\sa160\\fs{TITLE}\\b {self._say(block.title)}\\b0\\par"
        if isinstance(block, Table):
            yield from self._table(block)
            notes = [escaped(note) for note in layout.notes_of(block, self._speaker)]
        else:
            yield self._figure(block)
            notes = [self._say(note) for note in block.notes]
        if shown.step:
            source = msg("Source: {number} on the page {page}.html.", number=block.id, page=shown.step)
            notes.append(self._say(text_of(source)))
        yield from (f"\\pard\\sb60\\fs{SMALL} {note}\\par" for note in notes)

    def _table(self, table: Table) -> Iterator[str]:
        grid = layout.grid_of(table, self._speaker)
        if not grid.lines:
            yield f"\\pard\\qc\\fs{CELL} {self._say(table.empty)}\\par"
            return
        size = min(CELL, round(2 * layout.size_of(grid)))
        edges = [round(LINE * sum(grid.shares[: k + 1])) for k in range(len(grid.shares))]
        yield self._row(grid.heads, grid.sides, edges, size, top=True, bottom=True, head=True)
        last = len(grid.lines) - 1
        for place, line in enumerate(grid.lines):
            if isinstance(line, str):
                yield self._row([line], ["left"], edges[-1:], size, bottom=place == last, strong=True)
            else:
                yield self._row(line, grid.sides, edges, size, bottom=place == last)

    def _row(
        self, cells: list[str], sides: list[str], edges: list[int], size: int, *, top: bool = False,
        bottom: bool = False, head: bool = False, strong: bool = False,
    ) -> str:  # fmt: skip
        """One row; `head`: it is repeated on each page; rules above the head, below it, and below the last row."""
        rules = ("\\clbrdrt\\brdrs\\brdrw15" if top else "") + ("\\clbrdrb\\brdrs\\brdrw15" if bottom else "")
        defined = "".join(f"{rules}\\clvertalt\\cellx{edge}" for edge in edges)
        weight, light = ("\\b ", "\\b0") if head or strong else ("", "")
        said = "".join(
            f"\\pard\\intbl\\{'qr' if side == 'right' else 'ql'}"
            f"\\sb20\\sa20\\li{200 if text.startswith(layout.INDENT) else 0}\\fs{size} "
            f"{weight}{escaped(text.lstrip(layout.INDENT))}{light}\\cell"
            for text, side in zip(cells, sides, strict=True)
        )
        return f"\\trowd\\trgaph60\\trkeep{chr(92) + 'trhdr' if head else ''}{defined}{said}\\row"

    def _figure(self, figure: Figure) -> str:
        svg = svg_of(figure, self._speaker)
        wide, high = svg_size(svg)
        # Fifteen twentieths of a point for a pixel, smaller where the page has less room.
        scale = min(15.0, LINE / wide, ROOM / high)
        goal = f"\\picwgoal{round(wide * scale)}\\pichgoal{round(high * scale)}"
        size = f"\\picw{round(wide * SHARP)}\\pich{round(high * SHARP)}"
        return f"\\pard\\qc{{\\pict\\pngblip{size}{goal}\n{png_of(svg, SHARP).hex()}}}\\par\\pard"

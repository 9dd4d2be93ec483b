"""What every writer needs of a document in one language: plain rows of cells, widths of columns, references, words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trialbook.core.messages import Language, msg
from trialbook.display.text import width
from trialbook.documents.content import Bullets, Deck, Document, Figure, KeyNumbers, Notice, Paragraph, Speaker, Table

CONTENTS = msg("Contents")
NOTICE_WORDS = {"info": msg("Note"), "warning": msg("Attention"), "stop": msg("Stop")}
PAGE = msg("Page {page} of {pages}")
# A cell that begins with this is indented (`trialbook.display.table_body`).
INDENT = "\u2003"
# Characters of table text that fit side by side on a page; the least of a column; those between two columns; by how
# many a column grows at once; a word of more is broken.
LINE, LEAST, GAP, STEP, WORD, SHORT = 102, 4, 2, 2, 26, 24
# How many times the line a table may ask for: its letters are smaller by as much, and what is short stays whole.
SMALLER = 1.13
# Lines of text of a table that is kept on one page.
KEPT_WHOLE = 14
_LATIN = re.compile(r"[A-Za-z0-9.-]+")
_BREAKS = re.compile(r"[\s\u2003]+|(?<=[/,;→])")


@dataclass(frozen=True)
class Grid:
    """A table as a writer draws it: heads, sides (`left`, `right`), shares of the width that add up to 1, and lines.

    A line is a list of cells, or a string: the head of the rows below it.
    """

    heads: list[str]
    sides: list[str]
    shares: list[float]
    lines: list[list[str] | str]

    @property
    def rows(self) -> int:
        """Number of rows, heads of groups left out."""
        return sum(isinstance(line, list) for line in self.lines)


def grid_of(table: Table, speaker: Speaker) -> Grid:
    """The table in a language."""
    columns = table.shown
    cells = [speaker.cells(column) for column in columns]
    heads = [speaker.say(column.head) for column in columns]
    asked = [column.share for column in columns]
    shares = asked if any(asked) else shares_of(heads, cells)
    lines: list[list[str] | str] = []
    groups = None if table.groups is None else [speaker.say(group) for group in table.groups]
    before: str | None = None
    for row, line in enumerate(zip(*cells, strict=True)):
        if groups is not None and groups[row] != before:
            before = groups[row]
            lines += [before] if before else []
        lines.append(list(line))
    total = sum(shares) or 1.0
    return Grid(heads, ["right" if c.right else "left" for c in columns], [share / total for share in shares], lines)


def shares_of(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[float]:
    """The widths of columns in characters, with the space between them: each has room for its longest word, and what
    is left of the line goes where it saves most lines.
    """
    columns = [[width(text) for text in column] for column in cells]
    floors = [
        max(LEAST, *(_longest_word(text) for text in (head, *column)))
        for head, column in zip(heads, cells, strict=True)
    ]
    wishes = [
        max(floor, *(max(width(part) for part in text.split("\n")) for text in (head, *column)))
        for head, column, floor in zip(heads, cells, floors, strict=True)
    ]
    given = [_grown(columns, one, wishes) for one in _beginnings(heads, cells, floors)]
    # The way with the fewest lines; of several, the one that keeps most together.
    headed = [[*column, max(map(width, head.split("\n")))] for column, head in zip(columns, heads, strict=True)]
    best = min(given, key=lambda one: sum(_lines(headed, one)))
    return [float(one + GAP) for one in best]


def _beginnings(heads: Sequence[str], cells: Sequence[Sequence[str]], floors: Sequence[int]) -> list[list[int]]:
    """The least widths to begin with: what is short stays on one line, and so do whole heads, or the lines of heads
    alone; the words that begin the rows may be broken, or those of all cells. Where what is short asks for more than
    the line, letters may be a little smaller (`size_of`).
    """
    rows = [max((width(part) for text in column for part in text.split("\n")), default=0) for column in cells]
    kept = [0 if wide > SHORT else wide for wide in rows]
    lines = [max(width(part) for part in head.split("\n")) if "\n" in head else 0 for head in heads]
    whole = [0 if width(head) > SHORT else width(head) for head in heads]
    by_cells = [max(both) for both in zip(floors, kept, lines, strict=True)]
    with_heads = [
        max(floor, line or head, one) for floor, line, head, one in zip(floors, lines, whole, kept, strict=True)
    ]
    broken = [*floors[:1], *by_cells[1:]]
    between = GAP * len(heads)
    by_words = [max(both) for both in zip(floors, lines, strict=True)]
    smaller = round(SMALLER * LINE)
    ways = [(with_heads, LINE), (by_cells, LINE), (broken, LINE)]
    ways += [(by_cells, smaller), (broken, smaller), (by_words, LINE)]
    return [one for one, most in ways if sum(one) + between <= most] or [list(floors)]


def _grown(columns: Sequence[Sequence[int]], floors: Sequence[int], wishes: Sequence[int]) -> list[int]:
    """The widths when what is left of the line has gone where it saves most lines."""
    given = list(floors)
    room = LINE - GAP * len(given) - sum(given)
    while room > 0:
        growing = [k for k, wish in enumerate(wishes) if given[k] < wish]
        if not growing:
            break
        now = _lines(columns, given)
        best = max(growing, key=lambda k: _gain(columns, given, now, k))
        step = min(STEP, wishes[best] - given[best], room)
        given[best] += step
        room -= step
    return given


def _gain(columns: Sequence[Sequence[int]], given: Sequence[int], now: Sequence[int], place: int) -> tuple[int, int]:
    """How many lines a table saves when one column grows; how many lines its cells have."""
    grown = [one + 2 * STEP if k == place else one for k, one in enumerate(given)]
    own = sum(-(-wide // given[place]) for wide in columns[place])
    return sum(now) - sum(_lines(columns, grown)), own


def _lines(columns: Sequence[Sequence[int]], given: Sequence[int]) -> list[int]:
    """The lines of each row."""
    # A line ends before the last word that fits no longer.
    return [
        max(-(-wide // max(1, one - 1 if wide > one else one)) for wide, one in zip(row, given, strict=True))
        for row in zip(*columns, strict=True)
    ]


def narrow(grid: Grid) -> float:
    """How much of the line a table asks for, between 0.4 and 1: a small table is not stretched over the whole page."""
    asked = shares_of(
        grid.heads, [[line[k] for line in grid.lines if isinstance(line, list)] for k in range(len(grid.heads))]
    )
    return min(1.0, max(0.4, 1.12 * sum(asked) / LINE))


def size_of(grid: Grid) -> float:
    """The size of the letters in points: smaller where the longest words of all columns do not fit side by side."""
    asked = sum(share for share in shares_of(grid.heads, _columns(grid)))
    return 8.5 if asked <= LINE else max(6.5, round(8.5 * LINE / asked, 1))


def whole(grid: Grid) -> bool:
    """Whether a table is kept on one page: a longer one would leave half a page empty before it."""
    room = [max(1, round(share * LINE)) for share in grid.shares]
    deep = 0
    for line in grid.lines:
        if isinstance(line, str):
            deep += 1
            continue
        cells = zip(line, room, strict=True)
        deep += max(sum(max(1, -(-width(part) // wide)) for part in text.split("\n")) for text, wide in cells)
    return deep <= KEPT_WHOLE


def _columns(grid: Grid) -> list[list[str]]:
    return [[line[k] for line in grid.lines if isinstance(line, list)] for k in range(len(grid.heads))]


def _longest_word(text: str) -> int:
    return max((_least(word) for word in _BREAKS.split(text) if word), default=0)


def _least(word: str) -> int:
    """The room that a word needs: Chinese may break between any two characters but not inside of the Latin words in it,
    a very long word anywhere.
    """
    if not word.isascii():
        return max(min(width(word), 8), *(min(len(latin), WORD) for latin in _LATIN.findall(word)), 0)
    if width(word) > WORD:
        return max(width(part) for part in re.split("(?<=[-_.])", word))
    # Capitals and digits are wider than the mean letter.
    wide = sum(character.isupper() or character.isdigit() for character in word)
    return width(word) + round(0.25 * wide)


def caption(block: Table | Figure, speaker: Speaker) -> tuple[str, str]:
    """The number and the title of a table or figure."""
    return block.id, speaker.say(block.title)


def notes_of(table: Table, speaker: Speaker) -> list[str]:
    """The footnotes of a table, with a last one on rows that are not shown."""
    said = [speaker.say(note) for note in table.notes]
    if table.whole > table.rows:
        said.append(
            speaker.say(
                msg("The first {n} of {total} rows; the pages of the build show more.", n=table.rows, total=table.whole)
            )
        )
    return [note for note in said if note]


def known_ids(document: Document) -> set[str]:
    """The ids of the tables and figures of a document: what its paragraphs may refer to."""
    return {block.id for block in document.blocks() if isinstance(block, Table | Figure) and block.id}


def bookmark(number: str) -> str:
    """The name of the place of a table or figure in Word: letters, digits and underlines only.

    >>> bookmark("T-5")
    'T_5'
    """
    return re.sub(r"[^A-Za-z0-9]", "_", number)


def language_tag(language: Language) -> str:
    """The tag of a language as documents name it: `en-GB`, `zh-CN`."""
    return "zh-CN" if language.tag.startswith("zh") else "en-GB"


def texts_of(document: Document | Deck, speaker: Speaker) -> Iterator[tuple[str, str]]:
    """Every text of a document in a language, each with where it is: for the report on characters without a glyph."""
    cover = document.cover
    for text in (
        cover.title,
        cover.subtitle,
        cover.banner,
        *cover.notices,
        *(part for fact in cover.facts for part in fact),
    ):
        yield speaker.say(msg("Cover")), speaker.say(text)
    if isinstance(document, Deck):
        for place, slide in enumerate(document.slides, 1):
            where = speaker.say(msg("Slide {n}", n=place))
            yield where, speaker.say(slide.title)
            for block in slide.blocks:
                yield from _of_block(block, where, speaker)
        return
    for section in document.every_section():
        where = speaker.say(section.title)
        yield where, where
        for block in section.blocks:
            yield from _of_block(block, where, speaker)


def _of_block(block: object, where: str, speaker: Speaker) -> Iterator[tuple[str, str]]:
    if isinstance(block, Paragraph | Notice):
        yield where, speaker.say(block.text)
    elif isinstance(block, Bullets | KeyNumbers):
        for item in block.items:
            yield from ((where, speaker.say(part)) for part in item)
    elif isinstance(block, Table):
        where = block.id or where
        yield where, speaker.say(block.title)
        grid = grid_of(block, speaker)
        for line in (grid.heads, *grid.lines, *notes_of(block, speaker)):
            yield from ((where, text) for text in ([line] if isinstance(line, str) else line))
    elif isinstance(block, Figure):
        yield block.id or where, speaker.say(block.title)
        if block.data is not None:
            yield from _of_block(block.data, block.id or where, speaker)

"""What a document says, as data without a language: sections of paragraphs, tables and figures, numbered as on pages.

A writer (PDF, Word, slides, RTF) says it in one language through a `Speaker`; nothing in here knows a format. Texts are
those of payloads (`trialbook.display.payload`): a `Message`, what `plain` makes of one, or `{"d": text}` for text of
the data, which no language translates. Make a document of these, then hand it to a writer:

    table = table_of(payload, "T-5")             # a table that a notebook has shown; or Table(...) of your own columns
    safety = Section("safety", msg("Safety"), (Paragraph(msg("..."), see=("T-5",)), table))
    Document(kind="report", ..., sections=(safety,))

Blocks that name subjects, or hold the data of one, say so (`subjects=True`): they are for line-level audiences only.
A `Figure` is a drawing: `trialbook.documents.drawings` makes SVG and PNG of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trialbook.core.messages import ENGLISH, Language, Plain
from trialbook.display.payload import Payload, data_text
from trialbook.display.text import visible

Text = Plain
Audience = Literal["line", "aggregate"]
# The kind of a document that is one table or figure alone.
ALONE = "alone"
# Columns that name a subject or hold what is a subject's own.
SUBJECT_COLUMNS = frozenset(["SUBJID", "USUBJID", "SUBJECT", "subject", "Subject"])


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `see` are the ids of tables and figures of this document that it refers to, said at its end.

    `style`: `lead` for the sentence that answers, `small` for remarks.
    """

    text: Text
    style: Literal["body", "lead", "small"] = "body"
    see: tuple[str, ...] = ()
    subjects: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list, each item a text and what is said of it (blank = nothing): `015, DL3` and the sentence."""

    items: tuple[tuple[Text, Text], ...]
    subjects: bool = False


@dataclass(frozen=True)
class Notice:
    """A paragraph that a reader must not overlook."""

    text: Text
    level: Literal["info", "warning", "stop"] = "info"
    subjects: bool = False


@dataclass(frozen=True)
class KeyNumbers:
    """Headline numbers in a row: label, value and note of each."""

    items: tuple[tuple[Text, Text, Text], ...]
    subjects: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its head and its cells, as they are shown. Only cells of the kind `text` are said in a language.

    `share`: its part of the width; 0 = as wide as its cells ask for.
    """

    name: str
    head: Text
    cells: tuple[Text, ...]
    kind: Literal["text", "data", "number", "date"] = "data"
    right: bool = False
    share: float = 0.0


@dataclass(frozen=True)
class Table:
    """A table with its id (`T-5`, `L-2`; blank = none), its title, its columns and footnotes.

    `group` names the column whose values head the rows below them; `whole`: rows that there are, where fewer are shown.
    A table without rows says `empty`.
    """

    id: str
    title: Text
    columns: tuple[Column, ...]
    notes: tuple[Text, ...] = ()
    empty: Text = ""
    group: str = ""
    whole: int = 0
    subjects: bool = False

    @property
    def rows(self) -> int:
        """Number of rows that are shown."""
        return len(self.columns[0].cells) if self.columns else 0

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns shown as columns: all but the one of the groups."""
        return tuple(column for column in self.columns if column.name != self.group)

    @property
    def groups(self) -> tuple[Text, ...] | None:
        """The group of each row; None in a table without groups."""
        return next((column.cells for column in self.columns if self.group and column.name == self.group), None)

    @property
    def wide(self) -> bool:
        """Whether it wants a page on its side."""
        return len(self.shown) > 8


@dataclass(frozen=True)
class Figure:
    """A chart: its specification (Vega-Lite) with its texts (`chart_texts`), its title, and notes.

    `data` is the table of what is drawn, for those who cannot see it.
    """

    id: str
    title: Text
    spec: Mapping[str, Any]
    texts: Payload
    notes: tuple[Text, ...] = ()
    data: Table | None = None
    subjects: bool = False


Block = Paragraph | Bullets | Notice | KeyNumbers | Table | Figure


@dataclass(frozen=True)
class Section:
    """A section: its anchor (plain ASCII), its heading, and what is in it; `sections` are those one level below."""

    anchor: str
    title: Text
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Cover:
    """What a document says of itself: `facts` are label and value, `banner` is said on every page (SYNTHETIC DATA)."""

    study: str
    title: Text
    subtitle: Text
    facts: tuple[tuple[Text, Text], ...]
    notices: tuple[Text, ...] = ()
    banner: Text = ""


@dataclass(frozen=True)
class Document:
    """A whole document. `head` and `foot` are said on every page; `cut_date` (ISO) is the only date in its files.

    `answer` is the sentence that the first page gives in large letters.
    """

    kind: str
    cover: Cover
    head: Text
    foot: Text
    cut_date: str
    sections: tuple[Section, ...]
    answer: Text = ""
    audience: Audience = "line"

    @property
    def alone(self) -> bool:
        """Whether it holds nothing but one table or figure, which needs no cover and no contents."""
        return self.kind == ALONE

    def blocks(self) -> Iterator[Block]:
        """Every block in the order of reading."""
        for section in self.every_section():
            yield from section.blocks

    def every_section(self) -> Iterator[Section]:
        """Every section in the order of reading."""
        waiting = list(reversed(self.sections))
        while waiting:
            section = waiting.pop()
            yield section
            waiting += reversed(section.sections)


@dataclass(frozen=True)
class Slide:
    """One slide: its title says what is seen, its blocks show it, and `notes` say where it comes from."""

    title: Text
    blocks: tuple[Block, ...] = ()
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Deck:
    """The slides of a cut."""

    cover: Cover
    foot: Text
    cut_date: str
    slides: tuple[Slide, ...]
    answer: Text = ""
    audience: Audience = "line"


@dataclass(frozen=True)
class Speaker:
    """Says the texts of a document in one language."""

    language: Language = field(default=ENGLISH)

    def say(self, text: Text) -> str:
        """A text; text of the data as it is, hidden characters written out."""
        if isinstance(text, dict) and "d" in text:
            return visible(str(text["d"]))
        return visible(self.language.say(text))

    def cells(self, column: Column) -> list[str]:
        """The cells of a column as they are shown."""
        if column.kind == "text":
            return [self.say(cell) for cell in column.cells]
        return [visible(str(cell)) if isinstance(cell, str) else self.say(cell) for cell in column.cells]


# ----------------------------------------------------------------------------------------------------
# Tables of payloads


def table_of(
    payload: Payload, number: str = "", *, title: Text | None = None, columns: Sequence[str] = (), most: int = 0
) -> Table:  # fmt: skip
    """The table of a payload, without what opens and links. `number` is its id on the pages.

    `columns`: only these, in this order; `most`: at most so many rows (0 = all that the payload holds).
    Raises KeyError for a payload that is no table.
    """
    stub = payload.get("stub") or ""
    made = [_column(column, most) for column in payload["columns"]]
    if columns:
        by_name = {column.name: column for column in made}
        made = [by_name[name] for name in (*columns, payload.get("group") or "") if name in by_name]
    # What heads the rows comes first, as on pages.
    made.sort(key=lambda column: bool(stub) and column.name != stub)
    rows = len(payload["columns"][0]["cells"]) if payload["columns"] else 0
    there_are = max(int(payload.get("whole", 0)), rows)
    return Table(
        id=number, title=title if title is not None else own_title(payload), columns=tuple(made),
        notes=tuple(payload.get("notes", ())), empty=payload.get("empty", ""), group=payload.get("group") or "",
        whole=there_are if there_are > (min(rows, most) if most else rows) else 0,
        subjects=any(column.name in SUBJECT_COLUMNS for column in made),
    )  # fmt: skip


def _column(column: Payload, most: int) -> Column:
    cells = column["cells"][:most] if most else column["cells"]
    return Column(column["name"], column["head"], tuple(cells), column["type"], bool(column.get("right")))


def own_title(payload: Payload) -> Text:
    """The title of a payload without its id and the date of the cut, which a document says elsewhere."""
    title = payload.get("title", "")
    for pattern in ("{title}, data cut {date}", "{id} {title}"):
        if isinstance(title, dict) and title.get("m") == pattern:
            title = title["a"]["title"]
    if isinstance(title, dict) and title.get("a") == {}:
        title = title["m"]
    return title


__all__ = [
    "Audience", "Block", "Bullets", "Column", "Cover", "Deck", "Document", "Figure", "KeyNumbers", "Notice",
    "Paragraph", "Section", "Slide", "Speaker", "Table", "Text", "data_text", "own_title", "table_of",
]  # fmt: skip

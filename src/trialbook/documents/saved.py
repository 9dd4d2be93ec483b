"""One table or figure as a file of its own: what `.save(path)` of tables and figures writes, by the suffix of the path.

Made by the writers of the documents. A file says what the page around the table says: title, footnotes, the cut, and
that data are synthetic. No cell of a list is a formula.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.characters import printable
from trialbook.core.errors import UsageError
from trialbook.core.files import write_whole
from trialbook.core.messages import msg
from trialbook.display.chart_rendering import svg_size
from trialbook.display.figures import Figure as ShownFigure
from trialbook.display.payload import text_of
from trialbook.display.saving import Savable
from trialbook.display.tables import Table as ShownTable
from trialbook.display.text import safe
from trialbook.display.theme import INK, PAPER, QUIET, VERMILION
from trialbook.documents import layout
from trialbook.documents.content import (
    ALONE,
    Block,
    Cover,
    Document,
    Figure,
    Section,
    Speaker,
    Table,
    own_title,
    table_of,
)
from trialbook.documents.drawings import compiled, for_office, png_of, svg_of
from trialbook.documents.glyphs import FAMILY, shown
from trialbook.documents.report import SYNTHETIC
from trialbook.documents.rtf import Pack, Shown, rtf
from trialbook.documents.web import html
from trialbook.documents.word import docx
from trialbook.queries.files import csv_list

# A file that no cut dates has the earliest day that an archive can name, so that it is the same on every run.
NO_DAY = "1980-01-01"
SPEAKER = Speaker()
# The picture of a figure: space at its edge, height of a line, and the width of a letter, by the size of the letters.
EDGE, LINE_HEIGHT, LETTER = 12, 1.35, 0.56
# Characters of a column of a workbook, at least and at most.
NARROW, WIDE = 8, 60


def save(what: Savable, path: Path) -> Path:
    """Writes a file of a table or figure, whole or not at all; returns its path.

    Raises UsageError for an unknown suffix, a folder, a folder that does not exist, a place inside of a published
    build, and where the file cannot be written.
    """
    kinds = TABLES if isinstance(what, ShownTable) else FIGURES
    word = "table" if isinstance(what, ShownTable) else "figure"
    kind = path.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise UsageError(
            f"a {word} is saved as {', '.join(list(kinds)[:-1])} or {list(kinds)[-1]}", file=str(path),
            value=path.suffix or None, next_step=f"name the file by one of these, such as {word}.{next(iter(kinds))}",
        )  # fmt: skip
    build = next((folder for folder in path.resolve().parents if (folder / "manifest.json").is_file()), None)
    if build is not None:
        raise UsageError(
            "nothing is saved into a published build, which would no longer be proved", file=str(path),
            next_step="choose another folder",
        )  # fmt: skip
    if path.is_dir():
        raise UsageError("this is a folder", file=str(path), next_step="name a file in it")
    folder = path.resolve().parent
    if folder.exists() and not folder.is_dir():
        raise UsageError("this is a file, not a folder", file=str(folder), next_step="name a folder that exists")
    if not folder.is_dir():
        raise UsageError(
            "this folder does not exist", file=str(folder), next_step="make it first, or save into cut.outputs"
        )  # fmt: skip
    content = kinds[kind](what)
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(
            f"the file cannot be written ({error.strerror or type(error).__name__})", file=str(path),
            next_step="see who may write to this folder, or save into cut.outputs",
        ) from error  # fmt: skip
    return path


# ----------------------------------------------------------------------------------------------------
# Tables


def _document(what: Savable, block: Block) -> Document:
    cover = _cover(what)
    return Document(
        kind=ALONE, cover=cover, head=_head(what), foot="", cut_date=what.origin.cut_date or NO_DAY,
        sections=(Section("one", "", (block,)),),
    )  # fmt: skip


def _cover(what: Savable) -> Cover:
    banner = SYNTHETIC if what.origin.synthetic else ""
    return Cover(
        study=what.origin.study or "trialbook", title=text_of(what.title), subtitle="", facts=(), banner=banner
    )


def _head(what: Savable) -> Any:
    study, day = what.origin.study, what.origin.cut_date
    return text_of(msg("{study}, data cut {date}", study=study, date=day)) if study and day else ""


def _table(what: ShownTable) -> Table:
    """The table for the writers of documents, with every row that there is."""
    made = table_of(what.whole, what.id)
    # A title that holds its number behind other words keeps it there.
    return replace(made, id="") if made.id and SPEAKER.say(made.title).startswith(made.id) else made


def _grid_frame(table: Table) -> pd.DataFrame:
    """The table as a list: a column for each column, and first one for the heads of groups."""
    columns = table.columns if not table.group else sorted(table.columns, key=lambda column: column.name != table.group)
    heads = [" ".join(SPEAKER.say(column.head).split()) for column in columns]
    cells = [[cell.lstrip(layout.INDENT) for cell in SPEAKER.cells(column)] for column in columns]
    frame = pd.DataFrame(dict(enumerate(cells)), dtype="str")
    frame.columns = pd.Index(heads)
    return frame


def _csv(what: ShownTable) -> bytes:
    table = _table(what)
    if table.whole > table.rows:
        raise UsageError(
            f"this table shows {table.rows} of {table.whole} rows, and a CSV file has no place to say so",
            file=f"{what.id or what.title}", next_step="save it as xlsx, or save the dataset that it shows",
        )  # fmt: skip
    frame = _grid_frame(table)
    frame[_free("Source", frame)] = _source(what)
    return csv_list(frame)


def _source(what: ShownTable) -> str:
    """What the file has no other place for, in a column of its own: title, study and cut, and that data are synthetic.

    It is kept where the file is read as a list, or joined to another.
    """
    parts = (what.title, _head_beside(what), *([SPEAKER.say(SYNTHETIC)] if what.origin.synthetic else []))
    return ". ".join(str(part).rstrip(".") for part in parts if part)


def _head_beside(what: Savable) -> str:
    """Study and cut beside a title: of most titles, which name the cut, the study alone."""
    named = what.origin.cut_date and what.origin.cut_date in what.title
    return str(SPEAKER.say(what.origin.study if named else _head(what)))


def _free(name: str, frame: pd.DataFrame) -> str:
    """The name, or the first like it that no column has."""
    while name in frame:
        name = f"{name} of this table"
    return name


def _xlsx(what: ShownTable) -> bytes:
    """A workbook with the title above the table and the footnotes below it; numbers are numbers, all else is text."""
    import xlsxwriter

    table, file = _table(what), BytesIO()
    frame = _grid_frame(table)
    numeric = [column.kind == "number" for column in table.columns]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({
            "title": printable(what.title)[:250],
            "created": dt.datetime.fromisoformat(what.origin.cut_date or NO_DAY),
        })  # fmt: skip
        page = book.add_worksheet((what.id or "Table")[:31])
        strong, head = book.add_format({"bold": True}), book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        plain, small = book.add_format({"valign": "top"}), book.add_format({"font_color": QUIET})
        above = [what.title, *filter(None, [_head_beside(what)]), *([SYNTHETIC] if what.origin.synthetic else [])]
        for row, line in enumerate(above):
            page.write_string(row, 0, printable(str(line)), strong)
        first = len(above) + 1
        for column, name in enumerate(frame.columns):
            cells = frame.iloc[:, column].tolist()
            longest = max([len(name), *(len(cell) for cell in cells)])
            page.set_column(column, column, min(WIDE, max(NARROW, longest + 2)))
            page.write_string(first, column, printable(name), head)
            for row, cell in enumerate(cells, start=first + 1):
                amount = _amount(cell) if numeric[column] else None
                if amount is not None:
                    page.write_number(row, column, amount, plain)
                else:
                    page.write_string(row, column, printable(cell), text)
        if frame.empty:
            page.write_string(first + 1, 0, printable(SPEAKER.say(table.empty)), text)
        else:
            page.autofilter(first, 0, first + len(frame), len(frame.columns) - 1)
        page.freeze_panes(first + 1, 0)
        for place, note in enumerate(layout.notes_of(table, SPEAKER), start=first + len(frame) + 2):
            page.write_string(place, 0, printable(note), small)
    return file.getvalue()


def _amount(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    # "nan" and "inf" are words here, and a workbook has no place for them.
    return found if found - found == 0 else None


def _docx(what: ShownTable) -> bytes:
    return docx(_document(what, _table(what)), SPEAKER)


def _rtf(what: ShownTable) -> bytes:
    return rtf(Pack(_cover(what), _head(what), "", (Shown(_table(what), ""),), alone=True), SPEAKER)


def _html(what: ShownTable) -> bytes:
    return html(_document(what, _table(what)), SPEAKER)


# ----------------------------------------------------------------------------------------------------
# Figures


def _figure(what: ShownFigure) -> Figure:
    data = table_of(what.data.payload, "")
    spec = {key: value for key, value in what.spec.items() if key != "$schema"}
    return Figure(what.id, own_title({"title": what.named}), spec, what.texts, tuple(data.notes), data)


def picture(what: ShownFigure) -> str:
    """The figure as SVG with what its page says around it: title, study and cut, that data are synthetic, notes."""
    figure = _figure(what)
    drawn = svg_of(figure, SPEAKER)
    wide, high = svg_size(drawn)
    synthetic = [(SYNTHETIC, 12, VERMILION, "bold")] if what.origin.synthetic else []
    notes = [(SPEAKER.say(note), 11, QUIET, "normal") for note in figure.notes]
    head = [(_head_beside(what), 12, QUIET, "normal")]
    above = list(_lines([(what.title, 15, INK, "bold"), *head, *synthetic], wide))
    below = list(_lines(notes, wide))
    top, space = EDGE + _height(above), _height(below)
    whole = top + high + space + 2 * EDGE
    said = [*_written(above, EDGE), *_written(below, top + EDGE + high)]
    inner = drawn[drawn.index("<svg") :].replace("<svg", f'<svg x="{EDGE}" y="{top + EDGE // 2}"', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{wide + 2 * EDGE}" height="{whole}" viewBox="0 0 {wide + 2 * EDGE} {whole}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(said)}{inner}</svg>\n'
    )


Line = tuple[str, int, str, str]


def _lines(texts: list[Line], wide: int) -> Iterator[Line]:
    """Texts of a size, colour and weight, broken into lines that fit."""
    for text, size, colour, weight in texts:
        for line in textwrap.wrap(str(text), max(20, int(wide / (size * LETTER)))):
            yield line, size, colour, weight


def _height(lines: list[Line]) -> int:
    return round(sum(size * LINE_HEIGHT for _, size, _, _ in lines))


def _written(lines: list[Line], top: float) -> Iterator[str]:
    for text, size, colour, weight in lines:
        top += size * LINE_HEIGHT
        yield (
            f'<text x="{EDGE}" y="{top - 0.35 * size:.1f}" font-family="{FAMILY}" font-size="{size}px" '
            f'font-weight="{weight}" fill="{colour}">{safe(shown(text))}</text>'
        )


def _svg(what: ShownFigure) -> bytes:
    return for_office(picture(what)).encode("utf-8")


def _png(what: ShownFigure) -> bytes:
    return png_of(picture(what))


def _pdf(what: ShownFigure) -> bytes:
    drawn = picture(what)
    wide, high = svg_size(drawn)
    page = f'#set page(width: {wide}pt, height: {high}pt, margin: 0pt)\n#image("drawing.svg", width: {wide}pt)\n'
    return compiled({"main.typ": page.encode("utf-8"), "drawing.svg": drawn.encode("utf-8")}, "pdf")


def _figure_html(what: ShownFigure) -> bytes:
    return html(_document(what, _figure(what)), SPEAKER)


TABLES: Mapping[str, Callable[[Any], bytes]] = {
    "html": _html, "csv": _csv, "xlsx": _xlsx, "docx": _docx, "rtf": _rtf,
}  # fmt: skip
FIGURES: Mapping[str, Callable[[Any], bytes]] = {"html": _figure_html, "svg": _svg, "png": _png, "pdf": _pdf}

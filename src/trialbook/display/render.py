"""Payloads as HTML and as plain text, in any language: the one place that makes HTML of what cells emit.

Every text is escaped here. The HTML of a notebook is made in English as the cell runs; a page is made of the payload
afterwards, so that it can be in another language, and so that everything on it is made here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from trialbook.core.messages import ENGLISH, JOINED, Language, Plain, filled_pattern, msg, plural
from trialbook.core.translations import DATA_COLUMN
from trialbook.display.opened_records import Boxes
from trialbook.display.payload import Payload, number_key
from trialbook.display.table_body import LONG_TABLE, WORDS_OF_DATA, Around, Grid, as_text, box, boxed, drawn, is_counts
from trialbook.display.text import safe, visible

NOTICES = {"info": msg("Note"), "warning": msg("Attention"), "stop": msg("Stop")}
DATA_OF_FIGURE = msg("Data of this figure")
CLOSE = msg("Close")
LINES = msg("The records behind this number")
MORE = msg("Page of records")
_PROFILE = re.compile(r"profiles/[A-Za-z0-9_-]{1,64}\.html", re.ASCII)
_ID = re.compile(r"[TFL]-\d{1,5}[a-z]{0,2}", re.ASCII)
_SECOND = "abcdefghijklmnopqrstuvwxyz"
# What tables of other libraries may hold.
TAGS = frozenset(["div", "p", "span", "strong", "table", "thead", "tbody", "tfoot", "tr", "th", "td"])
PROPERTIES = ("color", "background-color", "font-weight", "font-style", "text-align", "text-decoration")
_VALUE = r"(?:#[0-9a-fA-F]{3,8}|[a-z-]{1,20}|\d{3}|rgba?\([\d., %]{5,40}\))"
STYLE = re.compile(rf"(?:(?:{'|'.join(PROPERTIES)}):{_VALUE};)+")
ATTRIBUTES = {
    "class": re.compile(r"gt_[a-z_]{1,40}(?: gt_[a-z_]{1,40})*"), "aria-label": re.compile("Table"),
    "scope": re.compile("row|col|rowgroup|colgroup"), "colspan": re.compile(r"\d{1,3}"),
    "rowspan": re.compile(r"\d{1,3}"), "style": STYLE,
}  # fmt: skip


class Renderer:
    """Makes HTML and text of payloads in one language.

    On a page a block has the id that it is given, and a number that opens leads to the page `records`, whose boxes
    are kept in `opened`; without such a page numbers of the results lead where `leads` says. In a notebook (`on_page`
    False) a number opens a popover, named after the title of its table. Where `numbered` is False, titles are shown
    without the ids of their tables: nobody cites those of a page that no notebook makes.
    """

    def __init__(
        self, language: Language = ENGLISH, *, on_page: bool = False, records: str = "", opened: Boxes | None = None,
        leads: Mapping[str, str] | None = None, numbered: bool = True,
    ) -> None:  # fmt: skip
        self.language, self._on_page, self._records, self._leads = language, on_page, records, leads or {}
        self._numbered = numbered
        self.opened = opened if opened is not None else Boxes()

    # ------------------------------------------------------------------------------------------------

    def html(self, payload: Payload, anchor: str = "") -> str:
        """The block as HTML of ours; `anchor` is its id on the page.

        Raises KeyError, TypeError or ValueError for what `trialbook.display` does not emit.
        """
        kind = payload["kind"]
        say = self._safe
        if kind == "sentence":
            return f'<p class="tb tb-sentence">{say(payload["text"])}</p>'
        if kind == "notice":
            level = payload["level"]
            word = say(msg("{sentence}.", sentence=NOTICES[level]))
            return f'<p class="tb tb-notice tb-{level}"><strong>{word}</strong> {say(payload["text"])}</p>'
        if kind == "key_numbers":
            keys = payload.get("numbers") or [None] * len(payload["items"])
            cards = "".join(
                f'<div class="tb-card"><div class="tb-label">{say(label)}</div>'
                f'<div class="tb-value">{self._leading(say(value), key, say(label))}</div>'
                f'<div class="tb-note">{say(note)}</div></div>'
                for (label, value, note), key in zip(payload["items"], keys, strict=True)
            )
            return f'<div class="tb tb-cards">{cards}</div>'
        if kind == "figure":
            named = self._named(self.say(payload["title"]), anchor)
            return f'<p class="tb tb-title tb-figure"{_id(anchor)}>{named}</p>'
        if kind == "figure_data":
            data = self.html(payload["table"])
            return f'<details class="tb"><summary>{say(DATA_OF_FIGURE)}</summary>{data}</details>'
        if kind == "several":
            return "".join(self.html(block) for block in payload["blocks"])
        if kind == "foreign":
            made = "".join(_foreign(payload["tokens"]))
            return f'<div class="tb tb-table"{_id(anchor)}><div class="tb-box" tabindex="0">{made}</div></div>'
        if kind == "frame":
            return self._frame(payload, anchor)
        if kind == "table":
            return self._table(payload, anchor)
        raise ValueError(f"there is no block of the kind {kind!r}")

    def text(self, payload: Payload) -> str:
        """The block as plain text."""
        kind = payload["kind"]
        if kind == "sentence":
            return self.say(payload["text"])
        if kind == "notice":
            word = self.say(msg("{sentence}.", sentence=NOTICES[payload["level"]]))
            return f"{word} {self.say(payload['text'])}"
        if kind == "key_numbers":
            items = [[self.say(part) for part in item] for item in payload["items"]]
            return "\n".join(f"{label}: {value}{f' ({note})' if note else ''}" for label, value, note in items)
        if kind == "figure":
            return self.say(payload["title"])
        if kind == "figure_data":
            return self.text(payload["table"])
        if kind == "several":
            return "\n".join(self.text(block) for block in payload["blocks"])
        if kind == "foreign":
            lines = ["  ".join(" ".join(cell.split()) for cell in row).strip() for row in payload["rows"]]
            return "\n".join(line for line in lines if line)
        grid = self._grid(payload)
        title = [self.say(payload[name]) for name in ("title", "subtitle") if name in payload]
        body = as_text(grid) if grid.rows else self.say(payload["empty"])
        notes = [self.say(note) for note in payload.get("notes", ())]
        return "\n".join(line for line in (*title, self._count(payload, grid), body, *notes) if line)

    def _named(self, title: str, anchor: str) -> str:
        """A title with its number in front, which links to it: also where the title begins with the number itself."""
        if not anchor or not self._numbered:
            return safe(title)
        return f'<a class="tb-id" href="#{anchor}">{anchor}</a> {safe(unnumbered(title, anchor))}'

    def _on_paper(self, title: str, anchor: str) -> str:
        """The same without the link, for each sheet of a page; a notebook has no sheets."""
        number = f"{anchor} " if self._numbered else ""
        return safe(f"{number}{unnumbered(title, anchor)}") if anchor else ""

    def say(self, text: Plain) -> str:
        """A text of a payload in this language; text of the data as it is."""
        if isinstance(text, dict) and "d" in text:
            return visible(text["d"])
        return self.language.say(text)

    def _leading(self, html: str, key: Sequence[str] | None, label: str) -> str:
        """The text of a number of the results as a link to its records, where a box of them is kept; its `label` is
        part of the name of the link, for who hears links without what is around them.
        """
        anchor = self.opened.numbers.get(number_key(key)) if key and self._records else None
        if not anchor:
            return html
        return f'<a class="tb-open" href="{self._records}#{anchor}" aria-label="{label}: {html}">{html}</a>'

    def _safe(self, text: Plain) -> str:
        return safe(self.say(text))

    # ------------------------------------------------------------------------------------------------
    # Tables

    def _table(self, payload: Payload, anchor: str) -> str:
        grid = self._grid(payload)
        grid, popovers = self._with_openings(payload, grid, anchor)
        title, subtitle, count = self.say(payload["title"]), self.say(payload["subtitle"]), self._count(payload, grid)
        html, named = [f'<div class="tb tb-table"{_id(anchor)}>'], self._named(title, anchor)
        if grid.rows:
            html += [box(grid, title, _caption(named, subtitle, count), self._on_paper(title, anchor))]
        else:
            html += [f'<p class="tb-title">{named}</p>']
            html += [f'<p class="tb-subtitle">{safe(subtitle)}</p>'] if subtitle else []
            html += [f"<p>{self._safe(payload['empty'])}</p>"]
        notes = [self._safe(note) for note in payload["notes"]]
        if payload.get("unopened"):
            unopened = msg("{n} cells do not open: too many records for one page.", n=payload["unopened"])
            notes.append(self._safe(unopened))
        if notes:
            html += ['<div class="tb-notes">', *(f"<p>{note}</p>" for note in notes), "</div>"]
        return "".join([*html, popovers, "</div>"])

    def _frame(self, payload: Payload, anchor: str) -> str:
        """A table without a title: a plain DataFrame."""
        grid = self._grid(payload)
        name = self.say(msg("First rows of a dataset") if payload.get("look") else msg("Table"))
        count = self._count(payload, grid)
        caption = _caption(self._named(name, anchor), "", count) if anchor or count else ""
        return f'<div class="tb tb-table"{_id(anchor)}>{box(grid, name, caption)}</div>'

    def _count(self, payload: Payload, grid: Grid) -> str:
        if grid.whole > grid.rows:
            few = msg("The first {n} of {total} rows.", n=grid.rows, total=grid.whole)
            many = msg(
                "The first {n} of {total} rows; the files of this build hold all of them",
                n=grid.rows, total=grid.whole,
            )  # fmt: skip
            return self.say(few if payload["kind"] == "frame" else many)
        return self.say(plural("{n} row", "{n} rows", grid.rows)) if grid.rows > LONG_TABLE else ""

    def _grid(self, payload: Payload) -> Grid:
        columns = payload["columns"]
        around = {
            (row, column["name"]): _link(to)
            for column in columns if "to" in column
            for row, to in enumerate(column["to"]) if to
        }  # fmt: skip
        cells = {column["name"]: self._cells(column) for column in columns}
        return Grid(
            cells,
            {column["name"]: self.say(column["head"]) for column in columns},
            [
                column["name"] for column in columns
                if column.get("right") or (column["type"] == "text" and is_counts(cells[column["name"]]))
            ],
            payload.get("group"), payload.get("stub"), payload.get("whole", 0), around, bool(payload.get("listing")),
            self._delivered(columns),
        )  # fmt: skip

    def _delivered(self, columns: Sequence[Payload]) -> list[tuple[int, str]]:
        """The cells of words of the data, which a page in another language shows as they were delivered."""
        if self.language is ENGLISH:
            return []
        return [
            (row, column["name"])
            for column in columns
            for row, cell in enumerate(column["cells"])
            if (cell if isinstance(cell, str) and _is_data(column) else isinstance(cell, dict) and cell.get("d"))
            and WORDS_OF_DATA.search(cell["d"] if isinstance(cell, dict) else cell)
        ]

    def _cells(self, column: Payload) -> list[str]:
        cells: list[Any] = column["cells"]
        if column["type"] not in ("text", "data"):
            return cells
        if self.language is ENGLISH or _is_data(column):
            # Text of the data is shown as it was delivered; only what was made a message is ours.
            return [cell if isinstance(cell, str) else self.say(cell) for cell in cells]
        return [self.say(cell) if cell else "" for cell in cells]

    # ------------------------------------------------------------------------------------------------
    # What numbers open to: boxes of the records page, or popovers in a notebook

    def _with_openings(self, payload: Payload, grid: Grid, anchor: str) -> tuple[Grid, str]:
        """The grid whose numbers open, and the popovers of a notebook to go behind the table."""
        if self._leads:
            names = [column["name"] for column in payload["columns"]]
            leading = {
                (row, names[column]): (f'<a class="tb-open" href="{self._leads[number_key(key)]}">', "</a>")
                for row, column, _, key in payload.get("says", ()) if key and number_key(key) in self._leads
            }  # fmt: skip
            return replace(grid, around={**grid.around, **leading}), ""
        if not payload.get("details") or (self._on_page and not self._records):
            return grid, ""
        opening, popovers = (self._boxes(payload, grid, anchor), "") if self._on_page else self._popovers(payload)
        return replace(grid, around={**grid.around, **opening}), popovers

    def _boxes(self, payload: Payload, grid: Grid, anchor: str) -> dict[tuple[int, str], Around]:
        """The links around the numbers that open; their boxes are kept."""
        opened = self.opened
        opened.begin(anchor, self._safe(payload["title"]))
        shells = [
            opened.table(boxed(markup.whole(labels, []), self.say(LINES), 0, keyed=True), rows)
            for markup, labels, rows in (
                drawn(self._grid({"columns": columns})) for columns in payload.get("lines", [])
            )
        ]  # fmt: skip
        bodies: dict[int, int] = {}
        said = {(row, column): (text, key) for row, column, text, key in payload.get("says", ())}
        names = [column["name"] for column in payload["columns"]]
        around = {}
        for row, column, k in payload["buttons"]:
            detail = payload["details"][k]
            if k not in bodies:
                bodies[k] = self._body(detail, shells)
            text, key = said.get((row, column), (None, None))
            title = self._safe(text) if text else self._title(detail, grid, row, names[column])
            box_anchor = opened.box(title, bodies[k], number_key(key) if key else "")
            around[row, names[column]] = (f'<a class="tb-open" href="{self._records}#{box_anchor}">', "</a>")
        return around

    def _body(self, detail: Payload, shells: Sequence[int]) -> int:
        """What a detail shows, kept once."""
        if "rows" in detail:
            shell, rows = shells[detail["lines"]], detail["rows"]
        elif "columns" in detail:
            markup, labels, lines = drawn(self._grid(detail))
            shell = self.opened.table(boxed(markup.whole(labels, []), self.say(detail["title"]), 0, keyed=False), lines)
            rows = range(len(lines))
        else:
            shell, rows = -1, ()
        return self.opened.body(shell, rows, self._notes(detail, len(rows)))

    def _title(self, detail: Payload, grid: Grid, row: int, column: str) -> str:
        """The title of a box: that of the detail, or the row, the column and the number of the cell."""
        if detail["title"] != LINES:
            return self._safe(detail["title"])
        stub, said = grid.shown[0], grid.cells[column][row]
        parts = [grid.cells[grid.group][row]] if grid.group else []
        parts += [grid.cells[stub][row].strip()] if stub != column else []
        return safe(self._following([self._following([*parts, _one_line(grid.heads[column])], ", "), said], ": "))

    def _following(self, parts: Sequence[str], separator: str) -> str:
        """Texts in this language, one after the other."""
        pattern = self.language.say(JOINED[separator])
        return reduce(lambda a, b: filled_pattern(pattern, {"a": a, "b": b}), [part for part in parts if part])

    def _popovers(self, payload: Payload) -> tuple[dict[tuple[int, str], Around], str]:
        """The buttons around the numbers of a table in a notebook, and every popover, once, to go behind the table."""
        details = payload["details"]
        mark = hashlib.sha256(ENGLISH.say(payload["title"]).encode()).hexdigest()[:8]
        names = [f"tb-{mark}-{number}" for number in range(1, len(details) + 1)]
        lines = [drawn(self._grid({"columns": columns})) for columns in payload.get("lines", [])]
        close = self._safe(CLOSE)
        popovers = "".join(
            f'<div class="tb-opened" popover id="{name}"{self._opened(detail, lines)}<p class="tb-shut"><button '
            f'class="tb-close" popovertarget="{name}" popovertargetaction="hide">{close}</button></p></div>'
            for name, detail in zip(names, details, strict=True)
        )
        columns = [column["name"] for column in payload["columns"]]
        buttons = {
            (row, columns[column]): (f'<button class="tb-open" popovertarget="{names[k]}">', "</button>")
            for row, column, k in payload["buttons"]
        }
        return buttons, popovers

    def _opened(self, detail: Payload, lines: Sequence[Any]) -> str:
        title = self._safe(detail["title"])
        records, shown = "", 0
        if "rows" in detail:
            markup, labels, rows = lines[detail["lines"]]
            shown = len(detail["rows"])
            body = markup.whole(labels, [rows[position] for position in detail["rows"]])
            records = boxed(body, self.say(LINES), shown, keyed=True)
        elif "columns" in detail:
            grid = self._grid(detail)
            shown = grid.rows
            records = box(grid, self.say(detail["title"]))
        return f' aria-label="{title}"><p class="tb-title">{title}</p>{records}{self._notes(detail, shown)}'

    def _notes(self, detail: Payload, shown: int) -> str:
        """The notes of a detail; first, how many of its records are shown."""
        notes = [self._safe(note) for note in detail["notes"]]
        if detail["whole"] > shown:
            cut = "The first {n} of {total} records; the files of this build hold all of them."
            notes.insert(0, self._safe(msg(cut, n=shown, total=detail["whole"])))
        said = "".join(f"<p>{note}</p>" for note in notes)
        return f'<div class="tb-notes">{said}</div>' if said else ""


def _one_line(head: str) -> str:
    return " ".join(head.split())


def _is_data(column: Payload) -> bool:
    return bool(column["type"] == "data" or DATA_COLUMN.fullmatch(column["name"]))


def _id(anchor: str) -> str:
    return f' id="{_sound(_ID, anchor)}"' if anchor else ""


def unnumbered(title: str, anchor: str) -> str:
    """A title without the number that it begins with.

    >>> unnumbered("F28 Pathways from now on", "F-28")
    'Pathways from now on'
    """
    return re.sub(rf"^{anchor[0]}-?{anchor[2:].rstrip(_SECOND)}[a-z]?\b[:.]?\s*", "", title)


def _caption(named: str, subtitle: str, count: str) -> str:
    """The caption of a table: what it is, in view while the table scrolls sideways."""
    less = "".join(
        f'<span class="{kind}">{safe(text)}</span>'
        for kind, text in (("tb-subtitle", subtitle), ("tb-count", count))
        if text
    )
    return f'<caption><div class="tb-caption"><span class="tb-title">{named}</span>{less}</div></caption>'


def _link(address: str) -> Around:
    return f'<a class="tb-subject" href="{_sound(_PROFILE, address)}">', "</a>"


def _sound(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not what trialbook.display writes")
    return text


def _foreign(tokens: Sequence[Any]) -> Iterator[str]:
    """A table of another library: texts, [tag, attributes] and [tag]; a line break is a line break."""
    for part in tokens:
        if isinstance(part, str):
            yield "<br>" if part == "\n" else safe(part)
            continue
        tag, *attributes = part
        if tag not in TAGS:
            raise ValueError(f"tables do not hold the tag {tag!r}")
        if not attributes:
            yield f"</{tag}>"
            continue
        given = "".join(f' {name}="{_sound(ATTRIBUTES[name], value)}"' for name, value in attributes[0].items())
        yield f"<{tag}{given}>"

"""The content of the page of an executed notebook, in one language: its prose, code, blocks and charts."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, Plain, msg
from trialbook.core.syntax import syntax_tree
from trialbook.display.chart_rendering import chart_size, still_svg, svg_size
from trialbook.display.chart_texts import in_language
from trialbook.display.figures import spec_json
from trialbook.display.number_records import NumberRecords
from trialbook.display.opened_records import Boxes
from trialbook.display.page_outputs import Dropped, Shown, is_own_html, shown_outputs
from trialbook.display.payload import MIME, Payload
from trialbook.display.prose import Heading, prose_html
from trialbook.display.render import DATA_OF_FIGURE, Renderer, unnumbered
from trialbook.display.tables import table
from trialbook.display.text import safe, visible
from trialbook.protocol.models import NOTHING_OF_IT

# The tag of a cell that shows an intermediate frame: analysts see it at once, readers of the page when they ask.
LOOK = "look"
# The tag of a cell for looking things up: it goes to the reference page beside the page that answers.
REFERENCE = "reference"
# The data of a figure with more rows go there as well.
MOST_DATA_ROWS = 40
# Of a longer table the page that answers shows the first rows, and the reference page all that the cell shows.
MOST_TABLE_ROWS = 60
# A figure that draws more rows of data, or is higher in pixels, goes there: a page of 1,200 subjects must open at once.
MOST_MARKS, MOST_HEIGHT = 1_500, 2_400
MORE = msg("To look up")
DRAWN_ASIDE = msg("The figure itself is large and has a page beside this one.")


@dataclass(frozen=True)
class Piece:
    """One piece of a page, as its template shows it."""

    kind: Literal["html", "text", "code", "chart"]
    html: str = ""
    text: str = ""
    chart: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """A table, figure or listing of a notebook: its id, its title, and whether it is on the reference page."""

    id: str
    title: str
    reference: bool = False


@dataclass(frozen=True)
class PageContent:
    """What the page of one notebook shows, without the frame around it; plain data, so that it can be kept.

    `reference`: the same for its reference page, None without one; `boxes`: what the numbers of both open to;
    `listed`: every table, figure and listing of both, in order.
    """

    pieces: list[Piece]
    headings: list[Heading]
    dropped: list[Dropped]
    live: bool
    reference: PageContent | None = None
    boxes: Boxes = field(default_factory=Boxes)
    listed: list[Listed] = field(default_factory=list)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> PageContent:
        """The content from what `dataclasses.asdict` made of it."""
        return cls(
            [Piece(**piece) for piece in plain["pieces"]],
            [Heading(**heading) for heading in plain["headings"]],
            [Dropped(**item) for item in plain["dropped"]],
            plain["live"],
            cls.from_plain(plain["reference"]) if plain["reference"] else None,
            Boxes.from_plain(plain["boxes"]),
            [Listed(**one) for one in plain["listed"]],
        )


def reference_page(page: str) -> str:
    """The file name of the reference page of a page.

    >>> reference_page("03_safety.html"), records_page("03_safety.html")
    ('03_safety_tables.html', '03_safety_records.html')
    """
    return page.removesuffix(".html") + "_tables.html"


def records_page(page: str) -> str:
    """The file name of the page of the records behind the numbers of a page."""
    return page.removesuffix(".html") + "_records.html"


def page_content(
    notebook: Mapping[str, Any],
    charts: Literal["live", "static"],
    language: Language = ENGLISH,
    *,
    number: int = 0,
    page: str = "",
    records: NumberRecords | None = None,
    besides: Mapping[str, tuple[str, str, str, str]] | None = None,
) -> PageContent:
    """The content of the page of one executed notebook: this is what takes time.

    `number` of the notebook: its tables and figures have ids of this hundred (T-301) where their titles give none.
    `page` is its file name, after which its reference page and its page of records are named; without it no number
    opens. `records`: what its numbers of the results open to; `besides`: more numbers that do, by label (see
    `NumberRecords.summary`).
    """
    content = _Content(charts, language, number, page, records)
    for position, cell in _covered(notebook["cells"]):
        content.add(cell, position)
    content.open_besides(besides or {})
    return content.made()


def _covered(cells: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The cells that the page shows, by their place in the notebook: all, where the trial has what they are about.

    Of a notebook about an endpoint that the trial does not have: its title, its parameters, and that it covers nothing.
    """
    numbered = list(enumerate(cells, 1))
    said = next((k for k, cell in numbered if _says_nothing_of_it(cell)), None)
    if said is None:
        return numbered
    title = next(((k, cell) for k, cell in numbered if cell["cell_type"] == "markdown"), None)
    shown: list[tuple[int, Mapping[str, Any]]] = []
    shown += [(title[0], {**title[1], "source": "".join(title[1]["source"]).partition("\n")[0]})] if title else []
    tags = ((k, cell, cell.get("metadata", {}).get("tags", [])) for k, cell in numbered)
    shown += [(k, cell) for k, cell, own in tags if k == said or "injected-parameters" in own]
    return shown


def _says_nothing_of_it(cell: Mapping[str, Any]) -> bool:
    """Whether a cell shows the sentence that the page covers nothing (`NOT_AN_ENDPOINT`)."""
    shown = (output.get("data", {}).get(MIME, {}) for output in cell.get("outputs", []))
    return any(str(payload.get("text", "")).endswith(NOTHING_OF_IT) for payload in shown if isinstance(payload, dict))


def page_number(notebook: str) -> int:
    """The number that the name of a notebook begins with.

    >>> page_number("03_safety"), page_number("safety")
    (3, 90)
    """
    found = re.match(r"\d{1,2}", notebook)
    return int(found[0]) if found else 90


class Ids:
    """The ids of the tables (T), figures (F) and listings (L) of a page, the same in every language.

    A title gives its own (`T-5 Overview`, `F10a Peak transaminase`); a second one of the same number gets a letter.
    Others are numbered in the hundred of their notebook: T-301, F-302.
    """

    def __init__(self, number: int) -> None:
        self._next = 100 * number
        self._taken: set[str] = set()

    def of(self, payload: Payload) -> str:
        """The id of the next block of the page; blank for one that is neither table nor figure."""
        if payload["kind"] not in ("table", "frame", "foreign", "figure"):
            return ""
        found = str(payload.get("id", ""))
        if not found:
            self._next += 1
            found = f"{self._letter(payload)}-{self._next}"
        letters = iter("bcdefghijklmnopqrstuvwxyz")
        first = found
        while found in self._taken:
            found = first + next(letters)
        self._taken.add(found)
        return found

    def _letter(self, payload: Payload) -> str:
        return "F" if payload["kind"] == "figure" else "L" if payload.get("listing") else "T"


class _Part:
    """The pieces of one page of a notebook as they come."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.headings: list[Heading] = []
        self.charts = 0
        self.folded: list[str] = []


class _Content:
    """Collects the pieces of a page, and of its reference page, from the cells of its notebook."""

    def __init__(
        self, charts: Literal["live", "static"], language: Language, number: int, page: str,
        records: NumberRecords | None,
    ) -> None:  # fmt: skip
        self._live = charts == "live"
        self._language = language
        self._page, self._records = page, records
        self._boxes = Boxes()
        self._renderer = Renderer(
            language, on_page=True, records=records_page(page) if page else "", opened=self._boxes
        )  # fmt: skip
        self._ids = Ids(number)
        self._anchors: dict[str, int] = {}
        self._charts, self._looking = 0, False
        self._answer, self._reference = _Part(), _Part()
        self._here = self._answer
        self._more: list[Listed] = []
        self._listed: list[Listed] = []
        self._dropped: list[Dropped] = []

    def made(self) -> PageContent:
        """The content, after the last cell."""
        self._turn(self._answer, look=False)
        reference = self._reference
        beside = PageContent(reference.pieces, reference.headings, [], self._live and reference.charts > 0)
        return PageContent(
            self._answer.pieces, self._answer.headings, self._dropped, self._live and self._answer.charts > 0,
            beside if reference.pieces else None, self._boxes, self._listed,
        )  # fmt: skip

    def open_besides(self, numbers: Mapping[str, tuple[str, str, str, str]]) -> None:
        """Keeps what numbers open to that no table of the page shows."""
        if self._records and self._page and numbers:
            self._renderer.html(self._records.summary(numbers))

    def add(self, cell: Mapping[str, Any], position: int) -> None:
        source = "".join(cell["source"])
        tags = cell.get("metadata", {}).get("tags", [])
        self._looking = LOOK in tags
        self._turn(self._reference if REFERENCE in tags and self._page else self._answer, self._looking)
        shown = len(self._here.pieces)
        if cell["cell_type"] == "markdown":
            self._tell(source)
        elif cell["cell_type"] == "code" and "injected-parameters" in tags:
            self._here.pieces.append(Piece("html", html=parameters_html(source, self._renderer)))
        elif cell["cell_type"] == "code":
            self._here.pieces += [Piece("code", text=visible(source))] if source.strip() else []
            for item in shown_outputs(cell, position, self._block):
                self._show(item)
        if self._looking:
            self._fold(shown)

    def _turn(self, part: _Part, look: bool) -> None:
        """Goes on with a page: what was folded on the last one, or listed for looking up, is shown first."""
        if not look or part is not self._here:
            self._unfold()
        if part is self._answer and self._more:
            part.pieces.append(Piece("html", html=self._to_look_up()))
            self._more = []
        self._here = part

    def _fold(self, first: int) -> None:
        """Takes what a cell showed, from piece `first` on, off the page until it is shown folded: all but code."""
        mine = self._here.pieces[first:]
        self._here.folded += [piece.html for piece in mine if piece.kind == "html"]
        self._here.pieces[first:] = [piece for piece in mine if piece.kind != "html"]

    def _unfold(self) -> None:
        """Shows what consecutive cells tagged `look` have shown, folded: the data of a step, for those who ask."""
        if self._here.folded:
            said = safe(self._renderer.say(msg("The data of this step")))
            inside = "".join(self._here.folded)
            self._here.pieces.append(
                Piece("html", f'<details class="tb tb-look"><summary>{said}</summary>{inside}</details>')
            )
            self._here.folded = []

    def _to_look_up(self) -> str:
        """Where the tables, figures and listings are that went to the reference page since the last piece of this."""
        said = safe(self._renderer.say(MORE))
        href = reference_page(self._page)
        links = "".join(f'<li><a href="{href}#{one.id}">{safe(one.title)}</a></li>' for one in self._more)
        return f'<div class="tb tb-more"><p>{said}</p><ul>{links}</ul></div>'

    def _tell(self, source: str) -> None:
        """Prose: of a Markdown cell, or of a code cell that shows Markdown(...)."""
        html, headings = prose_html(source, self._anchors, self._language)
        self._here.headings += headings
        self._here.pieces.append(Piece("html", html=f'<div class="prose">{html}</div>'))

    def _show(self, item: Shown | Dropped) -> None:
        if isinstance(item, Dropped):
            self._dropped.append(item)
        elif item.kind == "markdown":
            self._tell(item.text)
        elif item.kind == "chart":
            self._place(item)
        else:
            self._here.pieces.append(Piece(item.kind, html=item.html, text=item.text))

    def _block(self, payload: Payload) -> str:
        """The HTML of a block; raises ValueError where a box that it opens holds anything but tags of ours."""
        anchor = self._ids.of(payload)
        if self._records and payload["kind"] == "table":
            payload = self._records.added(payload)
        if self._records and payload["kind"] == "key_numbers" and payload.get("numbers"):
            self._renderer.html(self._records.cards(payload))
        if anchor:
            self._list(payload, anchor)
        if payload["kind"] == "figure_data" and self._is_long(payload["table"], MOST_DATA_ROWS):
            return self._data_aside(payload)
        if payload["kind"] == "table" and self._is_long(payload, MOST_TABLE_ROWS):
            payload = self._first_rows(payload, anchor)
        kept = len(self._boxes.shells), len(self._boxes.bodies), len(self._boxes.boxes)
        if self._looking and payload["kind"] == "frame":
            payload = {**payload, "look": True}
        html = self._renderer.html(payload, anchor)
        if not is_own_html("".join(self._boxes.since(*kept))):
            raise ValueError("a box holds what trialbook.display does not write")
        return html

    def _list(self, payload: Payload, anchor: str) -> None:
        """Notes a table, figure or listing under its id; of the reference page also for the list of links to it."""
        title = self._renderer.say(_without_cut(payload["title"])) if "title" in payload else ""
        aside = self._here is self._reference
        title = f"{anchor} {unnumbered(title, anchor)}" if title and anchor else title
        listed = Listed(anchor, title, aside)
        self._listed += [listed] if title else []
        self._more += [listed] if title and aside else []

    def _is_long(self, table: Payload, most: int) -> bool:
        """Whether a table on the page that answers has more rows than that."""
        return bool(self._page) and self._here is self._answer and _rows(table) > most

    def _first_rows(self, table: Payload, anchor: str) -> Payload:
        """Puts a long table on the reference page, and among what is there to look up; returns its first rows."""
        whole = Renderer(self._language, on_page=True).html(table, anchor)
        self._reference.pieces.append(Piece("html", html=whole))
        if self._listed and self._listed[-1].id == anchor:
            self._more.append(Listed(anchor, self._listed[-1].title, reference=True))
        columns = [
            {**column, **{name: column[name][:MOST_TABLE_ROWS] for name in ("cells", "to") if name in column}}
            for column in table["columns"]
        ]
        kept: dict[str, Any] = {
            name: [entry for entry in table[name] if entry[0] < MOST_TABLE_ROWS]
            for name in ("buttons", "says") if name in table
        }  # fmt: skip
        return {**table, "columns": columns, **kept, "whole": max(table.get("whole", 0), _rows(table))}

    def _data_aside(self, payload: Payload) -> str:
        """Puts the data of a figure on the reference page; returns the link to it."""
        name = f"data-{self._charts}"
        self._reference.pieces.append(
            Piece("html", html=f'<div id="{name}">{self._renderer.html(payload["table"])}</div>')
        )
        said = safe(self._renderer.say(DATA_OF_FIGURE))
        return f'<p class="tb"><a class="tb-aside" href="{reference_page(self._page)}#{name}">{said}</a></p>'

    def _place(self, item: Shown) -> None:
        """Shows a chart; a large one on the reference page, in whose place the page that answers says what is seen."""
        rows, height = chart_size(item.spec)
        large = bool(self._page) and (rows > MOST_MARKS or height > MOST_HEIGHT)
        aside = large and self._here is self._answer
        answer = self._here
        if aside:
            # Its title, which is above it, is repeated there.
            self._reference.pieces += [piece for piece in answer.pieces[-1:] if 'class="tb tb-title' in piece.html]
            self._here = self._reference
        self._here.pieces.append(Piece("chart", chart={**self._chart(item), "late": large}))
        self._here = answer
        if aside:
            above = answer.pieces[-1].html if answer.pieces else ""
            listed = [one for one in self._listed[-1:] if f' id="{one.id}"' in above]
            self._more += [Listed(one.id, one.title, reference=True) for one in listed]
            href = reference_page(self._page) + "".join(f"#{one.id}" for one in listed)
            summary = safe(self._renderer.say(item.payload["summary"])) if "summary" in item.payload else ""
            said = f'<p class="tb tb-sentence">{summary}</p>' if summary else ""
            link = f'<a class="tb-aside" href="{href}">{safe(self._renderer.say(DRAWN_ASIDE))}</a>'
            answer.pieces.append(Piece("html", html=f'{said}<p class="tb">{link}</p>'))

    def _chart(self, item: Shown) -> dict[str, Any]:
        """What the template shows of a chart: live its specification, static its picture.

        A live page has no picture besides: drawing them all took an eighth of a build, and its charts print as well.
        """
        self._charts += 1
        self._here.charts += 1
        said, drawn = item.text, item.spec
        if self._language is not ENGLISH and "texts" in item.payload:
            title = self._renderer.say(item.payload["title"])
            said = self._language.say(msg("Chart: {title}", title=title))
            if "summary" in item.payload:
                summary = self._renderer.say(item.payload["summary"])
                said = self._language.say(msg("Chart: {title}. {summary}", title=title, summary=summary))
            drawn = in_language(drawn, item.payload["texts"], self._renderer.say)
        name = f"chart-{self._charts}"
        if self._live:
            # Without the address of the schema: a page holds no outside address, and the kind of chart is known.
            spec = spec_json({key: value for key, value in drawn.items() if key != "$schema"})
            return {"name": name, "alt": said, "spec": spec}
        svg = still_svg(drawn, name)
        wide, high = svg_size(svg)
        picture = "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
        return {"name": name, "alt": said, "spec": "", "width": wide, "height": high, "still": picture}


def _rows(table: Payload) -> int:
    return len(table["columns"][0]["cells"]) if table["columns"] else 0


def _without_cut(title: Plain) -> Plain:
    """The title of a table without the data cut that it ends with."""
    if isinstance(title, dict) and title.get("m") == "{title}, data cut {date}":
        return cast(Plain, title["a"]["title"])
    return title


def parameters_html(source: str, renderer: Renderer | None = None) -> str:
    """The parameters that the runner gave the notebook, as a folded table of names and values."""
    rows = [
        (target.id, ast.literal_eval(statement.value))
        for statement in syntax_tree(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    renderer = renderer or Renderer()
    given = [(name, "" if value is None else str(value)) for name, value in rows]
    labels = {"parameter": msg("parameter"), "value": msg("value")}
    columns = pd.DataFrame(given, columns=list(labels))
    title = msg("Parameters of this cut")
    shown = renderer.html(table(columns, title, labels=labels, data=["parameter", "value"]).payload)
    said = safe(renderer.say(title))
    return f'<details class="tb tb-parameters"><summary>{said}</summary>{shown}</details>'

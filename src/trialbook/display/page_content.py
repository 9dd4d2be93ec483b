"""The content of the page of an executed notebook, in one language: its prose, code, blocks and charts."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, msg
from trialbook.core.syntax import syntax_tree
from trialbook.display.chart_rendering import still_svg, svg_size
from trialbook.display.chart_texts import in_language
from trialbook.display.figures import spec_json
from trialbook.display.page_outputs import Dropped, Shown, shown_outputs
from trialbook.display.payload import Payload
from trialbook.display.prose import Heading, prose_html
from trialbook.display.render import Renderer
from trialbook.display.tables import table
from trialbook.display.text import safe, visible

# The tag of a cell that shows an intermediate frame: analysts see it at once, readers of the page when they ask.
LOOK = "look"


@dataclass(frozen=True)
class Piece:
    """One piece of a page, as its template shows it."""

    kind: Literal["html", "text", "code", "chart"]
    html: str = ""
    text: str = ""
    chart: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PageContent:
    """What the page of one notebook shows, without the frame around it; plain data, so that it can be kept."""

    pieces: list[Piece]
    headings: list[Heading]
    dropped: list[Dropped]
    live: bool

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> PageContent:
        """The content from what `dataclasses.asdict` made of it."""
        return cls(
            [Piece(**piece) for piece in plain["pieces"]],
            [Heading(**heading) for heading in plain["headings"]],
            [Dropped(**item) for item in plain["dropped"]],
            plain["live"],
        )


def page_content(
    notebook: Mapping[str, Any], charts: Literal["live", "static"], language: Language = ENGLISH, *, number: int = 0
) -> PageContent:
    """The content of the page of one executed notebook: this is what takes time.

    `number` of the notebook: its tables and figures have ids of this hundred (T-301) where their titles give none.
    """
    content = _Content(charts, language, number)
    for position, cell in enumerate(notebook["cells"], 1):
        content.add(cell, position)
    content.unfold()
    return PageContent(content.pieces, content.headings, content.dropped, content.has_live_charts)


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


class _Content:
    """Collects the pieces of a page from the cells of its notebook."""

    def __init__(self, charts: Literal["live", "static"], language: Language, number: int) -> None:
        self._live = charts == "live"
        self._language = language
        self._renderer = Renderer(language, on_page=True)
        self._ids = Ids(number)
        self._anchors: dict[str, int] = {}
        self._charts = 0
        self._folded: list[str] = []
        self.pieces: list[Piece] = []
        self.headings: list[Heading] = []
        self.dropped: list[Dropped] = []

    @property
    def has_live_charts(self) -> bool:
        return self._live and self._charts > 0

    def add(self, cell: Mapping[str, Any], position: int) -> None:
        source = "".join(cell["source"])
        tags = cell.get("metadata", {}).get("tags", [])
        if LOOK not in tags:
            self.unfold()
        shown = len(self.pieces)
        if cell["cell_type"] == "markdown":
            self._tell(source)
        elif cell["cell_type"] == "code" and "injected-parameters" in tags:
            self.pieces.append(Piece("html", html=parameters_html(source, self._renderer)))
        elif cell["cell_type"] == "code":
            self.pieces += [Piece("code", text=visible(source))] if source.strip() else []
            for item in shown_outputs(cell, position, self._block):
                self._show(item)
        if LOOK in tags:
            self._fold(shown)

    def _fold(self, first: int) -> None:
        """Takes what a cell showed, from piece `first` on, off the page until it is shown folded: all but code."""
        mine = self.pieces[first:]
        self._folded += [piece.html for piece in mine if piece.kind == "html"]
        self.pieces[first:] = [piece for piece in mine if piece.kind != "html"]

    def unfold(self) -> None:
        """Shows what consecutive cells tagged `look` have shown, folded: the data of a step, for those who ask."""
        if self._folded:
            said = safe(self._renderer.say(msg("The data of this step")))
            inside = "".join(self._folded)
            self.pieces.append(
                Piece("html", f'<details class="tb tb-look"><summary>{said}</summary>{inside}</details>')
            )
            self._folded = []

    def _tell(self, source: str) -> None:
        """Prose: of a Markdown cell, or of a code cell that shows Markdown(...)."""
        html, headings = prose_html(source, self._anchors, self._language)
        self.headings += headings
        self.pieces.append(Piece("html", html=f'<div class="prose">{html}</div>'))

    def _show(self, item: Shown | Dropped) -> None:
        if isinstance(item, Dropped):
            self.dropped.append(item)
        elif item.kind == "markdown":
            self._tell(item.text)
        elif item.kind == "chart":
            self.pieces.append(Piece("chart", chart=self._chart(item)))
        else:
            self.pieces.append(Piece(item.kind, html=item.html, text=item.text))

    def _block(self, payload: Payload) -> str:
        return self._renderer.html(payload, self._ids.of(payload))

    def _chart(self, item: Shown) -> dict[str, Any]:
        """What the template shows of a chart: live its specification, static its picture.

        A live page has no picture besides: drawing them all took an eighth of a build, and its charts print as well.
        """
        self._charts += 1
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

"""Executed notebooks as pages: self-contained HTML that opens without network and runs nothing but our own script."""

from __future__ import annotations

import ast
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pandas as pd

from trialbook.display.drawing import chart_script as library_script
from trialbook.display.drawing import csp_hash, draw_script, still_svg, svg_size
from trialbook.display.opened import numbered
from trialbook.display.outputs import Dropped, Shown, shown_outputs
from trialbook.display.prose import Heading, prose_html
from trialbook.display.specs import spec_json
from trialbook.display.tables import table
from trialbook.display.templates import template_text
from trialbook.display.text import visible
from trialbook.display.theme import BLOCK_CSS
from trialbook.protocol.models import Cut, Study
from trialbook.syntax import syntax_tree

POLICY = (
    "default-src 'none'; {scripts}style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
NOTHING_LOADED = POLICY.format(scripts="")


@dataclass(frozen=True)
class Link:
    """A file of the build that a page leads to; `note` says more about it in a few words."""

    href: str
    title: str
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """What stands around the content of every page of a build.

    `banner` is said at the top of each page when it is not empty (SYNTHETIC DATA), and so is `notice`, a sentence on
    what the whole cut lacks; `fingerprint` is the build's; `assumptions` is a sentence on the assumptions in force,
    `supersedes` one on an earlier build of the same cut.
    """

    study: Study
    cut: Cut
    navigation: Sequence[Link]
    fingerprint: str
    banner: str = ""
    assumptions: str = ""
    supersedes: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Piece:
    """One piece of a page, as its template shows it."""

    kind: Literal["html", "text", "code", "chart"]
    html: str = ""
    text: str = ""
    chart: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PageContent:
    """What the page of one notebook shows, without what stands around it; plain data, so that it can be kept."""

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


def page_content(notebook: Mapping[str, Any], charts: Literal["live", "static"]) -> PageContent:
    """The content of the page of one executed notebook: this is what takes time."""
    content = _Content(charts)
    for position, cell in enumerate(notebook["cells"], 1):
        content.add(cell, position)
    return PageContent(content.pieces, content.headings, content.dropped, content.has_live_charts)


def render_page(
    notebook: Mapping[str, Any],
    *,
    title: str,
    frame: Frame,
    current: str,
    charts: Literal["live", "static"] = "live",
    chart_script: str | None = None,
) -> str:
    """The page of one executed notebook; `current` is its file name in the navigation.

    Live pages draw their charts with `chart_script` (made here when it is None, which takes seconds); a page without
    charts, and every static page, holds no script at all. What the page leaves out is said at its end.
    """
    content = page_content(notebook, charts)
    return page_of(content, title=title, frame=frame, current=current, chart_script=chart_script)


def page_of(content: PageContent, *, title: str, frame: Frame, current: str, chart_script: str | None = None) -> str:
    """The page of a content; see `render_page`."""
    scripts = [chart_script or library_script(), draw_script()] if content.live else []
    sources = "".join(f"{csp_hash(script)} " for script in scripts)
    return render(
        "notebook.html",
        frame,
        current,
        title=title,
        policy=POLICY.format(scripts=f"script-src {sources.strip()}; ") if scripts else NOTHING_LOADED,
        pieces=content.pieces,
        has_title=any(heading.level == 1 for heading in content.headings),
        contents=[heading for heading in content.headings if heading.level == 2],
        dropped=content.dropped,
        scripts=scripts,
    )


def left_out(notebook: Mapping[str, Any]) -> list[str]:
    """What the page of this notebook would leave out, in words; empty when it shows every output."""
    found = [
        item
        for position, cell in enumerate(notebook["cells"], 1)
        if cell["cell_type"] == "code"
        for item in shown_outputs(cell, position)
    ]
    return [f"cell {item.cell}: {item.reason}" for item in found if isinstance(item, Dropped)]


def render(template: str, frame: Frame, current: str, **values: Any) -> str:
    """A page from its template, with the parts that all pages share."""
    from markupsafe import Markup

    return (
        _templates()
        .get_template(template)
        .render(
            frame=frame,
            current=current,
            style=Markup(BLOCK_CSS + template_text("page.css")),  # noqa: S704 - our own files
            **values,
        )
    )


def compile_templates() -> None:
    """Reads every template, so that no page waits for it later."""
    for name in _templates().list_templates(extensions=["html"]):
        _templates().get_template(name)


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=PackageLoader("trialbook.display", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters["own"] = Markup  # HTML that trialbook.display has made
    templates.filters["visible"] = visible
    return templates


class _Content:
    """Collects the pieces of a page from the cells of its notebook."""

    def __init__(self, charts: Literal["live", "static"]) -> None:
        self._live = charts == "live"
        self._anchors: dict[str, int] = {}
        self._charts = 0
        self._popovers = 0
        self.pieces: list[Piece] = []
        self.headings: list[Heading] = []
        self.dropped: list[Dropped] = []

    @property
    def has_live_charts(self) -> bool:
        return self._live and self._charts > 0

    def add(self, cell: Mapping[str, Any], position: int) -> None:
        source = "".join(cell["source"])
        tags = cell.get("metadata", {}).get("tags", [])
        if cell["cell_type"] == "markdown":
            self._tell(source)
        elif cell["cell_type"] == "code" and "injected-parameters" in tags:
            self.pieces.append(Piece("html", html=parameters_html(source)))
        elif cell["cell_type"] == "code":
            self.pieces += [Piece("code", text=visible(source))] if source.strip() else []
            for item in shown_outputs(cell, position):
                self._show(item)

    def _tell(self, source: str) -> None:
        """Prose: of a Markdown cell, or of a code cell that shows Markdown(...)."""
        html, headings = prose_html(source, self._anchors)
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
            html, self._popovers = numbered(item.html, self._popovers)
            self.pieces.append(Piece(item.kind, html=html, text=item.text))

    def _chart(self, item: Shown) -> dict[str, Any]:
        """What the template shows of a chart: live its specification, static its picture.

        A live page has no picture besides: drawing them all took an eighth of a build, and its charts print as well.
        """
        self._charts += 1
        name = f"chart-{self._charts}"
        if self._live:
            # Without the address of the schema: a page holds no outside address, and the kind of chart is known.
            spec = spec_json({key: value for key, value in item.spec.items() if key != "$schema"})
            return {"name": name, "alt": item.text, "spec": spec}
        svg = still_svg(item.spec, name)
        wide, high = svg_size(svg)
        picture = "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
        return {"name": name, "alt": item.text, "spec": "", "width": wide, "height": high, "still": picture}


def parameters_html(source: str) -> str:
    """The parameters that the runner gave the notebook, as a folded table of names and values."""
    rows = [
        (target.id, ast.literal_eval(statement.value))
        for statement in syntax_tree(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    given = [(name, "" if value is None else str(value)) for name, value in rows]
    shown = table(pd.DataFrame(given, columns=["parameter", "value"]), "Parameters of this cut")
    return f'<details class="tb tb-parameters"><summary>Parameters of this cut</summary>{shown.html}</details>'

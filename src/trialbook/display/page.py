"""Executed notebooks as pages: self-contained HTML that opens without network and runs nothing but our own script."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pandas as pd

from trialbook.core.syntax import syntax_tree
from trialbook.display.chart_rendering import chart_script as library_script
from trialbook.display.chart_rendering import csp_hash, draw_script, still_svg, svg_size
from trialbook.display.figures import CHART_MIME, clean_spec, own_spec, spec_json
from trialbook.display.links import on_page
from trialbook.display.other_tables import STYLE
from trialbook.display.table_body import numbered, opens_what_it_holds
from trialbook.display.tables import table
from trialbook.display.text import visible
from trialbook.display.theme import BLOCK_STYLE, PAGE_CSS
from trialbook.protocol.models import Cut, Study

# ----------------------------------------------------------------------------------------------------
# What a page takes of an executed notebook: our own HTML, charts, plain text; nothing else.


# The tags and attributes that trialbook.display writes, and no others: the first wall is that data are escaped, this
# is the second, the Content-Security-Policy of the page the third.
TAGS = "div|p|span|strong|h4|details|summary|table|thead|tbody|tfoot|tr|th|td"
ATTRIBUTES = (
    rf'(?: (?:class|aria-label|scope)="[^"<>]*"| (?:colspan|rowspan|tabindex)="\d+"| style="{STYLE.pattern}"| open)*'
)
# What opens the records behind a cell (display/table_body.py), and what leads to a profile or a place of the same page.
OPENING = (
    r'</(?:button|a)>|<button class="tb-open" popovertarget="tb-[0-9a-z-]+">'
    r'|<button class="tb-close" popovertarget="tb-[0-9a-z-]+" popovertargetaction="hide">'
    r'|<div class="tb-opened" popover id="tb-[0-9a-z-]+" aria-label="[^"<>]*">'
    r'|<a class="tb-subject" href="(?:profiles/[A-Za-z0-9_-]{1,64}\.html)?(?:#[a-z][a-z0-9-]*)?">'
)
OWN_TAG = re.compile(rf"</(?:{TAGS})>|<(?:{TAGS}){ATTRIBUTES}>|<br>|{OPENING}")
# What Python says of HTML(...) and the like: nothing that a reader could use.
NAMELESS = re.compile(r"<IPython\.core\.display\.\w+ object>")
ANY_TAG = re.compile(r"<[^>]*>?")


@dataclass(frozen=True)
class Shown:
    """One piece of a page: HTML of ours, a chart specification, text, or Markdown (in `text`)."""

    kind: Literal["html", "chart", "text", "markdown"]
    html: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Dropped:
    """An output that no page shows, and why."""

    cell: int
    reason: str


def is_own_html(html: str) -> bool:
    """Whether the HTML consists of nothing but the tags and attributes that trialbook.display writes, and opens
    nothing but what it holds.
    """
    return all(_is_own_tag(tag) for tag in ANY_TAG.findall(html)) and opens_what_it_holds(html)


@cache
def _is_own_tag(tag: str) -> bool:
    return OWN_TAG.fullmatch(tag) is not None


def shown_outputs(cell: Mapping[str, Any], position: int) -> Iterator[Shown | Dropped]:
    """The outputs of a code cell, in order. Standard error is never shown.

    Raises ValueError at an error output: a page is made of a notebook that ran to its end.
    """
    for output in cell.get("outputs", []):
        kind = output["output_type"]
        if kind == "error":
            raise ValueError(f"cell {position} ended with an error; there is no page of it")
        if kind == "stream":
            if output["name"] == "stdout":
                yield Shown("text", text=visible(_joined(output["text"])))
        else:
            yield from _rich(output["data"], position)


def _rich(data: Mapping[str, Any], position: int) -> Iterator[Shown | Dropped]:
    """The richest form of one output that a page may show; what it may not show at all is reported."""
    for unknown in sorted(set(data) - {CHART_MIME, "text/html", "text/markdown", "text/plain"}):
        yield Dropped(position, f"the type {unknown} is not shown on pages")
    html = on_page(_joined(data.get("text/html", "")).replace(BLOCK_STYLE, ""))
    if CHART_MIME in data:
        spec = clean_spec(own_spec(data[CHART_MIME]))
        yield Shown("chart", spec=spec, text=_joined(data.get("text/plain", "Chart")))
    elif "text/markdown" in data:
        yield Shown("markdown", text=_joined(data["text/markdown"]))
    elif html and is_own_html(html):
        yield Shown("html", html=html)
    elif "text/plain" in data and not NAMELESS.fullmatch(_joined(data["text/plain"])):
        yield Shown("text", text=visible(_joined(data["text/plain"])))
    elif html:
        yield Dropped(position, "HTML that trialbook.display did not make")


def _joined(text: str | list[str]) -> str:
    return "".join(text)


# ----------------------------------------------------------------------------------------------------
# The prose of notebooks as HTML: Markdown without raw HTML, images or addresses outside the build.


LOCAL_LINK = re.compile(r"#[\w-]+|[\w-]+\.(?:html|csv|xlsx|json)(?:#[\w-]+)?")


@dataclass(frozen=True)
class Heading:
    """A heading of a page, for its table of contents."""

    level: int
    anchor: str
    text: str


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])


def prose_html(source: str, seen: dict[str, int] | None = None) -> tuple[str, list[Heading]]:
    """Markdown as HTML, and its headings; links lead only to this page or another file of the build.

    `seen` counts the anchors of a page, so that each is unique on it.
    """
    seen = {} if seen is None else seen
    tokens = _parser().parse(visible(source))
    headings = []
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _plain(tokens[position + 1])
            anchor = _anchor(text, seen)
            token.attrSet("id", anchor)
            headings.append(Heading(int(token.tag[1]), anchor, text))
        if token.type == "inline":
            token.children = _without_outside_links(token.children or [])
    return _parser().renderer.render(tokens, _parser().options, {}), headings


def _plain(inline: Any) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))


def _anchor(text: str, seen: dict[str, int]) -> str:
    base = "s-" + (re.sub(r"\W+", "-", text.lower()).strip("-") or "section")
    seen[base] = seen.get(base, 0) + 1
    return base if seen[base] == 1 else f"{base}-{seen[base]}"


def _without_outside_links(children: list[Any]) -> list[Any]:
    """The inline tokens with every link that leads out of the build reduced to its text."""
    kept, open_links = [], []
    for child in children:
        if child.type == "link_open":
            local = LOCAL_LINK.fullmatch(str(child.attrGet("href") or "")) is not None
            open_links.append(local)
            if not local:
                continue
        if child.type == "link_close" and not open_links.pop():
            continue
        kept.append(child)
    return kept


# ----------------------------------------------------------------------------------------------------

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
            style=Markup(PAGE_CSS),  # noqa: S704 - our own files
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

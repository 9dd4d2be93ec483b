"""What a page takes of an executed notebook: our own blocks, charts, plain text; nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from trialbook.display.figures import CHART_MIME, clean_spec, own_spec
from trialbook.display.payload import MIME, Payload
from trialbook.display.render import STYLE, Renderer
from trialbook.display.text import visible

# The tags and attributes that trialbook.display writes, and no others: the first wall is that data are escaped as HTML
# is made of payloads, this is the second, the Content-Security-Policy of the page the third.
TAGS = "div|p|span|strong|h4|details|summary|table|caption|thead|tbody|tfoot|tr|th|td"
ATTRIBUTES = (
    r'(?: (?:class|aria-label|scope|data-label|data-name|lang)="[^"<>]*"| (?:colspan|rowspan|tabindex)="\d+"'
    rf'| style="{STYLE.pattern}"| open)*'
    r'(?: id="[TFL]-\d{1,5}[a-z]{0,2}")?'
)
# What opens the records behind a cell (display/table_body.py), and what leads to a profile or a place of the same page.
OPENING = (
    r'</(?:button|a)>|<button class="tb-open" popovertarget="tb-[0-9a-z-]+">'
    r'|<a class="tb-open" href="[A-Za-z0-9_-]{1,80}_records\.html#r-\d{1,6}"(?: aria-label="[^"<>]*")?>'
    r'|<button class="tb-close" popovertarget="tb-[0-9a-z-]+" popovertargetaction="hide">'
    r'|<div class="tb-opened" popover id="tb-[0-9a-z-]+" aria-label="[^"<>]*">'
    r'|<a class="tb-subject" href="(?:profiles/[A-Za-z0-9_-]{1,64}\.html)?(?:#[a-z][a-z0-9-]*)?">'
    r'|<a class="tb-id" href="#[TFL]-\d{1,5}[a-z]{0,2}">'
    r'|<a class="tb-aside" href="[A-Za-z0-9_-]{1,80}_tables\.html#data-\d{1,3}">'
)
OWN_TAG = re.compile(rf"</(?:{TAGS})>|<(?:{TAGS}){ATTRIBUTES}>|<br>|{OPENING}")
# What Python says of HTML(...) and the like: nothing that a reader could use.
FOREIGN = "HTML that trialbook.display did not make"
NAMELESS = re.compile(r"<IPython\.core\.display\.\w+ object>")
ANY_TAG = re.compile(r"<[^>]*>?")
_POPOVER = re.compile(r'(?<= popover id=")(tb-[0-9a-z-]+)(?=")')
_TARGET = re.compile(r'(?<= popovertarget=")(tb-[0-9a-z-]+)(?=")')


@dataclass(frozen=True)
class Shown:
    """One piece of a page: a block as HTML, a chart specification with its texts, text, or Markdown (in `text`)."""

    kind: Literal["html", "chart", "text", "markdown"]
    html: str = ""
    payload: Payload = field(default_factory=dict)
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


def opens_what_it_holds(html: str) -> bool:
    """Whether each popover of a piece of HTML has an id of its own, and each button opens one of them."""
    ids = _POPOVER.findall(html)
    return len(ids) == len(set(ids)) and set(_TARGET.findall(html)) <= set(ids)


def shown_outputs(
    cell: Mapping[str, Any], position: int, html_of: Callable[[Payload], str] | None = None
) -> Iterator[Shown | Dropped]:
    """The outputs of a code cell, in order; `html_of` makes HTML of payloads. Standard error is never shown.

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
            yield from _rich(output["data"], position, html_of or Renderer().html)


def _rich(data: Mapping[str, Any], position: int, html_of: Callable[[Payload], str]) -> Iterator[Shown | Dropped]:
    """The richest form of one output that a page may show; what it may not show at all is reported."""
    for unknown in sorted(set(data) - {CHART_MIME, MIME, "text/html", "text/markdown", "text/plain"}):
        yield Dropped(position, f"the type {unknown} is not shown on pages")
    if CHART_MIME in data:
        spec = clean_spec(own_spec(data[CHART_MIME]))
        payload = data.get(MIME, {})
        yield Shown("chart", payload=payload, spec=spec, text=_joined(data.get("text/plain", "Chart")))
    elif "text/markdown" in data:
        yield Shown("markdown", text=_joined(data["text/markdown"]))
    elif MIME in data and data[MIME] == {"kind": "several", "blocks": []}:
        # A cell that shows a table for each of several had none.
        return
    elif MIME in data:
        html = _made(data[MIME], html_of)
        yield Dropped(position, FOREIGN) if html is None else Shown("html", html=html, payload=data[MIME])
    elif "text/plain" in data and not NAMELESS.fullmatch(_joined(data["text/plain"])):
        yield Shown("text", text=visible(_joined(data["text/plain"])))
    elif "text/html" in data:
        yield Dropped(position, FOREIGN)


def _made(payload: Payload, html_of: Callable[[Payload], str]) -> str | None:
    """The HTML of a payload, blank where it has no blocks; None where it is none of ours."""
    try:
        html = html_of(payload)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    return html if is_own_html(html) else None


def _joined(text: str | list[str]) -> str:
    return "".join(text)


def left_out(notebook: Mapping[str, Any]) -> list[str]:
    """What the page of this notebook would leave out, in words; empty when it shows every output."""
    found = [
        item
        for position, cell in enumerate(notebook["cells"], 1)
        if cell["cell_type"] == "code"
        for item in shown_outputs(cell, position)
    ]
    return [f"cell {item.cell}: {item.reason}" for item in found if isinstance(item, Dropped)]

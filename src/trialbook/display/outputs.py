"""What a page takes of an executed notebook: our own HTML, charts, plain text; nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from trialbook.display.figures import CHART_MIME, own_spec
from trialbook.display.foreign import STYLE
from trialbook.display.links import on_page
from trialbook.display.opened import opens_what_it_holds
from trialbook.display.specs import clean_spec
from trialbook.display.text import visible
from trialbook.display.theme import BLOCK_STYLE

# The tags and attributes that trialbook.display writes, and no others: the first wall is that data are escaped, this
# is the second, the Content-Security-Policy of the page the third.
TAGS = "div|p|span|strong|h4|details|summary|table|thead|tbody|tfoot|tr|th|td"
ATTRIBUTES = (
    rf'(?: (?:class|aria-label|scope)="[^"<>]*"| (?:colspan|rowspan|tabindex)="\d+"| style="{STYLE.pattern}"| open)*'
)
# What opens the records behind a cell (display/opened.py), and what leads to a profile or a place of the same page.
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

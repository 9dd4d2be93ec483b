"""The prose of notebooks as HTML: Markdown without raw HTML, images or addresses outside the build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from trialbook.core.messages import ENGLISH, Language
from trialbook.display.text import visible

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


def prose_html(
    source: str, seen: dict[str, int] | None = None, language: Language = ENGLISH
) -> tuple[str, list[Heading]]:
    """Markdown as HTML, and its headings; links lead only to this page or another file of the build.

    `seen` counts the anchors of a page, so that each is unique on it. In another language the source is a message, and
    its headings have the anchors of the English ones.
    """
    seen = {} if seen is None else seen
    said = source if language is ENGLISH else language.say(source)
    english = _parser().parse(visible(source))
    tokens = english if said == source else _parser().parse(visible(said))
    anchors = [
        _anchor(_plain(english[position + 1]), seen)
        for position, token in enumerate(english)
        if token.type == "heading_open"
    ]
    headings: list[Heading] = []
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _plain(tokens[position + 1])
            anchor = anchors[len(headings)] if len(headings) < len(anchors) else _anchor(text, seen)
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

"""Small pieces of a page: sentences, notices and headline numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from trialbook.display.text import safe, visible
from trialbook.display.theme import BLOCK_STYLE


class Block:
    """A piece of a page that Jupyter shows: escaped HTML with a plain-text twin.

    In a notebook the HTML brings its style along; a page takes the HTML alone and has the style once.
    """

    def __init__(self, html: str, text: str) -> None:
        self.html, self.text = html, text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": BLOCK_STYLE + self.html, "text/plain": self.text}


def sentence(text: str) -> Block:
    """A paragraph computed from data."""
    return Block(f'<p class="tb tb-sentence">{safe(text)}</p>', visible(text))


def notice(text: str, kind: Literal["info", "warning", "stop"] = "info") -> Block:
    """A paragraph a reader must not overlook; the kind is also said in words."""
    word = {"info": "Note", "warning": "Attention", "stop": "Stop"}[kind]
    html = f'<p class="tb tb-notice tb-{kind}"><strong>{word}.</strong> {safe(text)}</p>'
    return Block(html, f"{word}. {visible(text)}")


def key_numbers(numbers: Iterable[tuple[str, str, str]]) -> Block:
    """Headline numbers in a row: (label, value, note) each."""
    items = [tuple(visible(part) for part in item) for item in numbers]
    cards = "".join(
        f'<div class="tb-card"><div class="tb-label">{safe(label)}</div><div class="tb-value">{safe(value)}</div>'
        f'<div class="tb-note">{safe(note)}</div></div>'
        for label, value, note in items
    )
    text = "\n".join(f"{label}: {value}{f' ({note})' if note else ''}" for label, value, note in items)
    return Block(f'<div class="tb tb-cards">{cards}</div>', text)

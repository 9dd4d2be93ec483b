"""Small pieces of a page: sentences, notices and headline numbers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Literal


class Block:
    """A piece of a page that Jupyter shows: escaped HTML with a plain-text twin."""

    def __init__(self, html: str, text: str) -> None:
        self.html, self.text = html, text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def sentence(text: str) -> Block:
    """A paragraph computed from data."""
    return Block(f'<p class="tb-sentence">{escape(text)}</p>', text)


def notice(text: str, kind: Literal["info", "warning", "stop"] = "info") -> Block:
    """A paragraph a reader must not overlook; the kind is also said in words."""
    word = {"info": "Note", "warning": "Attention", "stop": "Stop"}[kind]
    return Block(f'<p class="tb-notice tb-{kind}"><strong>{word}.</strong> {escape(text)}</p>', f"{word}. {text}")


def key_numbers(numbers: Iterable[tuple[str, str, str]]) -> Block:
    """Headline numbers in a row: (label, value, note) each."""
    items = list(numbers)
    cards = "".join(
        f'<div class="tb-card"><div class="tb-label">{escape(label)}</div><div class="tb-value">{escape(value)}</div>'
        f'<div class="tb-note">{escape(note)}</div></div>'
        for label, value, note in items
    )
    text = "\n".join(f"{label}: {value}{f' ({note})' if note else ''}" for label, value, note in items)
    return Block(f'<div class="tb-cards">{cards}</div>', text)

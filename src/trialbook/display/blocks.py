"""Small pieces of a page: sentences, notices and headline numbers; and what every block is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

from trialbook.core.described import Card
from trialbook.display.payload import MIME, Payload, text_of
from trialbook.display.render import Renderer
from trialbook.display.theme import BLOCK_STYLE


class Block:
    """A piece of a page that Jupyter shows: its payload, and made of it escaped HTML with a plain-text twin.

    In a notebook the HTML brings its style along; a page is made of the payload and has the style once.
    """

    def __init__(self, payload: Payload) -> None:
        self.payload = payload

    @cached_property
    def html(self) -> str:
        """The block in English as HTML."""
        return Renderer().html(self.payload)

    @cached_property
    def text(self) -> str:
        """The block in English as plain text."""
        return Renderer().text(self.payload)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {MIME: self.payload, "text/html": BLOCK_STYLE + self.html, "text/plain": self.text}


def sentence(text: str) -> Block:
    """A paragraph computed from data."""
    return Block({"kind": "sentence", "text": text_of(text)})


def notice(text: str, kind: Literal["info", "warning", "stop"] = "info") -> Block:
    """A paragraph a reader must not overlook; the kind is also said in words."""
    return Block({"kind": "notice", "level": kind, "text": text_of(text)})


def key_numbers(numbers: Iterable[tuple[str, str, str]]) -> Block:
    """Headline numbers in a row: (label, value, note) each; a `Card` that names its number of the results opens."""
    cards = list(numbers)
    payload: Payload = {"kind": "key_numbers", "items": [[text_of(part) for part in card] for card in cards]}
    keys = [list(card.number) if isinstance(card, Card) and card.number else None for card in cards]
    return Block({**payload, "numbers": keys} if any(keys) else payload)


def several(blocks: Sequence[Block]) -> Block:
    """Blocks one after the other as one output."""
    return Block({"kind": "several", "blocks": [block.payload for block in blocks]})

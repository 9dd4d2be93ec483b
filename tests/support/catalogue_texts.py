"""Catalogues of texts as translators' tools read them, and the ids of their messages."""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po


def read_catalogue(path: Path) -> Catalog:
    """A template, or the translations of one language."""
    return read_po(io.BytesIO(path.read_bytes()))


def known_texts(catalogue: Catalog) -> frozenset[str]:
    """Every message id of a catalogue, of a plural both."""
    found: set[str] = set()
    for message in catalogue:
        found |= {message.id} if isinstance(message.id, str) else set(message.id)
    return frozenset(found - {""})

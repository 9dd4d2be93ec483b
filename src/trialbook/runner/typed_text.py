"""What analysts type into a notebook is published as it is, so nothing in it may identify a person (P37).

Looked at are words, not numbers that happen to stand in a row: Markdown line by line, and of code its texts, comments
and single numbers. Records never come in this way: they pass the door, masked.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator

import nbformat

from trialbook.privacy import masked
from trialbook.runner.step_metadata import ENTRY

# The numbers of an article or a page are nobody's.
_REFERENCE = re.compile(r"(?:https?://|doi:\s*|10\.\d{4,9}/)[^\s<>\"')\]]+", re.IGNORECASE)
# An f-string is one text in Python 3.11, later the pieces between its braces.
_TYPED = {
    tokenize.STRING, tokenize.COMMENT, tokenize.NUMBER,
    *([tokenize.FSTRING_MIDDLE] if hasattr(tokenize, "FSTRING_MIDDLE") else []),
}  # fmt: skip


def typed_person(notebook: nbformat.NotebookNode) -> str | None:
    """Where a notebook holds text that identifies a person, in words without that text; None where it does not."""
    for place, typed in _typed(notebook):
        text = _REFERENCE.sub("", typed)
        if masked(text) != text:
            return f"{place} holds text that identifies a person (it is withheld), and would be published as it is"
    return None


def _typed(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Each piece of text of a notebook that is published, with its place."""
    yield from ((f"the entry {ENTRY} of the metadata", text) for text in _texts(notebook.metadata.get(ENTRY)))
    for position, cell in enumerate(notebook.cells, start=1):
        place = f"cell {position} ({'code' if cell.cell_type == 'code' else cell.cell_type.capitalize()})"
        pieces = _code_pieces(cell.source) if cell.cell_type == "code" else enumerate(cell.source.splitlines(), start=1)
        yield from ((f"line {line} of {place}", text) for line, text in pieces)


def _code_pieces(source: str) -> Iterator[tuple[int, str]]:
    """Texts, comments and numbers of code with their lines; all lines of what Python cannot read, such as a magic."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        yield from enumerate(source.splitlines(), start=1)
        return
    for token in tokens:
        if token.type in _TYPED:
            yield from enumerate(token.string.splitlines(), start=token.start[0])


def _texts(entry: object) -> Iterator[str]:
    """Every text and number in an entry of the metadata."""
    if entry is not None:
        yield from json.dumps(entry, ensure_ascii=False, indent=0, default=str).splitlines()

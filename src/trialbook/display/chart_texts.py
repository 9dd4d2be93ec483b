"""The texts of a chart beside its specification, so that the same chart can be drawn in another language.

Titles (of the chart, axes, legends, facets and of what a mark says when it is pointed at) and the words that nominal
fields hold. A field of text of the data (`payload.DATA_VARIABLES`) is drawn as delivered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from trialbook.core.messages import ENGLISH, Message, Plain
from trialbook.display.payload import DATA_VARIABLES, Payload, text_of
from trialbook.results.ard import TOTAL

Spec = dict[str, Any]
_WORD = re.compile(r"[^\W\d_]{2}")
_COMPARED = re.compile(r"""(datum\.(\w+) (?:===?|!==?) )'([^']*)'""")
_UNQUOTABLE = re.compile(r"""['"\\`<>{}\[\]$\n]""")
# Where a list or value of a field is beside its name.
_VALUES_OF_FIELD = ("sort", "equal", "oneOf")


def messages_of(chart: Any) -> dict[str, Message]:
    """The messages that the data of a chart hold, by their text: a specification keeps no more than the text.

    >>> import altair as alt
    >>> from trialbook.core.messages import msg
    >>> data = pd.DataFrame({"SAID": pd.Series([msg("{n} more", n=2)], dtype="object")})
    >>> messages_of(alt.layer(alt.Chart(data).mark_text()))
    {'2 more': '2 more'}
    """
    found: dict[str, Message] = {}
    for name in ("layer", "concat", "hconcat", "vconcat"):
        for part in getattr(chart, name, None) or ():
            found |= messages_of(part)
    data = getattr(chart, "data", None)
    if isinstance(data, pd.DataFrame):
        for column in data.columns[data.dtypes == "object"]:
            found |= {str(value): value for value in data[column] if isinstance(value, Message)}
    return found


def chart_texts(spec: Spec, messages: Mapping[str, Message] | None = None) -> Payload:
    """The texts of a specification: `titles`, and by field the `words` that it holds, as texts of a payload.

    `messages`: which of the words are messages, with their places filled (`messages_of`).
    """
    known = messages or {}
    titles = dict.fromkeys(title for node in _nodes(spec) for title in _titles(node))
    words = {field: dict.fromkeys(_values(spec, field)) for field in sorted(_fields(spec))}
    # Dose levels are codes of the data, all of them together is a word of ours.
    words |= {field: {TOTAL: None} for field in sorted(_fields(spec, of_data=True)) if TOTAL in _values(spec, field)}
    return {
        "titles": [text_of(title) for title in titles],
        "words": {
            field: [text_of(known.get(value, value)) for value in values] for field, values in words.items() if values
        },
    }


def in_language(spec: Spec, texts: Payload, say: Callable[[Plain], str]) -> Spec:
    """The specification, which is a clean one, with its texts as `say` says them.

    Raises ValueError for a word that could end the quotes around it in an expression.
    """
    titles = {ENGLISH.say(text): say(text) for text in texts["titles"]}
    words = {field: {ENGLISH.say(text): say(text) for text in found} for field, found in texts["words"].items()}
    return _said(spec, titles, words)


def _said(node: Any, titles: dict[str, str], words: dict[str, dict[str, str]]) -> Any:
    if isinstance(node, list):
        return [_said(item, titles, words) for item in node]
    if isinstance(node, str):
        return _COMPARED.sub(
            lambda found: f"{found[1]}'{_quotable(words.get(found[2], {}).get(found[3], found[3]))}'", node
        )
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    of_field = words.get(node.get("field", ""), {})
    for key, value in node.items():
        if key == "datasets":
            made[key] = {name: _rows(rows, words) for name, rows in value.items()}
        elif key == "values" and isinstance(value, list):
            made[key] = _rows(value, words)
        elif key == "title" and isinstance(value, dict) and isinstance(value.get("text"), str):
            made[key] = {**value, "text": titles.get(value["text"], value["text"])}
        elif key == "title" and isinstance(value, str):
            made[key] = titles.get(value, value)
        elif key in _VALUES_OF_FIELD and of_field:
            made[key] = _mapped(value, of_field)
        elif key == "scale" and isinstance(value, dict) and of_field:
            made[key] = {name: _mapped(part, of_field) if name == "domain" else part for name, part in value.items()}
        else:
            made[key] = _said(value, titles, words)
    return made


def _quotable(word: str) -> str:
    if _UNQUOTABLE.search(word):
        raise ValueError(f"the word {word!r} cannot be part of the expression of a chart")
    return word


def _mapped(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_mapped(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def _rows(rows: Any, words: dict[str, dict[str, str]]) -> Any:
    if not isinstance(rows, list):
        return rows
    return [
        {name: _mapped(value, words[name]) if name in words else value for name, value in row.items()}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every dict of a specification, data left out."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("datasets", "values"):
                yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def _titles(node: dict[str, Any]) -> list[str]:
    title = node.get("title")
    if isinstance(title, dict):
        title = title.get("text")
    return [title] if isinstance(title, str) and title else []


def _fields(spec: Spec, *, of_data: bool = False) -> set[str]:
    return {
        node["field"]
        for node in _nodes(spec)
        if isinstance(node.get("field"), str)
        and node.get("type") in ("nominal", "ordinal")
        and (node["field"] in DATA_VARIABLES) is of_data
    }


def _values(spec: Spec, field: str) -> Iterator[str]:
    """The words that a field holds in the data, and those that a scale or an order names."""
    found = list(spec.get("datasets", {}).values())
    found += [node["data"]["values"] for node in _nodes(spec) if "values" in (node.get("data") or {})]
    for rows in found:
        for row in rows if isinstance(rows, list) else ():
            value = row.get(field) if isinstance(row, dict) else None
            if isinstance(value, str) and _WORD.search(value):
                yield value
    for node in _nodes(spec):
        if node.get("field") == field:
            for value in (node.get("sort"), (node.get("scale") or {}).get("domain")):
                yield from (item for item in value or () if isinstance(value, list) and isinstance(item, str))

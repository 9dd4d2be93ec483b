"""What a cell emits, as data without a language: the kind of block, its texts, and the columns of its tables.

A payload is plain JSON (`application/vnd.trialbook.v1+json`) beside the HTML and the plain text of an output;
`display.render` makes both of it, in any language. Texts in a payload:

- a string is a message id (our English text), looked up as it is; so are the cells of a column of type `text`;
- `{"m": id, "a": {...}}` is a message with arguments, `{"j": pattern, "l": [...]}` several texts one after the other
  (see `trialbook.core.messages.plain`);
- `{"d": text}` is text of the data, never looked up; so are the cells of columns of type `data`,
  but those that are messages.

Dates and numbers are cells as they are shown. `to` of a column leads from its cells to profile pages, `buttons` of a
table from [row, column] to one of its `details`, whose records are `columns` of their own or `rows` of shared `lines`.
`says` of a table gives [row, column, title, number]: the title of what a cell opens (null: made of the cell), and which
number of the results the cell shows (`number_key`; null where none).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialbook.core.messages import Message, Plain, msg, plain
from trialbook.display.columns import code_words
from trialbook.display.text import show, visible
from trialbook.results.ard import TOTAL

MIME = "application/vnd.trialbook.v1+json"
Payload = dict[str, Any]
# Columns that no label names: those of the data of figures and of frames of the library.
HEADS: Mapping[str, Message] = {
    str(word): word
    for word in (
        msg("Total"),
        msg("day"),
        msg("days"),
        msg("low"),
        msg("high"),
        msg("median"),
        msg("survival"),
        msg("events"),
        msg("share"),
        msg("estimate"),
        msg("pending"),
        msg("level"),
        msg("subjects"),
        msg("steroids"),
        msg("evaluated"),
        msg("read"),
        msg("kept"),
        msg("removed"),
    )
}
# Columns whose cells are shown as delivered in every language: what names a subject, a level or a record, and what the
# site or a dictionary has written.
DATA_VARIABLES = frozenset(
    [
        "SUBJID", "USUBJID", "SUBJECT", "subject", "STUDYID", "SITEID", "TRT01A", "TRT01P", "LEVEL", "level", "ARM",
        "CUT", "cut", "AETERM", "AEDECOD", "AEBODSYS", "AELLT", "TERM", "REPORTED", "MHTERM", "MHDECOD", "CMTRT",
        "CMDECOD", "DRUG", "PRTRT", "DSTERM", "DSDECOD", "DVTERM", "FILE", "file", "SHEET", "sheet", "ENCODING",
        "encoding", "RECORD", "record", "COLUMN", "column", "VARIABLE", "NAME", "sha256", "domain", "DOMAIN", "rule",
        "key", "KEY", "ADECOD", "CAUSE", "variable", "variable_level", "WHAT", "SHADE", "VALUE",
        "what", "term",
    ]
)  # fmt: skip
# Columns of dose levels, among which all of them together is a word of ours.
LEVELS = ("TRT01A", "TRT01P", "LEVEL", "level", "ARM")
# `T-5 Overview`, `F10a Peak transaminase`: the number that a title begins with.
_NUMBERED = re.compile(r"([TFL])-?(\d{1,4}[a-z]?)\b")


def text_of(text: str) -> Plain:
    """A text of ours as it is in a payload."""
    return plain(text, visible)


def data_text(text: str) -> Plain:
    """Text of the data where there are texts of ours as a rule."""
    return {"d": visible(text)}


def declared_id(title: str) -> str:
    """The id that a title begins with; blank for one that gets its id from its place.

    >>> declared_id("F10a Peak transaminase"), declared_id("T-5 Overview"), declared_id("Deaths")
    ('F-10a', 'T-5', '')
    """
    found = _NUMBERED.match(title)
    return f"{found[1]}-{found[2]}" if found else ""


def number_key(parts: Sequence[str]) -> str:
    """What names a number of the results: analysis, group level, variable, variable level and context.

    >>> number_key(["DLT_SETS", "DL1", "TREATED", "", ""])
    'DLT_SETS|DL1|TREATED||'
    """
    return "|".join(parts)


# ----------------------------------------------------------------------------------------------------
# Columns


def columns_of(
    frame: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    digits: Mapping[str, int] | None = None,
    right: Sequence[str] = (),
    data: Sequence[str] = (),
    links: Mapping[str, Sequence[str]] | None = None,
) -> list[Payload]:
    """The columns of a frame: name, head, type, cells as readers see them, and where they lead (`links`).

    `data`: columns of text of the data beside those that are known by name.
    """
    made = []
    for position, given in enumerate(frame.columns):
        name = str(given)
        values = frame.iloc[:, position]
        kind = _kind(values, name in DATA_VARIABLES or name in data)
        shown = (digits or {}).get(name)
        cells = [
            _said(value, kind)
            if isinstance(value, Message) and kind in ("text", "data")
            else {"m": TOTAL, "a": {}}
            if kind == "data" and name in LEVELS and value == TOTAL
            else visible(show(value, shown))
            for value in (values if kind != "text" else (_in_words(name, value) for value in values))
        ]
        # A column that no label names may be named by a message.
        given = HEADS.get(name, given)
        named = text_of(given) if isinstance(given, Message) else data_text(name)
        head = text_of(labels[name]) if name in labels else named
        made.append(
            column(name, head, kind, cells, right=kind == "number" or name in right, to=(links or {}).get(name))
        )
    return made


def _in_words(column: str, value: object) -> object:
    """A code of ours as readers know it."""
    return code_words(column, value) if type(value) is str else value


def _said(value: Message, kind: str) -> Plain:
    """A cell that is a message; among text of the data it is marked as one where it has no arguments."""
    said = plain(value, visible)
    return {"m": said, "a": {}} if kind == "data" and isinstance(said, str) else said


def column(
    name: str, head: Plain, kind: str, cells: Sequence[Plain], *, right: bool = False, to: Sequence[str] | None = None
) -> Payload:
    """One column; a cell of a column of texts may be a message with arguments."""
    made: Payload = {"name": visible(name), "head": head, "type": kind, "cells": list(cells)}
    if right:
        made["right"] = True
    return {**made, "to": list(to)} if to and any(to) else made


def _kind(values: pd.Series, is_data: bool) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "text"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    return "data" if is_data else "text"

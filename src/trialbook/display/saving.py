"""What a table and a figure can do besides being shown: become a frame, and be saved as a file of their own."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.core.messages import ENGLISH
from trialbook.display.payload import Payload
from trialbook.display.table_body import INDENT

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Origin:
    """Where a table or figure comes from, which a file of it alone must say: the study, the date of the cut (ISO; blank
    where there is none), and whether the data are synthetic.
    """

    study: str = ""
    cut_date: str = ""
    synthetic: bool = False


class Savable(ABC):
    """A table or figure that knows its id (`T-5`, blank for none), its title, and where it comes from."""

    id: str
    origin: Origin = Origin()

    @property
    @abstractmethod
    def title(self) -> str:
        """The title, in English."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """What is shown, as a DataFrame."""

    def save(self, path: str | Path) -> Path:
        """Writes a file of this alone, whole or not at all; the suffix of `path` says which kind.

        Tables: html, csv, xlsx, docx, rtf. Figures: html, svg, png, pdf. Returns the path. Raises UsageError for
        what is no path, for another suffix, for a folder that does not exist or cannot be written to, for a place
        inside of a published build, and in a build, which writes its own folder only.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise UsageError(
                "a file is named by its path", value=path, next_step='write .save(cut.outputs / "mine.xlsx")'
            )  # fmt: skip
        if not _writers:
            raise UsageError(
                "a build does not save single tables and figures: it writes its own folder only", file=str(path),
                next_step="run this cell in JupyterLab, or take the cell out of the notebook",
            )  # fmt: skip
        return _writers[-1](self, Path(path).expanduser())


# Set by what a person works with, never by a build: the libraries that write documents take long to import.
_writers: list[Callable[[Savable, Path], Path]] = []


def save_with(writer: Callable[[Savable, Path], Path]) -> None:
    """From now on `save` of every table and figure of this process calls `writer`."""
    _writers[:] = [writer]


def frame_of(payload: Payload) -> pd.DataFrame:
    """The table of a payload as a frame: a column for each of its columns under its variable name, cells as shown.

    Columns of numbers and of whole dates have their types; what is not shown is missing there. `attrs["labels"]` holds
    the heads that readers see.

    >>> amount = {"name": "AGE", "head": "Age", "type": "number", "cells": ["51", ""]}
    >>> frame_of({"columns": [amount]})["AGE"].tolist()
    [51, <NA>]
    """
    frame = pd.DataFrame({_name(k, column): _values(column) for k, column in enumerate(payload["columns"])})
    frame.attrs["labels"] = {_name(k, column): said(column["head"]) for k, column in enumerate(payload["columns"])}
    return frame


def _name(position: int, column: Payload) -> str:
    """The variable of a column; of a plain frame, whose columns are numbered, its head."""
    head = said(column["head"])
    return head if head and column["name"] == str(position) else str(column["name"])


def said(text: Any) -> str:
    """A text of a payload in English; text of the data as it is."""
    return str(text["d"]) if isinstance(text, dict) and "d" in text else ENGLISH.say(text)


def _values(column: Payload) -> pd.Series:
    cells = [said(cell).removeprefix(INDENT) for cell in column["cells"]]
    full = [cell for cell in cells if cell]
    if column["type"] == "number" and all(_NUMBER.fullmatch(cell) for cell in full):
        kind = "Int64" if all(_WHOLE.fullmatch(cell) for cell in full) else "Float64"
        return pd.Series([pd.NA if cell == "" else float(cell) for cell in cells], dtype="Float64").astype(kind)
    if column["type"] == "date" and full and all(_DAY.fullmatch(cell) for cell in full):
        return pd.to_datetime(pd.Series([cell or None for cell in cells], dtype="str"), format="%Y-%m-%d")
    return pd.Series(cells, dtype="str")

"""Numbers read back from documents: what each cell of a table must say, and the texts of a table in every format.

A carrier is the text of a table in one format, blanks left out: each format that can be exported joins `CARRIERS`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.documents.content import Speaker
from trialbook.documents.source import CutSource

NUMBERED = re.compile(r"[TFL]-\d+[a-z]*")
# A number as tables print it, with the sign of a share.
NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
# Analyses whose cells also say how many events have no grade or no seriousness, which another row of the results holds.
BESIDE = {"TEAE_OVERVIEW": "TEAE_OVERVIEW", "EAIR": "TEAE_OVERVIEW", "EAER": "TEAE_OVERVIEW"}


@dataclass(frozen=True)
class Cell:
    """A cell of a table of the build and the numbers of the results behind it.

    `table` and `row`: where it is; `said`: its text without a language; `texts`: what it may print, as results report
    it; `main`: what it must print one of. `is_null`: a result is null, or of nobody, so that it may print a dash.
    """

    analysis: str
    table: str
    row: int
    said: Any
    texts: frozenset[str]
    main: frozenset[str]
    is_null: bool

    def wrong(self, speaker: Speaker) -> list[str]:
        """The numbers of the cell that no result behind it reports, or its result where it is not printed."""
        text = speaker.say(self.said)
        printed = NUMBER.findall(text)
        dash = self.is_null and not printed
        missing = ["nothing of it"] if self.main and not dash and not self.main & set(printed) else []
        return [one for one in printed if one not in self.texts] + missing


def bare(text: str) -> str:
    """The text without blanks: lines of a document break where they please."""
    return re.sub(r"\s+", "", text)


def cells_of(source: CutSource) -> list[Cell]:
    """Every cell of the tables of a build that names the number of the results which it shows."""
    ard = source.built.ard
    names = ["analysis_id", "group1_level", "variable", "variable_level", "context"]
    rows = ard.assign(**{name: ard[name].fillna("").astype("str") for name in names})
    known: dict[tuple[str, ...], dict[str, tuple[float | None, str]]] = {}
    for row in rows.itertuples():
        stat = None if pd.isna(row.stat) else float(row.stat)
        key = tuple(str(getattr(row, name)) for name in names)
        known.setdefault(key, {})[str(row.stat_name)] = (stat, str(row.stat_text or ""))
    found: list[Cell] = []
    for output in source.outputs:
        for place, column, _, key in output.payload.get("says", ()):
            stats = known.get(tuple(key or ()))
            if stats is None:
                continue
            if key[0] == "BOUNDS":
                # The texts of bounds name the subjects that decide them.
                stats = {name: (stat, "" if stat is None else f"{stat:.3f}" if name == "estimate" else f"{stat:g}")
                         for name, (stat, _) in stats.items()}  # fmt: skip
            texts = {text for stat, text in stats.values() if stat is not None and text}
            analysis, level, variable, at, context = key
            beside = BESIDE.get(analysis, "")
            texts |= {
                text
                for other, values in known.items() if other[:4] == (beside, level, variable, at) and other[4] != context
                for _, text in values.values()
            }  # fmt: skip
            main = frozenset(
                text for name, (stat, text) in stats.items() if stat is not None and name not in ("N", "p")
            )
            is_null = any(stat is None for stat, _ in stats.values()) or stats.get("N", (None, ""))[0] == 0
            said = output.payload["columns"][column]["cells"][place]
            found.append(Cell(analysis, output.id, place, said, frozenset(texts), main, is_null))
    return found


# ----------------------------------------------------------------------------------------------------
# The tables of a format: text without blanks by the id of the table


class _PageTables(HTMLParser):
    """The text of each table of a page by its id."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._id, self._inside, self._hidden = "", False, 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if NUMBERED.fullmatch(given.get("id") or ""):
            self._id = given["id"] or ""
        if tag == "table" and self._id and self._id not in self.found:
            self._inside = True
            self.found[self._id] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[self._id] += bare(data)


def of_pages(build: Path) -> dict[str, str]:
    """The tables of the pages of a build."""
    found: dict[str, str] = {}
    for page in sorted(build.glob("*.html")):
        found |= {number: text for number, text in _PageTables(page).found.items() if number not in found}
    return found


def of_docx(content: bytes) -> dict[str, str]:
    """The tables of a Word file, by the number that their caption begins with."""
    import docx
    from docx.table import Table

    found: dict[str, str] = {}
    number = ""
    for block in docx.Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(block, Table):
            if number:
                found[number] = bare("".join(cell.text for row in block.rows for cell in row.cells))
            number = ""
        elif block.style is not None and block.style.name == "Caption":
            match = NUMBERED.match(block.text)
            number = match[0] if match else ""
    return found


def of_pptx(content: bytes) -> dict[str, str]:
    """The tables of slides, by the number above them."""
    import pptx

    found: dict[str, str] = {}
    for slide in pptx.Presentation(io.BytesIO(content)).slides:
        shapes: list[Any] = list(slide.shapes)
        texts = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
        numbers = [match[0] for text in texts if (match := NUMBERED.match(text))]
        for shape in shapes:
            if shape.has_table and numbers:
                found[numbers[0]] = bare("".join(cell.text for row in shape.table.rows for cell in row.cells))
    return found


def of_pdf(content: bytes) -> dict[str, str]:
    """The text of a PDF between one caption and the next, by the number of the caption."""
    import pypdf

    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    parts = re.split(r"^([TFLR]-\d+[a-z]*) (?=\S)", text, flags=re.MULTILINE)
    return {number: bare(part) for number, part in zip(parts[1::2], parts[2::2], strict=True)}


@dataclass(frozen=True)
class RtfText:
    """What a reader of RTF finds: its control words, the code of its fields, and its text (a cell ends with a tab)."""

    words: set[str]
    fields: list[str]
    text: str


_RTF = re.compile(r"\\u(-?\d+) ?\?|\\([a-z]+)(-?\d+)? ?|\\(\*|[^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_BREAKS = {"par": "\n", "cell": "\t", "row": "\n", "line": "\n", "tab": "\t"}


def rtf_text(content: bytes) -> RtfText:
    """Reads RTF as a program does: control words, groups and escaped characters; pictures and lists of fonts have no
    text.
    """
    words: set[str] = set()
    fields: list[str] = []
    said: list[str] = []
    depth, silent, units, in_field = 0, 0, b"", False
    for match in _RTF.finditer(content.decode("ascii")):
        unit, word, _, sign, brace, plain = match.groups()
        if units and unit is None:
            said.append(units.decode("utf-16-le", "replace"))
            units = b""
        if brace:
            depth += 1 if brace == "{" else -1
            silent = silent if depth >= silent else 0
        elif unit is not None:
            units += int(unit).to_bytes(2, "little", signed=True) if not silent else b""
        elif word:
            words.add(word)
            if word in ("fonttbl", "info", "pict", "fldinst", "bkmkstart", "bkmkend") and not silent:
                silent, in_field = depth, word == "fldinst"
                fields += [""] if in_field else []
            elif not silent:
                said.append(_BREAKS.get(word, ""))
        elif plain or (sign and sign in "\\{}"):
            text = plain or sign
            if not silent:
                said.append(text)
            elif in_field:
                fields[-1] += text
    assert depth == 0, "as many groups are closed as are opened"
    return RtfText(words, fields, "".join(said))


def of_rtf(content: bytes) -> dict[str, str]:
    """The text of each page of the pack of tables, by its number."""
    parts = re.split(r"^\S+? ?([TFL]-\d+[a-z]*)$", rtf_text(content).text, flags=re.MULTILINE)
    return {number: bare(part) for number, part in zip(parts[1::2], parts[2::2], strict=True)}


CARRIERS: Mapping[str, Callable[[bytes], dict[str, str]]] = {
    "pdf": of_pdf, "docx": of_docx, "pptx": of_pptx, "rtf": of_rtf,
}  # fmt: skip

"""Numbers read back from documents: what each row of a table must say, and the texts of a table in every format.

A carrier is the text of a table in one format, blanks left out: each format that can be exported joins `CARRIERS`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.documents.source import CutSource

COUNTED = r"(?P<n>\d+)(?:\((?P<p>[\d.]+%)\))?"
WITH_EVENTS = COUNTED + r"\[(?P<events>\d+)\](?:,and\d+notgraded)?"
LIMITS = r"(?P<estimate>-|[\d.]+)\((?P<low>-|[\d.]+)to(?P<high>-|[\d.]+)\)"
SURVIVAL = rf"(?:{LIMITS}|(?P<alone>1\.000|notreached))"
NUMBERED = re.compile(r"[TFL]-\d+[a-z]*")
METHODS = {
    "clopper_pearson": "Exact (Clopper-Pearson)", "wilson": "Wilson", "jeffreys": "Jeffreys", "midp": "Mid-P",
    "beta_binomial": "Beta posterior (mean and limits)",
}  # fmt: skip
OVERVIEW = {
    "TEAE": "Any TEAE", "TEAE_GE3": "TEAE of grade 3 or more", "TRAE": "TEAE related to treatment",
    "SAE": "Serious TEAE", "SRAE": "Serious related TEAE", "TEAE_DTH": "TEAE leading to death",
    "AESI": "TEAE of special interest",
}  # fmt: skip
BOUND = r"(?:(?P<n>\d+)/(?P<N>\d+)\((?P<estimate>[\d.]+)\)|(?P<none>-))"


@dataclass(frozen=True)
class Row:
    """One row of a table: what it must look like, a pattern for each cell, and the rows of the ARD behind each.

    `stats` leads from the group of a pattern to the statistic; one list of cells is one context or dose level.
    """

    analysis: str
    table: str
    label: str
    cells: tuple[tuple[str, Mapping[str, str]], ...]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The row without blanks; the groups of cell k end with _k."""
        made = re.escape(bare(self.label))
        for place, (cell, _) in enumerate(self.cells):
            made += re.sub(r"\(\?P<(\w+)>", rf"(?P<\1_{place}>", cell)
        return re.compile(made)


@dataclass(frozen=True)
class Number:
    """A number of the ARD and where it must be found."""

    row: Row
    group: str
    text: str
    is_null: bool


def bare(text: str) -> str:
    """The text without blanks: lines of a document break where they please."""
    return re.sub(r"\s+", "", text)


def numbers_of(source: CutSource) -> list[Number]:
    """Every number of the results that a report shows in its tables by dose level."""
    ard = source.built.ard
    texts = {
        (row.analysis_id, row.variable, row.variable_level, row.context, row.group1_level, row.stat_name): row
        for row in ard.itertuples()
    }
    levels = [*source.levels, "Total"]
    found: list[Number] = []

    def add(analysis: str, table: str, label: str, cell: str, keys: Mapping[str, tuple[str, ...]]) -> None:
        """A row with the same cell for every level; `keys`: group to (variable, level, context, statistic)."""
        row = Row(analysis, table, label, tuple((cell, {}) for _ in levels))
        for place, level in enumerate(levels):
            for group, (variable, at, context, stat) in keys.items():
                one: Any = texts.get((analysis, variable, at, context, level, stat))
                if one is not None:
                    found.append(Number(row, f"{group}_{place}", one.stat_text, bool(pd.isna(one.stat))))

    for variable, label in OVERVIEW.items():
        keys = {stat: (variable, "", "", stat) for stat in ("n", "p", "events")}
        add("TEAE_OVERVIEW", "Overview of treatment-emergent adverse events", label, WITH_EVENTS, keys)
    for grade in range(1, 6):
        keys = {stat: ("TEAE", "", f"grade {grade}", stat) for stat in ("n", "p")}
        add("TEAE_GRADE", "Subjects by the maximum grade of all TEAE", f"grade {grade}", COUNTED, keys)
    for method, label in METHODS.items():
        keys = {g: ("RSP28", "", method, s) for g, s in _ESTIMATE.items()}
        add("ORR_D28", "Overall response rate at day 28", label, LIMITS, keys)
    for day in source.built.analysis.os_days:
        keys = {g: ("OS", str(day), source.built.analysis.km_ci, s) for g, s in _ESTIMATE.items()}
        add("OS_KM", "Overall survival, S(t)", f"Day {day}", SURVIVAL, keys)
    keys = {g: ("OS", "", source.built.analysis.km_ci, s) for g, s in _ESTIMATE.items()}
    add("FUP_RKM", "Median follow-up", "Median (95% interval)", LIMITS, keys)
    found += _by_row(texts, levels)
    return found


_ESTIMATE = {"estimate": "estimate", "low": "conf.low", "high": "conf.high"}


def _by_row(texts: Mapping[tuple[str, ...], Any], levels: list[str]) -> Iterator[Number]:
    """Numbers of tables with a row for each dose level: the DLT rate, and the worst and best cases."""
    by = "clopper_pearson"
    rate = (
        (r"(?P<n>\d+)/(?P<N>\d+)", {"n": "n", "N": "N"}), (r"(?P<estimate>-|[01]\.\d{3})", {"estimate": "estimate"}),
        (r"(?:(?P<low>[01]\.\d{3})to(?P<high>[01]\.\d{3})|-)", {"low": "conf.low", "high": "conf.high"}),
        (r"(?P<prob>-|[01]\.\d{3})", {"prob": "prob_gt_target"}),
    )  # fmt: skip
    for level in levels:
        row = Row("DLT_RATE", "DLT rate", level, rate)
        for place, (_, stats) in enumerate(rate):
            for group, stat in stats.items():
                one = texts.get(("DLT_RATE", "DLT", "", by, level, stat))
                if one is not None:
                    yield Number(row, f"{group}_{place}", one.stat_text, bool(pd.isna(one.stat)))
    for variable, title in (("DLT", "DLT rate, worst and best case"), ("OS_100", "Alive at day 100, worst and best")):
        for level in levels:
            row = Row("BOUNDS", title, level, ((BOUND, {}), (BOUND, {})))
            for place, case in enumerate(("worst", "best")):
                for stat in ("n", "N", "estimate"):
                    one = texts.get(("BOUNDS", variable, "", case, level, stat))
                    if one is not None:
                        text = "" if pd.isna(one.stat) else f"{one.stat:.3f}" if stat == "estimate" else f"{one.stat:g}"
                        yield Number(row, f"{stat}_{place}", text, bool(pd.isna(one.stat)))


def read(number: Number, carried: str) -> str | None:
    """The number as a format says it; None where the row is not there as it must be."""
    found = number.row.pattern.search(carried)
    if found is None:
        return None
    said = found.groupdict().get(number.group)
    if said is None:
        place = number.group.rpartition("_")[2]
        alone = found.groupdict().get(f"alone_{place}") or found.groupdict().get(f"none_{place}")
        if alone == "1.000" and number.group.startswith("estimate"):
            return "1.000"
        return "" if alone else None
    return said


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
    parts = re.split(r"^\S+ ([TFL]-\d+[a-z]*)$", rtf_text(content).text, flags=re.MULTILINE)
    return {number: bare(part) for number, part in zip(parts[1::2], parts[2::2], strict=True)}


CARRIERS: Mapping[str, Callable[[bytes], dict[str, str]]] = {
    "pdf": of_pdf, "docx": of_docx, "pptx": of_pptx, "rtf": of_rtf,
}  # fmt: skip

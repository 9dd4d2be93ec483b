"""The register of issued documents: its lines, and the numbers in them that a later build has changed (errata)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import UsageError
from trialbook.protocol.models import CUT_ID

if TYPE_CHECKING:
    # Who only looks for what was issued, as every build does at its end, need not wait for it.
    import pandas as pd

NEXT_STEP = "restore this file from a backup, or move it to another place so that a new one begins"


@dataclass(frozen=True)
class Issued:
    """One file that was issued.

    `issued`: when, ISO in UTC; `build`: the seal of the build, which the document names too;
    `numbers`: the headline numbers of that build as reported, by name.
    """

    issued: str
    document: str
    format: str
    study: str
    cut: str
    build: str
    language: str
    audience: str
    sha256: str
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Erratum:
    """A number (`name`) of an issued document that the build of today reports otherwise.

    `name`: that of a headline number, or what names a number of the results (`result_name`).
    """

    document: Issued
    name: str
    old: str
    new: str


# The columns that name a number of the results.
RESULT = ("analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name")
BETWEEN = " | "
COLUMNS = tuple(field.name for field in fields(Issued))
_SHAPES = {
    "issued": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "build": re.compile(r"[0-9a-f]{64}"),
    "sha256": re.compile(r"[0-9a-f]{64}"), "document": re.compile(r"[^/\\\s]+"), "cut": CUT_ID,
    "study": re.compile(r"\S.*"),
}  # fmt: skip


def parse_register(text: str, place: str) -> list[Issued]:
    """The lines of a register in their order. Raises UsageError that names the line which cannot be read.

    >>> parse_register("", "issued.csv")
    []
    """
    if not text:
        return []
    if not text.endswith("\n"):
        raise _damaged("the last line of the register of issued documents is incomplete", place, text.count("\n") + 1)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[Issued] = []
    try:
        for cells in reader:
            if reader.line_num == 1:
                if tuple(cells) != COLUMNS:
                    raise _damaged("the register of issued documents has other columns", place, 1)
                continue
            found.append(_line(cells, place, reader.line_num))
    except csv.Error:
        raise _damaged("this line of the register of issued documents cannot be read", place, reader.line_num) from None
    return found


def register_text(lines: Sequence[Issued]) -> str:
    """The register as text; `parse_register` reads it back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        cells = {name: getattr(line, name) for name in COLUMNS}
        cells["numbers"] = json.dumps(dict(line.numbers), ensure_ascii=False, sort_keys=True)
        writer.writerow([_kept(str(cell)) for cell in cells.values()])
    return out.getvalue()


def errata(lines: Sequence[Issued], study: str, cut: str, numbers: Mapping[str, str]) -> list[Erratum]:
    """The numbers of issued documents of a cut that its build of today (`numbers`) reports otherwise, oldest first.

    A number that today's build does not report any more is one of them; one that the document did not hold is not.
    """
    return [
        Erratum(line, name, old, _reported(numbers.get(name)))
        for line in lines
        if (line.study, line.cut) == (study, cut)
        for name, old in line.numbers.items()
        if _reported(old) != _reported(numbers.get(name))
    ]


def result_errata(line: Issued, shown: Mapping[str, str], today: Mapping[str, str]) -> list[Erratum]:
    """The numbers that an issued document shows in its tables (`shown`) and today's results report otherwise.

    Both by `result_name`, in that order; a number that is not reported any more is one of them.
    """
    return [
        Erratum(line, name, old, _reported(today.get(name)))
        for name, old in sorted(shown.items())
        if _reported(old) != _reported(today.get(name))
    ]


def result_name(parts: Sequence[str]) -> str:
    """What names one number of the results: analysis, group level, variable, variable level, context and statistic.

    >>> result_name(["ORR_D28", "Total", "RSP28", "", "wilson", "n"])
    'ORR_D28 | Total | RSP28 | wilson | n'
    """
    return BETWEEN.join(part for part in parts if part)


def result_numbers(ard: pd.DataFrame) -> dict[str, str]:
    """The numbers of the results as they are reported, by `result_name`."""
    names = [ard[name].fillna("").astype("str") for name in RESULT]
    texts = ard["stat_text"].fillna("").astype("str")
    return {result_name(parts): text for *parts, text in zip(*names, texts, strict=True) if text}


def _reported(text: str | None) -> str:
    # Imported here: reading the register, which every build does, needs no pandas.
    from trialbook.results.ard import NOT_ESTIMABLE

    return text or NOT_ESTIMABLE


def _line(cells: Sequence[str], place: str, row: int) -> Issued:
    if len(cells) != len(COLUMNS):
        raise _damaged(f"this line of the register has {len(cells)} cells instead of {len(COLUMNS)}", place, row)
    given: dict[str, Any] = dict(zip(COLUMNS, map(_read, cells), strict=True))
    for name, shape in _SHAPES.items():
        if not shape.fullmatch(given[name]):
            raise _damaged("this value of the register of issued documents cannot be read", place, row, name)
    try:
        given["numbers"] = json.loads(given["numbers"])
    except ValueError:
        given["numbers"] = None
    held = given["numbers"]
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise _damaged("the numbers of this line of the register cannot be read", place, row, "numbers")
    return Issued(**given)


# What a spreadsheet takes for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r|]")


def _kept(cell: str) -> str:
    """A cell that no spreadsheet runs: a formula begins with an apostrophe, which `_read` takes away again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _read(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _damaged(problem: str, place: str, row: int, column: str | None = None) -> UsageError:
    return UsageError(problem, file=place, row=row, column=column, next_step=NEXT_STEP)

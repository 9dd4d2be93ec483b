"""`trialbook draft-mapping`: looks at a foreign export and writes the first mapping file for it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from trialbook.cleaning.columns import required_columns
from trialbook.core.domains import VARIABLES
from trialbook.core.errors import StopError, TrialbookError, UsageError
from trialbook.core.files import naming
from trialbook.protocol.models import Protocol
from trialbook.snapshot.delimited import DELIMITERS, HEAD_LINES, LINE, SEP_LINE, Dialect, decode
from trialbook.snapshot.draft_mapping import Seen, draft_mapping, system_of
from trialbook.snapshot.formats import DELIMITED, FORMATS, file_bytes, grids_of
from trialbook.snapshot.mapping_models import load_mapping
from trialbook.snapshot.site_export import read_export
from trialbook.snapshot.tables import Grid, plain_name


def write_draft_mapping(export: Path, target: Path, protocol: Protocol) -> list[str]:
    """Writes the draft for an export (a folder or one file); returns what to say.

    Raises UsageError where the target exists, where the export cannot be read, or where no table is in it.
    """
    if target.exists():
        raise UsageError("this file exists already", file=str(target), next_step="name another file with --to")
    tables, preamble, unread = look_at(export)
    if not tables:
        raise UsageError(
            f"there is no table here{f' ({unread[0]})' if unread else ''}", file=export.name,
            next_step=f"name a folder or file of the export ({', '.join(FORMATS)})",
        )  # fmt: skip
    required = {code: required_columns(code, protocol) for code in VARIABLES}
    text = draft_mapping(tables, required, protocol.study.registry_id, preamble, unread, protocol.study.product or "")
    fits = _tried(text, export)
    target.parent.mkdir(parents=True, exist_ok=True)
    with naming(target), target.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    placed = len(re.findall(r"^        [A-Z]+: (?!\{constant)", text, re.M))
    unplaced = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("# Not placed")]
    left = sum(line.count(", ") + 1 for line in unplaced)
    lines = [
        f"tables of {export.name}: {len(tables)}; recognised: {system_of(tables, preamble)}",
        f"{target}: variables filled from columns: {placed}; columns not placed, listed at its end: {left}",
        *(f"not looked at: {one}" for one in unread),
    ]
    if fits:
        lines.append(f"The export cannot be read with this draft yet: {fits}")
    return [
        *lines,
        "Next: go through the file, then write a cut file and look at what comes in:",
        f"  trialbook new-cut ID --snapshot {export} --date YYYY-MM-DD --mapping {target}",
        "  trialbook check ID --raw",
    ]


def _tried(text: str, export: Path) -> str:
    """What stops the export from being read with a draft; blank where nothing does. The draft itself is valid."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        load_mapping(path, "the draft")
        try:
            read_export(export, path, "the draft")
        except TrialbookError as error:
            return str(error)
    return ""


def look_at(export: Path) -> tuple[list[Seen], bool, list[str]]:
    """The tables of an export, whether a file begins with lines of description, and what could not be looked at."""
    try:
        paths = [export] if export.is_file() else sorted(export.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise UsageError(f"the export cannot be read ({type(error).__name__})", file=str(export)) from None
    tables: list[Seen] = []
    unread: list[str] = []
    preamble = False
    for path in paths:
        suffix = path.suffix.lower()
        if not path.is_file() or suffix not in FORMATS or path.name.startswith((".", "~$")):
            continue
        try:
            found, before = _tables(path, suffix)
        except StopError as error:
            unread.append(str(error))
            continue
        tables += found
        preamble |= before
    return tables, preamble, unread


def _tables(path: Path, suffix: str) -> tuple[list[Seen], bool]:
    content = file_bytes(path)
    if suffix == ".json" and b'"columns"' not in content:
        return [], False
    said: dict[str, str] = {}
    dialect = Dialect(names=(), labels=False)
    before = False
    if suffix in DELIMITED:
        dialect, said, before = _dialect(content, path.name, suffix)
    grids, _ = grids_of(content, path.name, dialect)
    seen = []
    for sheet, grid in grids.items():
        found = _seen(path.name, sheet, grid, said)
        if found is not None:
            seen.append(found)
    return seen, before


def _dialect(content: bytes, file: str, suffix: str) -> tuple[Dialect, dict[str, str], bool]:
    """How a delimited file is written, the keys that say so, and whether lines of description precede its header."""
    text, encoding = decode(content, file)
    start = SEP_LINE.match(text)
    lines = [found[0] for found in LINE.finditer(text)][: HEAD_LINES * 4]
    best: tuple[int, str, int] = (0, DELIMITED[suffix], 0)
    for sign in dict.fromkeys([DELIMITED[suffix], *DELIMITERS]):
        try:
            rows = list(csv.reader(lines, delimiter=sign))
        except csv.Error:
            continue
        width, count = Counter(len(row) for row in rows if len(row) > 1).most_common(1)[0] if any(
            len(row) > 1 for row in rows) else (1, 0)  # fmt: skip
        at = next((k for k, row in enumerate(rows) if len(row) == width and sum(map(bool, row)) * 2 > width), 0)
        if count * width > best[0]:
            best = (count * width, sign, at)
    _, sign, at = best
    said = {"encoding": encoding} if encoding not in ("utf-8", "utf-8-sig", "utf-16") else {}
    if sign != DELIMITED[suffix] and start is None:
        said["delimiter"] = DELIMITERS[sign]
    before = at > (1 if start else 0)
    if before:
        said["skip_rows"] = str(at)
    return Dialect(sign, "", at if before else 0, (), labels=False), said, before and start is None


def _seen(file: str, sheet: str | None, grid: Grid, said: dict[str, str]) -> Seen | None:
    """A grid under its headers; None where it is no table."""
    rows = [[plain_name(cell) for cell in row] for row in grid.rows[:HEAD_LINES]]
    widest = max((sum(map(bool, row)) for row in rows), default=0)
    if widest < 2:
        return None
    at = next(k for k, row in enumerate(rows) if sum(map(bool, row)) * 2 > widest)
    said = dict(said)
    if at:
        said["skip_rows"] = str(grid.lines[at] - 1)
    names = rows[at]
    below = rows[at + 1] if at + 1 < len(rows) else []
    coded = [cell for cell in below if cell]
    two = bool(coded) and not all(n.isascii() for n in names) and len(set(coded)) == len(coded) > 2 and all(
        re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", cell) for cell in coded)  # fmt: skip
    records = [list(row) for row in grid.rows[at + (2 if two else 1) :] if any(row)]
    named = [k for k, name in enumerate(names) if name and names.index(name) == k]
    columns = {names[k]: [row[k] or None for row in records] for k in named}
    frame = pd.DataFrame(columns, dtype="str")
    return Seen(file, sheet, frame, said, 2 if two else 1)

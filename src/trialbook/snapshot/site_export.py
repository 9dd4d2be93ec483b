"""Reads a site export that is not SDTM: its files and sheets, turned into domains by the mapping file of the cut."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import NamedTuple

from trialbook.core.domains import DOMAIN_ORDER
from trialbook.core.errors import StopError, UsageError
from trialbook.core.files import sha256
from trialbook.snapshot.delimited import LAYOUT, Dialect
from trialbook.snapshot.formats import DELIMITED, FORMATS, file_bytes, grids_of
from trialbook.snapshot.mapping import map_domain, unmapped_columns, without_missing
from trialbook.snapshot.mapping_join import joined_table
from trialbook.snapshot.mapping_models import FileRule, Join, Mapping, Part, Skip, load_mapping
from trialbook.snapshot.mapping_source import SourceTable, source_table
from trialbook.snapshot.mapping_values import column_position
from trialbook.snapshot.tables import Grid, RawTable, Seen, Snapshot, header_at, plain_name
from trialbook.snapshot.transfer import Transfer, check_content


class _File(NamedTuple):
    """One file of the export: its tables by sheet (None where it has no sheets) and what of it is hidden."""

    name: str
    sha256: str
    bytes: int
    grids: dict[str | None, Grid]
    hidden: list[str]


class Export(NamedTuple):
    """A mapped export: its domains, and the records of each file that was used (for the transfer manifest)."""

    snapshot: Snapshot
    rows: Counter[str]


def read_export(folder: Path, mapping_path: Path, mapping_file: str, transfer: Transfer | None = None) -> Export:
    """The domains of a site export; nothing of it is written to.

    Raises UsageError for a mapping file that is wrong or does not fit the export (naming the file, the key and the
    nearest header), StopError where a file is missing, occurs twice, or cannot be read.
    """
    mapping = load_mapping(mapping_path, mapping_file)
    reader = _Reader(folder, transfer)
    tables: dict[str, RawTable] = {}
    used: dict[tuple[str, str | None, int], set[int]] = {}
    owner: dict[tuple[str, str | None, int], str] = {}

    def use(code: str, source: SourceTable, positions: set[int]) -> None:
        used.setdefault(_key(source), set()).update(positions)
        owner.setdefault(_key(source), code)

    for code in (code for code in DOMAIN_ORDER if code in mapping.domains):
        parts = [
            (k, part, without_missing(part, source))
            for k, part in enumerate(mapping.domains[code])
            if (source := reader.joined(code, k, part, mapping_file, partial(use, code))) is not None
        ]
        if parts:
            tables[code], positions = map_domain(code, parts, mapping, mapping_file)
            for (_, _, source), own in zip(parts, positions, strict=True):
                use(code, source, {at for at in own if not any(form.holds(at) for form in source.joined)})
                for form in source.joined:
                    use(code, form.source, {at - form.first for at in own if form.holds(at)})
    for key, source in reader.sources.items():
        notes = unmapped_columns(source, used.get(key, set()), mapping.unused) if key in owner else []
        if notes:
            table = tables[owner[key]]
            tables[owner[key]] = dataclasses.replace(table, notes=(*table.notes, *notes))
    return Export(Snapshot(tables, tuple(sorted(reader.not_read(mapping))), reader.hashes()), reader.rows())


def _key(source: SourceTable) -> tuple[str, str | None, int]:
    return source.file, source.sheet, source.header_rows


class _Reader:
    """The files of an export, each read and hashed once."""

    def __init__(self, folder: Path, transfer: Transfer | None) -> None:
        self._transfer = transfer
        try:
            entries = [folder] if folder.is_file() else sorted(folder.iterdir(), key=lambda entry: entry.name)
        except OSError as error:
            raise UsageError(f"the snapshot cannot be read ({type(error).__name__})", file=folder.name) from None
        self._entries = entries
        self._contents: dict[str, bytes] = {}
        self._files: dict[tuple[str, Dialect | None], _File] = {}
        self._tables: dict[tuple[str, str | None, Dialect], SourceTable] = {}
        self.sources: dict[tuple[str, str | None, int], SourceTable] = {}

    def joined(
        self, code: str, k: int, part: Part, mapping_file: str, use: Callable[[SourceTable, set[int]], None]
    ) -> SourceTable | None:
        """The source of one part with the columns of the forms that it joins; None where it is optional and absent."""
        place = f"domains.{code}[{k}]"
        base = self.source(part, part, part.names(), mapping_file, place)
        if base is None or not part.join:
            return base
        forms = []
        for n, join in enumerate(part.join):
            names = tuple((name,) for name in join.on.values())
            form = self.source(join, part, names, mapping_file, f"{place}.join[{n}]")
            if form is not None:
                forms.append((join, form))
        return joined_table(base, forms, code == "DM", mapping_file, place, use)

    def source(
        self, wanted: Part | Join, rule: FileRule, names: tuple[tuple[str, ...], ...], mapping_file: str, place: str
    ) -> SourceTable | None:
        """One table of the export, written as `rule` says; None where it is optional and not there."""
        path = self._path(wanted, mapping_file, place)
        if path is None:
            return None
        skipped = rule.skip_rows if isinstance(rule.skip_rows, int) else 0
        dialect = Dialect(
            rule.delimiter or "", rule.encoding or "", skipped, names, wanted.header_rows, labels=False
        )  # fmt: skip
        file = self._file(path, dialect)
        sheet = self._sheet(file, wanted, mapping_file, place)
        key = (file.name, sheet, dialect)
        if key not in self._tables:
            grid = file.grids[sheet]
            if not grid.delimiter:
                grid = _below_titles(grid, dialect)
            table = source_table(grid, file.name, sheet, wanted.header_rows, file.sha256, file.bytes)
            self._tables[key] = table
            self.sources.setdefault(_key(table), table)
        if isinstance(rule.skip_rows, Skip) and isinstance(wanted, Part):
            for name in rule.skip_rows.until:
                column_position(self._tables[key], [name], f"{place}.skip_rows", mapping_file)
        return self._tables[key]

    def _path(self, part: Part | Join, mapping_file: str, place: str) -> Path | None:
        pattern = plain_name(part.file).casefold()
        found = [e for e in self._readable() if fnmatch(plain_name(e.name).casefold(), pattern)]
        if len(found) == 1 or (part.optional and not found):
            return found[0] if found else None
        names = ", ".join(e.name for e in found or self._readable()) or "none"
        problem = f"{len(found)} files match {part.file}" if found else f"no file matches {part.file}"
        raise StopError(
            f"{problem} ({names})", file=mapping_file, column=f"{place}.file", rule="P34-MAPPING",
            next_step="deliver one such file, or correct the name in the mapping file",
        )  # fmt: skip

    def _readable(self) -> list[Path]:
        return [
            e for e in self._entries
            if e.is_file() and e.suffix.lower() in FORMATS and not e.name.startswith((".", "~$"))
        ]  # fmt: skip

    def _file(self, path: Path, dialect: Dialect) -> _File:
        delimited = path.suffix.lower() in DELIMITED
        key = (path.name, dialect if delimited else None)
        if key not in self._files:
            if path.name not in self._contents:
                self._contents[path.name] = file_bytes(path)
                check_content(path.name, self._contents[path.name], self._transfer)
            content = self._contents[path.name]
            grids, hidden = grids_of(content, path.name, dialect)
            self._files[key] = _File(path.name, sha256(content), len(content), grids, hidden)
        return self._files[key]

    @staticmethod
    def _sheet(file: _File, part: Part | Join, mapping_file: str, place: str) -> str | None:
        if part.sheet is None and len(file.grids) == 1:
            return next(iter(file.grids))
        wanted = plain_name(part.sheet).casefold()
        found = [name for name in file.grids if name is not None and plain_name(name).casefold() == wanted]
        if len(found) == 1:
            return found[0]
        names = ", ".join(str(name) for name in file.grids) or "none"
        raise UsageError(
            f"{file.name} has no sheet {part.sheet or 'of its own; name one'} (sheets: {names})", file=mapping_file,
            column=f"{place}.sheet", rule="P34-MAPPING", next_step="correct the name of the sheet",
        )  # fmt: skip

    def not_read(self, mapping: Mapping) -> list[str]:
        """The files and sheets of the export that no domain is mapped from."""
        sheets = {(file, sheet) for file, sheet, _ in self.sources}
        files = {f.name: f for f in self._files.values()}
        names = [entry.name for entry in self._entries if entry.name not in files]
        names += [f"{f.name}: hidden sheet {name}" for f in files.values() for name in f.hidden]
        return names + [
            f"{f.name}: sheet {name}" for f in files.values() for name in f.grids if (f.name, name) not in sheets
        ]

    def hashes(self) -> dict[str, str]:
        """The sha256 of each file that was opened."""
        return {file.name: file.sha256 for file in self._files.values()}

    def rows(self) -> Counter[str]:
        """Records by file, without header rows and blank rows."""
        rows: Counter[str] = Counter()
        for (file, _, _), source in self.sources.items():
            rows[file] += len(source.frame)
        return rows


def _below_titles(grid: Grid, dialect: Dialect) -> Grid:
    """A sheet (or a file without lines) from its header on: below the rows that are skipped, and below titles."""
    first = next((k for k, line in enumerate(grid.lines) if line > dialect.skip_rows), len(grid.rows))
    at = first + (header_at(grid.rows[first:], dialect.names, dialect.header_rows) or 0)
    if not at:
        return grid
    named = f"row {grid.lines[0]}" if at == 1 else f"rows {grid.lines[0]} to {grid.lines[at - 1]}"
    said = Seen(0, -1, LAYOUT, f"{named} above the header")
    return dataclasses.replace(grid, rows=grid.rows[at:], lines=grid.lines[at:], seen=(*grid.seen, said))

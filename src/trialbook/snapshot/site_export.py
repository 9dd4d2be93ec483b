"""Reads a site export that is not SDTM: its files and sheets, turned into domains by the mapping file of the cut."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from trialbook.core.domains import DOMAIN_ORDER
from trialbook.core.errors import StopError, UsageError
from trialbook.snapshot.formats import FORMATS, file_bytes, grids_of
from trialbook.snapshot.mapping import map_domain, unmapped_columns
from trialbook.snapshot.mapping_models import Mapping, Part, load_mapping
from trialbook.snapshot.mapping_source import SourceTable, source_table
from trialbook.snapshot.tables import Grid, RawTable, Snapshot, plain_name
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
    for code in (code for code in DOMAIN_ORDER if code in mapping.domains):
        parts = [
            (k, part, source)
            for k, part in enumerate(mapping.domains[code])
            if (source := reader.source(part, mapping_file, f"domains.{code}[{k}]")) is not None
        ]
        if parts:
            tables[code], positions = map_domain(code, parts, mapping, mapping_file)
            for (_, _, source), own in zip(parts, positions, strict=True):
                used.setdefault(_key(source), set()).update(own)
                owner.setdefault(_key(source), code)
    for key, source in reader.sources.items():
        notes = unmapped_columns(source, used.get(key, set())) if key in owner else []
        if notes:
            table = tables[owner[key]]
            tables[owner[key]] = dataclasses.replace(table, notes=(*table.notes, *notes))
    return Export(Snapshot(tables, tuple(sorted(reader.not_read(mapping)))), reader.rows())


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
        self._files: dict[str, _File] = {}
        self.sources: dict[tuple[str, str | None, int], SourceTable] = {}

    def source(self, part: Part, mapping_file: str, place: str) -> SourceTable | None:
        """The source of one part; None where it is optional and not there."""
        path = self._path(part, mapping_file, place)
        if path is None:
            return None
        file = self._file(path)
        sheet = self._sheet(file, part, mapping_file, place)
        key = (file.name, sheet, part.header_rows)
        if key not in self.sources:
            grid = file.grids[sheet]
            self.sources[key] = source_table(grid, file.name, sheet, part.header_rows, file.sha256, file.bytes)
        return self.sources[key]

    def _path(self, part: Part, mapping_file: str, place: str) -> Path | None:
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

    def _file(self, path: Path) -> _File:
        if path.name not in self._files:
            content = file_bytes(path)
            check_content(path.name, content, self._transfer)
            grids, hidden = grids_of(content, path.name)
            digest = hashlib.sha256(content).hexdigest()
            self._files[path.name] = _File(path.name, digest, len(content), grids, hidden)
        return self._files[path.name]

    @staticmethod
    def _sheet(file: _File, part: Part, mapping_file: str, place: str) -> str | None:
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
        names = [entry.name for entry in self._entries if entry.name not in self._files]
        names += [f"{f.name}: hidden sheet {name}" for f in self._files.values() for name in f.hidden]
        return names + [
            f"{f.name}: sheet {name}" for f in self._files.values() for name in f.grids if (f.name, name) not in sheets
        ]

    def rows(self) -> Counter[str]:
        """Records by file, without header rows and blank rows."""
        rows: Counter[str] = Counter()
        for (file, _, _), source in self.sources.items():
            rows[file] += len(source.frame)
        return rows

"""Archives (Word and PowerPoint files are some) as the same bytes on every run: sorted, one time for all entries."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

# What readers of these formats look for first.
FIRST = ("[Content_Types].xml", "_rels/.rels")
# The earliest time that an archive can name.
EARLIEST = (1980, 1, 1, 0, 0, 0)


def archive(entries: Mapping[str, bytes], day: str) -> bytes:
    """An archive of these files (name to content), each dated by `day` (ISO)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in sorted(entries, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
            entry = zipfile.ZipInfo(name, moment(day))
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            packed.writestr(entry, entries[name], compresslevel=9)
    return file.getvalue()


def repacked(made: bytes, day: str) -> bytes:
    """The archive that a library has made, with the time of `day` in place of the time of day."""
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        return archive({name: packed.read(name) for name in packed.namelist()}, day)


def moment(day: str) -> tuple[int, int, int, int, int, int]:
    """Midnight of a day, as archives write it."""
    year, month, date = (int(part) for part in day.split("-"))
    return max((year, month, date, 0, 0, 0), EARLIEST)

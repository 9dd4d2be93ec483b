"""Which files can be read, and the reader of each: content in, tables of text out."""

from __future__ import annotations

from pathlib import Path

from trialbook.errors import StopError
from trialbook.inputs import read_input
from trialbook.snapshot.binary import read_parquet, read_sas
from trialbook.snapshot.dataset_json import read_dataset_json
from trialbook.snapshot.delimited import read_delimited
from trialbook.snapshot.tables import Grid
from trialbook.snapshot.workbook import read_sheets

FORMATS = (".csv", ".tsv", ".xpt", ".sas7bdat", ".parquet", ".xlsx", ".json", ".ndjson")


def grid_of(content: bytes, file: str) -> Grid:
    """The one table of a file that is no workbook."""
    suffix = Path(file).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return read_delimited(content, file, "," if suffix == ".csv" else "\t")
    if suffix in (".xpt", ".sas7bdat"):
        return read_sas(content, file, suffix)
    if suffix == ".parquet":
        return read_parquet(content, file)
    return read_dataset_json(content, file, lines=suffix == ".ndjson")


def grids_of(content: bytes, file: str) -> tuple[dict[str | None, Grid], list[str]]:
    """The tables of a file by sheet (None: it has no sheets), and the names of its hidden sheets."""
    if Path(file).suffix.lower() != ".xlsx":
        return {None: grid_of(content, file)}, []
    sheets, hidden = read_sheets(content, file)
    return {name: sheets[name] for name in sheets}, hidden


def file_bytes(file: Path) -> bytes:
    """The bytes of a file, read once: what is hashed is what is parsed, even when the file is rewritten meanwhile."""
    try:
        return read_input(file, file.name)
    except OSError as error:
        raise StopError(f"the file cannot be read ({type(error).__name__})", file=file.name, rule="P34") from None

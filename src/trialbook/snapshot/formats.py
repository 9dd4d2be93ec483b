"""Which files can be read, and the readers of parquet and Dataset-JSON: tables of text come out."""

from __future__ import annotations

import datetime
import decimal
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialbook.core.errors import StopError
from trialbook.core.files import read_input
from trialbook.core.messages import msg
from trialbook.snapshot.cell_text import cell_text
from trialbook.snapshot.delimited import SDTM, Dialect, decode, read_delimited
from trialbook.snapshot.sas_files import read_sas7bdat, read_xpt
from trialbook.snapshot.sas_values import time_text
from trialbook.snapshot.tables import Grid
from trialbook.snapshot.workbook import read_sheets

# ----------------------------------------------------------------------------------------------------
# Reads parquet, every value as text.


# A file of some bytes can say that it holds any number of equal values.
MOST_CELLS = 100_000_000


def read_parquet(content: bytes, file: str) -> Grid:
    """The records of a parquet file; raises StopError for a damaged file."""
    try:
        # One thread, and nothing of the file decides what code runs: extension types are not resolved.
        source = pq.ParquetFile(io.BytesIO(content))
        cells = source.metadata.num_rows * source.metadata.num_columns
        if cells > MOST_CELLS:
            raise _unreadable(
                file, msg("it says that it holds {n} values, more than {n_2}", n=f"{cells:,}", n_2=f"{MOST_CELLS:,}")
            )
        table = source.read(use_threads=False)
        nested = next((f.name for f in table.schema if pa.types.is_nested(f.type)), None)
        if nested is not None:
            raise StopError(msg("the column holds lists or objects"), file=file, column=nested, rule="P34")
        columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _unreadable(file, type(error).__name__) from None
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Grid([table.column_names, *rows], range(1, len(rows) + 2), "parquet")


def _plain(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return _typed_text(value)


def _typed_text(value: Any) -> str | None:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    elif isinstance(value, datetime.timedelta):
        return time_text(value.total_seconds())
    elif hasattr(value, "item"):
        value = value.item()
    return cell_text(value)


def _unreadable(file: str, problem: str) -> StopError:
    return StopError(
        msg("the file cannot be read ({why})", why=problem), file=file, rule="P34",
        next_step=msg("ask for the file again"),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Reads CDISC Dataset-JSON 1.1, as one JSON object or as lines (NDJSON); numbers keep their digits.


def read_dataset_json(content: bytes, file: str, *, lines: bool) -> Grid:
    """The records of a Dataset-JSON file; raises StopError where it is torn or is not Dataset-JSON.

    The metadata count the records (`records`), so a file that lost some cannot pass.
    """
    text, encoding = decode(content, file)
    text = text.removeprefix("\ufeff")
    if lines:
        # Only a line feed ends a record: the other line ends of Unicode may be inside a value.
        parsed = [_parse(line, file, k) for k, line in enumerate(text.split("\n"), 1) if line.strip()]
        meta, rows = (parsed[0], parsed[1:]) if parsed else ({}, [])
    else:
        meta = _parse(text, file, 1)
        rows = meta.get("rows", []) if isinstance(meta, dict) else []
    names = _names(meta, file)
    if not isinstance(rows, list):
        raise StopError(msg("the rows are not a list"), file=file, rule="P34", next_step=msg("ask for the file again"))
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise StopError(
                msg("the record does not have {n} values", n=len(names)), file=file, row=k + 2, rule="P34",
                next_step=msg("ask for the file again"),
            )  # fmt: skip
        nested = next((name for name, v in zip(names, row, strict=True) if isinstance(v, list | dict)), None)
        if nested:
            raise StopError(msg("the value is a list or an object"), file=file, row=k + 2, column=nested, rule="P34")
    said = str(meta.get("records", len(rows)))
    if said != str(len(rows)):
        raise StopError(
            msg("the file says {n} records and holds {n_2}", n=said, n_2=len(rows)), file=file, rule="P34",
            next_step=msg("ask for the file again"),
        )  # fmt: skip
    cells = [[_text(value) for value in row] for row in rows]
    return Grid([names, *cells], range(1, len(rows) + 2), encoding)


def _parse(text: str, file: str, line: int) -> Any:
    try:
        return json.loads(text, parse_float=_number, parse_int=str, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise StopError(
            msg("the file is not valid JSON"), file=file, row=at, rule="P34", next_step=msg("ask for the file again")
        ) from None


def _number(text: str) -> str:
    """A number as it was sent, a whole one without its decimals, as every other format gives it."""
    whole, _, decimals = text.partition(".")
    return text if decimals.strip("0") or "." not in text else whole


def _no_constant(name: str) -> None:
    """NaN and Infinity are not JSON: a writer that could not write a number wrote them."""
    raise ValueError(name)


def _names(meta: Any, file: str) -> list[str | None]:
    columns = meta.get("columns") if isinstance(meta, dict) else None
    if not isinstance(columns, list) or not all(isinstance(c, dict) and c.get("name") for c in columns):
        raise StopError(msg("the file is not Dataset-JSON 1.1: it has no columns"), file=file, rule="P34")
    return [str(column["name"]) for column in columns]


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


# ----------------------------------------------------------------------------------------------------

FORMATS = (".csv", ".tsv", ".txt", ".xpt", ".sas7bdat", ".parquet", ".xlsx", ".json", ".ndjson")


# The delimiter that the name of a file promises.
DELIMITED = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


def grid_of(content: bytes, file: str, dialect: Dialect = SDTM) -> Grid:
    """The one table of a file that is not a workbook; `dialect` is how a delimited one is written."""
    suffix = Path(file).suffix.lower()
    if suffix in DELIMITED:
        return read_delimited(content, file, DELIMITED[suffix], dialect)
    if suffix == ".xpt":
        return read_xpt(content, file)
    if suffix == ".sas7bdat":
        return read_sas7bdat(content, file)
    if suffix == ".parquet":
        return read_parquet(content, file)
    return read_dataset_json(content, file, lines=suffix == ".ndjson")


def grids_of(content: bytes, file: str, dialect: Dialect = SDTM) -> tuple[dict[str | None, Grid], list[str]]:
    """The tables of a file by sheet (None: it has no sheets), and the names of its hidden sheets."""
    if Path(file).suffix.lower() != ".xlsx":
        return {None: grid_of(content, file, dialect)}, []
    sheets, hidden = read_sheets(content, file)
    return {name: sheets[name] for name in sheets}, hidden


def file_bytes(file: Path) -> bytes:
    """The bytes of a file, read once: what is hashed is what is parsed, even when the file is rewritten meanwhile."""
    try:
        return read_input(file, file.name)
    except OSError as error:
        raise StopError(
            msg("the file cannot be read ({detail})", detail=type(error).__name__), file=file.name, rule="P34"
        ) from None

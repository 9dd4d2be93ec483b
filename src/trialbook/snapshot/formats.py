"""Which files can be read, and their readers: SAS, XPT, parquet and Dataset-JSON in, tables of text out."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialbook.core.errors import StopError
from trialbook.core.files import read_input
from trialbook.snapshot.delimited import SDTM, Dialect, decode, read_delimited
from trialbook.snapshot.tables import Grid, Seen
from trialbook.snapshot.workbook import cell_text, read_sheets

# ----------------------------------------------------------------------------------------------------
# Reads SAS transport and data files and parquet, every value as text.


# A transport file is a sequence of 80-byte records; any other length is a torn file (it has no row count to tell).
XPT_RECORD = 80
ENCODINGS = ("utf-8", "gb18030")
XPT_MEMBER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!"
# A character variable of this format holds so many bytes at most; a longer text was cut off by the writer.
XPT_TEXT = 200


def read_sas(content: bytes, file: str, suffix: str) -> Grid:
    """The records of a .xpt or .sas7bdat file; raises StopError for a torn or damaged file."""
    if suffix == ".xpt":
        _check_transport(content, file)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"  # the library reads paths only
        path.write_bytes(content)
        frame, encoding = _read_sas_file(path, file, suffix)
    return _grid(frame, encoding, suffix)


def _check_transport(content: bytes, file: str) -> None:
    """Raises StopError for what the reader of a transport file would read as fewer or more records."""
    if len(content) % XPT_RECORD:
        raise _unreadable(file, f"its {len(content)} bytes are not a whole number of 80-byte records")
    if not content.rstrip(b" ").strip(b"\0") or content.endswith(bytes(XPT_RECORD)):
        raise _unreadable(file, "it ends in NUL bytes")
    if content.count(XPT_MEMBER) > 1:
        raise StopError(
            "the file holds more than one table", file=file, rule="P34", next_step="deliver one file per domain"
        )


def _read_sas_file(path: Path, file: str, suffix: str) -> tuple[pd.DataFrame, str]:
    import pyreadstat

    problem = ""
    for encoding in ENCODINGS if suffix == ".xpt" else (None,):
        try:
            if suffix == ".xpt":
                frame, _ = pyreadstat.read_xport(path, encoding=encoding)
            else:
                frame, meta = pyreadstat.read_sas7bdat(path)
                return frame, (meta.file_encoding or "").lower()
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, OverflowError) as error:
            problem = type(error).__name__
            continue
        return frame, str(encoding)
    raise _unreadable(file, problem)


def read_parquet(content: bytes, file: str) -> Grid:
    """The records of a parquet file; raises StopError for a damaged file."""
    try:
        # One thread, and nothing of the file decides what code runs: extension types are not resolved.
        table = pq.ParquetFile(io.BytesIO(content)).read(use_threads=False)
        nested = next((f.name for f in table.schema if pa.types.is_nested(f.type)), None)
        if nested is not None:
            raise StopError("the column holds lists or objects", file=file, column=nested, rule="P34")
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
    return _sas_text(value)


def _grid(frame: pd.DataFrame, encoding: str, suffix: str) -> Grid:
    rows = [[_sas_text(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    full = {} if suffix != ".xpt" else _full(rows, encoding)
    seen = tuple(Seen(row, column, "P34-TEXT-CUT-OFF", observed) for column, (row, observed) in full.items())
    return Grid([list(frame.columns), *rows], range(1, len(rows) + 2), encoding, seen=seen)


def _full(rows: list[list[str | None]], encoding: str) -> dict[int, tuple[int, str]]:
    """By column: the first record whose text fills all bytes that the format has."""
    found: dict[int, tuple[int, str]] = {}
    for line, row in enumerate(rows, 2):
        for column, text in enumerate(row):
            if text and len(text) * 4 >= XPT_TEXT and len(text.encode(encoding, "replace")) >= XPT_TEXT:
                found.setdefault(column, (line, text))
    return found


def _sas_text(value: Any) -> str | None:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    elif isinstance(value, datetime.timedelta):
        value = (datetime.datetime.min + value).time()
    elif hasattr(value, "item"):
        value = value.item()
    return cell_text(value)


def _unreadable(file: str, problem: str) -> StopError:
    return StopError(f"the file cannot be read ({problem})", file=file, rule="P34", next_step="ask for the file again")


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
        raise StopError("the rows are not a list", file=file, rule="P34", next_step="ask for the file again")
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise StopError(
                f"the record does not have {len(names)} values", file=file, row=k + 2, rule="P34",
                next_step="ask for the file again",
            )  # fmt: skip
        nested = next((name for name, v in zip(names, row, strict=True) if isinstance(v, list | dict)), None)
        if nested:
            raise StopError("the value is a list or an object", file=file, row=k + 2, column=nested, rule="P34")
    said = str(meta.get("records", len(rows)))
    if said != str(len(rows)):
        raise StopError(
            f"the file says {said} records and holds {len(rows)}", file=file, rule="P34",
            next_step="ask for the file again",
        )  # fmt: skip
    cells = [[_text(value) for value in row] for row in rows]
    return Grid([names, *cells], range(1, len(rows) + 2), encoding)


def _parse(text: str, file: str, line: int) -> Any:
    try:
        return json.loads(text, parse_float=_number, parse_int=str, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise StopError(
            "the file is not valid JSON", file=file, row=at, rule="P34", next_step="ask for the file again"
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
        raise StopError("the file is not Dataset-JSON 1.1: it has no columns", file=file, rule="P34")
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
    if suffix in (".xpt", ".sas7bdat"):
        return read_sas(content, file, suffix)
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
        raise StopError(f"the file cannot be read ({type(error).__name__})", file=file.name, rule="P34") from None

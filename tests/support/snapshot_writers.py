"""Writes the same domains as every kind of snapshot: formats, encodings, and the types that each of them has."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import xlsxwriter

from support import raw_export
from trialbook.core.domains import NUMERIC

FORMATS = ("csv", "tsv", "xpt", "parquet", "xlsx", "json", "ndjson")
Frames = Mapping[str, pd.DataFrame]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")


def write_delimited(folder: Path, frames: Frames, sign: str, encoding: str = "utf-8", quoting: int = 0) -> None:
    """One delimited text file per domain, with a byte order mark where the encoding has one."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, frame in frames.items():
        text = frame.to_csv(index=False, sep=sign, lineterminator="\r\n", quoting=quoting)
        mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
        suffix = "csv" if sign == "," else "tsv"
        (folder / f"{code.lower()}.{suffix}").write_bytes((mark + text).encode(encoding))


def write_transport(folder: Path, frames: Frames) -> None:
    """SAS transport files: numbers as floats, complete dates of a column as SAS dates, text padded with blanks."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, frame in frames.items():
        typed, formats = typed_frame(frame), {}
        for name in frame.columns:
            days = frame[name][frame[name] != ""]
            if name.endswith("DTC") and len(days) == len(frame) and len(days) and all(map(_DAY.fullmatch, days)):
                typed[name] = (pd.to_datetime(days, format="%Y-%m-%d") - pd.Timestamp("1960-01-01")).dt.days.astype(
                    "float64"
                )
                formats[name] = "YYMMDD10."
        pyreadstat.write_xport(
            typed, folder / f"{code.lower()}.xpt", file_format_version=5, table_name=code[:8], variable_format=formats
        )


def write_parquet(folder: Path, frames: Frames) -> None:
    """Parquet files: numbers as floats, complete dates as date32, complete moments as timestamps."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, frame in frames.items():
        table = pa.Table.from_pandas(typed_frame(frame), preserve_index=False)
        for k, name in enumerate(frame.columns):
            for form, read, kind in (
                (_DAY, datetime.date.fromisoformat, pa.date32()),
                (_MOMENT, datetime.datetime.fromisoformat, pa.timestamp("ms")),
            ):
                values = [text or None for text in frame[name]]
                given = [text for text in values if text]
                if name.endswith("DTC") and given and all(map(form.fullmatch, given)):
                    typed = pa.array([read(text) if text else None for text in values], kind)
                    table = table.set_column(k, name, typed)
        pq.write_table(table, folder / f"{code.lower()}.parquet")


def write_workbooks(folder: Path, frames: Frames) -> None:
    """A workbook per domain: numbers as numbers, complete dates and moments as dates of the spreadsheet."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, frame in frames.items():
        write_workbook(folder / f"{code.lower()}.xlsx", {code: frame})


def write_workbook(path: Path, frames: Frames) -> None:
    """One workbook with a sheet per domain."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    day, moment = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
    for code, frame in frames.items():
        sheet = book.add_worksheet(code)
        sheet.write_row(0, 0, list(frame.columns))
        for c, name in enumerate(frame.columns):
            for r, text in enumerate(frame[name], 1):
                if not text:
                    continue
                if name.endswith("DTC") and _DAY.fullmatch(text):
                    sheet.write_datetime(r, c, datetime.date.fromisoformat(text), day)
                elif name.endswith("DTC") and _MOMENT.fullmatch(text):
                    sheet.write_datetime(r, c, datetime.datetime.fromisoformat(text), moment)
                elif is_numeric(name):
                    sheet.write_number(r, c, float(text))
                else:
                    sheet.write_string(r, c, text)
    book.close()


def write_json(folder: Path, frames: Frames, *, lines: bool = False, encoding: str = "utf-8") -> None:
    """Dataset-JSON 1.1, as one object or as lines; numbers as numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, frame in frames.items():
        meta = {
            "datasetJSONVersion": "1.1.0", "name": code, "records": len(frame),
            "columns": [
                {"itemOID": f"IT.{code}.{n}", "name": n, "dataType": "decimal" if is_numeric(n) else "string"}
                for n in frame.columns
            ],
        }  # fmt: skip
        rows = [
            [(float(v) if is_numeric(n) else v) if v else None for n, v in zip(frame.columns, row, strict=True)]
            for row in frame.itertuples(index=False, name=None)
        ]
        plain = not lines
        text = json.dumps({**meta, "rows": rows}, ensure_ascii=plain) if plain else ""
        if lines:
            text = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in (meta, *rows)) + "\n"
        (folder / f"{code.lower()}.{'ndjson' if lines else 'json'}").write_bytes(text.encode(encoding))


def frames(**domains: list[dict[str, str]]) -> dict[str, pd.DataFrame]:
    """One subject's DM, EX and AE as delivered, with these domains beside them or in their place."""
    whole = {
        "DM": raw_export.rows(raw_export.DM),
        "EX": raw_export.rows(raw_export.EX),
        "AE": raw_export.rows(raw_export.AE),
    }
    return {code: pd.DataFrame(rows, dtype="str").fillna("") for code, rows in {**whole, **domains}.items()}


def write_as(folder: Path, frames: Frames, suffix: str) -> None:
    """The domains in one format."""
    if suffix in ("csv", "tsv"):
        write_delimited(folder, frames, "," if suffix == "csv" else "\t")
    elif suffix == "xpt":
        write_transport(folder, frames)
    elif suffix == "parquet":
        write_parquet(folder, frames)
    elif suffix == "xlsx":
        write_workbooks(folder, frames)
    else:
        write_json(folder, frames, lines=suffix == "ndjson")


def is_numeric(name: str) -> bool:
    """Whether SDTM gives this variable the type Num."""
    return name in NUMERIC or name.endswith("SEQ")


def typed_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its numeric variables as floats, the others as text."""
    numbers = {name: pd.to_numeric(frame[name], errors="raise") for name in frame.columns if is_numeric(name)}
    plain = frame.assign(**{name: column.astype("float64") for name, column in numbers.items()})
    return plain.astype({name: "object" for name in frame.columns if name not in numbers})

"""Reads CDISC Dataset-JSON 1.1, as one JSON object or as lines (NDJSON); numbers keep the text they were sent with."""

from __future__ import annotations

import json
from typing import Any

from trialbook.errors import StopError
from trialbook.snapshot.delimited import decode
from trialbook.snapshot.tables import Grid


def read_dataset_json(content: bytes, file: str, *, lines: bool) -> Grid:
    """The records of a Dataset-JSON file; raises StopError where it is torn or is not Dataset-JSON.

    The metadata count the records (`records`), so a file that lost some cannot pass.
    """
    text, encoding = decode(content, file)
    if lines:
        parsed = [_parse(line, file, k) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
        meta, rows = (parsed[0], parsed[1:]) if parsed else ({}, [])
    else:
        meta = _parse(text, file, 1)
        rows = meta.get("rows", []) if isinstance(meta, dict) else []
    names = _names(meta, file)
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise StopError(f"the record does not have {len(names)} values", file=file, row=k + 2, rule="P34")
    said = str(meta.get("records", len(rows)))
    if said != str(len(rows)):
        raise StopError(
            f"the file says {said} records and holds {len(rows)}", file=file, rule="P34",
            next_step="ask for the file anew",
        )  # fmt: skip
    cells = [[_text(value) for value in row] for row in rows]
    return Grid([names, *cells], range(1, len(rows) + 2), encoding)


def _parse(text: str, file: str, line: int) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise StopError(
            "the file is not valid JSON", file=file, row=at, rule="P34", next_step="ask for the file anew"
        ) from None


def _names(meta: Any, file: str) -> list[str | None]:
    columns = meta.get("columns") if isinstance(meta, dict) else None
    if not isinstance(columns, list) or not all(isinstance(c, dict) and c.get("name") for c in columns):
        raise StopError("the file is not Dataset-JSON 1.1: it has no columns", file=file, rule="P34")
    return [str(column["name"]) for column in columns]


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)

"""Reads CDISC Dataset-JSON 1.1, as one JSON object or as lines (NDJSON); numbers keep their digits."""

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
    text = text.removeprefix("\ufeff")
    if lines:
        # Only a line feed ends a record: the other line ends of Unicode may stand inside a value.
        parsed = [_parse(line, file, k) for k, line in enumerate(text.split("\n"), 1) if line.strip()]
        meta, rows = (parsed[0], parsed[1:]) if parsed else ({}, [])
    else:
        meta = _parse(text, file, 1)
        rows = meta.get("rows", []) if isinstance(meta, dict) else []
    names = _names(meta, file)
    if not isinstance(rows, list):
        raise StopError("the rows are not a list", file=file, rule="P34", next_step="ask for the file anew")
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise StopError(
                f"the record does not have {len(names)} values", file=file, row=k + 2, rule="P34",
                next_step="ask for the file anew",
            )  # fmt: skip
        nested = next((name for name, v in zip(names, row, strict=True) if isinstance(v, list | dict)), None)
        if nested:
            raise StopError("the value is a list or an object", file=file, row=k + 2, column=nested, rule="P34")
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
        return json.loads(text, parse_float=_number, parse_int=str, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        raise StopError(
            "the file is not valid JSON", file=file, row=at, rule="P34", next_step="ask for the file anew"
        ) from None


def _number(text: str) -> str:
    """A number as it was sent, a whole one without its decimals, as every other format gives it."""
    whole, _, decimals = text.partition(".")
    return text if decimals.strip("0") or "." not in text else whole


def _no_constant(name: str) -> None:
    """NaN and Infinity are no JSON: a writer that could not write a number wrote them."""
    raise ValueError(name)


def _names(meta: Any, file: str) -> list[str | None]:
    columns = meta.get("columns") if isinstance(meta, dict) else None
    if not isinstance(columns, list) or not all(isinstance(c, dict) and c.get("name") for c in columns):
        raise StopError("the file is not Dataset-JSON 1.1: it has no columns", file=file, rule="P34")
    return [str(column["name"]) for column in columns]


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)

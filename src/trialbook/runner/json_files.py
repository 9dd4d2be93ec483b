"""JSON files of a build: laid out for people where they open them, in one line where only the runner reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trialbook.outputs import naming


def json_text(content: Any) -> str:
    """JSON with sorted keys, one value per line, one line feed at the end; not-a-number is refused."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def rows_text(rows: Sequence[Any]) -> str:
    """A JSON list with a row per line: long tables, which `json_text` would take a hundred times as long for."""
    lines = ",\n".join(_compact(row) for row in rows)
    return f"[\n{lines}\n]\n" if rows else "[]\n"


def write_json(path: Path, content: Any) -> None:
    """Writes `json_text` as UTF-8."""
    _write(path, json_text(content))


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Writes `rows_text` as UTF-8."""
    _write(path, rows_text(rows))


def keep_json(path: Path, content: Any) -> None:
    """Writes what only the runner reads again, in one line."""
    _write(path, _compact(content) + "\n")


# Made once: a long table has many rows.
_compact = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False).encode


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        path.write_text(text, encoding="utf-8", newline="\n")

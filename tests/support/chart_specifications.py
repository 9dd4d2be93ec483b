"""The chart specifications in a built page, read from its HTML as a browser would read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SPECIFICATION = re.compile(r'<script type="application/json" class="chart-spec">(.*?)</script>', re.DOTALL)
NAMES = ("field", "groupby", "sort", "as", "fields", "key", "value", "fold", "pivot", "lookup", "sum")


def specifications(page: Path) -> list[dict[str, Any]]:
    """Every specification of a page, in its order."""
    return [json.loads(text) for text in SPECIFICATION.findall(page.read_text(encoding="utf-8"))]


def without_data(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification without the rows that it embeds."""
    return {key: value for key, value in spec.items() if key != "datasets"}


def values_of(wanted: str, node: Any) -> Iterator[Any]:
    """Every value of a key, wherever it is outside the data; the entries of a list one by one."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == wanted:
                yield from value if isinstance(value, list) else [value]
            if key not in ("datasets", "values"):
                yield from values_of(wanted, value)
    elif isinstance(node, list):
        for item in node:
            yield from values_of(wanted, item)


def columns_named(spec: dict[str, Any]) -> set[str]:
    """The columns that channels, transforms and expressions of a specification name."""
    bare = without_data(spec)
    named = {value for key in NAMES for value in values_of(key, bare) if isinstance(value, str)}
    return named | set(re.findall(r"datum\.(\w+)", json.dumps(bare))) | set(re.findall(r"datum\['(\w+)'\]", str(bare)))


def columns_held(spec: dict[str, Any]) -> set[str]:
    """The columns of the rows that a specification embeds."""
    return {name for rows in spec.get("datasets", {}).values() for row in rows for name in row}

"""Chart specifications made fit to leave the kernel: only the columns drawn, stable names, nothing that reaches out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from trialbook.display.text import visible

Spec = dict[str, Any]
DATA_KEYS = ("datasets", "values")
# `usermeta` could change how the page embeds the chart; the others fetch something or make a link.
REFUSED_KEYS = ("url", "href", "usermeta")
REFUSED_MARKS = ("image",)
EXPRESSION_KEYS = ("expr", "calculate", "filter", "test", "signal", "labelExpr", "titleExpr")
# What the text inside quotes of an expression may hold: never a quote, backslash, bracket or markup.
PLAIN_LITERAL = re.compile(r"""'[\w .,:;%/()+=*≥≤-]{0,60}'|"[\w .,:;%/()+=*≥≤-]{0,60}\"""")
EXPRESSION = re.compile(r"[\w\s.,:?!<>=&|+\-*/%()\[\]]*")
FUNCTIONS = {
    "abs", "ceil", "floor", "round", "min", "max", "log", "pow", "sqrt", "exp", "clamp", "if", "isValid", "isNumber",
    "isString", "format", "utcFormat", "timeFormat", "toNumber", "toString", "length", "indexof", "inrange", "datum",
    "lower", "upper", "substring", "slice", "replace", "split", "join", "pad", "truncate", "sequence", "extent",
    "date", "year", "month", "day", "datetime", "utc", "toDate", "time",
}  # fmt: skip
FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def clean_spec(spec: Spec) -> Spec:
    """The specification with only the columns it draws, data named by position, hidden characters made visible.

    Raises ValueError when it refers to an address or image, links, or builds an expression from data.
    """
    refuse_unsafe(spec)
    return _visible(_named_data(_only_drawn(spec)))


def refuse_unsafe(spec: Spec) -> None:
    """Raises ValueError naming what a specification of ours never holds."""
    for path, key, value in _items(spec):
        if key in REFUSED_KEYS:
            raise ValueError(f"a chart may not hold {key!r} (at {path}): pages load nothing and link nowhere")
        mark = value.get("type") if isinstance(value, dict) else value
        if key == "mark" and mark in REFUSED_MARKS:
            raise ValueError(f"a chart may not draw the mark {mark!r} (at {path})")
        if key in EXPRESSION_KEYS and isinstance(value, str):
            _refuse_expression(value, path)


def _refuse_expression(text: str, path: str) -> None:
    code = PLAIN_LITERAL.sub("0", text)
    unknown = sorted(set(re.findall(r"([A-Za-z_]\w*)\s*\(", code)) - FUNCTIONS)
    if not EXPRESSION.fullmatch(code) or unknown:
        raise ValueError(f"this expression of a chart looks as if it were built from data (at {path}): {text!r}")


def _items(node: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every (path, key, value) of a specification, data left out."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in DATA_KEYS:
                continue
            yield f"{path}/{key}", key, value
            yield from _items(value, f"{path}/{key}")
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from _items(value, f"{path}/{position}")


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in DATA_KEYS:
                yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _only_drawn(spec: Spec) -> Spec:
    """Leaves out of the data every column that nothing in the specification names."""
    texts = set(_strings(spec))
    words = {word for text in texts for word in re.findall(r"datum\s*(?:\.|\[['\"])(\w+)", text)}

    def rows(records: Any) -> Any:
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            return records
        columns = dict.fromkeys(name for record in records for name in record)
        kept = [name for name in columns if name in texts or name in words]
        odd = [name for name in kept if not FIELD.fullmatch(name)]
        if odd:
            raise ValueError(f"the chart column {odd[0]!r} is not a plain ASCII name; rename it before drawing")
        return [{name: record[name] for name in kept if name in record} for record in records]

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                key: {name: rows(data) for name, data in value.items()}
                if key == "datasets"
                else rows(value)
                if key == "values"
                else walk(value)
                for key, value in node.items()
            }
        return [walk(item) for item in node] if isinstance(node, list) else node

    return walk(spec)


def _visible(node: Any) -> Any:
    """Hidden characters written out in every text, data and specification alike."""
    if isinstance(node, dict):
        return {key: _visible(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_visible(item) for item in node]
    return visible(node) if isinstance(node, str) else node


def _named_data(spec: Spec) -> Spec:
    """Names each dataset by its position; altair hashes all columns, also those that have been left out since."""
    datasets = spec.get("datasets")
    if not datasets:
        return spec
    # Vega-Lite itself makes up data_1, data_2, ...; the same name twice stops the chart.
    names = {name: f"frame_{position}" for position, name in enumerate(datasets, 1)}

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                key: names.get(value, value) if key == "name" and isinstance(value, str) else walk(value)
                for key, value in node.items()
                if key != "datasets"
            }
        return [walk(item) for item in node] if isinstance(node, list) else node

    return {**walk(spec), "datasets": {names[name]: rows for name, rows in datasets.items()}}


def spec_json(spec: Spec) -> str:
    """The specification as JSON that can stand inside a script element: no `<`, `>` or `&` anywhere."""
    text = json.dumps(spec, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

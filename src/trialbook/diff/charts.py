"""Where two charts differ, in words: the mark and its channel, the field and row of the data, both values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

Say = Callable[[object, object], str]
ABSENT = "(absent)"
PARTS = ("layer", "hconcat", "vconcat", "concat")
# What only says how Jupyter shows a chart.
ASIDE = ("usermeta",)


def is_chart(thing: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this is the specification of a chart (Vega-Lite)."""
    return isinstance(thing, Mapping) and "datasets" in thing and bool({"mark", "spec", *PARTS} & set(thing))


def plainly(one: object, two: object) -> str:
    """Both values, the first the reference."""
    return f"{one!r} became {two!r}"


def chart_places(one: Mapping[str, Any], two: Mapping[str, Any], say: Say = plainly) -> Iterator[str]:
    """The differences of two specifications, those of marks before those of data, in the words of `say`.

    >>> bars = {"mark": "bar", "encoding": {"x": {"field": "AGE"}}, "data": {"name": "d"}}
    >>> old = {**bars, "datasets": {"d": [{"AGE": 51}]}}
    >>> new = {**bars, "mark": "line", "datasets": {"d": [{"AGE": 52}]}}
    >>> list(chart_places(old, new))
    ["mark bar: 'bar' became 'line'", 'data of mark bar, row 1, field AGE: 51 became 52']
    """
    yield from _spec_places(one, two, "", say)
    drawn = dict(_drawn(one, "", ""))
    left, right = one.get("datasets", {}), two.get("datasets", {})
    for name in dict.fromkeys([*left, *right]):
        of = drawn.get(name) or "the chart"
        yield from _row_places(left.get(name, []), right.get(name, []), f"data of {of}", say)


def _spec_places(one: Any, two: Any, where: str, say: Say) -> Iterator[str]:
    """Differences of two parts of a specification, data left out; `where`: the mark or channel that they are of."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        here = _within(where, _mark(one))
        for key in dict.fromkeys([*one, *two]):
            if key in ("datasets", "values", *ASIDE):
                continue
            inner = here if key in ("mark", "encoding") else _within(here, key)
            yield from _spec_places(one.get(key, ABSENT), two.get(key, ABSENT), inner, say)
    elif _is_list(one) and _is_list(two) and len(one) == len(two):
        for place, (x, y) in enumerate(zip(one, two, strict=True), 1):
            yield from _spec_places(x, y, f"{where} {place}", say)
    elif one != two:
        yield f"{where or 'the chart'}: {say(one, two)}"


def _row_places(one: Sequence[Any], two: Sequence[Any], where: str, say: Say) -> Iterator[str]:
    if len(one) != len(two):
        yield f"{where}: {say(f'{len(one)} rows', f'{len(two)} rows')}"
    for place, (x, y) in enumerate(zip(one, two, strict=False), 1):
        if x == y:
            continue
        if not (isinstance(x, Mapping) and isinstance(y, Mapping)):
            yield f"{where}, row {place}: {say(x, y)}"
            continue
        for name in dict.fromkeys([*x, *y]):
            if x.get(name, ABSENT) != y.get(name, ABSENT):
                yield f"{where}, row {place}, field {name}: {say(x.get(name, ABSENT), y.get(name, ABSENT))}"


def _drawn(node: Any, where: str, data: str) -> Iterator[tuple[str, str]]:
    """Each dataset by name, with the first mark that draws it."""
    own = node.get("data") or {}
    data = own.get("name", data) if isinstance(own, Mapping) else data
    here = _within(where, _mark(node))
    parts = [(f"{key} {place}", part) for key in PARTS for place, part in enumerate(node.get(key, []), 1)]
    parts += [("spec", node["spec"])] if "spec" in node else []
    found = [pair for name, part in parts for pair in _drawn(part, _within(here, name), data)]
    # Of several marks the first is named.
    yield from reversed(found)
    if "mark" in node and data:
        yield data, here


def _mark(node: Mapping[str, Any]) -> str:
    mark = node.get("mark")
    kind = mark.get("type") if isinstance(mark, Mapping) else mark
    return f"mark {kind}" if kind else ""


def _within(where: str, name: str) -> str:
    return ", ".join(part for part in (where, name) if part)


def _is_list(thing: object) -> bool:
    return isinstance(thing, Sequence) and not isinstance(thing, str)

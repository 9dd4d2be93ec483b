"""Where two pages or two executed notebooks differ: the nearest heading, the cell, and the first differing text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from trialbook.diff.charts import chart_places, is_chart
from trialbook.diff.words import against_rebuild, first_difference

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
UNSEEN = ("script", "style", "title")
Say = Callable[[object, object], str]


class _Reader(HTMLParser):
    """The pieces of a page: (nearest heading above, what it is, text), tags with their attributes among them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[tuple[str, str, str]] = []
        self._heading, self._inside, self._opened = "", "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._opened = tag
        if tag in HEADINGS:
            self._inside, self._heading = tag, ""
        # A picture holds its drawing in an attribute, a policy its hashes: a change there is a change of the page.
        self.pieces += [(self._heading, f"attribute {name} of <{tag}>", value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self._opened = ""
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text:
            return
        if self._inside:
            self._heading = f"{self._heading} {text}".strip()
        what = f"the <{self._opened}>" if self._opened in UNSEEN else "text"
        self.pieces.append((self._heading, what, text))


def page_places(one: str, two: str) -> Iterator[str]:
    """Places of two pages by heading; when one has more pieces than the other, only the first place is sure."""
    left, right = _pieces(one), _pieces(two)
    if len(left) == len(right):
        for x, y in zip(left, right, strict=True):
            if x[1:] != y[1:]:
                yield _place(x, y)
        return
    at = first_difference([p[1:] for p in left], [p[1:] for p in right])
    end = ("", "the end of the page", "")
    yield _place(left[at] if at < len(left) else end, right[at] if at < len(right) else end)
    yield f"{len(left)} pieces of text and attributes published, {len(right)} rebuilt"


def _pieces(page: str) -> list[tuple[str, str, str]]:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.pieces


def _place(x: tuple[str, str, str], y: tuple[str, str, str]) -> str:
    under = x[0] or y[0]
    where = f"under the heading {under!r}" if under else "above the first heading"
    if x[1] != y[1]:
        return f"{where}: {against_rebuild(f'{x[1]} {x[2]}', f'{y[1]} {y[2]}')}"
    return f"{where}, {x[1]}: {against_rebuild(x[2], y[2])}"


def notebook_places(a: Path, b: Path) -> Iterator[str]:
    """Places of two executed notebooks by cell. Raises ValueError when one is not a notebook."""
    one, two = (json.loads(path.read_text(encoding="utf-8")) for path in (a, b))
    yield from cell_places(one["cells"], two["cells"])
    for key in sorted({*one, *two} - {"cells"}):
        if one.get(key) != two.get(key):
            yield f"its {key}: {against_rebuild(one.get(key), two.get(key))}"


def cell_places(one: list[Any], two: list[Any], say: Say = against_rebuild) -> Iterator[str]:
    """Another number of cells, and what differs in each (source line, output, another key), in the words of `say`."""
    if len(one) != len(two):
        yield say(f"{len(one)} cells", f"{len(two)} cells")
    heading = ""
    for number, (x, y) in enumerate(zip(one, two, strict=False), start=1):
        heading = heading_of(x) or heading
        where = f"cell {number} (under {heading!r})" if heading else f"cell {number}"
        for key in sorted({*x, *y} - {"outputs"}):
            if x.get(key) != y.get(key):
                yield f"{where}, {_part(key, x.get(key), y.get(key), say)}"
        yield from (f"{where}, {place}" for place in _output_places(x.get("outputs", []), y.get("outputs", [])))


def heading_of(cell: Any) -> str:
    r"""The last heading of a prose cell, or nothing.

    >>> heading_of({"cell_type": "markdown", "source": ["# Safety\n", "## Deaths\n", "Who died."]})
    'Deaths'
    """
    if cell.get("cell_type") != "markdown":
        return ""
    lines = source_text(cell).splitlines()
    return next((line.lstrip("# ") for line in reversed(lines) if line.startswith("#")), "")


def source_text(cell: Any) -> str:
    r"""The source of a cell as one text; nbformat allows a list of lines.

    >>> source_text({"source": ["a = 1\n", "a"]})
    'a = 1\na'
    """
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _part(key: str, x: Any, y: Any, say: Say) -> str:
    if key != "source":
        return f"{key}: {say(x, y)}"
    left, right = (source_text({"source": s or ""}).splitlines() for s in (x, y))
    at = first_difference(left, right)
    old, new = (lines[at] if at < len(lines) else "" for lines in (left, right))
    return f"source line {at + 1}: {say(old, new)}"


def _output_places(one: list[Any], two: list[Any]) -> Iterator[str]:
    if len(one) != len(two):
        yield f"{len(one)} outputs published, {len(two)} rebuilt"
    for number, (x, y) in enumerate(zip(one, two, strict=False), start=1):
        if x == y:
            continue
        left, right = x.get("data", {}), y.get("data", {})
        kinds = [kind for kind in sorted({*left, *right}) if left.get(kind) != right.get(kind)]
        for kind in kinds:
            yield f"output {number}, {kind}: {_content(kind, left.get(kind, ''), right.get(kind, ''))}"
        if not kinds:
            yield f"output {number}: {against_rebuild(json.dumps(x, sort_keys=True), json.dumps(y, sort_keys=True))}"


def _content(kind: str, x: Any, y: Any) -> str:
    one, two = ("".join(s) if isinstance(s, list) else s for s in (x, y))
    if kind == "text/html" and isinstance(one, str) and isinstance(two, str):
        found = next(page_places(one, two), None)
        if found:
            return found.removeprefix("above the first heading, ")
    if isinstance(one, str) and isinstance(two, str):
        return against_rebuild(one, two)
    if is_chart(one) and is_chart(two):
        found = next(chart_places(one, two, against_rebuild), None)
        if found:
            return found
    return against_rebuild(json.dumps(one, sort_keys=True), json.dumps(two, sort_keys=True))

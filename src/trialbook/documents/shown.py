"""The tables and figures that the notebooks of a build have shown, as data, numbered as on its pages.

They are read from the executed notebooks: the payload beside each output is plain data (typed columns, message ids with
their arguments), and a chart is its specification. Their HTML is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialbook.core.errors import StopError
from trialbook.core.messages import ENGLISH
from trialbook.display.figures import CHART_MIME, clean_spec, own_spec
from trialbook.display.page_content import Ids, page_number
from trialbook.display.payload import MIME, Payload
from trialbook.documents.content import SUBJECT_COLUMNS, Figure, Table, own_title, table_of


@dataclass(frozen=True)
class Output:
    """One table or figure of a notebook: its step (`03_safety`), its id on the page, its title in English, its payload.

    A figure has its specification and texts; `data` is the table of what it draws.
    """

    step: str
    id: str
    title: str
    payload: Payload
    spec: Mapping[str, Any] | None = None
    texts: Payload | None = None
    data: Payload | None = None

    @property
    def table(self) -> Table:
        """The table, whole."""
        return table_of(self.payload, self.id)

    @property
    def figure(self) -> Figure:
        """The figure. Raises ValueError for a table."""
        if self.spec is None:
            raise ValueError(f"{self.id} is a table")
        data = None if self.data is None else table_of(self.data, "")
        named = any(field in SUBJECT_COLUMNS for field in _fields(self.spec))
        notes = () if self.data is None else tuple(self.data.get("notes", ()))
        return Figure(
            self.id, own_title(self.payload), self.spec, self.texts or {"titles": [], "words": {}}, notes, data,
            subjects=named or (data is not None and data.subjects),
        )  # fmt: skip


def shown_outputs(build: Path) -> list[Output]:
    """Every table and figure of a build that has a number, in the order of its pages.

    Raises StopError where a notebook of the build cannot be read.
    """
    return [found for path in sorted((build / "notebooks").glob("*.ipynb")) for found in _of_notebook(path)]


def _of_notebook(path: Path) -> Iterator[Output]:
    try:
        cells: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise StopError(
            f"this notebook of a published build cannot be read ({type(error).__name__})", file=str(path),
            next_step="build this cut again with --force",
        ) from error  # fmt: skip
    yield from (found for _, found in numbered_cells(path.stem, cells))


def numbered_cells(step: str, cells: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Output]]:
    """The tables and figures that the cells of an executed notebook show, each with the position of its cell."""
    position = 0

    def outputs() -> Iterator[Mapping[str, Any]]:
        nonlocal position
        for place, cell in enumerate(cells):
            position = place
            yield from (output["data"] for output in cell.get("outputs", []) if "data" in output)

    # A table or figure comes before the output after it is asked for, so that the position is that of its own cell.
    for found in numbered_outputs(step, outputs()):
        yield position, found


def numbered_outputs(step: str, outputs: Iterable[Mapping[str, Any]]) -> Iterator[Output]:
    """The tables and figures among the outputs of a step (each by its MIME types), numbered as on its page."""
    ids = Ids(page_number(step))
    heading: tuple[str, Payload] | None = None
    chart: tuple[Mapping[str, Any], Payload] | None = None
    for data in outputs:
        payload = data.get(MIME)
        if CHART_MIME in data:
            spec = clean_spec(own_spec(data[CHART_MIME]))
            texts = (payload or {}).get("texts") or {"titles": [], "words": {}}
            # What Vega-Lite draws comes without an address: a document names none.
            chart = {key: value for key, value in spec.items() if key != "$schema"}, texts
            continue
        if payload is None:
            continue
        number = ids.of(payload)
        if payload["kind"] == "figure":
            heading, chart = (number, payload), None
        elif payload["kind"] == "figure_data" and heading is not None and chart is not None:
            named = ENGLISH.say(own_title(heading[1]))
            yield Output(step, heading[0], named, heading[1], chart[0], chart[1], payload["table"])
            heading, chart = None, None
        elif payload["kind"] in ("table", "frame"):
            yield Output(step, number, ENGLISH.say(own_title(payload)), payload)


def _fields(node: Any) -> Iterator[str]:
    """The fields that a specification draws, data left out."""
    if isinstance(node, dict):
        if isinstance(node.get("field"), str):
            yield node["field"]
        for key, value in node.items():
            if key not in ("datasets", "values"):
                yield from _fields(value)
    elif isinstance(node, list):
        for item in node:
            yield from _fields(item)

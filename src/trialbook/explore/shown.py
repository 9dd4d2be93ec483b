"""Tables and figures in Python: those of the pages by their id, one's own in the house style, and what says that one is
not of the published set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.display.blocks import Block
from trialbook.display.columns import column_decimals, column_labels
from trialbook.display.figures import Figure, figure
from trialbook.display.saving import Origin, Savable, save_with
from trialbook.display.tables import Table, table
from trialbook.display.titled import unpublished_title
from trialbook.documents.shown import Output, shown_outputs
from trialbook.explore.names import SOURCE, UNPUBLISHED, Named

Made = TypeVar("Made", Table, Figure)


def origin_of(build: Path) -> Origin:
    """What a file of one table or figure of a build says of its source."""
    sources = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["sources"]
    return Origin(
        str(sources["protocol"]["study"]["id"]), str(sources["cut"]["cut_date"]), bool(sources.get("synthetic"))
    )


def shown_tables(build: Path) -> Mapping[str, Table]:
    """The tables and listings of the pages of a build, by their id."""
    origin = _ready(build)
    return {one.id: table_of_output(one, origin) for one in _outputs(build) if one.spec is None}


def shown_figures(build: Path) -> Mapping[str, Figure]:
    """The figures of the pages of a build, by their id."""
    origin = _ready(build)
    return {one.id: figure_of_output(one, origin) for one in _outputs(build) if one.spec is not None}


def narrowed_tables(build: Path, subjects: Sequence[str], said: str) -> Mapping[str, Table]:
    """The tables of the pages made again of some subjects (USUBJID); `said`: how many of whom, for the titles.

    Each is made when it is asked for, by the cells of the notebook that made the published one.
    """
    return _narrowed(build, subjects, said, lambda one: one.spec is None, table_of_output, "table")


def narrowed_figures(build: Path, subjects: Sequence[str], said: str) -> Mapping[str, Figure]:
    """The figures of the pages made again of some subjects, as `narrowed_tables`."""
    return _narrowed(build, subjects, said, lambda one: one.spec is not None, figure_of_output, "figure")


def _narrowed(
    build: Path, subjects: Sequence[str], said: str, wanted: Callable[[Output], bool],
    made: Callable[[Output, Origin], Made], word: str,
) -> Mapping[str, Made]:  # fmt: skip
    from trialbook.explore.narrowed import remade_output

    origin = _ready(build)
    steps = {one.id: one.step for one in _outputs(build) if wanted(one)}

    def again(number: str) -> Made:
        found = remade_output(build, steps[number], number, tuple(subjects), said)
        if isinstance(found, str):
            raise UsageError(
                f"the {word} {number} cannot be made of these subjects ({said}): {found}",
                next_step="look at the published one, or choose other subjects",
            )
        return made(found, origin)

    return Named(word, steps, again)


def table_of_output(one: Output, origin: Origin) -> Table:
    """A table that a notebook has shown."""
    return Table(dict(one.payload), one.id, origin)


def figure_of_output(one: Output, origin: Origin) -> Figure:
    """A figure that a notebook has shown. Raises ValueError for a table."""
    if one.spec is None or one.data is None:
        raise ValueError(f"{one.id} is a table")
    texts = one.texts or {"titles": [], "words": {}}
    made = Figure.shown_before(one.id, one.payload["title"], dict(one.spec), texts, one.data)
    made.origin = origin
    return made


@lru_cache(maxsize=4)
def _read(build: Path, changed: int) -> list[Output]:
    return shown_outputs(build)


def _outputs(build: Path) -> list[Output]:
    # A cut that was built again while the notebook runs has another manifest.
    return _read(build, (build / "manifest.json").stat().st_mtime_ns)


def _ready(build: Path) -> Origin:
    make_savable()
    return origin_of(build)


def make_savable() -> None:
    """From now on tables and figures of this process can be saved."""
    save_with(_save)


def _save(what: Savable, path: Path) -> Path:
    # Libraries that write documents take long to import, and few notebooks save anything.
    from trialbook.documents.saved import save

    return save(what, path)


# ----------------------------------------------------------------------------------------------------
# One's own


def house_table(frame: pd.DataFrame, title: str, *, footnotes: Sequence[str] = (), unpublished: str = "") -> Table:
    """A table or listing of one's own in the house style: labels and decimals from the dictionary of columns.

    A frame of a narrowed cut says so in the title; `unpublished` says it of any other.

    >>> own = house_table(pd.DataFrame({"SUBJID": ["004"], "AGE": [51]}), "My subjects", footnotes=["Screened only."])
    >>> own
    <Table 'My subjects': 1 row, 2 columns>
    """
    make_savable()
    labels = {**column_labels(frame.columns), **frame.attrs.get("labels", {})}
    said = unpublished_title(title, unpublished or frame.attrs.get(UNPUBLISHED, ""))
    made = table(
        frame, said, labels=labels, notes=footnotes,
        digits=column_decimals(frame.columns), subject="SUBJID" if "SUBJID" in frame else "",
    )  # fmt: skip
    made.origin = Origin(*frame.attrs.get(SOURCE, ()))
    return made


def house_figure(
    chart: Any, title: str, *, data: pd.DataFrame | None = None, footnotes: Sequence[str] = (), unpublished: str = ""
) -> Figure | Block:
    """A chart of Altair as a figure of the house: under its title, with the numbers that it draws (`data`) folded.

    Without `data` they are the data of the chart itself. A sentence where there is nothing to draw.

    Raises UsageError where neither is a DataFrame.
    """
    make_savable()
    drawn = data if data is not None else getattr(chart, "data", None)
    if not isinstance(drawn, pd.DataFrame):
        raise UsageError(
            "the numbers that this chart draws are not known", value=type(chart).__name__,
            next_step="give them: trialbook.figure(chart, title, data=frame)",
        )  # fmt: skip
    said = unpublished_title(title, unpublished or drawn.attrs.get(UNPUBLISHED, ""))
    made = figure(chart, drawn, said, labels=column_labels(drawn.columns), notes=footnotes)
    if isinstance(made, Figure):
        made.origin = Origin(*drawn.attrs.get(SOURCE, ()))
    return made

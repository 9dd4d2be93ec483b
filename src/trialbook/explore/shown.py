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
from trialbook.core.messages import msg
from trialbook.display.blocks import Block
from trialbook.display.columns import column_decimals, column_labels
from trialbook.display.figures import Figure, figure
from trialbook.display.saving import Origin, Savable, save_with
from trialbook.display.saving import said as spoken
from trialbook.display.tables import Table, table
from trialbook.display.titled import Titled, unpublished_title
from trialbook.documents.shown import Output, shown_outputs
from trialbook.explore.names import SOURCE, UNPUBLISHED, Shown

Made = TypeVar("Made", Table, Figure)


def origin_of(build: Path) -> Origin:
    """What a file of one table or figure of a build says of its source."""
    sources = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["sources"]
    return Origin(
        str(sources["protocol"]["study"]["id"]), str(sources["cut"]["cut_date"]), bool(sources.get("synthetic"))
    )


def shown_tables(build: Path) -> Shown[Table]:
    """The tables and listings of the pages of a build, by their id."""
    return _shown(build, _is_table, table_of_output, "table")


def shown_figures(build: Path) -> Shown[Figure]:
    """The figures of the pages of a build, by their id."""
    return _shown(build, _is_figure, figure_of_output, "figure")


def narrowed_tables(build: Path, subjects: Sequence[str], said: str) -> Shown[Table]:
    """The tables of the pages made again of some subjects (USUBJID); `said`: how many of whom, for the titles.

    Each is made when it is asked for, by the cells of the notebook that made the published one.
    """
    return _narrowed(build, subjects, said, _is_table, table_of_output, "table")


def narrowed_figures(build: Path, subjects: Sequence[str], said: str) -> Shown[Figure]:
    """The figures of the pages made again of some subjects, as `narrowed_tables`."""
    return _narrowed(build, subjects, said, _is_figure, figure_of_output, "figure")


def _is_table(one: Output) -> bool:
    return one.spec is None


def _is_figure(one: Output) -> bool:
    return one.spec is not None


def _title_of(one: Output) -> str:
    """The title; of a plain frame that a notebook shows, which has none, its columns."""
    return one.title or ", ".join(spoken(column["head"]) for column in one.payload["columns"])


def _shown(
    build: Path, wanted: Callable[[Output], bool], made: Callable[[Output, Origin], Made], word: str
) -> Shown[Made]:  # fmt: skip
    origin = _ready(build)
    found = {one.id: one for one in _outputs(build) if wanted(one)}
    titles = {number: _title_of(one) for number, one in found.items()}
    return Shown(word, titles, lambda number: made(found[number], origin))


def _narrowed(
    build: Path, subjects: Sequence[str], said: str, wanted: Callable[[Output], bool],
    made: Callable[[Output, Origin], Made], word: str,
) -> Shown[Made]:  # fmt: skip
    from trialbook.explore.narrowed import remade_output

    origin = _ready(build)
    steps = {one.id: one.step for one in _outputs(build) if wanted(one)}
    titles = {one.id: unpublished_title(_title_of(one), said) for one in _outputs(build) if wanted(one)}

    def again(number: str) -> Made:
        found = remade_output(build, steps[number], number, tuple(subjects), said)
        if isinstance(found, str):
            raise UsageError(
                f"the {word} {number} cannot be made of these subjects ({said}): {found}",
                next_step="look at the published one, or choose other subjects",
            )
        return made(found, origin)

    return Shown(word, titles, again)


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


def house_table(
    frame: pd.DataFrame, title: str = "", *, labels: Mapping[str, str] | None = None, footnotes: Sequence[str] = (),
    unpublished: str = "",
) -> Table:  # fmt: skip
    """A table or listing of one's own in the house style: labels and decimals from the dictionary of columns.

    `labels`: heads of columns, by name, where the dictionary has none or another is wanted.

    A frame of a narrowed cut says so in the title; `unpublished` says it of any other. Of a frame that no longer knows
    its cut a footnote says so. The answer of `cut.survival` and so on brings its title and note. Raises
    UsageError for what is no DataFrame, and one without a title.

    >>> own = house_table(pd.DataFrame({"SUBJID": ["004"], "AGE": [51]}), "My subjects", footnotes=["Screened only."])
    >>> own
    <Table 'My subjects': 1 row, 2 columns>
    >>> house_table(pd.DataFrame({"X": [1.5]}), "Mine", labels={"X": "My number"}).to_frame().attrs["labels"]
    {'X': 'My number'}
    """
    make_savable()
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            "a table is made of a DataFrame", value=type(frame).__name__,
            next_step='write trialbook.table(frame, "My title")',
        )  # fmt: skip
    notes = [*_listed(footnotes), *filter(None, [getattr(frame, "note", "") if isinstance(frame, Titled) else ""])]
    notes += _of_unknown_source(frame)
    said = _title(frame, title, unpublished)
    heads = {**column_labels(frame.columns), **frame.attrs.get("labels", {}), **(labels or {})}
    made = table(
        pd.DataFrame(frame), said, labels=heads, notes=notes,
        digits=column_decimals(frame.columns), subject="SUBJID" if "SUBJID" in frame else "",
    )  # fmt: skip
    made.origin = Origin(*frame.attrs.get(SOURCE, ()))
    return made


def _title(frame: pd.DataFrame, title: object, unpublished: str) -> str:
    """The title that was given, with what makes the frame another than the published set; else its own."""
    if title == "" and isinstance(frame, Titled):
        return frame.title if not unpublished else unpublished_title(frame.title, unpublished)
    if not isinstance(title, str) or not title:
        raise UsageError(
            "a table or figure has a title", value=title or None, next_step='write trialbook.table(frame, "My title")'
        )  # fmt: skip
    return unpublished_title(title, unpublished or frame.attrs.get(UNPUBLISHED, ""))


def _of_unknown_source(frame: pd.DataFrame) -> list[str]:
    """What is said of a frame that does not know its cut: pandas loses it where frames of two sources are joined."""
    return [] if SOURCE in frame.attrs else [msg("It is not known which data cut these numbers are from.")]


def _listed(footnotes: Sequence[str]) -> list[str]:
    return [footnotes] if isinstance(footnotes, str) else list(footnotes)


def house_figure(
    chart: Any, title: str, *, data: pd.DataFrame | None = None, footnotes: Sequence[str] = (), unpublished: str = ""
) -> Figure | Block:
    """A chart of Altair as a figure of the house: under its title, with the numbers that it draws (`data`) folded.

    Without `data` they are the data of the chart itself. A sentence where there is nothing to draw.

    Raises UsageError where neither is a DataFrame, and without a title.

    >>> import altair as alt
    >>> ages = pd.DataFrame({"SUBJID": ["004", "016"], "AGE": [51, 60]})
    >>> own = house_figure(alt.Chart(ages).mark_bar().encode(x="AGE:Q", y="SUBJID:N"), "Age of each subject")
    >>> own.to_frame()["AGE"].tolist()
    [51, 60]
    """
    make_savable()
    drawn = data if data is not None else getattr(chart, "data", None)
    if not isinstance(drawn, pd.DataFrame):
        raise UsageError(
            "the numbers that this chart draws are not known", value=type(chart).__name__,
            next_step="give them: trialbook.figure(chart, title, data=frame)",
        )  # fmt: skip
    said = _title(drawn, title, unpublished)
    made = figure(
        chart, drawn, said, labels=column_labels(drawn.columns), notes=[*_listed(footnotes), *_of_unknown_source(drawn)]
    )
    if isinstance(made, Figure):
        made.origin = Origin(*drawn.attrs.get(SOURCE, ()))
    return made

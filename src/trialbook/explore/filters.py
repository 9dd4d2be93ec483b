"""The filter of subjects in JupyterLab: controls that narrow a cut, and the cells of the notebook that follow them.

`live = cut.filter()` shows the controls; `live.cut` is the cut of the subjects chosen at the moment. Cells that name
`live`, or what such cells have made, are run again when the choice changes, and their tables and figures are replaced.
The code of the choice is shown to be copied: `cut.where(...)` gives the same without controls. No build knows of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.core.messages import msg
from trialbook.display.blocks import notice
from trialbook.display.cell_outputs import running_shell
from trialbook.workbook.magics import plain_source

if TYPE_CHECKING:
    from trialbook.explore.cut import Cut

# The columns that are chosen by value, each with its heading, and what a missing value is called.
BY_VALUE = {
    "TRT01A": ("Dose level", "not treated"), "SEX": ("Sex", "not known"), "RESPONSE": ("Response at day 28", "none"),
}  # fmt: skip
# Tables and figures, by the module and name of their class: what is replaced when the choice changes.
FOLLOWING = (
    ("trialbook.display.blocks", "Block"), ("trialbook.display.figures", "Figure"), ("pandas", "DataFrame"),
    ("pandas.core.frame", "DataFrame"), ("altair.vegalite.v6.api", "TopLevelMixin"),
    ("altair.vegalite.v5.api", "TopLevelMixin"), ("trialbook.explore.subject", "Subject"),
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """Which subjects: the values of some columns (a column that is not named has any), and the least and greatest age.

    >>> Choice({"SEX": ("F",)}, (40, 65)).code()
    'cut.where("AGE >= 40 and AGE <= 65", SEX=["F"])'
    >>> Choice().code()
    'cut'
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ages: tuple[int, int] | None = None

    @property
    def condition(self) -> str | None:
        """The ages as a condition over ADSL."""
        return None if self.ages is None else f"AGE >= {self.ages[0]} and AGE <= {self.ages[1]}"

    def code(self, name: str = "cut") -> str:
        """What gives the same subjects in a cell; `name`: what the whole cut is called there."""
        given = [f'"{self.condition}"'] if self.ages is not None else []
        for column, values in self.values.items():
            listed = ", ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
            given.append(f"{column}=[{listed}]")
        return f"{name}.where({', '.join(given)})" if given else name

    def of(self, cut: Cut) -> Cut:
        """The cut of these subjects; the whole cut where nothing was chosen."""
        if self.ages is None and not self.values:
            return cut
        return cut.where(self.condition, **{column: list(values) for column, values in self.values.items()})


def choices(people: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """The values of each column that is chosen by value, with the number of subjects; only what tells subjects apart.

    >>> choices(pd.DataFrame({"SEX": ["F", "M", "F"], "TRT01A": ["DL1", "DL1", "DL1"]}))
    {'SEX': [('F', 2), ('M', 1)]}
    """
    found = {}
    for column in BY_VALUE:
        if column in people:
            counts = people[column].astype("object").fillna("").astype("str").value_counts()
            if len(counts) > 1:
                found[column] = [
                    (value, int(counts[value])) for value in sorted(counts.index, key=lambda v: (v == "", v))
                ]
    return found


def ages(people: pd.DataFrame) -> tuple[int, int] | None:
    """The least and the greatest age in whole years; None where no ages differ."""
    known = people["AGE"].dropna() if "AGE" in people else pd.Series(dtype="float64")
    low, high = (int(known.min()), int(-(-known.max() // 1))) if len(known) else (0, 0)
    return (low, high) if low < high else None


def filter_of(cut: Cut) -> SubjectFilter:
    """The filter of a cut, for JupyterLab: show it, and use its `cut` in the cells below.

    Raises UsageError outside of a notebook, where there are no controls.
    """
    shell = running_shell()
    if shell is None or not hasattr(shell, "kernel"):
        raise UsageError(
            "the controls of a filter are for JupyterLab",
            next_step='narrow the cut in code: cut.where("AGE >= 40", SEX=["F"])',
        )  # fmt: skip
    if find_spec("ipywidgets") is None:
        raise UsageError(
            "the controls of a filter need the package ipywidgets, which is not installed",
            next_step="install ipywidgets, or narrow the cut in code: cut.where(\"AGE >= 40\", SEX=[\"F\"])",
        )  # fmt: skip
    return SubjectFilter(cut, shell)


class SubjectFilter:
    """Controls that choose subjects; `cut` is the cut of those chosen, `code` what gives the same in a cell."""

    def __init__(self, whole: Cut, shell: Any) -> None:
        self._whole, self._choice, self._cut = whole, Choice(), whole
        self._follows = Follows(shell, lambda: {name for name, value in shell.user_ns.items() if value is self})
        self._box, self._read_controls, self._say = _controls(whole.subjects, self._changed)
        self._tell("")

    @property
    def cut(self) -> Cut:
        """The cut of the subjects chosen at the moment."""
        return self._cut

    @property
    def code(self) -> str:
        """What gives the same subjects in a cell, where the whole cut is called `cut`."""
        return self._choice.code()

    def _changed(self) -> None:
        self._choice = self._read_controls()
        # A choice that leaves nobody is a choice too.
        self._cut = self._choice.of(self._whole)
        self._tell("Running the cells that follow ...")
        self._tell(self._follows.again(lambda done, of: self._tell(f"Running cell {done} of {of} that follow ...")))

    def _tell(self, remark: str) -> None:
        whole, now = len(self._whole.subjects), len(self._cut.subjects if self._cut is self._whole else self._cut.adsl)
        size = f"All {whole} subjects" if now == whole else f"<b>{now} of {whole} subjects: not the published set</b>"
        self._say(
            f"{size}. {escape(remark)}<br>The same in a cell: "
            f'<code style="user-select:all">{escape(self._choice.code())}</code>'
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._box)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"<Filter: {self.code}>"


def _controls(
    people: pd.DataFrame, changed: Callable[[], None]
) -> tuple[Any, Callable[[], Choice], Callable[[str], None]]:
    """The controls, a function that reads them, and one that says something below them."""
    import ipywidgets

    boxes: dict[str, dict[str, Any]] = {}
    groups = []
    for column, values in choices(people).items():
        heading, missing = BY_VALUE[column]
        boxes[column] = {
            value: ipywidgets.Checkbox(
                value=True, description=f"{value or missing} ({n})", indent=False,
                layout=ipywidgets.Layout(width="auto"),
            )
            for value, n in values
        }  # fmt: skip
        groups.append(ipywidgets.VBox([ipywidgets.HTML(f"<b>{escape(heading)}</b>"), *boxes[column].values()]))
    span = ages(people)
    slider = None
    if span is not None:
        slider = ipywidgets.IntRangeSlider(value=span, min=span[0], max=span[1], continuous_update=False)
        unknown = int(people["AGE"].isna().sum())
        note = [ipywidgets.HTML(f"Age not known: {unknown}, left out of any range")] if unknown else []
        groups.append(ipywidgets.VBox([ipywidgets.HTML("<b>Age in years</b>"), slider, *note]))
    reset = ipywidgets.Button(description="All subjects", tooltip="Choose all subjects again")
    below = ipywidgets.HTML()
    every = [*(box for column in boxes.values() for box in column.values()), *([slider] if slider is not None else [])]

    def read() -> Choice:
        values = {
            column: tuple(value for value, box in of.items() if box.value)
            for column, of in boxes.items() if not all(box.value for box in of.values())
        }  # fmt: skip
        low_high = (
            None if slider is None or tuple(slider.value) == span else (int(slider.value[0]), int(slider.value[1]))
        )
        return Choice(values, low_high)

    quiet: list[bool] = []

    def on_change(_: object) -> None:
        if not quiet:
            changed()

    def on_reset(_: object) -> None:
        quiet.append(True)
        for box in every:
            box.value = span if box is slider else True
        quiet.clear()
        changed()

    for control in every:
        control.observe(on_change, names="value")
    reset.on_click(on_reset)
    frame = ipywidgets.Layout(border="1px solid var(--jp-border-color1)", padding="8px")
    gap = ipywidgets.Layout(grid_gap="32px", flex_flow="row wrap")
    box = ipywidgets.VBox([ipywidgets.HBox(groups, layout=gap), reset, below], layout=frame)

    def say(html: str) -> None:
        below.value = html

    return box, read, say


# ----------------------------------------------------------------------------------------------------
# The cells that follow


@dataclass
class Cell:
    """A cell that follows, and the places on the screen of what it has shown."""

    source: str
    places: list[str] = field(default_factory=list)


class Follows:
    """The cells of a notebook that depend on some names, run again on demand; what they show is replaced where it is.

    `roots`: the names on which they depend, besides what such cells have made themselves.
    """

    def __init__(self, shell: Any, roots: Callable[[], set[str]]) -> None:
        self._shell, self._roots = shell, roots
        self._cells: dict[str, Cell] = {}
        self._now: Cell | None = None
        self._waiting: Iterator[str] | None = None
        self._beyond = 0
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def again(self, progress: Callable[[int, int], None]) -> str:
        """Runs every cell that follows again, in their order; gives remarks on what could not be replaced."""
        remarks: list[str] = []
        cells = list(self._cells.values())
        for done, cell in enumerate(cells, 1):
            progress(done, len(cells))
            self._now, self._waiting, self._beyond = cell, iter(cell.places), 0
            with _Hooks(self._shell, self._show):
                result = self._shell.run_cell(cell.source, store_history=False)
            left = list(self._waiting)
            self._now, self._waiting = None, None
            error = result.error_before_exec or result.error_in_exec
            if error is not None and left:
                said = notice(msg("This cell stopped for the subjects chosen: {error}", error=error), "warning")
                self._publish(left.pop(0), said._repr_mimebundle_())
            for place in left:
                self._publish(place, {"text/plain": ""})
            if error is not None and not cell.places:
                remarks.append(f"A cell stopped: {error}")
            if self._beyond:
                remarks.append("A cell shows more than before: run it again to see all of it.")
        return " ".join(dict.fromkeys(remarks))

    # ------------------------------------------------------------------------------------------------

    def _begin(self, info: Any) -> None:
        if self._waiting is not None:
            return
        source = info.raw_cell or ""
        key = str(getattr(info, "cell_id", None) or source)
        self._cells.pop(key, None)
        if self._depends(source):
            self._now = self._cells[key] = Cell(source)
            self._hooks = _Hooks(self._shell, self._show)
            self._hooks.__enter__()

    def _end(self, result: Any) -> None:
        if self._waiting is None and self._now is not None:
            self._hooks.__exit__()
            self._now = None

    def _depends(self, source: str) -> bool:
        followed = self._roots()
        for cell in self._cells.values():
            followed |= _names(cell.source, ast.Store)
        # The cell that makes a filter is not one that follows it.
        return bool(followed & _names(source, ast.Load)) and ".filter(" not in source

    def _show(self, bundle: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Shows an output of a cell that follows: in a place of its own, or where it was shown before."""
        if self._waiting is None:
            if self._now is not None:
                self._now.places.append(uuid4().hex)
                self._publish(self._now.places[-1], bundle, metadata, update=False)
            return
        place = next(self._waiting, None)
        if place is None:
            self._beyond += 1
        else:
            self._publish(place, bundle, metadata)

    def _publish(
        self, place: str, bundle: Mapping[str, Any], metadata: Mapping[str, Any] | None = None, update: bool = True
    ) -> None:
        self._shell.display_pub.publish(
            data=dict(bundle), metadata=dict(metadata or {}), transient={"display_id": place}, update=update
        )


class _Hooks:
    """As long as it is entered, tables and figures are handed to `show` instead of being shown by the kernel."""

    def __init__(self, shell: Any, show: Callable[[Mapping[str, Any], Mapping[str, Any]], None]) -> None:
        self._formatter = shell.display_formatter.ipython_display_formatter
        self._all, self._show = shell.display_formatter, show

    def __enter__(self) -> None:
        for module, name in FOLLOWING:
            self._formatter.for_type_by_name(module, name, self._handed)

    def __exit__(self, *_: object) -> None:
        for module, name in FOLLOWING:
            self._formatter.deferred_printers.pop((module, name), None)
        for kind in [kind for kind, printer in self._formatter.type_printers.items() if printer == self._handed]:
            self._formatter.type_printers.pop(kind)

    def _handed(self, thing: Any) -> None:
        if hasattr(thing, "chart_bundle"):
            self._show(*self._plainly(thing.heading))
            self._show(thing.chart_bundle(), thing.chart_metadata())
            self._show(*self._plainly(thing.folded))
        else:
            self._show(*self._plainly(thing))

    def _plainly(self, thing: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What the kernel would show of it."""
        self.__exit__()
        try:
            bundle, metadata = self._all.format(thing)
        finally:
            self.__enter__()
        return bundle, metadata


def _names(source: str, kind: type[ast.expr_context]) -> set[str]:
    """The names that a cell reads or makes; none of a cell that cannot be read."""
    try:
        tree = ast.parse(plain_source(source))
    except (SyntaxError, ValueError, UsageError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}

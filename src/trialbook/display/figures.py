"""Charts for reading: a renderer that emits only the specification, and a data table beside each figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialbook.display.blocks import Block, sentence
from trialbook.display.picked import with_signal
from trialbook.display.specs import clean_spec
from trialbook.display.tables import table
from trialbook.display.text import safe, visible
from trialbook.display.theme import BLOCK_STYLE, chart_config

if TYPE_CHECKING:
    import altair as alt

# JupyterLab draws this type offline and even untrusted; it does not know the type of Vega-Lite 6, whose
# specifications it draws just as well under this label.
CHART_MIME = "application/vnd.vegalite.v5+json"
STYLE_NAME = "trialbook"
# The menu of a chart in a notebook: save it, or look at its source in a window of its own. Never the public editor of
# Vega: it would be sent the chart with its data.
MENU = {"actions": {"export": {"svg": True, "png": True}, "source": True, "compiled": False, "editor": False}}
# What other programs than JupyterLab read the same from.
USERMETA = {"embedOptions": MENU}


class Figure:
    """A chart under its title, with the numbers that it draws in a folded table.

    A notebook shows three outputs in this order: title, chart, table; each page keeps this order.
    """

    def __init__(self, spec: dict[str, Any], title: str, data: Block) -> None:
        self.spec, self.title, self.data = spec, title, data

    @property
    def heading(self) -> Block:
        """The title above the chart."""
        return Block(f'<p class="tb tb-title tb-figure">{safe(self.title)}</p>', visible(self.title))

    @property
    def folded(self) -> Block:
        """The data table, folded."""
        return Block(
            f'<details class="tb"><summary>Data of this figure</summary>{self.data.html}</details>', self.data.text
        )

    def chart_bundle(self) -> dict[str, Any]:
        """What Jupyter draws: the specification, and words for where it cannot be drawn."""
        return {CHART_MIME: notebook_spec(self.spec), "text/plain": f"Chart: {visible(self.title)}"}

    def chart_metadata(self) -> dict[str, Any]:
        """How Jupyter draws it."""
        return {CHART_MIME: {"title": visible(self.title), "embed_options": MENU}}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {**self.chart_bundle(), "text/html": BLOCK_STYLE + self.data.html, "text/plain": self.data.text}

    def _ipython_display_(self) -> None:
        from IPython.display import display as show  # type: ignore[attr-defined,unused-ignore]

        display: Callable[..., None] = show
        display(self.heading)
        display(self.chart_bundle(), raw=True, metadata=self.chart_metadata())
        display(self.folded)


def figure(
    chart: alt.TopLevelMixin,
    data: pd.DataFrame,
    title: str,
    *,
    labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    empty: str = "There is nothing to draw at this cut.",
) -> Figure | Block:
    """A chart with its data table (folded) and notes; `data` holds the numbers that the chart draws, for reading.

    With an empty `data` the figure is a sentence: the title and `empty`. Raises ValueError when the chart's
    specification could reach out of the page or run text from data (see `trialbook.display.specs`).
    """
    if data.empty:
        return sentence(f"{title}: {empty}")
    use_house_style()
    from altair.utils import schemapi

    # Altair checks what it is given as a chart is put together, or not at all (see `trialbook.display.ahead`).
    spec = clean_spec(with_signal(chart.to_dict(validate=schemapi.DEBUG_MODE)))
    return Figure(spec, title, table(data, title, labels=labels, notes=notes))


def notebook_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification as a notebook holds it: with our menu, and without the version of Vega-Lite it was made for.

    JupyterLab brings an older Vega-Lite and would warn at every chart; it draws them just as well.
    """
    return {**{key: value for key, value in spec.items() if key != "$schema"}, "usermeta": USERMETA}


def own_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification in an output of a notebook without our menu, for pages; any other `usermeta` stays."""
    return {key: value for key, value in spec.items() if key != "usermeta" or value != USERMETA}


def chart_output(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Jupyter shows of a chart that is no `figure`: our menu and no script, as for figures."""
    bundle = {CHART_MIME: notebook_spec(clean_spec(with_signal(spec))), "text/plain": "Chart"}
    return bundle, {CHART_MIME: {"embed_options": MENU}}


def use_house_style() -> None:
    """Sets the house theme and the renderer that emits only the specification (no script, no random id)."""
    from trialbook.fast_imports import skip_slow_format_checker

    skip_slow_format_checker()
    import altair as alt

    if alt.renderers.active == STYLE_NAME:
        return
    alt.renderers.register(STYLE_NAME, lambda spec, **_: chart_output(spec))
    alt.renderers.enable(STYLE_NAME)
    alt.theme.register(STYLE_NAME, enable=True)(lambda: alt.theme.ThemeConfig(chart_config()))  # type: ignore[misc]
    alt.data_transformers.disable_max_rows()

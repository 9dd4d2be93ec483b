"""Charts for reading: a renderer that emits only the specification, and a data table beside each figure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialbook.core.messages import Plain, as_text, msg
from trialbook.display.blocks import Block, sentence
from trialbook.display.chart_texts import chart_texts, messages_of
from trialbook.display.payload import MIME, Payload, declared_id, text_of
from trialbook.display.saving import Origin, Savable, frame_of, said
from trialbook.display.tables import Table, table
from trialbook.display.text import visible
from trialbook.display.theme import chart_config

if TYPE_CHECKING:
    import altair as alt


# ----------------------------------------------------------------------------------------------------
# Linked charts: the subject that a reader picks on a page stands out in every chart that shows subjects.
#
# A chart takes part by giving the opacity of its marks as `standing_out("SUBJECT")`. Live pages set the signal from our
# own script (draw.js: a click on a mark, or the list at the top of the page); in a notebook and on a static page nobody
# sets it, and every mark is drawn in full.


SIGNAL = "picked_subject"
FADED = 0.12


def standing_out(field: str, *, shown: float = 1.0, faded: float = FADED, unpicked: float | None = None) -> Any:
    """The opacity of marks of one subject each, whose name is in the column `field`.

    `shown`: of the subject picked; `faded`: of the others then; `unpicked`: of all while nobody is picked (`shown`).
    For the channels opacity, fillOpacity and strokeOpacity. Raises ValueError for a field that is no plain ASCII name.
    """
    import altair

    if not re.fullmatch(r"[A-Za-z]\w*", field, re.ASCII):
        raise ValueError(f"{field!r} is not a plain column name")
    nobody, this_one = f"{SIGNAL} === ''", f"datum.{field} === {SIGNAL}"
    if unpicked is None:
        return altair.condition(f"{nobody} || {this_one}", altair.value(shown), altair.value(faded))
    conditions = [{"test": nobody, "value": unpicked}, {"test": this_one, "value": shown}]
    return altair.OpacityValue(faded, condition=conditions)


def linked(chart: Any) -> Any:
    """A chart whose marks read the picked subject, with the signal declared: so it can also be saved alone."""
    import altair

    return chart.add_params(altair.param(name=SIGNAL, value=""))


def with_signal(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with the signal declared once at its top, where one of its conditions reads it.

    For charts that were put together without `linked`.
    """
    if any(param.get("name") == SIGNAL for param in spec.get("params", [])):
        return spec
    if not _names_signal({key: value for key, value in spec.items() if key != "datasets"}):
        return spec
    return {**spec, "params": [*spec.get("params", []), {"name": SIGNAL, "value": ""}]}


def _names_signal(node: Any) -> bool:
    if isinstance(node, dict):
        return any(_names_signal(value) for key, value in node.items() if key != "values")
    if isinstance(node, list):
        return any(_names_signal(item) for item in node)
    return isinstance(node, str) and f"=== {SIGNAL}" in node


# ----------------------------------------------------------------------------------------------------
# Chart specifications made fit to leave the kernel: only the columns drawn, stable names, nothing that reaches out.


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
    """The specification as JSON that is safe inside a script element: no `<`, `>` or `&` anywhere."""
    text = json.dumps(spec, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


# ----------------------------------------------------------------------------------------------------

# JupyterLab draws this type offline and even untrusted; it does not know the type of Vega-Lite 6, whose
# specifications it draws just as well under this label.
CHART_MIME = "application/vnd.vegalite.v5+json"
STYLE_NAME = "trialbook"
# The menu of a chart in a notebook: save it, or look at its source in a window of its own. Never the public editor of
# Vega: it would be sent the chart with its data.
MENU = {"actions": {"export": {"svg": True, "png": True}, "source": True, "compiled": False, "editor": False}}
# What other programs than JupyterLab read the same from.
USERMETA = {"embedOptions": MENU}


class Figure(Savable):
    """A chart under its title, with the numbers that it draws in a folded table.

    A notebook shows three outputs in this order: title, chart, table; each page keeps this order. `summary` says in a
    sentence or two what the chart shows, for who cannot see it. `to_frame()` gives the numbers that it draws,
    `save(path)` writes a picture of it.
    """

    def __init__(self, spec: dict[str, Any], title: str, data: Block, summary: str = "") -> None:
        self.spec, self.data, self.summary = spec, data, summary
        self.id, self.origin = declared_id(title), Origin()
        self.named: Plain = text_of(title)

    @classmethod
    def shown_before(cls, id: str, named: Plain, spec: dict[str, Any], texts: Payload, data: Payload) -> Figure:
        """A figure that a notebook has shown: its id, its title and texts as data, its specification and its table."""
        made = cls(spec, "", Table(data))
        made.id, made.named, made.texts = id, named, texts
        return made

    @property
    def title(self) -> str:
        """The title above the chart."""
        return said(self.named)

    @cached_property
    def texts(self) -> Payload:
        """The texts of the chart, for another language."""
        return chart_texts(self.spec)

    def to_frame(self) -> pd.DataFrame:
        """The numbers that are drawn, as the folded table shows them."""
        return frame_of(self.data.payload)

    def __repr__(self) -> str:
        return f"<Figure {self.id} {self.title!r}>" if self.id else f"<Figure {self.title!r}>"

    @property
    def heading(self) -> Block:
        """The title above the chart."""
        return Block({"kind": "figure", "id": declared_id(self.title), "title": self.named})

    @property
    def folded(self) -> Block:
        """The data table, folded."""
        return Block({"kind": "figure_data", "table": self.data.payload})

    def chart_bundle(self) -> dict[str, Any]:
        """What Jupyter draws: the specification, and words for where it cannot be drawn."""
        payload = {"kind": "chart", "title": self.named, "texts": self.texts}
        words = f"Chart: {visible(self.title)}"
        if self.summary:
            payload["summary"] = text_of(self.summary)
            words = f"{words}. {visible(self.summary)}"
        return {CHART_MIME: notebook_spec(self.spec), MIME: payload, "text/plain": words}

    def chart_metadata(self) -> dict[str, Any]:
        """How Jupyter draws it."""
        return {CHART_MIME: {"title": visible(self.title), "embed_options": MENU}}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {**self.data._repr_mimebundle_(), **self.chart_bundle(), "text/plain": self.data.text}

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
    summary: str = "",
    empty: str = "There is nothing to draw at this cut.",
) -> Figure | Block:
    """A chart with its data table (folded) and notes; `data` holds the numbers that the chart draws, for reading.

    `summary`: what the chart shows in a sentence or two, which screen readers say in its place. With an
    empty `data` the figure is a sentence: the title and `empty`. Raises ValueError when the chart's
    specification could reach out of the page or run text from data (see `trialbook.display.figures`).
    """
    if data.empty:
        return sentence(msg("{title}: {nothing}", title=as_text(title), nothing=as_text(empty)))
    use_house_style()
    from altair.utils import schemapi

    # Altair checks what it is given as a chart is put together, or not at all (see `trialbook.kernels.fork_server`).
    spec = clean_spec(with_signal(chart.to_dict(validate=schemapi.DEBUG_MODE)))
    made = Figure(spec, title, table(_drawn(data), title, labels=labels, notes=notes), summary)
    made.texts = chart_texts(spec, messages_of(chart))
    return made


def _drawn(data: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a figure as its table prints them: no eye reads more than three decimals off a chart."""
    return data.round({name: 3 for name in data.columns if pd.api.types.is_float_dtype(data[name])})


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
    made = clean_spec(with_signal(spec))
    payload = {"kind": "chart", "title": "Chart", "texts": chart_texts(made)}
    bundle = {CHART_MIME: notebook_spec(made), MIME: payload, "text/plain": "Chart"}
    return bundle, {CHART_MIME: {"embed_options": MENU}}


def use_house_style() -> None:
    """Sets the house theme and the renderer that emits only the specification (no script, no random id)."""
    from trialbook.core.fast_imports import skip_slow_format_checker

    skip_slow_format_checker()
    import altair as alt

    if alt.renderers.active == STYLE_NAME:
        return
    alt.renderers.register(STYLE_NAME, lambda spec, **_: chart_output(spec))
    alt.renderers.enable(STYLE_NAME)
    alt.theme.register(STYLE_NAME, enable=True)(lambda: alt.theme.ThemeConfig(chart_config()))  # type: ignore[misc]
    alt.data_transformers.disable_max_rows()

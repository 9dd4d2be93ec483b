"""Linked charts: the subject that a reader picks on a page stands out in every chart that shows subjects.

A chart takes part by giving the opacity of its marks as `standing_out("SUBJECT")`. Live pages set the signal from our
own script (draw.js: a click on a mark, or the list at the top of the page); in a notebook and on a static page nobody
sets it, and every mark is drawn in full.
"""

from __future__ import annotations

import re
from typing import Any

SIGNAL = "picked_subject"
FADED = 0.12


def standing_out(field: str, *, shown: float = 1.0, faded: float = FADED, unpicked: float | None = None) -> Any:
    """The opacity of marks of one subject each, whose name stands in the column `field`.

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


def with_signal(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with the signal declared once at its top, where one of its conditions reads it."""
    if not _names_signal({key: value for key, value in spec.items() if key != "datasets"}):
        return spec
    return {**spec, "params": [*spec.get("params", []), {"name": SIGNAL, "value": ""}]}


def _names_signal(node: Any) -> bool:
    if isinstance(node, dict):
        return any(_names_signal(value) for key, value in node.items() if key != "values")
    if isinstance(node, list):
        return any(_names_signal(item) for item in node)
    return isinstance(node, str) and f"=== {SIGNAL}" in node

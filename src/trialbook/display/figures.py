"""Charts for reading: one theme, a renderer that emits only the specification, a data table beside every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import altair as alt


def figure(
    chart: alt.TopLevelMixin,
    data: pd.DataFrame,
    title: str,
    *,
    labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Any:
    """A chart with its data table (folded) and notes; `data` holds the numbers that the chart draws, for reading."""
    raise NotImplementedError("the display helper fills this in")

"""One chart made ahead of time, in the process from which kernels are forked, so that each kernel finds the caches of
Altair filled: the first chart of a process takes twice as long as the next.
"""

from __future__ import annotations

import pandas as pd


def make_ahead() -> None:
    """Makes a chart that fills the caches and is thrown away.

    From then on charts are not checked against the schema of Vega-Lite, a tenth of the time of all notebooks: a test
    checks each chart of the demo builds, and a kernel that an analyst starts checks as ever.
    """
    import altair as alt
    from altair.utils import schemapi

    from trialbook.display.figures import figure
    from trialbook.display.theme import INK

    data = pd.DataFrame({"count": [1, 2], "name": ["a", "b"]})
    layer = alt.Chart(data).encode(
        x=alt.X("count:Q", title="count", axis=alt.Axis(tickMinStep=1)), y=alt.Y("name:N", sort=None),
        color=alt.Color("name:N", scale=alt.Scale(range=[INK]), legend=alt.Legend(title=None)), tooltip=["count:Q"],
    )  # fmt: skip
    figure(alt.layer(layer.mark_bar(), layer.mark_text()).properties(width=300), data, "Ahead of time")
    schemapi.disable_debug_mode()

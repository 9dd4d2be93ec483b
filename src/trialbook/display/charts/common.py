"""What several charts share: the scale of the dose levels, labels that do not cover each other, words at a mark."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.theme import INK, dose_level_colours
from trialbook.results.ard import TOTAL

DAYS = msg("Days since the first infusion")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond")


def level_colours(levels: Sequence[str]) -> alt.Scale:
    """The colour of each dose level, lowest first; ink for the total."""
    colours = dose_level_colours([level for level in levels if level != TOTAL])
    return alt.Scale(domain=list(levels), range=[colours.get(level, INK) for level in levels])


def level_dashes(levels: Sequence[str]) -> alt.Scale:
    """The dash of each dose level, so that lines are told apart without colour."""
    return alt.Scale(domain=list(levels), range=[DASHES[k % len(DASHES)] for k in range(len(levels))])


def level_shapes(levels: Sequence[str]) -> alt.Scale:
    """The shape of each dose level, so that points are told apart without colour."""
    return alt.Scale(domain=list(levels), range=[SHAPES[k % len(SHAPES)] for k in range(len(levels))])


def apart(
    values: Sequence[float], domain: tuple[float, float], pixels: float, gap: float = 11, *, logarithmic: bool = False
) -> list[float]:
    """The values moved along their axis until they are `gap` pixels apart, in the order given, inside the domain.

    For the names at the ends of lines. `domain` is drawn on `pixels`.

    >>> apart([1.0, 1.0], (0.0, 10.0), 100, 10)
    [0.5, 1.5]
    >>> apart([5.0], (0.0, 10.0), 100)
    [5.0]
    """
    scale = math.log if logarithmic else float
    low, high = scale(domain[0]), scale(domain[1])
    step = gap * (high - low) / pixels
    order = sorted(range(len(values)), key=lambda k: values[k])
    places = [scale(values[k]) for k in order]
    # Groups that touch are one group around its own mean.
    groups: list[list[float]] = []
    for place in places:
        groups.append([place, 1])
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < step * (groups[-1][1] + groups[-2][1]) / 2:
            (mean, n), (last_mean, last_n) = groups[-2], groups.pop()
            groups[-1] = [(mean * n + last_mean * last_n) / (n + last_n), n + last_n]
    spread = [
        min(max(mean, low + step * (n - 1) / 2), high - step * (n - 1) / 2) + step * (k - (n - 1) / 2)
        for mean, n in groups
        for k in range(int(n))
    ]
    found = dict(zip(order, spread, strict=True))
    return [math.exp(found[k]) if logarithmic else round(found[k], 6) for k in range(len(values))]


def end_names(
    points: pd.DataFrame, domain: tuple[float, float], pixels: float, *, logarithmic: bool = False
) -> pd.DataFrame:
    """The last point of each subject with the place of its name: columns of `points` (SUBJECT DAY VALUE) and NAMED."""
    last = points.sort_values(["SUBJECT", "DAY"], kind="stable").drop_duplicates("SUBJECT", keep="last")
    inside = [min(max(float(value), domain[0]), domain[1]) for value in last["VALUE"]]
    return last.assign(NAMED=apart(inside, domain, pixels, logarithmic=logarithmic))


def tips(*fields: str, **labels: str) -> list[alt.Tooltip]:
    """What a mark says when it is pointed at: columns with the names that readers see; `fields` are the numbers."""
    return [
        alt.Tooltip(f"{name}:Q", title=title, format=".3~g")
        if name in fields
        else alt.Tooltip(f"{name}:N", title=title)
        for name, title in labels.items()
    ]


def length(*days: pd.Series) -> float:
    """The last of some days, 1 where there is none."""
    known = pd.concat([d.astype("float64") for d in days]).dropna()
    return float(known.max()) if len(known) else 1.0

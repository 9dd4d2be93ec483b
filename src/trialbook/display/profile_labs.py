"""Laboratory results of one subject: a panel per test on the shared time axis, with the bands of CTCAE grades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialbook.display.svg import LEFT, PLOT, Days, Drawing, circle, number, polygon, rectangle
from trialbook.display.text import show
from trialbook.display.theme import INK, PALETTE, QUIET
from trialbook.profiles.labs import DRAWN_TESTS, LIVER_TESTS
from trialbook.profiles.profile import Profile

HIGH, GAP = 58, 12
# From grade 1 to 4, each darker than the one before, also without colour.
BANDS = {1: "#fff6dd", 2: "#fde3ae", 3: "#f7c183", 4: "#e89a5f"}
SEVERE = 3
RESULT, BAND = ("DAY", "AVAL", "AVALOP", "AVALU", "GRADE"), ("GRADE", "LIMIT", "DIRECTION")
Row = tuple[Any, ...]


class Values:
    """The vertical axis of one panel: values from bottom to top, logarithmic for liver tests."""

    def __init__(self, lowest: float, highest: float, top: float, logarithmic: bool) -> None:
        self.logarithmic = logarithmic and lowest > 0
        room = (highest - lowest) * 0.08 or abs(highest) * 0.1 or 1.0
        self._low = lowest * 0.9 if self.logarithmic else max(lowest - room, 0.0)
        self._high = highest * 1.1 if self.logarithmic else highest + room
        self._top = top

    def y(self, value: float) -> float:
        """Where a value is; what lies beyond the axis at its end."""
        value = min(max(value, self._low), self._high)
        scaled = [math.log10(v) if self.logarithmic else v for v in (value, self._low, self._high)]
        return self._top + HIGH * (1 - (scaled[0] - scaled[1]) / (scaled[2] - scaled[1]))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value drawn."""
        return self._low, self._high


def labs(profile: Profile, days: Days) -> str:
    """The results of each drawn test as a line; bands begin where the CTCAE grades of this subject begin."""
    drawing = Drawing(days)
    results, bands = _by_test(profile.labs, RESULT), _by_test(profile.bands, BAND)
    tests = [test for test in DRAWN_TESTS if test in results]
    infusions = [float(day) for day in profile.infusions["DAY"].dropna()]
    for position, test in enumerate(tests):
        top = 6 + (HIGH + GAP) * position
        rows = [row for row in results[test] if pd.notna(row[0]) and days.first <= row[0] <= days.last]
        if rows:
            values = _values(rows, bands.get(test, []), top, test in LIVER_TESTS)
            _bands(drawing, values, bands.get(test, []))
            drawing.panel(top, HIGH, position == len(tests) - 1, infusions)
            _axis(drawing, values, top)
            _results(drawing, values, rows)
        else:
            drawing.panel(top, HIGH, position == len(tests) - 1, infusions)
        unit = ", ".join(dict.fromkeys(show(row[3]) for row in results[test]))
        drawing.label(top + HIGH / 2 + 4, f"{test}, {unit}".rstrip(", "), most=LEFT - 40)
    return drawing.svg(f"Laboratory results of subject {profile.subject}")


def _by_test(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of each test as tuples: selecting in pandas takes a millisecond each time, on every page."""
    found: dict[str, list[Row]] = {}
    for test, *row in frame[["PARAMCD", *columns]].itertuples(index=False, name=None):
        found.setdefault(test, []).append(tuple(row))
    return found


def _values(rows: list[Row], bands: list[Row], top: float, logarithmic: bool) -> Values:
    """The axis holds every result and the beginning of grade 1."""
    shown = [*(row[1] for row in rows), *(limit for grade, limit, _ in bands if grade == 1)]
    return Values(min(shown), max(shown), top, logarithmic)


def _bands(drawing: Drawing, values: Values, bands: list[Row]) -> None:
    """A band from where each grade begins to where the next one does, named at the right."""
    low, high = values.ends
    for k, (grade, limit, direction) in enumerate(bands):
        outer = bands[k + 1][1] if k + 1 < len(bands) else (high if direction == "H" else low)
        inside = (max(limit, low), min(outer, high)) if direction == "H" else (max(outer, low), min(limit, high))
        if inside[0] >= inside[1]:
            continue
        top, bottom = values.y(inside[1]), values.y(inside[0])
        drawing.add(rectangle(LEFT, top, PLOT, bottom - top, BANDS[grade]), f"grade {grade}: from {show(limit)}")
        if bottom - top >= 9:
            drawing.text(LEFT + PLOT + 3, (top + bottom) / 2 + 3, f"G{grade}", size=9, fill=QUIET)


def _axis(drawing: Drawing, values: Values, top: float) -> None:
    low, high = values.ends
    drawing.add(
        f'<path d="M{LEFT} {number(top)}v{HIGH}M{LEFT} {number(top + HIGH)}h{PLOT}" stroke="{QUIET}" fill="none"/>'
    )
    drawing.text(LEFT - 4, top + 8, show(_rounded(high)), end=True, size=9, fill=QUIET)
    drawing.text(LEFT - 4, top + HIGH, show(_rounded(low)), end=True, size=9, fill=QUIET)


def _rounded(value: float) -> float:
    """Three significant digits: the end of an axis, not a result."""
    return value if value == 0 else round(value, 2 - math.floor(math.log10(abs(value))))


def _results(drawing: Drawing, values: Values, rows: list[Row]) -> None:
    """A line through the results; a severe grade is a diamond with its number."""
    places = [(drawing.days.x(row[0]), values.y(row[1])) for row in rows]
    path = " ".join(f"{number(x)},{number(y)}" for x, y in places)
    drawing.add(f'<polyline points="{path}" fill="none" stroke="{PALETTE[0]}" stroke-width="1.3"/>')
    for (x, y), (day, value, sign, unit, grade) in zip(places, rows, strict=True):
        severe = pd.notna(grade) and grade >= SEVERE
        shape = circle(x, y, 2.4, PALETTE[0])
        if severe:
            shape = polygon([(x - 4.5, y), (x, y - 4.5), (x + 4.5, y), (x, y + 4.5)], PALETTE[1], INK)
        graded = f", grade {grade}" if pd.notna(grade) else ", grade not evaluable"
        drawing.add(shape, f"{show(sign)}{show(value)} {show(unit)}{graded}, day {day}")
        if severe:
            drawing.text(x + 6, y - 2, str(grade), size=9, bold=True)

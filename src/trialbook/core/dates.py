"""Calendar dates of the trial: partial ISO 8601 dates as intervals, their imputation, and study days.

Dates are naive calendar dates (the site's day), `datetime64[s]` at midnight, missing = NaT. A partial date is kept
as text and read as the interval [earliest, latest] of dates it may mean (rulebook §0.1, §3.7).
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import isnan
from typing import NamedTuple

import numpy as np
import pandas as pd

DTC_PATTERN = re.compile(
    r"^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?)?)?)?$"
)
TIME_PATTERN = re.compile(r"T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")


NO_DAY = int(np.datetime64("NaT", "D").astype("int64"))
DAY_SECONDS = 86_400
ONE_DAY = pd.Timedelta(days=1)
FIRST_DAY = date(1970, 1, 1).toordinal()


class Reading(NamedTuple):
    """What one ISO 8601 text, complete or partial, may mean: days as numpy counts them, and seconds of the day.

    `part` is the largest part of the date that is missing, as in --DTF.
    """

    first: int = NO_DAY
    last: int = NO_DAY
    complete: int = NO_DAY
    part: str = "Y"
    seconds: float = float("nan")


@lru_cache(maxsize=2**17)
def _read(text: str) -> Reading:
    """Reads one text; a text that is not ISO 8601, or names no day of the calendar, means no day."""
    found, time = DTC_PATTERN.match(text), TIME_PATTERN.search(text)
    seconds = int(time[1]) * 3600.0 + int(time[2]) * 60 + int(time[3] or 0) if time else float("nan")
    if found is None:
        return Reading(seconds=seconds)
    year, month, day = found.group(1, 2, 3)
    part = "M" if month is None else "D" if day is None else ""
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return Reading(part=part, seconds=seconds)
    start = first.toordinal() - FIRST_DAY
    length = {"M": 366 if isleap(first.year) else 365, "D": monthrange(first.year, first.month)[1], "": 1}[part]
    return Reading(start, start + length - 1, NO_DAY if part else start, part, seconds)


def _readings(dtc: pd.Series) -> tuple[np.ndarray, list[Reading]]:
    """For each record which reading is its own, and the readings: many records share the same few dates.

    The last reading is that of a missing text, whose code is -1.
    """
    codes, texts = pd.factorize(dtc if dtc.dtype == "str" else dtc.astype("str"))
    return codes, [*(_read(text) for text in texts.tolist()), Reading()]


def _dates(dtc: pd.Series, days: Callable[[Reading], int]) -> pd.Series:
    codes, readings = _readings(dtc)
    each = np.array([days(reading) for reading in readings], dtype="datetime64[D]").astype("datetime64[s]")
    return pd.Series(each[codes], index=dtc.index)


def earliest_date(dtc: pd.Series) -> pd.Series:
    """First date that an ISO 8601 text, complete or partial, may mean; NaT where missing or not a date.

    >>> earliest_date(pd.Series(["2025-03-05", "2025-02", None])).astype("str").tolist()
    ['2025-03-05', '2025-02-01', nan]
    """
    return _dates(dtc, lambda reading: reading.first)


def latest_date(dtc: pd.Series) -> pd.Series:
    """Last date that an ISO 8601 text, complete or partial, may mean; NaT where missing or not a date.

    >>> latest_date(pd.Series(["2025-03-05", "2025-02", None])).astype("str").tolist()
    ['2025-03-05', '2025-02-28', nan]
    """
    return _dates(dtc, lambda reading: reading.last)


def complete_date(dtc: pd.Series) -> pd.Series:
    """The date of a text that names year, month and day; NaT where any part is missing.

    >>> complete_date(pd.Series(["2025-03-05T10:30", "2025-02"])).astype("str").tolist()
    ['2025-03-05', nan]
    """
    return _dates(dtc, lambda reading: reading.complete)


def time_of_day(dtc: pd.Series) -> pd.Series:
    """Seconds after midnight of a text with at least hours and minutes, as float; NaN where there is no time.

    >>> time_of_day(pd.Series(["2025-03-05T00:10", "2025-03-05"])).tolist()
    [600.0, nan]
    """
    codes, readings = _readings(dtc)
    seconds = np.array([reading.seconds for reading in readings], dtype="float64")
    return pd.Series(seconds[codes], index=dtc.index)


def possible_moments(dtc: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The first and the last moment that an ISO 8601 text may mean; NaT where missing or not a date.

    A date without time spans its whole day, a month its whole month; a time without seconds is read as given.

    >>> first, last = possible_moments(pd.Series(["2025-03-05T10:30", "2025-03-05", "2025-02"]))
    >>> first.astype("str").tolist()
    ['2025-03-05 10:30:00', '2025-03-05 00:00:00', '2025-02-01 00:00:00']
    >>> last.astype("str").tolist()
    ['2025-03-05 10:30:00', '2025-03-05 23:59:59', '2025-02-28 23:59:59']
    """
    codes, readings = _readings(dtc)
    both = np.array([_span(reading) for reading in readings], dtype="int64").astype("datetime64[s]")
    return pd.Series(both[codes, 0], index=dtc.index), pd.Series(both[codes, 1], index=dtc.index)


def _span(reading: Reading) -> tuple[int, int]:
    """The first and the last second that a text may mean, as numpy counts them."""
    if reading.first == NO_DAY:
        return NO_DAY, NO_DAY
    start, end = reading.first * DAY_SECONDS, (reading.last + 1) * DAY_SECONDS - 1
    if reading.complete == NO_DAY or isnan(reading.seconds):
        return start, end
    return start + int(reading.seconds), start + int(reading.seconds)


def missing_part(dtc: pd.Series) -> pd.Series:
    """Largest part that is missing, as in ADaM --DTF: `Y` all missing, `M` month, `D` day, blank when complete.

    >>> missing_part(pd.Series(["2025-03-05", "2025-03", "2025", None])).tolist()
    ['', 'D', 'M', 'Y']
    """
    codes, readings = _readings(dtc)
    parts = np.array([reading.part for reading in readings], dtype="object")
    return pd.Series(parts[codes], index=dtc.index, dtype="str")


def rel_day(date: pd.Series, trtsdt: pd.Series) -> pd.Series:
    """REL_DAY: days since the first infusion, which is day 0 (§0.1); `Int64`, missing where either is.

    >>> infused = pd.Series(pd.to_datetime(["2025-03-05"] * 3))
    >>> rel_day(pd.Series(pd.to_datetime(["2025-03-04", "2025-03-05", None])), infused).tolist()
    [-1, 0, <NA>]
    """
    since = _days_between(date, trtsdt)
    return _whole(since.to_numpy(), since)


def study_day(date: pd.Series, trtsdt: pd.Series) -> pd.Series:
    """CDISC study day (--DY, ADY): REL_DAY + 1 from the infusion on, REL_DAY before; there is no day 0 (§0.1).

    >>> infused = pd.Series(pd.to_datetime(["2025-03-05"] * 3))
    >>> study_day(pd.Series(pd.to_datetime(["2025-03-04", "2025-03-05", None])), infused).tolist()
    [-1, 1, <NA>]
    """
    since = _days_between(date, trtsdt)
    day = since.to_numpy()
    return _whole(day + (day >= 0), since)


def _days_between(date: pd.Series, trtsdt: pd.Series) -> pd.Series:
    return ((date - trtsdt) / pd.Timedelta(days=1)).astype("float64").round()


def _whole(days: np.ndarray, like: pd.Series) -> pd.Series:
    """Days without a fraction as `Int64` on the index of `like`, missing where NaN."""
    missing = np.isnan(days)
    whole = np.where(missing, 0, days).astype("int64")
    return pd.Series(pd.arrays.IntegerArray(whole, missing), index=like.index, name=like.name)


def as_date(value: str) -> pd.Timestamp:
    """One complete ISO date as a timestamp at midnight; raises ValueError otherwise.

    >>> as_date("2025-03-05")
    Timestamp('2025-03-05 00:00:00')
    """
    return pd.Timestamp(pd.to_datetime(value, format="%Y-%m-%d")).as_unit("s")

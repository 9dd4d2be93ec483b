"""Calendar dates of the trial: partial ISO 8601 dates as intervals, their imputation, and study days.

Dates are naive calendar dates (the site's day), `datetime64[s]` at midnight, missing = NaT. A partial date is kept
as text and read as the interval [earliest, latest] of dates it may mean (domain document §0.1, §3.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps

import pandas as pd

DTC_PATTERN = re.compile(
    r"^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?)?)?)?$"
)


def _once_per_text(read: Callable[[pd.Series], pd.Series]) -> Callable[[pd.Series], pd.Series]:
    """Reads each distinct text once, since the same few dates stand in many records."""

    @wraps(read)
    def read_once(dtc: pd.Series) -> pd.Series:
        codes, texts = pd.factorize(dtc.astype("str"))
        # A missing text has the code -1, which no distinct text has: it stays missing.
        return read(pd.Series(texts, dtype="str")).reindex(codes).set_axis(dtc.index)

    return read_once


def _parts(dtc: pd.Series) -> pd.DataFrame:
    """Year, month, day of ISO text as text columns; all missing where the text is not complete or partial ISO."""
    parts = dtc.astype("str").str.extract(DTC_PATTERN)
    return parts.iloc[:, :3].set_axis(["year", "month", "day"], axis=1)


@_once_per_text
def earliest_date(dtc: pd.Series) -> pd.Series:
    """First date that an ISO 8601 text, complete or partial, may mean; NaT where missing or not a date."""
    p = _parts(dtc)
    text = p["year"] + "-" + p["month"].fillna("01") + "-" + p["day"].fillna("01")
    return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")


@_once_per_text
def latest_date(dtc: pd.Series) -> pd.Series:
    """Last date that an ISO 8601 text, complete or partial, may mean; NaT where missing or not a date."""
    p = _parts(dtc)
    first = earliest_date(dtc)
    ends = first.copy()
    ends = ends.mask(p["day"].isna(), first + pd.offsets.MonthEnd(0))
    ends = ends.mask(p["month"].isna(), first + pd.offsets.YearEnd(0))
    return ends.astype("datetime64[s]")


@_once_per_text
def complete_date(dtc: pd.Series) -> pd.Series:
    """The date of a text that names year, month and day; NaT where any part is missing."""
    return earliest_date(dtc).where(_parts(dtc)["day"].notna())


@_once_per_text
def time_of_day(dtc: pd.Series) -> pd.Series:
    """Seconds after midnight of a text with at least hours and minutes, as float; NaN where there is no time."""
    t = dtc.astype("str").str.extract(r"T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?").astype("float64")
    return t[0] * 3600 + t[1] * 60 + t[2].fillna(0)


def missing_part(dtc: pd.Series) -> pd.Series:
    """Largest part that is missing, as in ADaM --DTF: `Y` all missing, `M` month, `D` day, blank when complete."""
    p = _parts(dtc)
    flag = pd.Series("", index=dtc.index, dtype="str")
    flag = flag.mask(p["day"].isna(), "D").mask(p["month"].isna(), "M").mask(p["year"].isna(), "Y")
    return flag


def rel_day(date: pd.Series, trtsdt: pd.Series) -> pd.Series:
    """REL_DAY: days since the first infusion, which is day 0 (§0.1); `Int64`, missing where either is."""
    return ((date - trtsdt) / pd.Timedelta(days=1)).astype("Float64").round().astype("Int64")


def study_day(date: pd.Series, trtsdt: pd.Series) -> pd.Series:
    """CDISC study day (--DY, ADY): REL_DAY + 1 from the infusion on, REL_DAY before; there is no day 0 (§0.1)."""
    day = rel_day(date, trtsdt)
    return day.mask(day >= 0, day + 1)


def as_date(value: str) -> pd.Timestamp:
    """One complete ISO date as a timestamp at midnight; raises ValueError otherwise."""
    return pd.Timestamp(pd.to_datetime(value, format="%Y-%m-%d")).as_unit("s")

"""Start and end dates of adverse events when parts are missing (§3.7, A-64): flags kept, known parts never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from trialbook.dates import complete_date, earliest_date, latest_date, missing_part


def impute_partial(
    dtc: pd.Series, edge: Literal["first", "last"], *, lower: Sequence[pd.Series] = (), upper: Sequence[pd.Series] = ()
) -> pd.Series:
    """The first or last date a partial date may mean, moved to a limit that lies inside that range.

    A limit outside the range is ignored, so the known year and month never change: "2019-02", last, upper limits
    2019-01-14 and 2019-02-25 gives 2019-02-25. Lower limits are applied before upper ones. Complete dates are never
    moved; a missing date stays missing.
    """
    first, last = earliest_date(dtc), latest_date(dtc)
    date = first if edge == "first" else last
    for limit in lower:
        date = limit.where(limit.between(first, last) & (limit > date), date)
    for limit in upper:
        date = limit.where(limit.between(first, last) & (limit < date), date)
    return date


def impute_start(
    start: pd.Series, end: pd.Series, trtsdt: pd.Series, method: Literal["admiral_conservative", "none"]
) -> pd.DataFrame:
    """ASTDT and ASTDTF from AESTDTC, AEENDTC and TRTSDT.

    | known   | admiral_conservative                                                                       |
    |---------|--------------------------------------------------------------------------------------------|
    | YYYY-MM | first of the month, TRTSDT if it lies in that month; never after the end of the event      |
    | YYYY    | 1 January, TRTSDT if it lies in that year; never after the end of the event                |
    | missing | TRTSDT, unless the event is known to have ended before                                     |

    `none` keeps complete dates only. ASTDTF: Y, M or D = the largest imputed part, blank = nothing imputed.
    """
    if method == "none":
        complete = complete_date(start)
        return pd.DataFrame({"ASTDT": complete, "ASTDTF": pd.Series("", index=start.index, dtype="str")})
    latest_end = latest_date(end)
    date = impute_partial(start, "first", lower=[trtsdt], upper=[latest_end])
    ended_before = latest_end < trtsdt
    unknown = earliest_date(start).isna()
    date = date.mask(unknown & ~ended_before, trtsdt)
    flag = missing_part(start).where(date.notna(), "")
    return pd.DataFrame({"ASTDT": date.astype("datetime64[s]"), "ASTDTF": flag})


def impute_end(end: pd.Series, caps: Sequence[pd.Series], start: pd.Series) -> pd.DataFrame:
    """AENDT, AENDTF and whether the end was moved to the start, from AEENDTC, caps (death, cut, last contact), ASTDT.

    A partial end is the last date it may mean, capped; a missing end stays missing (an ongoing event). An imputed end
    that falls before the start is set to the start (NEGDUR), since nothing says the event ended before it began.
    """
    date = impute_partial(end, "last", upper=caps)
    flag = missing_part(end).where(date.notna(), "")
    negative = (flag != "") & (date < start)
    date = date.mask(negative, start)
    return pd.DataFrame({"AENDT": date.astype("datetime64[s]"), "AENDTF": flag, "NEGDUR": negative})

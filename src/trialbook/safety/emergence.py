"""Treatment-emergent adverse events: the ordered cases of rulebook §3.1, on what a date may mean."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import possible_moments

_DAY = pd.Timedelta(days=1)


def moment_range(dtc: pd.Series) -> pd.DataFrame:
    """`possible_moments` of an ISO 8601 text as columns `first` and `last`.

    >>> moment_range(pd.Series(["2025-03"])).astype("str").values.tolist()
    [['2025-03-01', '2025-03-31 23:59:59']]
    """
    first, last = possible_moments(dtc)
    return pd.DataFrame({"first": first, "last": last})


def treatment_emergent(
    onset: pd.DataFrame,
    end: pd.DataFrame,
    treatment_start: pd.Series,
    window_end: pd.Series,
    worsened: pd.Series,
    predose: pd.Series | None = None,
) -> pd.Series:
    """TRTEMFL: `Y` or blank, by the first case that applies.

    1. never treated: blank
    2. ended before the first infusion: blank
    3. onset unknown: Y
    4. onset on or after the first infusion, and not after `window_end`: Y; on the day of infusion without a time it
       counts as after (A-60), unless `predose` says before
    5. onset before the first infusion and worsened after it: Y
    6. else blank

    `onset` and `end` are ranges of `moment_range`; a partial date counts as on or after when it may be. `window_end`
    is the last date of emergence, NaT = no end.

    >>> onset, end = moment_range(pd.Series(["2025-03-04", "2025-03", None])), moment_range(pd.Series([None] * 3))
    >>> infused, no_end = pd.Series(pd.to_datetime(["2025-03-05"] * 3)), pd.Series(pd.NaT, range(3))
    >>> treatment_emergent(onset, end, infused, no_end, worsened=pd.Series(False, range(3))).tolist()
    ['', 'Y', 'Y']
    """
    before = (onset["last"] < treatment_start) | (False if predose is None else predose)
    started = onset["first"].notna()
    # The earliest moment on treatment that the onset may mean decides whether it lies in the window.
    earliest_on_treatment = onset["first"].where(onset["first"] > treatment_start, treatment_start)
    in_window = window_end.isna() | (earliest_on_treatment < window_end + _DAY)
    emergent = ~started | (started & ~before & in_window) | (before & worsened)
    ended_before = end["last"] < treatment_start
    flag = emergent & treatment_start.notna() & ~ended_before
    return pd.Series("", index=onset.index, dtype="str").mask(flag, "Y")


def grade_rose(before: pd.Series, after: pd.Series) -> pd.Series:
    """Whether a grade rose: final above initial, or either unknown (an unknown worsening is not ruled out).

    >>> grades = pd.Series([1, 2, pd.NA], dtype="Int64"), pd.Series([3, 2, 2], dtype="Int64")
    >>> grade_rose(*grades).tolist()
    [True, False, True]
    """
    return (after > before).fillna(False).astype(bool) | before.isna() | after.isna()


def emergent_lines(records: pd.DataFrame, emergent: pd.Series, before: pd.Series) -> pd.Series:
    """TRTEMFL of the lines of an event whose grade changes are on several lines (same AESPID or AEGRPID).

    Columns of `records`: USUBJID EPISODE ATOXGR ASTDT AESEQ and GROUPED (lines joined by an id of the site).
    An event that began before the first infusion is not new: its later lines are treatment-emergent only from the
    first line on whose grade exceeds the grade at the first infusion. `before` marks the lines that began before.
    """
    order = records.assign(before=before, flag=emergent == "Y").sort_values(
        ["USUBJID", "EPISODE", "before", "ASTDT", "AESEQ"], ascending=[True, True, False, True, True], kind="stable"
    )
    group = order.groupby(["USUBJID", "EPISODE"], sort=False)
    grade = order["ATOXGR"].astype("Float64")
    # Grade at the first infusion: of the last line that began before it.
    at_infusion = grade.where(order["before"]).groupby([order["USUBJID"], order["EPISODE"]]).ffill()
    pre_existing = group["before"].transform("any") & order["GROUPED"]
    rose = ~order["before"] & grade_rose(at_infusion, grade) & pre_existing
    since = rose.groupby([order["USUBJID"], order["EPISODE"]]).cummax()
    changed = pre_existing & ~order["before"]
    flag = order["flag"].where(~changed, order["flag"] & since)
    return pd.Series("", index=order.index, dtype="str").mask(flag.astype(bool), "Y").reindex(records.index)

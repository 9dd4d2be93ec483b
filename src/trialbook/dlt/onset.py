"""Whether an adverse event began inside the DLT window: by what its dates may mean, never by imputation (A-65)."""

from __future__ import annotations

import pandas as pd

from trialbook.safety.emergence import moment_range

IN, OUT, UNRESOLVED = "IN", "OUT", "UNRESOLVED"
LAST_SECOND = pd.Timedelta(seconds=86399)
LONG_AGO, FAR_AHEAD = pd.Timestamp("1900-01-01").as_unit("s"), pd.Timestamp("2199-12-31").as_unit("s")


def event_moments(ae: pd.DataFrame, subject: pd.DataFrame) -> pd.DataFrame:
    """Earliest and latest moment at which each event may have begun and ended: columns first, last, ended.

    `ae` needs AESTDTC AEENDTC; `subject` (same index) CUTDT DTHDT. A start lies before the end, the death and the
    cut, since the event is known at the cut; such a limit counts only where the known parts of the date allow it. A
    missing start may be any day up to these limits. `ended` is the latest possible end, NaT where none is known.
    """
    start, end = moment_range(ae["AESTDTC"]), moment_range(ae["AEENDTC"])
    first, last = start["first"].fillna(LONG_AGO), start["last"].fillna(FAR_AHEAD)
    ended = end["last"]
    limits = [subject[name] + LAST_SECOND for name in ("DTHDT", "CUTDT") if name in subject.columns]
    for limit in limits:
        ended = ended.mask((limit < ended) & (limit >= end["first"]), limit)
    for limit in (ended, *limits):
        last = last.mask((limit < last) & (limit >= first), limit)
    return pd.DataFrame({"first": first, "last": last, "ended": ended}, index=ae.index)


def onset_in_window(ae: pd.DataFrame, subject: pd.DataFrame, moments: pd.DataFrame, window: list[int]) -> pd.Series:
    """IN, OUT or UNRESOLVED for each event; OUT where the subject was never treated.

    | onset                                                                     | result     |
    |---------------------------------------------------------------------------|------------|
    | every day it may mean lies in the window (both ends inclusive, REL_DAY)   | IN         |
    | no day it may mean lies there, or it is known to precede the infusion     | OUT        |
    | some do and some do not                                                   | UNRESOLVED |

    On the day of infusion an onset without a time counts as after it (A-60), unless AESTRTPT says BEFORE.
    """
    opens = subject["TRTSDT"] + pd.Timedelta(days=window[0])
    closes = subject["TRTSDT"] + pd.Timedelta(days=window[1]) + LAST_SECOND
    before = (moments["last"] < opens) | _before_infusion(ae, subject, moments)
    outside = before | (moments["first"] > closes) | subject["TRTSDT"].isna()
    inside = (moments["first"] >= opens) & (moments["last"] <= closes)
    result = pd.Series(UNRESOLVED, index=ae.index, dtype="str")
    return result.mask(inside, IN).mask(outside, OUT)


def _before_infusion(ae: pd.DataFrame, subject: pd.DataFrame, moments: pd.DataFrame) -> pd.Series:
    """Known to have begun on the day of infusion but before it: by its time, or by the site's word."""
    same_day = moments["first"].dt.normalize().eq(subject["TRTSDT"]) & moments["last"].dt.normalize().eq(
        subject["TRTSDT"]
    )
    before = pd.Series(False, index=ae.index)
    if "TRTSDTM" in subject.columns:
        given = subject["TRTSDTM"].astype("str").str.replace(" ", "T", regex=False)
        started = moment_range(given)
        timed = started["first"].eq(started["last"])
        before |= same_day & timed & (moments["last"] < started["first"])
    if "AESTRTPT" in ae.columns:
        untimed = moments["first"].ne(moments["last"])
        before |= same_day & untimed & ae["AESTRTPT"].fillna("").str.upper().eq("BEFORE")
    return before

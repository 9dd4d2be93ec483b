"""Which assessment counts: the baseline before the first infusion, and the one of day 28 or 56 (rulebook §2.5-§2.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.core.dates import rel_day
from trialbook.gvhd.grade import ORGANS
from trialbook.protocol.analysis import Analysis

DAY_28 = 28  # the registered time of the response endpoint
DAY_56 = 56  # a response is durable when it is still there
# Kinds of baseline in the order of preference.
BASELINE_TYPES = ("WINDOW", "WIDE", "UNTIMED", "INCOMPLETE", "INCOMPLETE", "INCOMPLETE")


@dataclass(frozen=True)
class Landmark:
    """A day on which the response is judged: the assessments that count for it, and the days until it is mature."""

    day: int
    window: tuple[int, int]
    maturity: int

    @classmethod
    def day_28(cls, analysis: Analysis) -> Landmark:
        """Day 28 with `d28_window`; mature after `maturity_margin_d28`, or when the window ends if that is later."""
        return cls(DAY_28, (analysis.d28_window[0], analysis.d28_window[1]), analysis.days_to_maturity_d28)

    @classmethod
    def day_56(cls, analysis: Analysis) -> Landmark:
        """Day 56 with `d56_window`; mature after `maturity_margin_d56`, or when the window ends if that is later."""
        return cls(DAY_56, (analysis.d56_window[0], analysis.d56_window[1]), analysis.days_to_maturity_d56)


def with_rel_day(stages: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Assessments of these subjects with RELDAY (0 = first infusion); `subjects`: USUBJID TRTSDT."""
    frame = stages[stages["USUBJID"].isin(subjects["USUBJID"])].reset_index(drop=True)
    infused = dates_of(frame["USUBJID"], subjects.set_index("USUBJID")["TRTSDT"])
    return frame.assign(TRTSDT=infused, RELDAY=rel_day(frame["ADT"], infused))


def dates_of(subjects: pd.Series, dates: pd.Series) -> pd.Series:
    """The dates of these subjects, row by row, from `dates` by USUBJID; missing where a subject has none.

    >>> days = pd.Series(pd.to_datetime(["2025-03-05"]), index=["001"])
    >>> dates_of(pd.Series(["001", "002"]), days).astype("str").tolist()
    ['2025-03-05', nan]
    """
    return pd.Series(dates.reindex(subjects).to_numpy("datetime64[s]"), index=subjects.index)


def counted_day(relday: pd.Series, analysis: Analysis) -> pd.Series:
    """REL_DAY in the numbering of the windows: as it is under D0 (A-01), one more under CDISC numbering."""
    return relday + added_days(analysis)


def added_days(analysis: Analysis) -> int:
    """What the numbering of the windows adds to REL_DAY: 1 under CDISC numbering, else 0."""
    return 1 if analysis.day_numbering == "CDISC" else 0


def baseline_assessments(assessments: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The baseline of response: at most one assessment per subject (§2.5, A-50).

    `assessments`: `derive_stages` with RELDAY. Returns its rows with BASETYPE, sorted by subject. In this order:
    1. WINDOW: the last complete assessment in `baseline_window`, on day 0 only if before the infusion;
    2. WIDE: the same in `baseline_window_wide` (flagged);
    3. UNTIMED: a complete assessment on day 0 of which nobody wrote whether it was before the infusion (query);
    4. INCOMPLETE: the last of these that lacks an organ, for the bounds rule. Nothing is carried forward into it.
    """
    day = _days(assessments)
    complete = ~np.isnan(assessments[list(ORGANS)].to_numpy("float64")).any(axis=1)
    timing = assessments["TIMING"]
    timed = timing.isin(["", "PRE"]).to_numpy()
    narrow, wide = (
        timed & (first <= day) & (day <= last)
        for first, last in (analysis.baseline_window, analysis.baseline_window_wide)
    )
    untimed = timing.eq("UNTIMED").to_numpy() & (day <= max(analysis.baseline_window))
    choices = [narrow & complete, wide & complete, untimed & complete, narrow, wide, untimed]
    rank = np.select(choices, range(len(BASELINE_TYPES)), len(BASELINE_TYPES))
    chosen = _one_of_each_subject(assessments, rank, rank < len(BASELINE_TYPES))
    kinds = pd.array([BASELINE_TYPES[k] for k in rank[chosen]], dtype="str")
    return assessments.iloc[chosen].reset_index(drop=True).assign(BASETYPE=kinds)


def later_incomplete_baselines(assessments: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The last assessment before the infusion that is later than the baseline used and lacks an organ, if there is one.

    Of the same window as `baseline_assessments`; at most one row per subject. If the organ came to light, it would be
    the baseline.
    """
    base = baseline_assessments(assessments, analysis).set_index("USUBJID")["ADT"]
    day, used = _days(assessments), dates_of(assessments["USUBJID"], base)
    lacks = np.isnan(assessments[list(ORGANS)].to_numpy("float64")).any(axis=1)
    timed = assessments["TIMING"].isin(["", "PRE", "UNTIMED"]).to_numpy() & (day <= max(analysis.baseline_window))
    later = lacks & timed & (assessments["ADT"] > used).to_numpy("bool")
    return assessments.iloc[_one_of_each_subject(assessments, np.zeros(len(day)), later)].reset_index(drop=True)


def day28_assessments(assessments: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The assessment of day 28: in `d28_window`, the closest to day 28, of two equally close the later (A-56)."""
    return assessments_at(assessments, Landmark.day_28(analysis), analysis)


def assessments_at(assessments: pd.DataFrame, landmark: Landmark, analysis: Analysis) -> pd.DataFrame:
    """The assessment used for a landmark: in its window, the closest to its day, of two equally close the later.

    `assessments`: `derive_stages` with RELDAY. At most one row per subject.
    """
    day = _days(assessments) + added_days(analysis)
    inside = (landmark.window[0] <= day) & (day <= landmark.window[1])
    return assessments.iloc[_one_of_each_subject(assessments, abs(day - landmark.day), inside)].reset_index(drop=True)


def _days(assessments: pd.DataFrame) -> np.ndarray:
    """RELDAY as numbers, NaN where it is not known."""
    return assessments["RELDAY"].to_numpy("float64", na_value=np.nan)


def _one_of_each_subject(assessments: pd.DataFrame, rank: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The rows, by subject, of the usable assessment with the lowest rank each; of several the latest."""
    subject = pd.factorize(assessments["USUBJID"], sort=True)[0]
    late = -assessments["ADT"].to_numpy("datetime64[s]").astype("int64")
    order = np.lexsort([late, rank, subject])
    order = order[usable[order]]
    first = np.ones(len(order), dtype="bool")
    first[1:] = subject[order[1:]] != subject[order[:-1]]
    return order[first]

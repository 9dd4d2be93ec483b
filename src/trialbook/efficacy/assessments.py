"""Which assessment counts: the baseline before the first infusion, and the one of day 28 or 56 (domain §2.5-§2.8)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.dates import rel_day
from trialbook.gvhd.grade import ORGANS
from trialbook.protocol.analysis import Analysis

DAY_28 = 28  # the registered time of the response endpoint
DAY_56 = 56  # a response is durable when it is still there


@dataclass(frozen=True)
class Landmark:
    """A day on which the response is judged: the assessments that may stand for it, and the days until it is mature."""

    day: int
    window: tuple[int, int]
    maturity: int

    @classmethod
    def day_28(cls, analysis: Analysis) -> Landmark:
        """Day 28 with `d28_window` and `maturity_margin_d28`."""
        return cls(DAY_28, (analysis.d28_window[0], analysis.d28_window[1]), analysis.maturity_margin_d28)

    @classmethod
    def day_56(cls, analysis: Analysis) -> Landmark:
        """Day 56 with `d56_window` and `maturity_margin_d56`."""
        return cls(DAY_56, (analysis.d56_window[0], analysis.d56_window[1]), analysis.maturity_margin_d56)


def with_rel_day(stages: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Assessments of these subjects with RELDAY (0 = first infusion); `subjects`: USUBJID TRTSDT."""
    frame = stages.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one")
    return frame.assign(RELDAY=rel_day(frame["ADT"], frame["TRTSDT"]))


def dates_of(subjects: pd.Series, dates: pd.Series) -> pd.Series:
    """The dates of these subjects, row by row, from `dates` by USUBJID; missing where a subject has none."""
    return dates.reindex(subjects).set_axis(subjects.index).astype("datetime64[s]")


def counted_day(relday: pd.Series, analysis: Analysis) -> pd.Series:
    """REL_DAY in the numbering of the windows: as it is under D0 (A-01), one more under CDISC numbering."""
    return relday + (1 if analysis.day_numbering == "CDISC" else 0)


def baseline_assessments(assessments: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The baseline of response: at most one assessment per subject (§2.5, A-50).

    `assessments`: `derive_stages` with RELDAY. Returns its rows with BASETYPE, sorted by subject. In this order:
    1. WINDOW: the last complete assessment in `baseline_window`, on day 0 only if before the infusion;
    2. WIDE: the same in `baseline_window_wide` (flagged);
    3. UNTIMED: a complete assessment on day 0 of which nobody wrote whether it was before the infusion (query);
    4. INCOMPLETE: the last of these that lacks an organ, for the bounds rule. Nothing is carried forward into it.
    """
    day = assessments["RELDAY"].astype("Int64")
    complete = assessments[list(ORGANS)].notna().all(axis=1)
    timed = assessments["TIMING"].isin(["", "PRE"])
    narrow = day.between(*analysis.baseline_window).fillna(False).astype("bool") & timed
    wide = day.between(*analysis.baseline_window_wide).fillna(False).astype("bool") & timed
    untimed = (assessments["TIMING"] == "UNTIMED") & (day <= max(analysis.baseline_window)).fillna(False).astype("bool")
    kind = pd.Series("", index=assessments.index, dtype="str")
    rank = pd.Series(9, index=assessments.index, dtype="int64")
    for order, (name, chosen) in enumerate(
        [
            ("WINDOW", narrow & complete), ("WIDE", wide & complete), ("UNTIMED", untimed & complete),
            ("INCOMPLETE", narrow), ("INCOMPLETE", wide), ("INCOMPLETE", untimed),
        ]
    ):  # fmt: skip
        new = chosen & (rank == 9)
        kind, rank = kind.mask(new, name), rank.mask(new, order)
    frame = assessments.assign(BASETYPE=kind, rank=rank)
    frame = frame[frame["rank"] < 9].sort_values(["USUBJID", "rank", "ADT"], kind="stable")
    best = frame.groupby("USUBJID", sort=True)["rank"].transform("min")
    last = frame[frame["rank"] == best].drop_duplicates("USUBJID", keep="last")
    return last.drop(columns="rank").reset_index(drop=True)


def day28_assessments(assessments: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The assessment of day 28: in `d28_window`, the closest to day 28, of two equally close the later (A-56)."""
    return assessments_at(assessments, Landmark.day_28(analysis), analysis)


def assessments_at(assessments: pd.DataFrame, landmark: Landmark, analysis: Analysis) -> pd.DataFrame:
    """The assessment that stands for a landmark: in its window, the closest to its day, of two equally close the later.

    `assessments`: `derive_stages` with RELDAY. At most one row per subject.
    """
    day = counted_day(assessments["RELDAY"], analysis).astype("Int64")
    inside = day.between(*landmark.window).fillna(False).astype("bool")
    frame = assessments[inside].assign(distance=(day[inside] - landmark.day).abs())
    frame = frame.sort_values(["USUBJID", "distance", "ADT"], ascending=[True, True, False], kind="stable")
    return frame.drop_duplicates("USUBJID").drop(columns="distance").reset_index(drop=True)

"""Compares the estimators with results of R: one call per sample, whatever folder the results lie in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trialbook.statistics.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier

TRANSFORMS = ["log-log", "log", "plain", "logit"]
# The two tied pairs of this sample are one time each only up to rounding; the files show them rounded.
FLOAT_TIES = [0.1 + 0.2, 0.3, 1.1 * 3, 3.3, 5.0, 6.0]


def close(ours: float | None, theirs: float, tolerance: float = 1e-9) -> bool:
    """Equal within the tolerance, or both missing."""
    if ours is None or pd.isna(theirs):
        return ours is None and pd.isna(theirs)
    return abs(ours - theirs) <= tolerance


def sample(data: pd.DataFrame, dataset: str, stratum: str) -> tuple[list[float], list[int]]:
    """Times and events of one sample; `overall` is all groups together."""
    rows = data if stratum == "overall" else data[data["group"] == stratum]
    times = FLOAT_TIES if dataset == "edge_float_ties" else rows["time"].astype(float).tolist()
    return times, rows["event"].astype(int).tolist()


def curve_differences(curve: KaplanMeier, expected: pd.DataFrame) -> list[str]:
    """What differs from rows of km_curves: one dataset, stratum and conf_type; its std_err is that of log S."""
    band = curve.band(expected["conf_type"].iloc[0])
    ours = list(zip(curve.times, curve.n_risk, curve.n_event, curve.n_censor, curve.survival, curve.greenwood, band,
                    strict=True))  # fmt: skip
    if len(ours) != len(expected):
        return [f"{len(ours)} times, not {len(expected)}"]
    bad = []
    for (time, risk, event, censor, survival, greenwood, limits), row in zip(ours, expected.itertuples(), strict=True):
        same = (
            close(time, row.time)
            and (risk, event, censor) == (row.n_risk, row.n_event, row.n_censor)
            and close(float(survival), row.surv)
            and (greenwood**0.5 == row.std_err_cumhaz_scale or close(greenwood**0.5, row.std_err_cumhaz_scale))
            and close(limits[0], row.lower)
            and close(limits[1], row.upper)
        )
        bad += [] if same else [f"time {row.time}"]
    return bad


def quantile_differences(curve: KaplanMeier, expected: pd.DataFrame) -> list[str]:
    """What differs from rows of km_quantiles (one dataset and stratum)."""
    bad = []
    for row in expected[expected["conf_type"].isin(TRANSFORMS)].itertuples():
        ours = curve.quantile(row.p, row.conf_type)
        same = all(map(close, (ours.estimate, ours.low, ours.high), (row.estimate, row.lower, row.upper)))
        bad += [] if same else [f"{row.conf_type} {row.p}: {ours}"]
    return bad


def follow_up_differences(times: list[float], events: list[int], expected: pd.Series) -> list[str]:
    """What differs from a row of the follow-up summary: n, events, reverse Kaplan-Meier median with its limits."""
    median = reverse_kaplan_meier(times, events).median("log-log")
    theirs = (expected["reverse_km_median_followup"], expected["lower"], expected["upper"])
    same = all(map(close, (median.estimate, median.low, median.high), theirs))
    return [] if same and (len(times), sum(events)) == (expected["n"], expected["events"]) else [str(median)]


def curves(data: pd.DataFrame, dataset: str, stratum: str) -> KaplanMeier:
    """The curve of one sample."""
    return kaplan_meier(*sample(data, dataset, stratum))


def read(folder: Path, name: str) -> pd.DataFrame:
    """One file of R results; an empty cell is NA, Inf is infinite."""
    return pd.read_csv(folder / name)

"""Event rates per time at risk with exact Poisson limits (domain document §3.6)."""

from __future__ import annotations

import math

from scipy import special

from trialbook.statistics.intervals import Interval


def poisson_exact_rate(events: int, time: float, level: float = 0.95) -> Interval:
    """Events per unit of time with exact limits (Garwood, Biometrika 1936;28:437-442); None without time at risk.

    low = chi2(a/2; 2k) / 2T and high = chi2(1 - a/2; 2k + 2) / 2T, written with the gamma distribution. Raises
    ValueError for negative events or time, or events without time.
    """
    if events < 0 or not math.isfinite(time) or time < 0 or (events and not time):
        raise ValueError(f"{events} events in a time at risk of {time} mean nothing")
    if not time:
        return Interval(None, None, None, "poisson_exact")
    tail = (1 - level) / 2
    low = float(special.gammaincinv(events, tail)) / time if events else 0.0
    high = float(special.gammainccinv(events + 1, tail)) / time
    return Interval(events / time, low, high, "poisson_exact")

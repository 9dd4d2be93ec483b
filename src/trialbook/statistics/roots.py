"""Where a continuous function of one variable is zero, by Brent's method.

The steps are those of `scipy.optimize.brentq`, so that the limits are the same to the last bit; a test compares them.
Importing that package would take longer than everything else that a notebook does with an interval.
"""

from __future__ import annotations

from collections.abc import Callable

STEPS = 100
RELATIVE_TOLERANCE = 4 * 2.0**-52


def root_between(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """The x between `low` and `high` at which `function` is zero, to within `tolerance` (Brent 1973, chapter 4).

    Raises ValueError where the function has the same sign at both ends, ArithmeticError where it takes too long.
    """
    before, now = low, high
    value_before, value_now = function(before), function(now)
    if value_before == 0 or value_now == 0:
        return before if value_before == 0 else now
    if (value_before < 0) == (value_now < 0):
        raise ValueError("the function has the same sign at both ends")
    other, value_other = 0.0, 0.0
    step = step_before = 0.0
    for _ in range(STEPS):
        if value_before != 0 and value_now != 0 and (value_before < 0) != (value_now < 0):
            other, value_other = before, value_before
            step = step_before = now - before
        if abs(value_other) < abs(value_now):
            before, now, other = now, other, now
            value_before, value_now, value_other = value_now, value_other, value_now
        near = (tolerance + RELATIVE_TOLERANCE * abs(now)) / 2
        half = (other - now) / 2
        if value_now == 0 or abs(half) < near:
            return now
        if abs(step_before) > near and abs(value_now) < abs(value_before):
            attempt = _interpolated(before, now, other, value_before, value_now, value_other)
            short = 2 * abs(attempt) < min(abs(step_before), 3 * abs(half) - near)
            step_before, step = (step, attempt) if short else (half, half)
        else:
            step_before = step = half
        before, value_before = now, value_now
        now += step if abs(step) > near else near if half > 0 else -near
        value_now = function(now)
    raise ArithmeticError(f"no zero found in {STEPS} steps")


def _interpolated(
    before: float, now: float, other: float, value_before: float, value_now: float, value_other: float
) -> float:
    """The step to the zero of the line through two points, or of the inverse parabola through three."""
    if before == other:
        return -value_now * (now - before) / (value_now - value_before)
    slope_before = (value_before - value_now) / (before - now)
    slope_other = (value_other - value_now) / (other - now)
    top = -value_now * (value_other * slope_other - value_before * slope_before)
    return top / (slope_other * slope_before * (value_other - value_before))

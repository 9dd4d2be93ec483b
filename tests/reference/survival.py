"""A slow, exact survival engine written from the rulebook (§5.2), in plain Python; the product never imports it.

A subject is what its records say: days (from the first infusion) of proofs of life, and days of death reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class Subject:
    """One treated subject: days on which a record proves life (day 0 is the infusion), and days of reported death."""

    name: str
    alive: list[int] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)


def overall_survival(subjects: list[Subject], cut: int) -> dict[str, tuple[int, int]]:
    """(AVAL, CNSR) by subject: the earliest death by the cut is the event, else censored when last known alive."""
    times = {}
    for subject in subjects:
        deaths = [day for day in subject.deaths if day <= cut]
        seen = [day for day in [0, *subject.alive] if day <= cut]
        if deaths:
            if max(seen) > min(deaths):
                continue  # seen after the death: unresolved (P25)
            times[subject.name] = (min(deaths), 0)
        else:
            times[subject.name] = (max(seen), 1)
    return times


def survival(times: list[tuple[int, int]], day: int) -> Fraction:
    """S(day): over each day with deaths so far, the share of those still at risk who lived on."""
    s = Fraction(1)
    for when in sorted({t for t, censored in times if not censored and t <= day}):
        at_risk = sum(1 for t, _ in times if t >= when)
        died = sum(1 for t, censored in times if t == when and not censored)
        s *= Fraction(at_risk - died, at_risk)
    return s


def median(times: list[tuple[int, int]]) -> Fraction | None:
    """The first day with S <= 1/2; where S is exactly 1/2, the middle to the next day it falls, or to the last time."""
    deaths = sorted({t for t, censored in times if not censored})
    half = next((t for t in deaths if survival(times, t) <= Fraction(1, 2)), None)
    if half is None:
        return None
    if survival(times, half) < Fraction(1, 2):
        return Fraction(half)
    later = next((t for t in deaths if t > half), None)
    end = later if later is not None else max(t for t, _ in times)
    return Fraction(half + end, 2)

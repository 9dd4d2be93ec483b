"""BOIN, keyboard and CRM from the papers, enumerated cohort by cohort, written apart from the product.

Nothing of `trialbook` is imported. A design is a function of the counts after a whole cohort: the level of the next
one, or None to stop without a dose; a second function names the MTD at the end. Sources: Liu and Yuan 2015 with the
R package BOIN 2.7.2 (get.oc, select.mtd); Yan 2017 with the R package Keyboard (get.boundary.kb); O'Quigley 1990 with
the limits A-79 of the rulebook.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from scipy.stats import beta, binom

Counts = tuple[int, ...]
# Counts of subjects and DLTs, the level of the cohort, its DLTs -> the next level, None = stop without a dose.
Next = Callable[[Counts, Counts, int, int], int | None]
Choose = Callable[[Counts, Counts], int | None]


@dataclass(frozen=True)
class Design:
    """How the next level and, at the end, the MTD are chosen."""

    following: Next
    chosen: Choose


@dataclass(frozen=True)
class Course:
    """What comes of trials: the share in which each level is the MTD (the last entry: none), subjects and DLTs."""

    mtd: list[float]
    treated: list[float]
    dlts: list[float]


def enumerate_trials(design: Design, rates: Sequence[float], cap: int, cohort: int = 3) -> Course:
    """Every course of cohorts under these true rates; the cap cuts the last cohort short."""
    levels = len(rates)
    mtd, treated, dlts = [0.0] * (levels + 1), [0.0] * levels, [0.0] * levels
    none = (0,) * levels
    now: dict[tuple[Counts, Counts, int], float] = {(none, none, 0): 1.0}
    while now:
        later: dict[tuple[Counts, Counts, int], float] = defaultdict(float)
        for (n, x, level), chance in now.items():
            size = min(cohort, cap - sum(n))
            treated[level] += chance * size
            dlts[level] += chance * size * rates[level]
            for toxic in range(size + 1):
                p = chance * float(binom.pmf(toxic, size, rates[level]))
                m = _raised(n, level, size)
                y = _raised(x, level, toxic)
                goal = None if sum(m) == cap else design.following(m, y, level, toxic)
                if goal is not None:
                    later[m, y, goal] += p
                    continue
                # A trial that stops before the cap has no dose left.
                best = design.chosen(m, y) if sum(m) == cap else None
                mtd[levels if best is None else best] += p
        now = later
    return Course(mtd, treated, dlts)


def _raised(counts: Counts, level: int, by: int) -> Counts:
    return tuple(count + (by if k == level else 0) for k, count in enumerate(counts))


@cache
def tail(x: int, n: int, target: float) -> float:
    """Pr(rate > target) under a uniform prior."""
    return float(1 - beta.cdf(target, x + 1, n - x + 1))


def lowest_excluded(n: Counts, x: Counts, target: float, certainty: float = 0.95, extra: float = 0.0) -> int:
    """The lowest level with at least 3 subjects that is too toxic; `extra` is asked less of the lowest level."""
    for level, (m, y) in enumerate(zip(n, x, strict=True)):
        if m >= 3 and tail(y, m, target) > certainty - (extra if level == 0 else 0.0):
            return level
    return len(n)


def isotonic(n: Sequence[int], x: Sequence[int]) -> list[float]:
    """The isotonic fit by the max-min formula, weights one over the variance of (x + 0.05)/(n + 0.1)."""
    rate = [(y + 0.05) / (m + 0.1) for m, y in zip(n, x, strict=True)]
    weight = [(m + 0.1) ** 2 * (m + 1.1) / ((y + 0.05) * (m - y + 0.05)) for m, y in zip(n, x, strict=True)]

    def mean(first: int, last: int) -> float:
        part = range(first, last + 1)
        return sum(weight[k] * rate[k] for k in part) / sum(weight[k] for k in part)

    places = range(len(rate))
    return [max(min(mean(j, k) for k in places if k >= i) for j in places if j <= i) for i in places]


def isotonic_mtd(n: Counts, x: Counts, target: float, extra: float = 0.0, bound: float = math.inf) -> int | None:
    """The tried level below the excluded ones whose fit (under `bound`) is closest to the target."""
    tried = [k for k in range(lowest_excluded(n, x, target, extra=extra)) if n[k]]
    fit = isotonic([n[k] for k in tried], [x[k] for k in tried])
    # Of pooled levels the highest when the fit is below the target, else the lowest.
    ranked = [(round(abs(f - target), 9), -k if f < target else k, k) for f, k in zip(fit, tried, strict=True)]
    allowed = [entry for entry, f in zip(ranked, fit, strict=True) if f < bound]
    return min(allowed)[2] if allowed else None


def interval_design(letter: Callable[[int, int], str], target: float) -> Design:
    """One level up, down or none by the letter of the current level; excluded levels stay closed."""

    def following(n: Counts, x: Counts, level: int, toxic: int) -> int | None:
        closed = lowest_excluded(n, x, target)
        if closed == 0:
            return None
        if closed <= level:
            return closed - 1
        step = {"E": 1, "S": 0, "D": -1}[letter(x[level], n[level])]
        return max(0, min(level + step, closed - 1))

    return Design(following, lambda n, x: isotonic_mtd(n, x, target))


def boin_letter(target: float) -> Callable[[int, int], str]:
    """E at or below lambda_e, D at or above lambda_d, with 0.6 and 1.4 times the target."""
    low, high = 0.6 * target, 1.4 * target
    odds = math.log
    up = odds((1 - low) / (1 - target)) / (odds(target / (1 - target)) - odds(low / (1 - low)))
    down = odds((1 - target) / (1 - high)) / (odds(high / (1 - high)) - odds(target / (1 - target)))
    return lambda x, n: "E" if x <= up * n else "D" if x >= down * n else "S"


def de_escalation_boundary(target: float) -> float:
    """lambda_d of BOIN."""
    high = 1.4 * target
    return math.log((1 - target) / (1 - high)) / (math.log(high / (1 - high)) - math.log(target / (1 - target)))


def keyboard_letter(target: float, below: float, above: float) -> Callable[[int, int], str]:
    """The strongest key against [target - below, target + above]; a key cut off at 0 or 1 counts per its width."""
    width = below + above
    start = target - below
    number = math.ceil(round(start / width, 9))
    edges = [min(max(start + (k - number) * width, 0.0), 1.0) for k in range(number + 1)]
    while edges[-1] < 1 - 1e-9:
        edges.append(min(edges[-1] + width, 1.0))

    @cache
    def letter(x: int, n: int) -> str:
        heights = np.diff(beta.cdf(edges, x + 1, n - x + 1)) / np.diff(edges)
        strongest = max(k for k, height in enumerate(heights) if height == heights.max())
        return "E" if strongest < number else "D" if strongest > number else "S"

    return letter


def crm_design(target: float, skeleton: Sequence[float], variance: float) -> Design:
    """Power model, N(0, variance), rates at the posterior mean; the lowest level too toxic with 0.95 stops."""
    grid = np.linspace(-9, 9, 6001) * math.sqrt(variance)
    prior = -(grid**2) / (2 * variance)
    curves = [np.asarray(p) ** np.exp(grid) for p in skeleton]

    @cache
    def fit(n: Counts, x: Counts) -> tuple[int, float]:
        """The level closest to the target, and Pr(rate of the lowest level > target)."""
        log_density = prior.copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            for p, m, y in zip(curves, n, x, strict=True):
                log_density += np.where(y > 0, y * np.log(p), 0.0) + np.where(m > y, (m - y) * np.log1p(-p), 0.0)
        density = np.exp(log_density - np.nanmax(log_density))
        density = np.nan_to_num(density) / np.nan_to_num(density).sum()
        center = float(density @ grid)
        gaps = [abs(p ** math.exp(center) - target) for p in skeleton]
        return gaps.index(min(gaps)), float(density[curves[0] > target].sum())

    def stops(n: Counts, x: Counts) -> bool:
        return sum(n) >= 3 and fit(n, x)[1] > 0.95

    def highest(n: Counts) -> int:
        return max(k for k, m in enumerate(n) if m)

    def following(n: Counts, x: Counts, level: int, toxic: int) -> int | None:
        if stops(n, x):
            return None
        goal = min(fit(n, x)[0], highest(n) + 1)
        return min(goal, level) if toxic else goal

    return Design(following, lambda n, x: None if stops(n, x) else min(fit(n, x)[0], highest(n)))


def all_counts(levels: int, most: int) -> list[tuple[Counts, Counts]]:
    """Counts of subjects (0, 3, ... up to `most`) and DLTs of some levels: every combination."""
    one = [(m, y) for m in range(0, most + 1, 3) for y in range(m + 1)]
    pairs = product(one, repeat=levels)
    return [(tuple(m for m, _ in pair), tuple(y for _, y in pair)) for pair in pairs]

"""The CRM with a power model, and TITE-CRM (O'Quigley 1990; Cheung and Chappell 2000; as in dfcrm; §4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from trialbook.dlt.designs.cohorts import CohortRule
from trialbook.dlt.designs.design import History, Pending, Reads

# Gauss-Legendre over 10 prior standard deviations either side: the integrand is smooth and gone beyond.
NODES, REACH = 800, 10.0


@dataclass(frozen=True)
class Posterior:
    """The posterior of beta: its mean, its variance, and the nodes with its density and its weight on each."""

    mean: float
    variance: float
    nodes: NDArray[np.float64] = field(repr=False)
    mass: NDArray[np.float64] = field(repr=False)
    density: NDArray[np.float64] = field(repr=False)

    def quantile(self, share: float) -> float:
        """The beta below which this share of the posterior lies, between nodes by interpolation.

        >>> abs(round(posterior([0.1, 0.2], [], 1.34).quantile(0.5), 6))
        0.0
        """
        return float(np.interp(share, np.cumsum(self.mass) - self.mass / 2, self.nodes))

    def below(self, limit: float) -> float:
        """Pr(beta < limit), to four digits.

        The nodes are too far apart to count those below alone. Their weights reach to the middle between two nodes,
        but for a term in the slope of the density there (Euler and Maclaurin); from there on it is taken as a line.

        >>> round(posterior([0.1, 0.2], [], 1.34).below(0.0), 4)
        0.5
        """
        after = int(np.searchsorted(self.nodes, limit))
        if after in (0, len(self.nodes)):
            return float(after > 0)
        (left, right), (low, high) = self.nodes[after - 1 : after + 1], self.density[after - 1 : after + 1]
        step, beyond = right - left, limit - (left + right) / 2
        to_middle = self.mass[:after].sum() + step * (high - low) / 24
        return float(to_middle + beyond * ((low + high) / 2 + beyond * (high - low) / step / 2))


def posterior(skeleton: Sequence[float], subjects: Sequence[tuple[int, bool, float]], variance: float) -> Posterior:
    """Posterior of beta in p_j = skeleton_j ^ exp(beta), beta ~ N(0, variance).

    `subjects` are (level, DLT, weight): the likelihood of one is (w p)^y (1 - w p)^(1 - y), where w is 1 for a DLT or
    a closed window, else the share of the window that was followed. Their order does not matter.

    >>> seen = posterior([0.1, 0.2, 0.3], [(0, False, 1.0), (1, True, 1.0)], 1.34)
    >>> round(seen.mean, 3), [round(rate, 2) for rate in rates([0.1, 0.2, 0.3], seen.mean)]
    (-0.693, [0.32, 0.45, 0.55])
    """
    return _posterior(tuple(skeleton), tuple(sorted(subjects)), variance)


# The same state is asked about twice in a row; a simulation comes back to it often.
@lru_cache(maxsize=512)
def _posterior(
    skeleton: tuple[float, ...], subjects: tuple[tuple[int, bool, float], ...], variance: float
) -> Posterior:  # fmt: skip
    nodes, spread = _nodes(variance)
    log_density = np.log(spread) - nodes**2 / (2 * variance)
    for level, dlt, weight in subjects:
        log_density += _log_likelihood(skeleton[level], dlt, weight, variance)
    mass = np.exp(log_density - log_density.max())
    mass /= mass.sum()
    mean = float(mass @ nodes)
    return Posterior(mean, float(mass @ (nodes - mean) ** 2), nodes, mass, mass / spread)


@lru_cache(maxsize=4096)
def _log_likelihood(prior_rate: float, dlt: bool, weight: float, variance: float) -> NDArray[np.float64]:
    """The contribution of one subject at each node."""
    log_rate = np.exp(_nodes(variance)[0]) * log(prior_rate)
    if dlt:
        return log_rate + log(weight)
    # A rate of 1 makes "no DLT" impossible: log 0, a mass of 0, nothing to warn about.
    with np.errstate(divide="ignore"):
        return np.log1p(-weight * np.exp(log_rate))


def rates(skeleton: Sequence[float], beta: float) -> list[float]:
    """DLT rates of the levels at one beta.

    >>> rates([0.1, 0.2, 0.3], 0.0)
    [0.1, 0.2, 0.3]
    """
    return [p ** exp(beta) for p in skeleton]


@lru_cache(maxsize=8)
def _nodes(variance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, weight = np.polynomial.legendre.leggauss(NODES)
    half = REACH * sqrt(variance)
    return x * half, weight * half


@dataclass(frozen=True)
class Crm(CohortRule):
    """CRM: the level whose rate at the posterior mean is closest to the target.

    No untried level is skipped and nobody goes up after a DLT in the last cohort (A-79). The trial stops when the
    posterior probability that the lowest level exceeds the target is above `certainty`, from three evaluable subjects
    on. `extrasafe_offset` has no meaning here: it belongs to the rules that exclude a level by its own counts.
    """

    skeleton: tuple[float, ...] = ()
    prior_variance: float = 1.34
    name: ClassVar[str] = "CRM"

    @property
    def reads(self) -> Reads:
        """The last cohort (A-79) and, for TITE-CRM, the follow-up of each pending subject."""
        return Reads(self.cohort, "each" if self.reads_pending else "nothing")

    def excluded_from(self, history: History, pending: tuple[Pending, ...]) -> int:
        """0 when even the lowest level is too toxic, else the number of levels: the model excludes none of its own.

        While the cohort at the current level has an open place, its rest and everybody pending count as free of DLT,
        so that nothing the cohort could bring would change the answer.
        """
        # p_1 > target means exp(beta) < log(target) / log(skeleton_1).
        limit = log(log(self.target) / log(self.skeleton[0]))
        level = history.current
        rest = 0 if level is None else self.still_to_come(history, pending, level)
        seen, waiting = history, pending
        if level is not None and rest:
            to_come = [Pending(level, 1.0) for _ in range(rest)]
            seen, waiting = history.resolved((*pending, *to_come), dlt=False), ()
        toxic = len(seen.outcomes) >= self.smallest and self.posterior(seen, waiting).below(limit) > self.certainty
        return 0 if toxic else len(history.ids)

    def next_level(self, history: History, pending: tuple[Pending, ...], level: int, excluded_from: int) -> int | None:
        """The level closest to the target, within the limits of A-79."""
        tried = max([level, *(o.level for o in history.outcomes), *(p.level for p in pending)])
        best = min(self._closest(history, pending), tried + 1)
        return min(best, level) if any(history.last_cohort(pending, level, self.cohort)) else best

    def awaited(self, pending: tuple[Pending, ...], level: int) -> tuple[Pending, ...]:
        """Everybody pending: the model learns from every level."""
        return pending

    def mtd(self, history: History, excluded_from: int) -> int | None:
        """The level closest to the target, among those tried."""
        if not history.outcomes:
            return None
        return min(self._closest(history, ()), max(o.level for o in history.outcomes))

    def _closest(self, history: History, pending: tuple[Pending, ...]) -> int:
        found = rates(self.skeleton, self.posterior(history, pending).mean)
        distances = [abs(rate - self.target) for rate in found]
        return distances.index(min(distances))

    def posterior(self, history: History, pending: tuple[Pending, ...]) -> Posterior:
        """The posterior of beta.

        Where follow-up is not read, pending subjects count as free of DLT: a step down that is then advised
        does not depend on them.
        """
        subjects = [(o.level, o.dlt, 1.0) for o in history.outcomes]
        subjects += [(p.level, False, p.weight if self.reads_pending else 1.0) for p in pending]
        return posterior(self.skeleton, subjects, self.prior_variance)


@dataclass(frozen=True)
class TiteCrm(Crm):
    """TITE-CRM: as CRM, with each pending subject weighted by the share of the window that was followed."""

    name: ClassVar[str] = "TITE-CRM"
    reads_pending: ClassVar[bool] = True

"""The MTD at the end of an interval design: isotonic estimates of the DLT rates (Liu and Yuan 2015; §4.5)."""

from __future__ import annotations

from collections.abc import Sequence


def pool_adjacent_violators(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The weighted least-squares fit that never falls: neighbours that fall are pooled to their weighted mean."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, total, size = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, mass, count = blocks.pop()
            mean = (before * mass + mean * total) / (mass + total)
            total, size = total + mass, size + count
        blocks.append((mean, total, size))
    return [mean for mean, _, size in blocks for _ in range(size)]


def isotonic_rates(n: Sequence[int], x: Sequence[int]) -> list[float]:
    """DLT rates (x + 0.05)/(n + 0.1), made to rise with dose, weighted by one over their variance."""
    rates = [(k + 0.05) / (m + 0.1) for m, k in zip(n, x, strict=True)]
    weights = [
        (m + 0.1) ** 2 * (m + 1.1) / ((k + 0.05) * (m - k + 0.05)) for m, k in zip(n, x, strict=True)
    ]  # fmt: skip
    return pool_adjacent_violators(rates, weights)


def select_mtd(
    n: Sequence[int], x: Sequence[int], target: float, excluded_from: int, below: float = 1.0
) -> int | None:  # fmt: skip
    """The level whose isotonic rate is closest to the target, among those treated and not excluded; None without one.

    Only levels with an isotonic rate under `below` are looked at (`boundMTD` of CRAN BOIN: the de-escalation boundary).

    Levels with one pooled rate are told apart by a hair that rises with dose, as in CRAN BOIN: the highest of them is
    taken when the rate is below the target, the lowest when it is above.
    """
    tried = [level for level in range(excluded_from) if n[level] > 0]
    rates = isotonic_rates([n[level] for level in tried], [x[level] for level in tried])
    told_apart = [rate + (k + 1) * 1e-10 for k, rate in enumerate(rates)]
    # Rates rise with dose: those under a bound are the first.
    distances = [abs(rate - target) for rate in told_apart if below >= 1 or rate < below]
    return tried[distances.index(min(distances))] if distances else None

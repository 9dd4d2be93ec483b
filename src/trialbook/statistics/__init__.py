"""Plain estimators that know no trial: intervals, exact rates, Kaplan-Meier, competing risks."""

from __future__ import annotations

from collections.abc import Iterable


def added(numbers: Iterable[float]) -> float:
    """The sum, each number added to the one before: `sum` of Python 3.12 and later rounds in another way.

    A reported number is the same under every Python.

    >>> added([0.1] * 10), added([])
    (0.9999999999999999, 0)
    """
    total: float = 0
    for number in numbers:
        total += number
    return total

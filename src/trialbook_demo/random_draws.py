"""Chance that repeats: draws of one subject from the seed, untouched by what any other subject draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
POOL = 1024


class Chance:
    """Draws from one stream of the generator. Only uniform draws are used, so that the arithmetic is the same anywhere.

    Each subject has a stream of its own (`seed`, `stream`): a changed story changes the data of that subject only.
    """

    def __init__(self, seed: int, *stream: int) -> None:
        self._generator = np.random.default_rng([seed, *stream])
        self._pool: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._pool:
            self._pool = self._generator.random(POOL).tolist()
        return self._pool.pop()

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self.unit() * len(choices))]

    def yes(self, probability: float) -> bool:
        """True with this probability."""
        return self.unit() < probability

    def bell(self) -> float:
        """A bell-shaped number around 0 with standard deviation 1, never beyond 3.5: no wild outlier by chance."""
        return (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 3.0**0.5

"""Decisions for many trials at once: equal states are found, the rule is asked once for each that is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
# Bits of a signed integer that a key may fill.
ROOM = 62
# Above this many remembered states (follow-up in days makes nearly every state new) memory is worth more than time.
MOST_REMEMBERED = 200_000


class Lookup:
    """Remembers one whole number per state. A state is a column of small non-negative numbers."""

    def __init__(self, decide: Callable[[tuple[int, ...]], int]) -> None:
        self._decide = decide
        # By the layout of the numbers first: equal keys of two layouts are different states.
        self._known: dict[tuple[int, ...], dict[tuple[int, ...] | int, int]] = {}

    def __call__(self, rows: Sequence[Ints], bits: Sequence[int]) -> Ints:
        """The number of each column of `rows`; row k fits into bits[k] bits."""
        codes, uniques = pd.factorize(_packed(rows, bits))
        first = np.empty(len(uniques), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        known = self._known.setdefault(tuple(bits), {})
        if len(known) > MOST_REMEMBERED:
            known.clear()
        # A key that has been compressed means something in this call alone: the state itself is remembered instead.
        exact = sum(bits) <= ROOM
        keys: list[tuple[int, ...] | int]
        keys = uniques.tolist() if exact else [tuple(int(row[k]) for row in rows) for k in first]
        found = [known.get(key, -1) for key in keys]
        for position, number in enumerate(found):
            if number < 0:
                state = tuple(int(row[first[position]]) for row in rows)
                found[position] = known[keys[position]] = self._decide(state)
        return np.array(found, dtype=np.int64)[codes]


def _packed(rows: Sequence[Ints], bits: Sequence[int]) -> Ints:
    """One number per column, equal where and only where the columns are equal; compressed where they do not fit."""
    key, used = rows[0].astype(np.int64), bits[0]
    for row, size in zip(rows[1:], bits[1:], strict=True):
        if used + size > ROOM:
            key, used = _compressed(key)
        if used + size > ROOM:
            row, size = _compressed(row)
        key = (key << size) | row
        used += size
    return key


def _compressed(values: Ints) -> tuple[Ints, int]:
    """Numbers that are equal where the values are, as small as possible, and the bits that the largest needs."""
    codes = pd.factorize(values)[0].astype(np.int64)
    return codes, max(int(codes.max(initial=0)).bit_length(), 1)

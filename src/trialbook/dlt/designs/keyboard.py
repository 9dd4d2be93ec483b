"""The keyboard design (Yan et al. 2017; keys as in the R package Keyboard; §4.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trialbook.dlt.designs.mtpi2 import Mtpi2


@dataclass(frozen=True)
class Keyboard(Mtpi2):
    """Keyboard: the strongest key against the target key [target - margin, target + margin_above].

    Keys of its width are laid to 0 and to 1; an end key that is cut short competes with its mass per unit of width.
    That makes the keys the intervals of mTPI-2. The printed table excludes from one subject on.
    """

    name: ClassVar[str] = "keyboard"
    smallest: ClassVar[int] = 1

"""The keyboard design (Yan et al. 2017; §4.7): mTPI-2 with keys of equal width only, excluding from one subject on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trialbook.dlt.designs.mtpi2 import Mtpi2


@dataclass(frozen=True)
class Keyboard(Mtpi2):
    """Keyboard: the strongest key against the target key."""

    name: ClassVar[str] = "keyboard"
    smallest: ClassVar[int] = 1
    whole_only: ClassVar[bool] = True

"""How many rounds a property is tried for: a few every day, many with `make soak` (TRIALBOOK_SOAK)."""

from __future__ import annotations

import os

SOAK = bool(os.environ.get("TRIALBOOK_SOAK"))
MORE = 10


def rounds(every_day: int) -> int:
    """The number of examples of this run."""
    return every_day * MORE if SOAK else every_day

"""How pandas keeps text while a cut is worked on: a small trial's as Python objects, a large one's in Arrow's memory.

What is computed is the same to the byte. Each call into Arrow costs some twenty microseconds whatever the length of the
column: over the thousands of small selections of a trial of twelve subjects that is a third of all notebooks' time. At
1,200 subjects (50 MB) Arrow is a tenth to a fifth faster, and keeps text in a third of the memory.
"""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import pyarrow as pa

from trialbook.protocol.models import Trial

SMALL_BYTES = 10_000_000
# From here on a piece of a build has the memory to itself.
LARGE_BYTES = 100_000_000


def choose_text_storage(trial: Trial) -> None:
    """Sets pandas' storage of text for this process, and Arrow's memory of a large trial, by the size of the snapshot.

    A snapshot that cannot be looked at is left to those who read it, and who say so.
    """
    size = snapshot_bytes(trial)
    pd.set_option("mode.string_storage", "python" if size < SMALL_BYTES else "pyarrow")
    if size >= LARGE_BYTES:
        # Where Arrow has it: it gives back what is not used any more, 150 to 200 MB of the largest pieces.
        with suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())


def snapshot_bytes(trial: Trial) -> int:
    """How large the snapshot is; 0 where it cannot be looked at."""
    place = trial.root / trial.cut.snapshot
    files = [place] if place.is_file() else list(place.iterdir()) if place.is_dir() else []
    return sum(file.stat().st_size for file in files if file.is_file())

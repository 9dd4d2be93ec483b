"""Details of a whole table at once: every number opens to its lines, lines that several numbers share are kept once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import pandas as pd

from trialbook.display.opened import MOST_RECORDS, Detail

TITLE = "The records behind this number"
# Lines in the details of one table: a page must stay small. Numbers with few records open first.
MOST_LINES = 2500
Key = TypeVar("Key", bound=Hashable)


def openings(
    sets: Mapping[Key, Sequence[int]],
    lines: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    title: str = TITLE,
    most: int = MOST_LINES,
) -> dict[Key, Detail]:
    """The `details` of a table: for each key of a cell the lines at its positions in `lines`.

    Numbers with the same records share one detail. Where all lines would be more than `most`, the numbers with the
    fewest records open.
    """
    made: dict[tuple[int, ...], Detail] = {}
    room = most
    for found in sorted({tuple(positions) for positions in sets.values()}, key=lambda some: (len(some), some)):
        room -= min(len(found), MOST_RECORDS)
        if room < 0:
            break
        made[found] = Detail(title, lines.iloc[list(found)], labels)
    return {key: made[tuple(found)] for key, found in sets.items() if tuple(found) in made}

"""What a frame says of itself to the code that shows it: labels of its own, notes, and words for when it is empty.

Kept in the `attrs` of the frame, so that a cell which shows a listing need not repeat what the listing knows.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

LOOK = "trialbook look"


class Card(tuple[str, str, str]):
    """A headline number: label, value and note, and which number of the results it is (blank: none).

    `number`: analysis, group level, variable, variable level and context, as `results.ard` names them.

    >>> deaths = Card("Deaths", "2 of 12", number=("OS_EVENTS", "Total", "OS", "", ""))
    >>> deaths, deaths.number[0]
    (('Deaths', '2 of 12', ''), 'OS_EVENTS')
    """

    number: tuple[str, ...]

    def __new__(cls, label: str, value: str, note: str = "", number: tuple[str, ...] = ()) -> Card:
        """The card of a label, a value and a note."""
        card = super().__new__(cls, (label, value, note))
        card.number = number
        return card


def described(frame: pd.DataFrame, **look: Any) -> pd.DataFrame:
    """The frame with what a table or figure of it takes besides: `labels`, `notes`, `empty`, `stub`, `right`, `group`.

    >>> look_of(described(pd.DataFrame(), empty="Nobody has died."))
    {'empty': 'Nobody has died.'}
    """
    frame.attrs[LOOK] = {**look_of(frame), **{name: value for name, value in look.items() if value}}
    return frame


def look_of(frame: pd.DataFrame) -> dict[str, Any]:
    """What was said with `described`."""
    return dict(frame.attrs.get(LOOK, {}))

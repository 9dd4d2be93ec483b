"""What an analysis gives: a small frame to look at, which carries its rows of the results (ARD)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.errors import StopError, UsageError
from trialbook.results.ard import KEYS, ArdRow, to_ard

# How the results mark what is no analysis of the protocol.
ADDED = "added"


@dataclass(frozen=True)
class Counted:
    """What a result was counted as: its id, the kind of analysis, its rows, and whom it is about.

    `by`: the column of the groups, blank without; `levels`: the groups in their order, Total last. `denominator`: the
    set in words. `added`: it is no analysis of the protocol. `median_notes`: what is said under a table of its medians.
    """

    id: str
    kind: str
    rows: tuple[ArdRow, ...]
    by: str
    levels: tuple[str, ...]
    denominator: str
    added: bool
    median_notes: tuple[str, ...] = ()


class Result(pd.DataFrame):  # type: ignore[misc]  # pandas has no types of its own
    """The numbers of one analysis, a row per group (and time, or term): a frame that knows its rows of the results.

    What pandas makes of it (`head`, `query`) is a plain frame.
    """

    _metadata = ["counted"]  # noqa: RUF012 - as pandas asks for it
    counted: Counted

    @property
    def ard(self) -> pd.DataFrame:
        """The rows of the results."""
        return to_ard(self.counted.rows)

    def to_frame(self) -> pd.DataFrame:
        """The same numbers as a plain frame."""
        return pd.DataFrame(self)


def result_of(frame: pd.DataFrame, counted: Counted, source: pd.DataFrame | None = None) -> Result:
    """The frame as a result; it keeps what the `source` says of its making (`attrs`)."""
    made = Result(frame)
    made.counted = counted
    made.attrs = dict(source.attrs) if source is not None else {}
    return made


def stop_if_twice(rows: Sequence[ArdRow], notebook: str) -> None:
    """Raises StopError when two rows report one number; the message names the analysis and a way out."""
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        key = tuple(str(row[name]) for name in KEYS)  # type: ignore[literal-required]
        if key in seen:
            raise StopError(
                f"{row['analysis_id']} is reported twice ({' '.join(part for part in key[1:] if part)})", file=notebook,
                value=row["analysis_id"], next_step="give the second analysis an id of its own",
            )  # fmt: skip
        seen.add(key)


def added_context(is_added: bool, context: str = "") -> str:
    """The context of a row of the results: marked where the analysis is no part of the protocol.

    >>> added_context(True, "wilson"), added_context(False, "wilson"), added_context(True)
    ('added, wilson', 'wilson', 'added')
    """
    return ", ".join(part for part in (ADDED if is_added else "", context) if part)


def stop_if_no_id(analysis_id: str) -> None:
    """Raises UsageError for an analysis without a name of plain capitals, digits and underscores."""
    plain = analysis_id.replace("_", "").isalnum() and analysis_id.isascii() and analysis_id == analysis_id.upper()
    if not plain or not analysis_id[0].isalpha():
        raise UsageError(
            "an analysis is named by capitals, digits and underscores", file="notebook", column="id",
            value=analysis_id or "(none)", next_step='name it, as in id="MY_ORR_SEX"',
        )  # fmt: skip


def wide(records: Sequence[dict[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Records as the small frame that a cell shows, with these columns first; columns without any value are left out.

    >>> wide([{"group": "F", "n": 1, "pending": None}], ["group", "n", "pending"]).columns.tolist()
    ['group', 'n']
    """
    frame = pd.DataFrame(list(records), columns=list(columns))
    return frame.drop(columns=[name for name in frame if frame[name].isna().all() and len(frame)])

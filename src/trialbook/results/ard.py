"""Analysis results data (ARD): every reported number is one row here before any reader sees it (interface §6)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

import pandas as pd

from trialbook.core.messages import msg

COLUMNS = [
    "analysis_id", "group1", "group1_level", "variable", "variable_level", "context",
    "stat_name", "stat_label", "stat", "stat_text",
]  # fmt: skip
# What names one reported number.
KEYS = ["analysis_id", "group1_level", "variable", "variable_level", "context", "stat_name"]
TOTAL = "Total"
LABELS: dict[str, str] = {
    "n": msg("Subjects"),
    "N": msg("Subjects in the set"),
    "p": msg("Share of subjects"),
    "events": msg("Events"),
    "pending": msg("Pending"),
    "estimate": msg("Estimate"),
    "conf.low": msg("Lower 95% limit"),
    "conf.high": msg("Upper 95% limit"),
    "time": msg("Time at risk"),
    "rate": msg("Rate"),
    "n.risk": msg("At risk"),
    "n.event": msg("Events"),
    "prob_gt_target": msg("Pr(rate > target)"),
    "n.low": msg("Fewest subjects"),
    "n.high": msg("Most subjects"),
}
COUNTS = {"n", "N", "events", "pending", "n.risk", "n.event", "n.low", "n.high"}
NOT_ESTIMABLE = "-"
# The text of a null that a domain which was not delivered left open (rulebook §14.1), and what readers see for it.
NOT_EVALUABLE, NOT_EVALUABLE_WORDS = "NE", msg("not evaluable")


class ArdRow(TypedDict):
    """One reported number; `stat` is None where it is not estimable, and `stat_text` then says `-` or why."""

    analysis_id: str
    group1: str
    group1_level: str
    variable: str
    variable_level: str
    context: str
    stat_name: str
    stat_label: str
    stat: float | None
    stat_text: str


def round_half_up(value: float, digits: int) -> str:
    """Decimal text rounded half away from zero, as tables of trials are (never to even).

    >>> round_half_up(12.25, 1), round_half_up(0.125, 2), f"{0.125:.2f}"
    ('12.3', '0.13', '0.12')
    """
    quantum = Decimal(1).scaleb(-digits)
    # repr gives the shortest decimal that means this float, so 12.25 rounds as it reads.
    return str(Decimal(repr(float(value))).quantize(quantum, rounding=ROUND_HALF_UP))


def significant(value: float, digits: int) -> str:
    """Decimal text with so many significant digits, and no fewer digits than the whole number has.

    >>> significant(15.576, 2), significant(9.514, 2), significant(0.1712, 2), significant(116.4, 2), significant(0, 2)
    ('16', '9.5', '0.17', '116', '0.0')
    """
    size = math.floor(math.log10(abs(value))) if value else 0
    return round_half_up(value, max(0, digits - 1 - size))


def format_stat(stat_name: str, stat: float | None) -> str:
    """Text of a statistic: counts whole, shares as percent with one decimal, other numbers with three decimals.

    >>> format_stat("n", 3.0), format_stat("p", 0.25), format_stat("estimate", 0.58333), format_stat("p", None)
    ('3', '25.0%', '0.583', '-')
    """
    if stat is None or math.isnan(stat):
        return NOT_ESTIMABLE
    if stat_name in COUNTS:
        return str(int(stat))
    if stat_name == "p":
        return f"{round_half_up(100 * stat, 1)}%"
    return round_half_up(stat, 3)


def ard_row(
    analysis_id: str,
    level: str,
    variable: str,
    stat_name: str,
    stat: float | int | None,
    *,
    variable_level: str = "",
    context: str = "",
    stat_text: str | None = None,
    stat_label: str | None = None,
    group1: str = "TRT01A",
) -> ArdRow:
    """One ARD row for one dose level (or `Total`); a missing or NaN statistic becomes null with the text `-`.

    >>> row = ard_row("ORR_D28", "DL1", "ORR", "p", 0.25)
    >>> row["stat"], row["stat_text"]
    (0.25, '25.0%')
    """
    number = None if stat is None or math.isnan(float(stat)) else float(stat)
    text = format_stat(stat_name, number) if stat_text is None else stat_text
    return ArdRow(
        analysis_id=analysis_id, group1=group1, group1_level=level, variable=variable,
        variable_level=variable_level, context=context, stat_name=stat_name,
        stat_label=stat_label or LABELS.get(stat_name, stat_name), stat=number, stat_text=text,
    )  # fmt: skip


def ard_row_or_ne(
    analysis_id: str, level: str, variable: str, stat_name: str, stat: float | int | None, evaluable: bool, **place: str
) -> ArdRow:
    """`ard_row`; where the number is not evaluable, null with the text `NE`. `place`: variable_level, context.

    >>> row = ard_row_or_ne("ORR_D28", "DL1", "ORR", "n", 3, evaluable=False)
    >>> row["stat"], row["stat_text"]
    (None, 'NE')
    """
    if evaluable:
        return ard_row(analysis_id, level, variable, stat_name, stat, **place)
    return ard_row(analysis_id, level, variable, stat_name, None, stat_text=NOT_EVALUABLE, **place)


def proportion_rows(
    analysis_id: str, level: str, variable: str, n: int, total: int, events: int | None = None,
    *, variable_level: str = "", context: str = "",
) -> list[ArdRow]:  # fmt: skip
    """Rows n, N, p (and events): subjects, their set, the share; with N = 0 the share is null, not 0.

    >>> [(row["stat_name"], row["stat_text"]) for row in proportion_rows("SETS", "DL1", "SAF", 3, 4)]
    [('n', '3'), ('N', '4'), ('p', '75.0%')]
    >>> [(row["stat_name"], row["stat"]) for row in proportion_rows("SETS", "DL3", "SAF", 0, 0)]
    [('n', 0.0), ('N', 0.0), ('p', None)]
    """
    stats: list[tuple[str, float | None]] = [("n", n), ("N", total), ("p", n / total if total else None)]
    if events is not None:
        stats.append(("events", events))
    return [
        ard_row(analysis_id, level, variable, name, value, variable_level=variable_level, context=context)
        for name, value in stats
    ]


def to_ard(rows: Iterable[ArdRow]) -> pd.DataFrame:
    """The rows as a frame with the columns and types of the interface, in the order given.

    Raises ValueError when two rows report the same statistic, since then one of them would be a different number
    under the same name.

    >>> rows = proportion_rows("SETS", "DL1", "SAF", 3, 4)
    >>> to_ard(rows)[["variable", "stat_name", "stat"]].values.tolist()
    [['SAF', 'n', 3.0], ['SAF', 'N', 4.0], ['SAF', 'p', 0.75]]
    """
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    text = [name for name in COLUMNS if name != "stat"]
    frame = frame.astype({**dict.fromkeys(text, "str"), "stat": "float64"})
    keys = [name for name in COLUMNS if name not in ("stat", "stat_text", "stat_label")]
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        raise ValueError(f"reported twice: {twice[keys].iloc[0].to_dict()}")
    return frame

"""Worst and best case of an endpoint over everything that is still open, and the words for it (rulebook §14)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.statistics.intervals import clopper_pearson_upper

BOUNDS = "BOUNDS"
# Context of each case: whether subjects who are still pending are counted.
CASES = {"worst": False, "best": False, "worst_with_pending": True, "best_with_pending": True}


def bounds_rows(subjects: pd.DataFrame, levels: Sequence[str], variable: str, *, high_is_worse: bool) -> list[ArdRow]:
    """BOUNDS rows (n, N, estimate) of a proportion by dose level and Total, one context per case of `CASES`.

    `subjects` has one row per subject of the endpoint: SUBJID, TRT01A, LOW and HIGH (the least and the most that the
    subject can count once every open fact is known: 0 or 1), PENDING (True: outside the endpoint's N as yet).
    `stat_text` names the subjects whose LOW and HIGH differ, among those counted; blank where none does.
    `high_is_worse`: True for a toxicity, False for response and survival. With N = 0 the estimate is null.

    >>> subjects = pd.DataFrame({"SUBJID": ["001", "002"], "TRT01A": "DL1", "LOW": [0, 1], "HIGH": 1, "PENDING": False})
    >>> rows = bounds_rows(subjects, ["DL1"], "ORR_D28", high_is_worse=False)
    >>> [(row["context"], row["stat"], row["stat_text"]) for row in rows if row["stat_name"] == "n"][:2]
    [('worst', 1.0, '001'), ('best', 2.0, '001')]
    """
    rows: list[ArdRow] = []
    for level in [*levels, TOTAL]:
        group = subjects if level == TOTAL else subjects[subjects["TRT01A"] == level]
        for case, with_pending in CASES.items():
            counted = group if with_pending else group[~group["PENDING"].astype(bool)]
            column = "HIGH" if case.startswith("worst") == high_is_worse else "LOW"
            n, total = int(counted[column].sum()), len(counted)
            rows += case_rows(level, variable, case, n, total, n / total if total else None, deciding_subjects(counted))
    return rows


def case_rows(
    level: str, variable: str, case: str, n: int, total: int, estimate: float | None, deciding: str
) -> Iterator[ArdRow]:
    """The three rows of one case at one level; `deciding` (subject numbers) is the text of each."""
    for stat_name, stat in (("n", n), ("N", total), ("estimate", estimate)):
        yield ard_row(BOUNDS, level, variable, stat_name, stat, context=case, stat_text=deciding)


def deciding_subjects(subjects: pd.DataFrame) -> str:
    """The numbers of the subjects whose LOW and HIGH differ, in order, joined by a comma; blank where none does."""
    differs = subjects["LOW"].ne(subjects["HIGH"])
    return ", ".join(sorted(subjects.loc[differs, "SUBJID"].astype("str")))


@dataclass(frozen=True)
class Bounds:
    """The worst and the best case of one endpoint in one group, as counts: low <= high of `size` subjects.

    `deciding` names the subjects who are open among these. The same with the pending subjects counted too.
    """

    low: int
    high: int
    size: int
    deciding: str
    low_with_pending: int
    high_with_pending: int
    size_with_pending: int

    @property
    def range(self) -> str:
        """`7 to 9 of 11`; `7 of 11` where nothing is open."""
        return _range(self.low, self.high, self.size)

    @property
    def range_with_pending(self) -> str:
        """`range` with the pending subjects counted too; blank where nobody is pending."""
        if self.size_with_pending == self.size:
            return ""
        return _range(self.low_with_pending, self.high_with_pending, self.size_with_pending)

    @property
    def text(self) -> str:
        """`between 7 and 9 of 11, open: 003, 011; with pending 7 to 10 of 12`, or `no open fact`; see `bounds_text`."""
        named = f", open: {self.deciding}" if self.deciding else ""
        between = f"between {self.low} and {self.high} of {self.size}{named}"
        facts = between if self.low != self.high else ("no open fact" if self.size else "")
        pending = f"with pending {self.range_with_pending}" if self.range_with_pending else ""
        return "; ".join(part for part in (facts, pending) if part)


def bounds_of(ard: pd.DataFrame, variable: str, level: str = TOTAL) -> Bounds | None:
    """The bounds of one endpoint (ORR_D28, CR_D28, OS_100, DLT) at one dose level from its BOUNDS rows; None without.

    A toxicity, whose worst case is the high one, is read like a response: low and high are counts.
    """
    own = ard[(ard["analysis_id"] == BOUNDS) & (ard["variable"] == variable) & (ard["group1_level"] == level)]
    if own.empty:
        return None
    keys = list(zip(own["context"], own["stat_name"], strict=True))
    stat = dict(zip(keys, own["stat"], strict=True))
    text = dict(zip(keys, own["stat_text"], strict=True))
    low, high = sorted(int(stat[case, "n"]) for case in ("worst", "best"))
    low_pending, high_pending = sorted(int(stat[case, "n"]) for case in ("worst_with_pending", "best_with_pending"))
    return Bounds(
        low, high, int(stat["worst", "N"]), text["worst", "n"],
        low_pending, high_pending, int(stat["worst_with_pending", "N"]),
    )  # fmt: skip


def bounds_text(ard: pd.DataFrame, variable: str, level: str = TOTAL) -> str:
    """The worst and the best case beside a number, and who decides it, from the BOUNDS rows of the results.

    `between 7 and 9 of 11, open: 003, 011; with pending 7 to 10 of 12`. Where both cases agree: `no open fact`. Blank
    where the results have no such rows, or nobody to count.
    """
    found = bounds_of(ard, variable, level)
    return found.text if found else ""


def not_evaluable_text(found: Bounds | None) -> str:
    """What is said in the place of a number that an undelivered domain took: `not evaluable (0 to 9 of 11)`."""
    return f"not evaluable ({found.range})" if found and found.size else "not evaluable"


def excluded_text(n_events: int, n: int, level: float = 0.95) -> str:
    """What n subjects without an event exclude (§14.5): `0 of 12: a rate above 22.1% is excluded at 95%`.

    The bound is the one-sided Clopper-Pearson limit, for no event exactly 1 - (1 - level)^(1/n); it is rounded up, so
    that the sentence stays true. Blank where an event was seen, and with n = 0, where nothing is excluded.
    """
    high = clopper_pearson_upper(n_events, n, level).high
    if n_events or high is None:
        return ""
    percent = math.ceil(round(1000 * high, 9)) / 10
    return f"0 of {n}: a rate above {percent:g}% is excluded at {100 * level:g}%"


def _range(low: int, high: int, size: int) -> str:
    return f"{low} to {high} of {size}" if low != high else f"{low} of {size}"

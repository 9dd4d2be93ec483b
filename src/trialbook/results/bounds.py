"""Worst and best case of an endpoint over everything that is still open (rulebook §14.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from trialbook.results.ard import TOTAL, ArdRow, ard_row

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

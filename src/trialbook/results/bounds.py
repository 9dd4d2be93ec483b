"""Worst and best case of an endpoint over everything that is still open, and the words for it (rulebook §14)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.results.ard import (
    LABELS,
    NOT_ESTIMABLE,
    NOT_EVALUABLE,
    NOT_EVALUABLE_WORDS,
    TOTAL,
    ArdRow,
    ard_row,
    round_half_up,
)
from trialbook.statistics.intervals import clopper_pearson_upper

BOUNDS = "BOUNDS"
# Variables whose estimate is a Kaplan-Meier estimate begin with this.
SURVIVAL = "OS_"
# Context of each case: whether subjects who are still pending are counted.
CASES = {"worst": False, "best": False, "worst_with_pending": True, "best_with_pending": True}


def bounds_rows(subjects: pd.DataFrame, levels: Sequence[str], variable: str, *, high_is_worse: bool) -> list[ArdRow]:
    """BOUNDS rows (n, N, estimate) of a proportion by dose level and Total, one context per case of `CASES`.

    `subjects` has one row per subject of the endpoint: SUBJID, TRT01A, LOW and HIGH (the least and the most that the
    subject can count once every open fact is known: 0 or 1), PENDING (True: not yet in the endpoint's N).
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
    """The three rows of one case at one level; `deciding` (subject numbers) is the text of each.

    >>> [(row["stat_name"], row["stat"]) for row in case_rows("DL1", "DLT", "worst", 1, 3, 1 / 3, "003")][:2]
    [('n', 1.0), ('N', 3.0)]
    """
    for stat_name, stat in (("n", n), ("N", total), ("estimate", estimate)):
        yield ard_row(BOUNDS, level, variable, stat_name, stat, context=case, stat_text=deciding)


def deciding_subjects(subjects: pd.DataFrame) -> str:
    """The numbers of the subjects whose LOW and HIGH differ, in order, joined by a comma; blank where none does.

    >>> deciding_subjects(pd.DataFrame({"SUBJID": ["003", "001"], "LOW": [0, 1], "HIGH": [1, 1]}))
    '003'
    """
    differs = subjects["LOW"].ne(subjects["HIGH"])
    return ", ".join(sorted(subjects.loc[differs, "SUBJID"].astype("str")))


@dataclass(frozen=True)
class Case:
    """One case of an endpoint in one group: `n` of `size` subjects, and the estimate, None where there is none."""

    n: int
    size: int
    estimate: float | None

    @property
    def text(self) -> str:
        """`7 of 9`; `nobody counted` where no subject is.

        >>> Case(7, 9, 7 / 9).text, Case(0, 0, None).text
        ('7 of 9', 'nobody counted')
        """
        return f"{self.n} of {self.size}" if self.size else "nobody counted"


@dataclass(frozen=True)
class Bounds:
    """The two cases of one endpoint in one group, the lower rate first, and the same with the pending subjects too.

    `deciding` names the subjects who are open in the first two. `rates`: the estimate is not a share of those counted
    (Kaplan-Meier), so the range is given in estimates.
    """

    low: Case
    high: Case
    deciding: str
    low_with_pending: Case
    high_with_pending: Case
    rates: bool = False

    @property
    def counts_somebody(self) -> bool:
        """Whether one of the cases counts a subject, pending ones included."""
        return any(case.size for case in (self.low, self.high, self.low_with_pending, self.high_with_pending))

    @property
    def range(self) -> str:
        """`7 to 9 of 11`; `7 of 11` where nothing is open; `0.688 to 0.802` of a Kaplan-Meier estimate.

        Where one of the cases has nothing to count or to estimate, `with pending 0 to 2 of 2`.
        """
        if self._one_sided and self.range_with_pending:
            return msg("with pending {range_with_pending}", range_with_pending=self.range_with_pending)
        return " to ".join(self._ends())

    @property
    def range_with_pending(self) -> str:
        """The counts with the pending subjects too; blank where that changes nothing."""
        pending = (self.low_with_pending, self.high_with_pending)
        return "" if pending == (self.low, self.high) else " to ".join(_counts(*pending))

    @property
    def text(self) -> str:
        """`between 7 and 9 of 11, open: 003, 011; with pending 7 to 10 of 12`, or `nothing unknown` (`bounds_text`)."""
        pending = (
            msg("with pending {range_with_pending}", range_with_pending=self.range_with_pending)
            if self.range_with_pending
            else ""
        )
        if self._one_sided and pending:
            return pending + (msg(", open: {deciding}", deciding=self.deciding) if self.deciding else "")
        ends = self._ends()
        is_open = self.low != self.high or bool(self.deciding)
        facts = msg("nothing unknown") if self.low.size or self.high.size else ""
        if is_open:
            facts = (
                msg("between {ends}", ends=" and ".join(ends))
                if len(ends) > 1
                else msg("{ends} in every case", ends=ends[0])
            )
            facts += msg(", open: {deciding}", deciding=self.deciding) if self.deciding else ""
        return "; ".join(part for part in (facts, pending) if part)

    @property
    def _one_sided(self) -> bool:
        """Whether a case has nothing to count, or no estimate."""
        cases = (self.low, self.high)
        return any(not case.size or (self.rates and case.estimate is None) for case in cases)

    def _ends(self) -> list[str]:
        """The two ends in words, one where they read the same."""
        estimates = [case.estimate for case in (self.low, self.high) if case.estimate is not None]
        if self.rates and len(estimates) == 2:
            return list(dict.fromkeys(round_half_up(estimate, 3) for estimate in estimates))
        return _counts(self.low, self.high)


def bounds_of(ard: pd.DataFrame, variable: str, level: str = TOTAL) -> Bounds | None:
    """The bounds of one endpoint (ORR_D28, CR_D28, OS_100, DLT) at one dose level from its BOUNDS rows; None without.

    A toxicity, whose worst case is the high one, is read like a response: the lower rate comes first.
    """
    own = ard[(ard["analysis_id"] == BOUNDS) & (ard["variable"] == variable) & (ard["group1_level"] == level)]
    if own.empty:
        return None
    keys = list(zip(own["context"], own["stat_name"], strict=True))
    stat = dict(zip(keys, own["stat"], strict=True))
    text = dict(zip(keys, own["stat_text"], strict=True))
    case = {
        name: Case(
            int(stat[name, "n"]),
            int(stat[name, "N"]),
            None if pd.isna(stat[name, "estimate"]) else float(stat[name, "estimate"]),
        )
        for name in CASES
    }
    low, high = _by_rate(case["worst"], case["best"])
    low_with_pending, high_with_pending = _by_rate(case["worst_with_pending"], case["best_with_pending"])
    deciding = text["worst", "n"]
    return Bounds(low, high, deciding, low_with_pending, high_with_pending, rates=variable.startswith(SURVIVAL))


def _by_rate(*cases: Case) -> list[Case]:
    """Cases by rate; of equal rates the one that rests on fewer subjects first; nobody counted before all."""
    return sorted(cases, key=lambda case: (case.n / case.size if case.size else -1.0, case.n, case.size))


def _counts(low: Case, high: Case) -> list[str]:
    """The two ends as counts: `7`, `9 of 11`; both with their N where it differs; one where they are the same."""
    if low.size != high.size:
        return [low.text, high.text]
    return [str(low.n), high.text] if low.n != high.n else [high.text]


def bounds_text(ard: pd.DataFrame, variable: str, level: str = TOTAL) -> str:
    """The worst and the best case beside a number, and who decides it, from the BOUNDS rows of the results.

    `between 7 and 9 of 11, open: 003, 011; with pending 7 to 10 of 12`. Where both cases agree: `nothing unknown`.
    Blank where the results have no such rows, or nobody to count.

    >>> subjects = pd.DataFrame({"SUBJID": ["001", "002"], "TRT01A": "DL1", "LOW": [0, 1], "HIGH": 1, "PENDING": False})
    >>> rows = bounds_rows(subjects, ["DL1"], "ORR_D28", high_is_worse=False)
    >>> bounds_text(pd.DataFrame(rows), "ORR_D28", "DL1")
    'between 1 and 2 of 2, open: 001'
    """
    found = bounds_of(ard, variable, level)
    return found.text if found else ""


CASE_LABELS = {
    "level": msg("Dose level"),
    "worst": msg("Worst case"),
    "best": msg("Best case"),
    "worst_with_pending": msg("Worst, with pending"),
    "best_with_pending": msg("Best, with pending"),
    "deciding": msg("Subjects still open"),
}


def case_table(ard: pd.DataFrame, variable: str, levels: Sequence[str]) -> pd.DataFrame:
    """The BOUNDS of one endpoint for reading, a row per dose level and for all, with the columns of `CASE_LABELS`.

    Each case reads `7/9 (0.778)`: n of N and the estimate; "-" where nobody is counted.

    >>> subjects = pd.DataFrame({"SUBJID": ["001", "002"], "TRT01A": "DL1", "LOW": [0, 1], "HIGH": 1, "PENDING": False})
    >>> rows = pd.DataFrame(bounds_rows(subjects, ["DL1"], "ORR_D28", high_is_worse=False))
    >>> case_table(rows, "ORR_D28", ["DL1"])[["level", "worst", "best", "deciding"]].values.tolist()
    [['DL1', '1 of 2 (0.500)', '2 of 2 (1.000)', '001'], ['Total', '1 of 2 (0.500)', '2 of 2 (1.000)', '001']]
    """
    own = ard[(ard["analysis_id"] == BOUNDS) & (ard["variable"] == variable)]
    keys = zip(own["group1_level"], own["context"], own["stat_name"], strict=True)
    stat = dict(zip(keys, own["stat"], strict=True))
    table = []
    for level in [name for name in (*levels, TOTAL) if (name, "worst", "n") in stat]:
        cases = [_case(stat, level, case) for case in CASES]
        of_level = own[(own["group1_level"] == level) & (own["context"] == "worst_with_pending")]
        table.append((msg("Total") if level == TOTAL else level, *cases, of_level["stat_text"].iloc[0]))
    numbers = {
        (row, case): (BOUNDS, str(line[0]), variable, "", case) for row, line in enumerate(table) for case in CASES
    }
    shown = pd.DataFrame(table, columns=list(CASE_LABELS)).astype("str")
    return described(shown, labels=CASE_LABELS, numbers=numbers)


def _case(stat: dict[tuple[str, str, str], float], level: str, case: str) -> str:
    n, total, estimate = (stat[level, case, name] for name in ("n", "N", "estimate"))
    if not total:
        return NOT_ESTIMABLE
    counted = msg("{n} of {total}", n=int(n), total=int(total))
    if math.isnan(estimate):
        return counted
    return msg("{counted} ({share})", counted=counted, share=round_half_up(estimate, 3))


def with_bounds(rows: pd.DataFrame, ard: pd.DataFrame, variable: str) -> pd.DataFrame:
    """ARD rows for a table: n.low and n.high, from the BOUNDS rows of `ard`, beside every n that is not evaluable."""
    open_ = rows[(rows["stat_name"] == "n") & (rows["stat_text"] == NOT_EVALUABLE)]
    added = []
    for row in open_.to_dict("records"):
        found = bounds_of(ard, variable, row["group1_level"])
        for name, count in (("n.low", found.low.n), ("n.high", found.high.n)) if found else ():
            added.append({**row, "stat_name": name, "stat_label": LABELS[name], "stat": count, "stat_text": str(count)})
    return pd.concat([rows, pd.DataFrame(added, columns=rows.columns)], ignore_index=True) if added else rows


def not_evaluable_text(found: Bounds | None) -> str:
    """What is said in the place of a number that an undelivered domain took: `not evaluable (0 to 9 of 11)`."""
    return f"{NOT_EVALUABLE_WORDS} ({found.range})" if found and found.counts_somebody else NOT_EVALUABLE_WORDS


def excluded_text(n_events: int, n: int, level: float = 0.95) -> str:
    """What n subjects without an event exclude (§14.5): `0 of 12: a rate above 22.1% is excluded at 95%`.

    The bound is the one-sided Clopper-Pearson limit, for no event exactly 1 - (1 - level)^(1/n); it is rounded up, so
    that the sentence stays true. Blank where an event was seen, and with n = 0, where nothing is excluded.

    >>> excluded_text(0, 12)
    '0 of 12: a rate above 22.1% is excluded at 95%'
    >>> excluded_text(1, 12)
    ''
    """
    high = clopper_pearson_upper(n_events, n, level).high
    if n_events or high is None:
        return ""
    percent = math.ceil(round(1000 * high, 9)) / 10
    return msg("0 of {n}: a rate above {percent:g}% is excluded at {level:g}%", n=n, percent=percent, level=100 * level)

"""The numbers of the results as the first page and documents write them: counts, shares, limits, what is left open."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.messages import as_text, joined, msg
from trialbook.efficacy.survival_tables import headline_day
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, TOTAL
from trialbook.results.bounds import BOUNDS, bounds_of, bounds_text, excluded_text, not_evaluable_text
from trialbook.safety.ae_tables import CONTEXT_OF, LEFT_OPEN
from trialbook.safety.ledger import AESI_LEDGER, SAE_LEDGER, ledger_text, outside_text

# ----------------------------------------------------------------------------------------------------
# The numbers of the results as the first page writes them: counts, shares, limits, worst and best case.


# Endpoints whose range, from low to high, runs from the best case to the worst.
HIGH_IS_WORSE = ("DLT",)


class Numbers:
    """Looks up the texts of an ARD."""

    def __init__(self, ard: pd.DataFrame, analysis: Analysis) -> None:
        names = ["analysis_id", "variable", "variable_level", "context", "group1_level", "stat_name"]
        keys = ard[names].itertuples(index=False, name=None)
        self._texts = {tuple(map(str, key)): str(text) for key, text in zip(keys, ard["stat_text"], strict=True)}
        self.ard, self.analysis = ard, analysis
        self.os_day = headline_day(analysis)
        self._bounds = ard[ard["analysis_id"] == BOUNDS]

    def text(self, analysis: str, variable: str, stat: str, *, at: str = TOTAL, level: str = "", by: str = "") -> str:
        """The text of one statistic, or "" where it was not reported."""
        return self._texts.get((analysis, variable, level, by, at, stat), "")

    def count(self, analysis: str, variable: str, *, at: str = TOTAL, by: str = "") -> str:
        """`n of N`; "-" where the set is empty."""
        n, total = (self.text(analysis, variable, stat, at=at, by=by) for stat in ("n", "N"))
        if n == NOT_EVALUABLE:
            return self.not_evaluable(analysis, at=at)
        known = n not in ("", NOT_ESTIMABLE) and total.isdigit() and total != "0"
        return f"{n} of {total}" if known else NOT_ESTIMABLE

    def rate(self, analysis: str, variable: str, *, at: str = TOTAL, by: str = "") -> str:
        """The share, or "" where N is too small for one."""
        total = self.text(analysis, variable, "N", at=at, by=by)
        share = self.text(analysis, variable, "estimate" if by else "p", at=at, by=by)
        few = not total.isdigit() or int(total) < self.analysis.pct_min_n
        return "" if few or share == NOT_EVALUABLE else share

    def share(self, analysis: str, variable: str, *, at: str = TOTAL, by: str = "") -> str:
        """`n of N (share)`."""
        rate = words_of("{said}", self.rate(analysis, variable, at=at, by=by))
        return f"{self.count(analysis, variable, at=at, by=by)}{f' ({rate})' if rate else ''}"

    def limits(self, analysis: str, variable: str, *, at: str = TOTAL, level: str = "", by: str = "") -> str:
        """`low to high` of a 95% interval, or "" where there is none."""
        ends = [self.text(analysis, variable, f"conf.{end}", at=at, level=level, by=by) for end in ("low", "high")]
        return " to ".join(ends) if all(end not in ("", NOT_ESTIMABLE, NOT_EVALUABLE) for end in ends) else ""

    def estimate(self, analysis: str, variable: str, *, at: str = TOTAL, level: str = "", by: str = "") -> str:
        """`estimate (low to high)`, the estimate alone where it has no limits, "" where there is none."""
        value = self.text(analysis, variable, "estimate", at=at, level=level, by=by)
        limits = self.limits(analysis, variable, at=at, level=level, by=by)
        if value in ("", NOT_ESTIMABLE, NOT_EVALUABLE):
            return ""
        return msg("{estimate} ({limits})", estimate=as_text(value), limits=limits) if limits else value

    def not_evaluable(self, variable: str, *, at: str = TOTAL) -> str:
        """The text in the place of a number that is not evaluable: the words, and the bounds if there are some."""
        return not_evaluable_text(bounds_of(self._bounds, variable, at))

    def cases(self, variable: str, *, at: str = TOTAL) -> str:
        """The worst and the best case in words, and who decides them; "" where the results hold no bounds."""
        return bounds_text(self._bounds, variable, at)

    def cases_of(self, variable: str) -> str:
        """`cases` of all as a note."""
        best_first = variable in HIGH_IS_WORSE
        order = msg("best to worst case: {said}") if best_first else msg("worst to best case: {said}")
        return words_of(order, self.cases(variable))


def words_of(pattern: str, text: str, place: str = "said") -> str:
    """The text in its pattern, at the place {said} or another; blank where there is none."""
    return msg(pattern, **{place: as_text(text)}) if text not in ("", NOT_ESTIMABLE) else ""


# ----------------------------------------------------------------------------------------------------
# What the first page says of adverse events: counts, what has no grade, and what lies outside the window (§14).


# Row of the overview: its name on the first page, and the ledger that counts beyond the window.
COUNTED = {
    "TEAE": (msg("Any TEAE"), ""),
    "TEAE_GE3": (msg("TEAE of grade 3 or more"), ""),
    "SAE": (msg("Serious adverse events"), SAE_LEDGER),
    "AESI": (msg("Events of special interest"), AESI_LEDGER),
}
FROM_CONSENT = {
    SAE_LEDGER: msg("Serious, from consent on [events]"),
    AESI_LEDGER: msg("Special interest, from consent on [events]"),
}


def reported(ard: pd.DataFrame) -> list[str]:
    """The rows of the overview that the results have, in the order of the first page; always TEAE and SAE."""
    known = set(ard.loc[ard["analysis_id"].eq("TEAE_OVERVIEW"), "variable"])
    return [name for name in COUNTED if name in known or name in ("TEAE", "SAE")]


def open_text(ard: pd.DataFrame, variable: str, level: str = TOTAL) -> str:
    """`and 1 not graded`, `and 1 of unknown seriousness` beside a count that rests on it; blank where all is known."""
    context = CONTEXT_OF.get(variable, "")
    if not context:
        return ""
    rows = ard[
        ard["analysis_id"].eq("TEAE_OVERVIEW") & ard["variable"].eq(variable) & ard["context"].eq(context)
        & ard["group1_level"].eq(level) & ard["stat_name"].eq("n") & ard["stat"].gt(0)
    ]  # fmt: skip
    if rows.empty:
        return ""
    return msg("and {n} {left_open}", n=rows["stat_text"].iloc[0], left_open=LEFT_OPEN[context])


def events_beside(ard: pd.DataFrame, analysis: Analysis, variable: str) -> str:
    """The text beside the number of a card: what has no grade, what lies outside the window, what 0 excludes."""
    ledger = COUNTED[variable][1]
    parts = [
        open_text(ard, variable),
        outside_text(ard, analysis, analysis_id=ledger, variable=variable) if ledger else "",
    ]
    said = [part for part in parts if part]
    return joined(said, "; ") if said else _nothing_seen(ard, variable)


def _nothing_seen(ard: pd.DataFrame, variable: str) -> str:
    rows = ard[
        ard["analysis_id"].eq("TEAE_OVERVIEW") & ard["variable"].eq(variable) & ard["context"].eq("")
        & ard["group1_level"].eq(TOTAL)
    ].set_index("stat_name")["stat"]  # fmt: skip
    return excluded_text(0, int(rows["N"])) if rows.get("n") == 0 and rows.get("N", 0) > 0 else ""


def with_ungraded(count: str, ard: pd.DataFrame, variable: str, level: str) -> str:
    """A count of the table by level, and what has no grade or no seriousness."""
    said = open_text(ard, variable, level)
    return msg("{count}, {said}", count=as_text(count), said=said) if said and count != NOT_ESTIMABLE else count


def ledger_by_level(ard: pd.DataFrame, levels: Sequence[str]) -> dict[str, list[str]]:
    """Rows of the table by level: subjects [events] of each ledger that the results have."""
    rows: dict[str, list[str]] = {}
    for variable, (_, ledger) in COUNTED.items():
        if ledger and ard["analysis_id"].eq(ledger).any():
            texts = [ledger_text(ard, analysis_id=ledger, variable=variable, level=level) for level in levels]
            rows[FROM_CONSENT[ledger]] = texts
    return rows

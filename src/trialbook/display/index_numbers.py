"""The numbers of the results as the first page writes them: counts, shares, limits, worst and best case."""

from __future__ import annotations

import pandas as pd

from trialbook.efficacy.survival_views import headline_day
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, TOTAL
from trialbook.results.bounds import BOUNDS, bounds_of, bounds_text, not_evaluable_text

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
        rate = words_of("{}", self.rate(analysis, variable, at=at, by=by))
        return f"{self.count(analysis, variable, at=at, by=by)}{f' ({rate})' if rate else ''}"

    def limits(self, analysis: str, variable: str, *, at: str = TOTAL, level: str = "", by: str = "") -> str:
        """`low to high` of a 95% interval, or "" where there is none."""
        ends = [self.text(analysis, variable, f"conf.{end}", at=at, level=level, by=by) for end in ("low", "high")]
        return " to ".join(ends) if all(end not in ("", NOT_ESTIMABLE, NOT_EVALUABLE) for end in ends) else ""

    def not_evaluable(self, variable: str, *, at: str = TOTAL) -> str:
        """What stands in the place of a number that is not evaluable: the words, and the bounds if there are some."""
        return not_evaluable_text(bounds_of(self._bounds, variable, at))

    def cases(self, variable: str, *, at: str = TOTAL) -> str:
        """The worst and the best case in words, and who decides them; "" where the results hold no bounds."""
        return bounds_text(self._bounds, variable, at)

    def cases_of(self, variable: str) -> str:
        """`cases` of all as a note."""
        order = "best to worst" if variable in HIGH_IS_WORSE else "worst to best"
        return words_of(order + " case: {}", self.cases(variable))


def words_of(pattern: str, text: str) -> str:
    """The text in its pattern; blank where there is none."""
    return pattern.format(text) if text not in ("", NOT_ESTIMABLE) else ""

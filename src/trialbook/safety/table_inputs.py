"""The events of one cut as the tables of the safety notebook need them: selections, lines to open, what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from trialbook.core.messages import msg
from trialbook.results.ard import TOTAL
from trialbook.safety.ae_tables import GRADE_WORDS, UNGRADED, grade_rank, left_open, selections
from trialbook.safety.counting import Sets, all_sets, mask_sets, maximum_sets, term_sets
from trialbook.safety.listings import event_lines
from trialbook.safety.new_since_cut import event_news, new_in


@dataclass(frozen=True, eq=False)
class EventData:
    """ADAE and ADSL of this cut, ADAE of the last cut (None at the first) and that cut's name."""

    adae: pd.DataFrame
    adsl: pd.DataFrame
    before: pd.DataFrame | None = None
    last_cut: str | None = None

    @cached_property
    def news(self) -> pd.Series:
        """`new`, `changed: ...` or blank for each record."""
        return event_news(self.adae, self.before)

    @cached_property
    def lines(self) -> pd.DataFrame:
        """One line to read per record of ADAE, in its order."""
        return event_lines(self.adae, self.adsl, self.news)

    @property
    def short_lines(self) -> pd.DataFrame:
        """The lines without the dates, for what opens behind a number."""
        return self.lines.drop(columns=["START", "END"])

    @cached_property
    def masks(self) -> dict[str, pd.Series]:
        """Which records each row of the overview counts."""
        return selections(self.adae)

    @cached_property
    def left_open(self) -> dict[str, pd.Series]:
        """Which records may belong to a row of the overview because their grade or seriousness is missing."""
        return left_open(self.adae)

    @cached_property
    def fresh(self) -> dict[str, pd.Series]:
        """Which of them were not counted at the last cut; nothing at the first."""
        return {} if self.before is None else new_in(self.adae, self.before)

    def chosen(self, name: str) -> pd.DataFrame:
        """The records that a row of the overview counts."""
        return self.adae[self.masks[name]]

    @property
    def news_heads(self) -> dict[str, str]:
        """The column of a table that says what is new, with its head; none at the first cut."""
        return {} if self.before is None else {"new": msg("New since {last_cut}", last_cut=self.last_cut)}

    def overview_sets(self) -> Sets:
        """The records behind the overview: key = name of the row, level (or `new`); with those left open."""
        every = {name: mask | self.left_open.get(name, False) for name, mask in self.masks.items()}
        fresh = {name: mask | self._fresh_open.get(name, False) for name, mask in self.fresh.items()}
        return mask_sets(self.adae, every) | _new(mask_sets(self.adae, fresh), list(self.news_heads))

    @cached_property
    def _fresh_open(self) -> dict[str, pd.Series]:
        return {} if self.before is None else new_in(self.adae, self.before, left_open)

    def grade_sets(self) -> Sets:
        """The records behind the tables by maximum grade: key = class (TEAE = all), term (blank = any), grade, level.

        The grade `ungraded` has every record without one.
        """
        teae = self.chosen("TEAE")
        missing = teae[teae["ATOXGR"].isna()]
        return maximum_sets(teae, grade_rank(self.adae), GRADE_WORDS) | all_sets(missing, UNGRADED)

    def term_sets(self, name: str) -> Sets:
        """The records behind a table by class and term: key = class, term, level (or `new`). `name`: overview row."""
        fresh = {} if self.before is None else term_sets(self.adae[self.fresh[name]])
        return term_sets(self.chosen(name)) | _new(fresh, list(self.news_heads))


def _new(sets: Sets, columns: Sequence[str]) -> Sets:
    """The sets in Total under the column that says what is new."""
    return {(*key[:-1], column): found for key, found in sets.items() for column in columns if key[-1] == TOTAL}

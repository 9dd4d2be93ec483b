"""The events of one cut as the tables of the safety notebook need them: selections, lines to open, what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from trialbook.analyses.result import Result
from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import TOTAL
from trialbook.safety import ledger
from trialbook.safety.ae_tables import (
    EVENT_CELL,
    GRADE_WORDS,
    LABELS,
    RELATION_WORDS,
    UNGRADED,
    UNGRADED_LABEL,
    grade_rank,
    infections,
    left_open,
    maximum_frame,
    possible,
    relation_rank,
    selections,
    with_ungraded,
)
from trialbook.safety.counting import (
    ANY_EVENT,
    OVERALL,
    Sets,
    all_sets,
    mask_sets,
    maximum_sets,
    record_sets,
    set_sizes,
    term_sets,
)
from trialbook.safety.listings import event_lines
from trialbook.safety.new_since_cut import event_news, new_in, with_news
from trialbook.safety.tables import (
    count_notes,
    left_out,
    most_frequent,
    most_frequent_terms,
    relation_note,
    severity_notes,
    unseen_notes,
)

# Terms that a table of a large trial shows at most, and says so.
MOST_TERMS = 60


@dataclass(frozen=True, eq=False)
class EventData:
    """ADAE and ADSL of this cut, ADAE of the last cut (None at the first), that cut's name, and the dose levels."""

    adae: pd.DataFrame
    adsl: pd.DataFrame
    before: pd.DataFrame | None = None
    last_cut: str | None = None
    levels: Sequence[str] = ()

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

    @property
    def heads(self) -> dict[str, str]:
        """Heads of tables by level: `DL1 (N=3)`, and Total."""
        return {level: f"{level} (N={size})" for level, size in set_sizes(self.adsl, self.levels).items()}

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a table by level that says what is new, with their heads."""
        heads = self.heads | self.news_heads
        return {"columns": list(heads), "headers": heads}

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

    def relation_sets(self) -> Sets:
        """The same for the tables by strongest relationship."""
        return maximum_sets(self.chosen("TEAE"), relation_rank(self.adae), RELATION_WORDS)

    def special_sets(self) -> Sets:
        """The records behind the table of special interest: key = category, level; with those left open."""
        return record_sets(pd.concat([self.chosen("AESI"), possible(self.adae)]), ["AESICAT"])

    def infection_sets(self) -> Sets:
        """The records behind the table of infections: key = kind, level."""
        return record_sets(infections(self.adae), ["INFCAT"])

    def term_sets(self, name: str) -> Sets:
        """The records behind a table by class and term: key = class, term, level (or `new`). `name`: overview row."""
        fresh = {} if self.before is None else term_sets(self.adae[self.fresh[name]])
        return term_sets(self.chosen(name)) | _new(fresh, list(self.news_heads))


def _new(sets: Sets, columns: Sequence[str]) -> Sets:
    """The sets in Total under the column that says what is new."""
    return {(*key[:-1], column): found for key, found in sets.items() for column in columns if key[-1] == TOTAL}


# ----------------------------------------------------------------------------------------------------
# Rows of the results as the tables show them: with what is new, the notes, and the words for nobody.


NO_EVENT = msg("No treatment-emergent adverse event at this cut.")
# What a table by class and term says where it is empty.
NO_TERM = {
    "TEAE_SOC_PT": NO_EVENT, "TRAE_SOC_PT": msg("No related treatment-emergent event at this cut."),
    "SAE_SOC_PT": msg("No event known to be serious and treatment-emergent at this cut."),
}  # fmt: skip


def beyond_the_overview(
    in_ledger: pd.DataFrame, serious: pd.DataFrame, special: pd.DataFrame, data: EventData, analysis: Analysis
) -> dict[str, str]:
    """By row of the overview what it does not count, in words: serious and special events outside the window, and who
    counts as related only because the site did not say. `in_ledger`: rows of the ledger; the others: its events.
    """
    outside = {
        "SAE": ledger.outside_text(in_ledger, analysis),
        "TRAE": relation_note(data.adae, data.adsl),
        "AESI": ledger.outside_text(in_ledger, analysis, analysis_id=ledger.AESI_LEDGER, variable="AESI"),
    }
    named = {"SAE": serious[serious["AESICAT"].ne("")], "AESI": special}
    return outside | {kind: ledger.with_names(outside[kind], own, analysis) for kind, own in named.items()}


def overview_table(
    overview: pd.DataFrame, news: pd.DataFrame, data: EventData, analysis: Analysis, beyond: dict[str, str]
) -> pd.DataFrame:
    """T-5: the overview with what is new, what is left open, and its notes."""
    elsewhere = [name for name in ("SAE", "AESI") if beyond[name]]
    return described(
        with_ungraded(with_news(overview, news, column="new")), **data.columns, row="variable", row_labels=LABELS,
        stats=EVENT_CELL,
        notes=[*count_notes(analysis), *severity_notes(overview), *unseen_notes(overview, elsewhere)],
    )  # fmt: skip


def term_table(counted: Result, news: pd.DataFrame, data: EventData, most: int | None = MOST_TERMS) -> pd.DataFrame:
    """T-6, T-8, T-10: subjects and events by class and term, with what is new; of many terms the most frequent."""
    rows = counted.ard
    shown = rows if most is None else most_frequent(rows, most)
    return described(
        with_news(shown, news, column="new").copy(deep=False), **data.columns, group="variable", row="variable_level",
        row_labels={"": ANY_EVENT}, stub=msg("Preferred term"), notes=left_out(rows, shown),
        empty=NO_TERM.get(counted.counted.id, NO_EVENT),
    )  # fmt: skip


def overall_table(by_maximum: pd.DataFrame, empty: str = NO_EVENT) -> pd.DataFrame:
    """T-7a, T-9a: subjects by the maximum of all their events, of rows by maximum."""
    rows = by_maximum[by_maximum["variable"].eq(OVERALL)]
    labels = {UNGRADED: UNGRADED_LABEL}
    return described(rows, row="context", row_labels=labels, stats="{n} ({p})", empty=empty)


def maximum_table(by_maximum: pd.DataFrame, by_term: Result, empty: str = NO_EVENT) -> pd.DataFrame:
    """T-7b, T-9b: subjects by the maximum in each class and term, all levels, for the terms that T-6 shows."""
    shown = most_frequent(by_term.ard, MOST_TERMS)
    return described(
        most_frequent_terms(maximum_frame(by_maximum), shown), group="variable", empty=empty,
        labels={"variable_level": msg("Preferred term"), UNGRADED: UNGRADED_LABEL}, notes=left_out(by_term.ard, shown),
    )  # fmt: skip


def special_table(special: pd.DataFrame, events: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """T-11: events of special interest by category, each with what lies outside the window (`events` of the ledger)."""
    elsewhere = ledger.special_outside(events, analysis)
    return described(
        with_ungraded(special), row="variable_level", stub=msg("Category"), stats=EVENT_CELL,
        row_labels={
            category: msg("{category} (and {words})", category=category, words=words)
            for category, words in elsewhere.items()
        },
        empty=msg("The protocol file names no event of special interest."),
        notes=[*severity_notes(special), *unseen_notes(special, elsewhere)],
    )  # fmt: skip


def infection_table(infected: pd.DataFrame) -> pd.DataFrame:
    """T-14: infections by kind."""
    return described(
        infected.copy(deep=False), row="variable_level", stub=msg("Kind"),
        empty=msg("The protocol file names no kinds of infection."),
    )  # fmt: skip

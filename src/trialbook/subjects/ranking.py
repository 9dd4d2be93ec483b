"""Which subjects a listing or figure shows where it cannot show all: those that matter most, and words for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.datasets import first_by_rank
from trialbook.core.messages import Message, msg

# A figure draws at most so many subjects; of more those at the highest risk, and it says how many there are.
MOST_DRAWN = 300


@dataclass(frozen=True)
class Ranking:
    """The kind of each subject (by USUBJID), the kinds from the first to the last, and the order in words.

    `words`: `first the dead, then those without a response`. A subject of no kind comes with those of `others`.
    """

    kinds: pd.Series
    order: tuple[str, ...]
    words: str
    numbers: pd.Series
    others: str = ""

    def first(self, rows: pd.DataFrame, most: int) -> pd.DataFrame:
        """At most `most` rows of a listing by SUBJID, in their order: those of subjects of the first kinds."""
        return rows.loc[self._chosen(rows, most)].reset_index(drop=True)

    def note(self, rows: pd.DataFrame, most: int) -> list[str]:
        """A footnote where `first` leaves rows out: how many, and of subjects of which kind."""
        kinds = self._kinds_of(rows)
        return self._said(len(rows), kinds[~self._chosen(rows, most)], "subjects are listed", "Not listed")

    def drawn(self, most: int) -> list[str]:
        """USUBJID of at most `most` subjects for a figure, in their order: those of the first kinds."""
        chosen = sorted(self.kinds.index, key=lambda subject: (self.order.index(self.kinds[subject]), subject))
        return sorted(chosen[:most])

    def drawn_note(self, most: int) -> list[str]:
        """A footnote where a figure leaves subjects out: how many, and of which kind."""
        others = self.kinds[~self.kinds.index.isin(self.drawn(most))]
        return self._said(len(self.kinds), others, "treated subjects are drawn", "Not drawn")

    def _kinds_of(self, rows: pd.DataFrame) -> pd.Series:
        return rows["SUBJID"].map(self.numbers).map(self.kinds).astype("str").fillna(self.others or self.order[-1])

    def _chosen(self, rows: pd.DataFrame, most: int) -> pd.Series:
        """Whether each row is among the first `most`, by kind and then in their order."""
        place = {kind: position for position, kind in enumerate(self.order)}
        return first_by_rank(self._kinds_of(rows).map(place), most)

    def _said(self, whole: int, others: pd.Series, shown: str, hidden: str) -> list[str]:
        if others.empty:
            return []
        counts = others.value_counts()
        said = ", ".join(f"{counts[kind]} {kind}" for kind in self.order if kind in counts)
        return [
            f"{whole - len(others)} of {whole} {shown}: {self.words}. {hidden}: {len(others)} ({said}); the datasets "
            "hold all."
        ]


def most_drawn_note(drawn: int, total: int) -> list[Message]:
    """A footnote where a figure draws `drawn` of the `total` subjects that it is about.

    >>> most_drawn_note(300, 300)
    []
    """
    note = msg(
        "{n} of {total} such subjects are drawn, those at the highest risk first; the datasets hold all.", n=drawn,
        total=total,
    )  # fmt: skip
    return [note] if drawn < total else []


def subject_numbers(adsl: pd.DataFrame) -> pd.Series:
    """USUBJID by SUBJID."""
    return adsl.drop_duplicates("SUBJID").set_index("SUBJID")["USUBJID"].astype("str")


def with_subject_numbers(rows: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """The rows with SUBJID in the place of USUBJID, as readers see subjects.

    >>> adsl = pd.DataFrame({"USUBJID": ["T-01-004"], "SUBJID": ["004"]})
    >>> with_subject_numbers(pd.DataFrame({"USUBJID": ["T-01-004"], "AVALC": ["CR"]}), adsl).iloc[0].tolist()
    ['004', 'CR']
    """
    numbers = adsl.drop_duplicates("USUBJID").set_index("USUBJID")["SUBJID"]
    found = rows["USUBJID"].map(numbers).fillna(rows["USUBJID"]).astype("str")
    return rows.assign(USUBJID=found).rename(columns={"USUBJID": "SUBJID"})


def risk_ranking(adsl: pd.DataFrame, kinds: Sequence[str] = ("dead", "alive")) -> Ranking:
    """The treated subjects, the dead first: what ADSL alone can tell."""
    treated = adsl[adsl["SAFFL"].eq("Y")]
    kind = pd.Series(kinds[1], index=treated.index, dtype="str").mask(treated["DTHFL"].eq("Y"), kinds[0])
    return Ranking(
        kind.set_axis(treated["USUBJID"].astype("str")), tuple(kinds), f"first the {kinds[0]}", subject_numbers(adsl)
    )

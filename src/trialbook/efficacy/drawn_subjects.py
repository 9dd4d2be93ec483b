"""Which subjects a figure or listing of responses shows where it cannot show all: those with events first, and what is
said of the others.
"""

from __future__ import annotations

import pandas as pd

from trialbook.gvhd.response_rules import RESPONDERS

DEAD, WITHOUT, OPEN, WITH = KINDS = (
    "dead", "without a response at day 28", "pending or not evaluable", "with a response"
)  # fmt: skip


def response_kinds(adrs: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    """Of each treated subject the first of `KINDS` that holds, by USUBJID, from ADRS and ADSL."""
    treated = adsl[adsl["SAFFL"].eq("Y")]
    day_28 = adrs[adrs["PARAMCD"].eq("RSP28")].drop_duplicates("USUBJID").set_index("USUBJID")["AVALC"]
    said = treated["USUBJID"].map(day_28).astype("str").fillna("")
    kind = pd.Series(WITHOUT, index=treated.index, dtype="str")
    kind = kind.mask(said.isin(["", "PENDING", "NE"]), OPEN).mask(said.isin(list(RESPONDERS)), WITH)
    return kind.mask(treated["DTHFL"].eq("Y"), DEAD).set_axis(treated["USUBJID"].astype("str"))


def drawn_subjects(adrs: pd.DataFrame, adsl: pd.DataFrame, most: int) -> list[str]:
    """USUBJID of at most `most` treated subjects, in their order: those of the first `KINDS` first."""
    kinds = response_kinds(adrs, adsl)
    chosen = sorted(kinds.index, key=lambda subject: (KINDS.index(kinds[subject]), subject))
    return sorted(chosen[:most])


def drawn_note(adrs: pd.DataFrame, adsl: pd.DataFrame, most: int) -> list[str]:
    """A footnote where a figure leaves subjects out: how many, and of which kind."""
    kinds = response_kinds(adrs, adsl)
    others = kinds[~kinds.index.isin(drawn_subjects(adrs, adsl, most))]
    return _note(len(kinds), others, "treated subjects are drawn", "Not drawn")


def first_rows(rows: pd.DataFrame, adrs: pd.DataFrame, adsl: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` rows of a listing by SUBJID, in their order: those of subjects of the first `KINDS`."""
    return rows.loc[_chosen(_kinds_of(rows, adrs, adsl), most)].reset_index(drop=True)


def rows_note(rows: pd.DataFrame, adrs: pd.DataFrame, adsl: pd.DataFrame, most: int) -> list[str]:
    """A footnote where `first_rows` leaves rows out: how many, and of subjects of which kind."""
    kinds = _kinds_of(rows, adrs, adsl)
    return _note(len(rows), kinds[~_chosen(kinds, most)], "subjects are listed", "Not listed")


def _kinds_of(rows: pd.DataFrame, adrs: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    """The kind of the subject of each row."""
    number = adsl.drop_duplicates("SUBJID").set_index("SUBJID")["USUBJID"].astype("str")
    return rows["SUBJID"].map(number).map(response_kinds(adrs, adsl)).astype("str").fillna(OPEN)


def _chosen(kinds: pd.Series, most: int) -> pd.Series:
    """Whether each of the rows of these kinds is among the first `most`, by kind and then in their order."""
    ranks = kinds.map({kind: place for place, kind in enumerate(KINDS)}).rank(method="first")
    return ranks <= most


def _note(whole: int, others: pd.Series, shown: str, hidden: str) -> list[str]:
    if others.empty:
        return []
    counts = others.value_counts()
    said = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    return [
        f"{whole - len(others)} of {whole} {shown}: first the dead, then those without a response, then the pending. "
        f"{hidden}: {len(others)} ({said}); the datasets hold all."
    ]

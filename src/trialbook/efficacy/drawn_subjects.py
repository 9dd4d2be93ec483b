"""Which subjects a figure of responses draws where it cannot draw all: those with events first, and what is said."""

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
    said = treated["USUBJID"].map(day_28).fillna("").astype("str")
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
    if others.empty:
        return []
    counts = others.value_counts()
    said = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    return [
        f"{len(kinds) - len(others)} of {len(kinds)} treated subjects are drawn: first the dead, then those without a "
        f"response, then the pending. Not drawn: {len(others)} ({said}); the datasets hold all."
    ]

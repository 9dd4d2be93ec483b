"""What the first page says of adverse events: counts, what has no grade, and what lies outside the window (§14)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, TOTAL
from trialbook.results.bounds import excluded_text
from trialbook.safety.ae_results import CONTEXT_OF, LEFT_OPEN
from trialbook.safety.ledger import AESI_LEDGER, SAE_LEDGER
from trialbook.safety.ledger_views import ledger_text, outside_text

# Row of the overview: its name on the first page, and the ledger that counts beyond the window.
COUNTED = {
    "TEAE": ("Any TEAE", ""),
    "TEAE_GE3": ("TEAE of grade 3 or more", ""),
    "SAE": ("Serious adverse events", SAE_LEDGER),
    "AESI": ("Events of special interest", AESI_LEDGER),
}
FROM_CONSENT = {
    SAE_LEDGER: "Serious, from consent on [events]",
    AESI_LEDGER: "Special interest, from consent on [events]",
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
    return f"and {rows['stat_text'].iloc[0]} {LEFT_OPEN[context]}" if len(rows) else ""


def beside(ard: pd.DataFrame, analysis: Analysis, variable: str) -> str:
    """What stands beside the number of a card: what has no grade, what lies outside the window, what 0 excludes."""
    ledger = COUNTED[variable][1]
    parts = [
        open_text(ard, variable),
        outside_text(ard, analysis, analysis_id=ledger, variable=variable) if ledger else "",
    ]
    said = [part for part in parts if part]
    return "; ".join(said) if said else _nothing_seen(ard, variable)


def _nothing_seen(ard: pd.DataFrame, variable: str) -> str:
    rows = ard[
        ard["analysis_id"].eq("TEAE_OVERVIEW") & ard["variable"].eq(variable) & ard["context"].eq("")
        & ard["group1_level"].eq(TOTAL)
    ].set_index("stat_name")["stat"]  # fmt: skip
    return excluded_text(0, int(rows["N"])) if rows.get("n") == 0 and rows.get("N", 0) > 0 else ""


def with_ungraded(count: str, ard: pd.DataFrame, variable: str, level: str) -> str:
    """A count of the table by level, and what has no grade or no seriousness."""
    said = open_text(ard, variable, level)
    return f"{count}, {said}" if said and count != NOT_ESTIMABLE else count


def ledger_by_level(ard: pd.DataFrame, levels: Sequence[str]) -> dict[str, list[str]]:
    """Rows of the table by level: subjects [events] of each ledger that the results have."""
    rows = {}
    for variable, (_, ledger) in COUNTED.items():
        if ledger and ard["analysis_id"].eq(ledger).any():
            texts = [ledger_text(ard, analysis_id=ledger, variable=variable, level=level) for level in levels]
            rows[FROM_CONSENT[ledger]] = texts
    return rows

"""What the cleaning step found, in a few numbers and sentences for its first lines."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.cleaning.differences import Differences
from trialbook.cleaning.reading import WHOLE_RECORD
from trialbook.cleaning.summary import CUT_RULE
from trialbook.domains import REQUIRED, Domains
from trialbook.results.queries import SEVERITIES, Query


def headline(records: pd.DataFrame, changes: pd.DataFrame, queries: Sequence[Query]) -> list[tuple[str, str, str]]:
    """Headline numbers: records delivered, values fixed, records after the cut, questions to the site."""
    fixed = changes["column"].ne(WHOLE_RECORD) & changes["rule"].ne(CUT_RULE)
    counts = [f"{sum(q['severity'] == name for q in queries)} {name}" for name in SEVERITIES]
    return [
        ("Records delivered", str(records["delivered"].sum()), f"in {len(records)} domains"),
        ("Values fixed", str(fixed.sum()), "each with its raw value in the change log"),
        ("Records after the cut", str(records["removed"].sum()), "removed"),
        ("Questions to the site", str(len(queries)), ", ".join(counts)),
    ]


def arrival_sentence(domains: Domains, ignored: Sequence[str]) -> str:
    """Who was delivered, and what of the delivery was not read."""
    dm, ex = domains["DM"], domains["EX"]
    treated = ex.loc[ex["EXDOSE"] > 0, "USUBJID"].nunique()
    empty = [code for code in domains if code not in REQUIRED and not len(domains[code])]
    text = f"At the cut: {len(dm)} screened subjects, {treated or 'no'} treated."
    if not len(domains["AE"]):
        text += " No adverse event has been reported."
    if empty:
        text += f" Delivered without records at the cut: {', '.join(empty)}."
    return text + (f" Not read: {', '.join(ignored)}." if ignored else "")


def differences_sentence(differences: Differences, previous_cut: str | None, *, built: bool) -> str:
    """How this cut differs from the previous one, or why that cannot be said."""
    if previous_cut is None:
        return "This cut names no previous cut to compare with."
    if not built:
        return f"The previous cut {previous_cut} has not been built, so nothing is compared with it."
    counts = differences.counts
    deleted = counts["deleted"].sum()
    return (
        f"Since the cut {previous_cut}: {counts['added'].sum()} records added, {counts['changed'].sum()} changed, "
        f"{deleted or 'none'} deleted{' (each with an approved reason)' if deleted else ''}. "
        f"{counts['restated'].sum()} values that had been reported read otherwise now."
    )

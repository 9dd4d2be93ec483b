"""What is new since the last cut: events that were not in its dataset, and events that have changed (§8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.ae_results import CONTEXT_OF, LEFT_OPEN, SOC_PT_TABLES, has_open_rows, left_open, selections
from trialbook.safety.counting import NONE, SUBJECT_EVENT, class_and_term_counts, mask_counts, set_sizes

NEW = "new"
OVERVIEW = "TEAE_OVERVIEW"
# The events that a row of the overview leaves open, by the context that they have there.
NEW_OPEN = {f"{OVERVIEW}, {context}": context for context in LEFT_OPEN}
KEYS = ["USUBJID", "AESEQ"]
# What a committee was told of an event: column of ADAE, word.
TOLD = {
    "ADECOD": "term", "ATOXGR": "grade", "ASER": "seriousness", "AREL": "relation", "AEOUT": "outcome",
    "TRTEMFL": "emergence", "ASTDT": "start", "AENDT": "end",
}  # fmt: skip


def event_news(adae: pd.DataFrame, before: pd.DataFrame | None) -> pd.Series:
    """`new`, `changed: grade, outcome` or blank for each record of ADAE; all blank without an earlier cut."""
    said = pd.Series("", index=adae.index, dtype="str")
    if before is None:
        return said
    then = _of_then(adae, before)
    for column, word in TOLD.items():
        now, old = adae[column].astype("object"), then[column].astype("object")
        moved = then["KNOWN"] & ~((now == old) | (now.isna() & old.isna())).astype(bool)
        if moved.any():
            said = said.mask(moved, said.where(said == "", said + ", ") + word)
    return ("changed: " + said).where(said != "", "").mask(~then["KNOWN"], NEW).astype("str")


Masks = dict[str, pd.Series]


def new_in(
    adae: pd.DataFrame, before: pd.DataFrame, counted: Callable[[pd.DataFrame], Masks] = selections
) -> Masks:  # fmt: skip
    """Which records each row of the overview counts now and did not count at the last cut, as masks over `adae`.

    An event that has become serious since then is new among the serious ones, though it is no new event. `counted`
    names the masks; `left_open` those without a grade or a seriousness.
    """
    now, then = counted(adae), counted(before)
    record = pd.concat([adae[KEYS], before[KEYS]]).groupby(KEYS, sort=False).ngroup().to_numpy()
    mine, theirs = record[: len(adae)], record[len(adae) :]
    return {name: mask & ~np.isin(mine, theirs[then[name].to_numpy()]) for name, mask in now.items()}


def news_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, before: pd.DataFrame | None, protocol: Protocol
) -> list[ArdRow]:  # fmt: skip
    """AE_NEW: subjects and events that each row of T-5, T-6, T-8 and T-10 counts and did not count at the last cut.

    The context names the table (analysis_id); `NEW_OPEN` are the events that T-5 leaves open. Classes and terms without
    a new event have no row. Empty without an earlier cut.
    """
    if before is None:
        return []
    fresh, levels = new_in(adae, before), set_sizes(adsl, protocol.level_ids)
    rows: list[ArdRow] = []
    found = mask_counts(adae, fresh)
    open_ones = mask_counts(adae, new_in(adae, before, left_open))
    for name in fresh:
        for level in levels:
            rows += _row("TEAE_OVERVIEW", level, name, "", found.get((level, name), NONE))
    for name in left_open(adae):
        for level in levels if has_open_rows(name, open_ones) else ():
            rows += _row(f"{OVERVIEW}, {CONTEXT_OF[name]}", level, name, "", open_ones.get((level, name), NONE))
    for table, name in SOC_PT_TABLES.items():
        found = class_and_term_counts(adae[fresh[name]])
        for soc, term in sorted({key[1:] for key in found}):
            for level in levels:
                rows += _row(table, level, soc, term, found.get((level, soc, term), NONE))
    return rows


def with_news(ard: pd.DataFrame, news: pd.DataFrame, column: str) -> pd.DataFrame:
    """The ARD rows of a table with a further level `column`: what AE_NEW reports in Total; blank = nothing new."""
    if news.empty or ard.empty:
        return ard
    table = str(ard["analysis_id"].iloc[0])
    counted = {table: "", **(NEW_OPEN if table == OVERVIEW else {})}
    of_table = news["context"].isin(list(counted)) & news["group1_level"].eq(TOTAL) & news["stat"].gt(0)
    rows = ["variable", "variable_level"]
    fresh = news[of_table].merge(ard[rows].drop_duplicates(), on=rows)
    fresh = fresh.assign(group1_level=column, context=fresh["context"].map(counted))
    return pd.concat([ard, fresh[ard.columns]], ignore_index=True)


def news_sentence(adae: pd.DataFrame, before: pd.DataFrame | None, cut: str | None) -> str:
    """What is new since the last cut in one sentence; says so at the first cut."""
    if before is None:
        return "This is the first cut: there is no earlier one to compare with, so nothing is marked as new."
    fresh = new_in(adae, before)
    kinds = {"TEAE": "treatment-emergent", "TEAE_GE3": "of grade 3 or more", "SAE": "serious", "TRAE": "related",
             "TEAE_DTH": "fatal"}  # fmt: skip
    number = {name: len(adae[fresh[name]].drop_duplicates(SUBJECT_EVENT)) for name in kinds}
    fresh_open = new_in(adae, before, left_open)
    missing = {name: len(adae[fresh_open[name]].drop_duplicates(SUBJECT_EVENT)) for name in ("TEAE_GE3", "SAE")}
    beside = {name: f" and {count} {LEFT_OPEN[CONTEXT_OF[name]]}" for name, count in missing.items() if count}
    said = ", ".join(f"{number[name]} {word}{beside.get(name, '')}" for name, word in kinds.items())
    gone = lost_records(adae, before)
    lost = f" Records of that cut that no longer exist: {gone}." if gone else ""
    return f"New since the cut {cut} (events): {said}.{lost}"


def lost_records(adae: pd.DataFrame, before: pd.DataFrame) -> int:
    """How many records of the last cut's ADAE are not in this one."""
    return int((~pd.MultiIndex.from_frame(before[KEYS]).isin(pd.MultiIndex.from_frame(adae[KEYS]))).sum())


def record_news(frame: pd.DataFrame, before: pd.DataFrame | None, keys: list[str]) -> pd.Series:
    """`new` for the rows whose key the frame of the last cut does not hold; blank without such a frame."""
    said = pd.Series("", index=frame.index, dtype="str")
    if before is None:
        return said
    known = pd.MultiIndex.from_frame(frame[keys]).isin(pd.MultiIndex.from_frame(before[keys]))
    return said.mask(~pd.Series(known, index=frame.index), NEW)


def _of_then(adae: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """The columns told of each record as they stood at the last cut, and whether it was KNOWN."""
    old = before.drop_duplicates(KEYS).set_index(KEYS)[list(TOLD)]
    keys = pd.MultiIndex.from_frame(adae[KEYS])
    return old.reindex(keys).set_axis(adae.index).assign(KNOWN=keys.isin(old.index))


def _row(table: str, level: str, variable: str, term: str, found: tuple[int, int]) -> list[ArdRow]:
    stats: Mapping[str, int] = {"n": found[0], "events": found[1]}
    return [
        ard_row("AE_NEW", level, variable, name, value, variable_level=term, context=table)
        for name, value in stats.items()
    ]

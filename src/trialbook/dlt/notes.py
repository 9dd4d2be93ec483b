"""What a committee must not overlook beside the advice: open adjudications, dates, data, replacements, the cap."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd

from trialbook.dlt.advice import Advice, plain_code, trial_history
from trialbook.dlt.designs.design import Cap
from trialbook.dlt.events import AWAITED, CONFIRMED, NO_EVENT, UNDATED
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, NOT_EVALUABLE, PENDING_ADJUDICATION, PENDING_DATA, UNRESOLVED

# Roles of events that decide a status.
DECIDING = (CONFIRMED, AWAITED, UNDATED)


class Note(NamedTuple):
    """A sentence and how loudly to say it."""

    kind: Literal["info", "warning"]
    text: str


def committee_notes(addlt: pd.DataFrame, advice: Advice, protocol: Protocol, analysis: Analysis) -> list[Note]:
    """The notes of a cut, the loudest first; each names its subjects."""
    says = {
        PENDING_ADJUDICATION: "counted as DLT: a candidate DLT has not been adjudicated (A-71)",
        UNRESOLVED: "counted as DLT: a partial onset date leaves open whether the event lies in the window (A-65)",
        PENDING_DATA: "still pending although the window has closed: data are missing (A-74)",
    }
    unnamed = addlt["DLTSTAT"].eq(UNRESOLVED) & addlt["REASON"].str.startswith(NO_EVENT)
    notes = [
        Note("warning", f"{_who(rows, status)}: {words}.")
        for status, words in says.items()
        if (rows := addlt[~unnamed])["DLTSTAT"].eq(status).any()
    ]
    if unnamed.any():
        said = "counted as DLT: the committee's flag Y names no adverse event that is in the data (A-161)"
        notes.append(Note("warning", f"{_who(addlt[unnamed], UNRESOLVED)}: {said}."))
    unplaced = addlt[~addlt["TRT01A"].isin(protocol.level_ids)]
    if len(unplaced):
        notes.append(Note("warning", f"{_names(unplaced)}: the dose level is not known; left out of the advice."))
    notes += _replacements(addlt, analysis)
    notes += _places(addlt, protocol, analysis)
    if advice.best != advice.worst:
        cases = f"worst case {plain_code(advice.worst)}, best case {plain_code(advice.best)}"
        notes.append(Note("info", f"What is open may lead to: {cases}."))
    elif advice.best != advice.code:
        notes.append(Note("info", f"Whatever comes of what is open, the rule will then say {plain_code(advice.best)}."))
    return notes


def late_report_notes(events: pd.DataFrame, addlt: pd.DataFrame, cut_date: pd.Timestamp) -> list[Note]:
    """Loud notes on deciding events that began by the cut but were reported after it (AEDTC): they count."""
    late = events[events["ROLE"].isin(DECIDING) & (events["KNOWNDT"] > cut_date)]
    names = addlt.set_index("USUBJID")["SUBJID"].to_dict()
    return [
        Note("warning", f"{names.get(row.USUBJID, '')} ({row.TRT01A}): {row.AEDECOD} was reported on "
             f"{row.KNOWNDT:%Y-%m-%d}, after the cut; its onset lies before it, so it counts.")
        for row in late.itertuples()
    ]  # fmt: skip


def _replacements(addlt: pd.DataFrame, analysis: Analysis) -> list[Note]:
    """Who is replaced and why, and what that costs; who was under-dosed but had a DLT stays."""
    place = "; this uses a place under the cap (A-73)" if analysis.cap_counts == "treated" else ""
    listed = addlt.sort_values("USUBJID", kind="stable")
    replaced = listed[listed["DLTSTAT"].eq(NOT_EVALUABLE)]
    lost = f"not evaluable, may be replaced{place}"
    notes = [
        Note("warning", f"{row.SUBJID} ({row.TRT01A or 'no level'}): {row.REASON}; {lost}.")
        for row in replaced.itertuples()
    ]
    kept = listed[listed["DLTSTAT"].isin(COUNTED_AS_DLT) & (listed["DOSEFRAC"] < analysis.dlt_min_dose_frac)]
    notes += [
        Note(
            "info",
            f"{row.SUBJID} ({row.TRT01A}): received {row.DOSEFRAC:.0%} of the dose due, but a DLT always counts.",
        )
        for row in kept.itertuples()
    ]
    return notes


def _places(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[Note]:
    places = Cap(analysis.n_cap, analysis.cap_counts).places(*trial_history(addlt, protocol.level_ids))
    if places > 0:
        return [Note("info", f"{places} of {analysis.n_cap} places are left ({analysis.cap_counts} subjects count).")]
    return [Note("warning", f"The cap of {analysis.n_cap} {analysis.cap_counts} subjects is reached.")]


def _who(addlt: pd.DataFrame, status: str) -> str:
    return _names(addlt[addlt["DLTSTAT"].eq(status)])


def _names(subjects: pd.DataFrame) -> str:
    """`S01 (DL1), S02 (DL2)`."""
    pairs = subjects.sort_values("USUBJID", kind="stable")[["SUBJID", "TRT01A"]].itertuples(index=False)
    return ", ".join(f"{subject} ({level or 'no level'})" for subject, level in pairs)

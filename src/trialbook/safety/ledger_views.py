"""The ledger of serious events for reading: its listing, and what a headline says of events outside the window."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import TOTAL
from trialbook.safety.expedited import days_left_text
from trialbook.safety.ledger import AFTER, ALL, BEFORE, IN_WINDOW, NOT_TREATED, OUTSIDE, SAE_LEDGER, UNKNOWN
from trialbook.safety.listings import CONTRADICTED, CRITERIA, subject_ids
from trialbook.safety.seriousness import SERIOUSNESS_CRITERIA

LABELS = {
    "SUBJID": "Subject", "TRT01A": "Dose level", "ADECOD": "Event", "RELDAY": "Day of onset", "GRADE": "Grade",
    "SERIOUS": "Serious by", "AREL": "Relation", "EXPECTED": "Expectedness", "AESICAT": "Special interest",
    "WHERE": "Where it lies", "AEOUT": "Outcome", "KNOWN": "Site knew on", "DUE": "Report due", "LEFT": "At the cut",
}  # fmt: skip
SPECIAL_LABELS = {name: LABELS[name] for name in LABELS if name not in ("EXPECTED", "KNOWN", "DUE", "LEFT")}


def serious_lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-9: one line per serious event of the ledger, with the columns of `LABELS`."""
    due = events["DUEDT"].dt.strftime("%Y-%m-%d").where(events["DUEDT"].notna(), "open")
    due = due.where(events["SUSAR"] | events["MAYBE"], "")
    lines = _lines(events, adsl, analysis)
    ticked = events[list(SERIOUSNESS_CRITERIA)].any(axis=1)
    unknown = (f"{CONTRADICTED} " + lines["SERIOUS"]).where(ticked, "not given")
    return lines.assign(
        SERIOUS=lines["SERIOUS"].where(events["ASER"].eq("Y"), unknown),
        EXPECTED=events["EXPECTED"],
        KNOWN=events["KNOWDTC"],
        DUE=due.astype("str"),
        LEFT=days_left_text(events),
    )[list(LABELS)]


def special_lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-10: events of special interest outside the window, with the columns of `SPECIAL_LABELS`."""
    outside = events[events["WINDOW"].isin(OUTSIDE)].reset_index(drop=True)
    return _lines(outside, adsl, analysis)[list(SPECIAL_LABELS)]


def _lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    grade = events["ATOXGR"].astype("str").where(events["ATOXGR"].notna(), "not graded")
    untreated = events["WINDOW"].eq(NOT_TREATED)
    whole = events["ASTDTF"].ne("Y") & events["RELDAY"].notna()
    day = events["RELDAY"].astype("str").mask(events["ASTDTF"].isin(["D", "M"]), "in " + events["AESTDTC"].fillna(""))
    relation = events["AREL"].str.lower()
    assumed = events["RELOPEN"].astype(bool) & ~events["RELGIVEN"].astype(bool)
    partly = events["UNGRADED"] & events["ATOXGR"].notna()
    said = pd.Series("", index=events.index, dtype="str")
    for column, word in CRITERIA.items():
        said = said.mask(events[column], said.where(said == "", said + ", ") + word)
    return events.assign(
        SUBJID=subject_ids(events, adsl),
        TRT01A=events["TRT01A"].where(events["WINDOW"] != NOT_TREATED, NOT_TREATED),
        GRADE=grade.mask(partly, grade + " or more").astype("str"),
        RELDAY=day.where(whole, "not known").mask(untreated & events["ASTDTF"].ne("Y"), "").astype("str"),
        SERIOUS=said.where(said != "", "no criterion given"),
        AREL=relation.mask(assumed, "not known, counted as " + relation).astype("str"),
        AEOUT=events["AEOUT"].str.lower(),
        WHERE=events["WINDOW"].map(place_words(analysis)).astype("str"),
    )


def place_words(analysis: Analysis) -> dict[str, str]:
    """The contexts of the ledger in words, with the last day of the window in force."""
    last = analysis.safety_end_rel_day
    within = "on treatment" if last is None else f"in the {last} days of the window"
    after = "after the window" if last is None else f"after day {last}"
    return {IN_WINDOW: within, BEFORE: BEFORE, AFTER: after, NOT_TREATED: NOT_TREATED}


def outside_text(
    ard: pd.DataFrame, analysis: Analysis, *, analysis_id: str = SAE_LEDGER, variable: str = "SAE", level: str = TOTAL
) -> str:
    """`and 2 outside the window: 1 after day 180 (1 related), 1 not treated` in events; blank where there is none.

    Those of unknown seriousness follow. From the ledger rows of the results, at one level.
    """
    certain = _outside(ard, analysis, analysis_id, variable, level, "")
    unknown = _outside(ard, analysis, analysis_id, variable, level, UNKNOWN)
    return "; ".join(part for part in (certain, unknown) if part)


def _outside(
    ard: pd.DataFrame, analysis: Analysis, analysis_id: str, variable: str, level: str, ending: str
) -> str:  # fmt: skip
    rows = ard[
        ard["analysis_id"].eq(analysis_id) & ard["group1_level"].eq(level) & ard["stat_name"].eq("events")
        & ard["context"].isin(OUTSIDE) & ard["stat"].gt(0)
    ]  # fmt: skip
    own = rows[rows["variable"] == variable + ending].set_index("context")["stat"].astype("int64")
    if own.empty:
        return ""
    words = place_words(analysis)
    related = rows[rows["variable"] == f"SR{variable[1:]}{ending}"].set_index("context")["stat"].astype("int64")
    parts = ", ".join(
        f"{own[place]} {words[place]}" + (f" ({related[place]} related)" if place in related.index else "")
        for place in OUTSIDE
        if place in own.index
    )
    kind = " of unknown seriousness" if ending else ""
    return f"and {own.sum()}{kind} outside the window: {parts}"


def special_outside(events: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """By category of special interest what lies outside the window: `1 after day 180 (1 related)`, in events."""
    words, said = place_words(analysis), {}
    for category, own in events[events["WINDOW"].isin(OUTSIDE)].groupby("AESICAT", sort=False):
        parts = []
        for place in OUTSIDE:
            here = own[own["WINDOW"].eq(place)]
            related = int(here["AREL"].eq("RELATED").sum())
            if len(here):
                parts.append(f"{len(here)} {words[place]}" + (f" ({related} related)" if related else ""))
        said[str(category)] = ", ".join(parts)
    return said


def with_names(said: str, events: pd.DataFrame, analysis: Analysis) -> str:
    """`outside_text` and the names of the events of special interest there: `...; of special interest: Teratoma`."""
    outside = events[events["WINDOW"].isin(OUTSIDE)]
    if outside.empty or not said:
        return said
    words = place_words(analysis)
    named = [f"{term}, {words[place]}" for term, place in zip(outside["ADECOD"], outside["WINDOW"], strict=True)]
    return f"{said}; of special interest: {'; '.join(dict.fromkeys(named))}"


def ledger_text(ard: pd.DataFrame, *, analysis_id: str = SAE_LEDGER, variable: str = "SAE", level: str = TOTAL) -> str:
    """`3 [4]`: subjects and events of the ledger at a level; blank where the results do not have it.

    Followed by `, and 1 [1] of unknown seriousness` where there are such events.
    """
    here = ard[ard["analysis_id"].eq(analysis_id) & ard["group1_level"].eq(level) & ard["context"].eq(ALL)]
    rows = here[here["variable"].eq(variable)].set_index("stat_name")["stat_text"]
    if rows.empty:
        return ""
    unknown = here[here["variable"].eq(variable + UNKNOWN) & here["stat"].gt(0)].set_index("stat_name")["stat_text"]
    beside = f", and {unknown['n']} [{unknown['events']}] of unknown seriousness" if len(unknown) else ""
    return f"{rows['n']} [{rows['events']}]{beside}"

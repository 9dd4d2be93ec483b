"""The least and the most favourable response at day 28 that the open facts of each subject allow (rulebook §14.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.efficacy.assessment_days import (
    Landmark,
    assessments_at,
    baseline_assessments,
    dates_of,
    later_incomplete_baselines,
    with_rel_day,
)
from trialbook.efficacy.day28 import Course, last_day, stages_text, window_day, withdrawn_before
from trialbook.efficacy.delivery import WORDS, needed
from trialbook.efficacy.wording import in_words
from trialbook.gvhd.grade import ORGANS, stage_range
from trialbook.gvhd.response_rules import respond_between
from trialbook.gvhd.staging import SameDayConflict, derive_stages, same_day_conflicts
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import ArdRow
from trialbook.results.bounds import bounds_rows
from trialbook.subjects.disposition import counted

# From the least to the most favourable; every category but CR and PR counts as NR here.
CLASSES = ("NR", "PR", "CR")
BOUNDED = {"ORR_D28": ("PR", "CR"), "CR_D28": ("CR",)}
THERAPY_WORDS = {
    "START-DATE": "may be new therapy, its start date is partial",
    "STEROID-DOSE": "steroid of unknown dose or start, may exceed the dose at the infusion",
    "UNCLASSIFIED": "is in no list of drugs, may be new therapy",
    "NEAR-NAME": "is spelled almost like a therapy of GVHD",
    "OTHER-USE": "is a therapy of GVHD in some uses, the use is not known",
    "BACKGROUND-STARTED": "is background therapy that was started after the infusion",
}


@dataclass(frozen=True)
class OpenFacts:
    """What can be read two ways of a course that was read already.

    `readings`: the assessments in every reading of the withdrawal, each with the whole range of stages of one day;
    `conflicts`: the assessments of one day that differ.
    """

    readings: tuple[pd.DataFrame, ...]
    conflicts: SameDayConflict


def read_open_facts(course: Course, domains: Domains, analysis: Analysis) -> OpenFacts:
    """The open facts of a course under these analysis keys."""
    treated = course.treated
    conflicts = same_day_conflicts(domains, treated, analysis)
    every = with_rel_day(_widened(derive_stages(domains, treated, analysis), conflicts), treated)
    limits = course.withdrawn.set_index("USUBJID")
    kept = {name: counted(every, "ADT", limits[name]).to_numpy("bool") for name in ("FROMDT", "UNTILDT")}
    readings = [every[kept["FROMDT"]].reset_index(drop=True)]
    if (kept["FROMDT"] != kept["UNTILDT"]).any():
        readings.append(every[kept["UNTILDT"]].reset_index(drop=True))
    return OpenFacts(tuple(readings), conflicts)


def open_outcomes(course: Course, facts: OpenFacts, responses: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The range of each treated subject's response at day 28: USUBJID RSPLO RSPHI RSPWHY, by subject.

    RSPLO and RSPHI: NR, PR or CR, the least and the most favourable once every open fact is known; where they differ,
    RSPWHY says in words what is open. `responses`: `response_of` of this course. Each end is reached by some completion
    of the records:

    - what was not delivered (`delivery.needed`), no assessment or baseline, a day 28 that has not come: NR to CR,
      unless a death or a new therapy is certain, or consent was withdrawn before the window;
    - missing organs, and both readings of assessments of one day that differ: every stage that is possible; a baseline
      that a later, incomplete assessment of the window may replace: both;
    - a therapy that may be new, a withdrawal that may lie before the assessment, a death that may lie before day 28:
      with and without it. A relapse that counts (`relapse_strategy_orr` composite) is as recorded.
    """
    at, treated = Landmark.day_28(analysis), course.treated
    # Row by row beside the treated subjects: a subject who is missing on one side is for the contracts to name.
    responses = treated[["USUBJID"]].merge(responses, on="USUBJID", how="left", validate="one_to_one")
    pending = responses["MAT28FL"].ne("Y").to_numpy()
    unknown = sorted(course.lacking & needed(analysis), key=list(WORDS).index)
    low, high = np.full(len(treated), 2), np.zeros(len(treated), dtype="int64")
    certain, maybe = np.ones(len(treated), dtype="bool"), np.zeros(len(treated), dtype="bool")
    notes: list[list[str]] = [[] for _ in range(len(treated))]
    for reading in facts.readings:
        seen = _by_stages(replace(course, assessments=reading), at, analysis, pending, notes)
        low, high = np.minimum(low, seen.low), np.maximum(high, seen.high)
        sure, may = _therapies(course, seen.assessed, at, analysis, notes)
        certain, maybe = certain & sure, maybe | may
    dies, may_die = _deaths(treated, last_day(at, treated, analysis), notes)
    composite = analysis.relapse_strategy_orr == "composite"
    relapsed = composite & (responses["RELAPFL"].eq("Y") | responses["DLIFL"].eq("Y")).to_numpy()
    _note(notes, pending, msg("day 28 has not come"))
    for code in unknown:
        _note(notes, np.ones(len(treated), dtype="bool"), msg("{WORDS} not delivered", WORDS=WORDS[code]))
    _note(notes, _withdrawal_open(course), msg("the withdrawal of consent is not dated, or not named"))
    low = np.where(maybe | certain | dies | may_die | relapsed | bool(set(unknown) - {"RS"}), 0, low)
    high = np.where(certain | dies | relapsed, 0, high)
    low = np.minimum(low, high)
    why = ["; ".join(dict.fromkeys(said)) if a != b else "" for said, a, b in zip(notes, low, high, strict=True)]
    names = np.array(CLASSES, dtype="object")
    frame = {"USUBJID": treated["USUBJID"], "RSPLO": names[low], "RSPHI": names[high], "RSPWHY": why}
    return pd.DataFrame(frame).astype("str")


def response_bounds_rows(adrs: pd.DataFrame, adsl: pd.DataFrame, levels: Sequence[str]) -> list[ArdRow]:
    """BOUNDS of ORR_D28 and CR_D28 by dose level and Total from the RSP28 rows of ADRS; none without such rows."""
    own = adrs[adrs["PARAMCD"] == "RSP28"]
    if own.empty:
        return []
    subject = own["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"])
    rows: list[ArdRow] = []
    for variable, success in BOUNDED.items():
        ends = {end: own[column].isin(success).astype("int64") for end, column in (("LOW", "RSPLO"), ("HIGH", "RSPHI"))}
        subjects = own[["TRT01A"]].assign(SUBJID=subject, **ends, PENDING=own["RSP28FL"].ne("Y"))
        rows += bounds_rows(subjects, levels, variable, high_is_worse=False)
    return rows


def bounds_listing(adrs: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """Who decides the bounds, and why: SUBJID TRT01A COUNTED (now) LEAST MOST WHY, of the subjects who are open."""
    own = adrs[(adrs["PARAMCD"] == "RSP28") & adrs["RSPLO"].ne(adrs["RSPHI"])]
    said = in_words(own["AVALC"], own["REASON"])
    listed = pd.DataFrame(
        {
            "SUBJID": own["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"]).astype("str"), "TRT01A": own["TRT01A"],
            "COUNTED": said.mask(own["REASON"] == "UNDELIVERED", msg("not evaluable")), "LEAST": own["RSPLO"],
            "MOST": own["RSPHI"], "WHY": own["RSPWHY"],
        }
    ).reset_index(drop=True)  # fmt: skip
    return described(
        listed, labels={"WHY": msg("What is open")}, notes=[msg("NR here: no CR and no PR.")],
        empty=msg("Nothing that is still unknown could change a response."),
    )  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """The worst and the best class (0 NR, 1 PR, 2 CR) of each subject by stages, and the day-28 assessment used."""

    low: np.ndarray
    high: np.ndarray
    assessed: pd.Series


def _by_stages(
    course: Course, at: Landmark, analysis: Analysis, pending: np.ndarray, notes: list[list[str]]
) -> _Seen:  # fmt: skip
    treated = course.treated
    base, later, day = (
        rows.set_index("USUBJID").reindex(treated["USUBJID"])
        for rows in (
            baseline_assessments(course.assessments, analysis),
            later_incomplete_baselines(course.assessments, analysis),
            assessments_at(course.assessments, at, analysis),
        )
    )
    known, assessed = base["ADT"].notna().to_numpy(), day["ADT"].notna().to_numpy() & ~pending
    seen = known & assessed
    low, high = np.zeros(len(treated), dtype="int64"), np.full(len(treated), 2)
    low[seen], high[seen] = _classes(base[seen], day[seen], analysis)
    again = seen & later["ADT"].notna().to_numpy()
    if again.any():
        low_again, high_again = _classes(later[again], day[again], analysis)
        moved = np.zeros(len(treated), dtype="bool")
        moved[again] = (low_again < low[again]) | (high_again > high[again])
        low[again], high[again] = np.minimum(low[again], low_again), np.maximum(high[again], high_again)
        _note(notes, moved, msg("a later baseline assessment lacks an organ"))
    gone = withdrawn_before(at, course, analysis)
    high[gone] = 0
    # An assessment on the one day on which no organ was involved leaves nothing to respond.
    # Without any organ stages whether an assessment was made is not known either.
    if "RS" not in course.lacking:
        _note(notes, ~assessed & ~pending & ~gone, msg("no assessment in the day-28 window"))
        _note(notes, ~known, msg("no baseline assessment"))
    texts = zip(stages_text(base), stages_text(day), base["ADT"], strict=True)
    for said, (before, after, _), open_ in zip(notes, texts, seen & (low != high), strict=True):
        if open_ and "?" in before + after:
            said.append(msg("organs not known: baseline {before}, day 28 {after}", before=before, after=after))
        elif open_:
            said.append(msg("assessments of one day differ"))
    return _Seen(low, high, day["ADT"].where(assessed))


def _classes(base: pd.DataFrame, day: pd.DataFrame, analysis: Analysis) -> tuple[np.ndarray, np.ndarray]:
    (base_low, base_high), (day_low, day_high) = stage_range(base), stage_range(day)
    worst, best = respond_between(base_low, base_high, day_low, day_high, analysis.response_rules)
    return tuple(np.select([found == "CR", found == "PR"], [2, 1], 0) for found in (worst, best))  # type: ignore[return-value]


def _therapies(
    course: Course, assessed: pd.Series, at: Landmark, analysis: Analysis, notes: list[list[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Who surely, and who possibly, had new therapy by the assessment, or by any day on which it may have been."""
    treated = course.treated
    nobody = np.zeros(len(treated), dtype="bool")
    if analysis.newtx_strategy_orr != "composite":
        return nobody, nobody
    dates = assessed.set_axis(treated.index)
    first, last = (dates.fillna(window_day(at, treated, analysis, first=end)) for end in (True, False))
    limits = pd.DataFrame({"FIRST": first, "LAST": last}).set_axis(treated["USUBJID"])
    starts, possible = course.therapies, course.possible
    sure = starts["INSIDE"].astype("bool") & (starts["LASTDT"] <= dates_of(starts["USUBJID"], limits["FIRST"]))
    reached = starts["COUNTDT"] <= dates_of(starts["USUBJID"], limits["LAST"])
    open_ = possible[possible["COUNTDT"] <= dates_of(possible["USUBJID"], limits["LAST"])]
    people = treated["USUBJID"]
    certain = people.isin(starts.loc[sure, "USUBJID"]).to_numpy()
    place = {subject: position for position, subject in enumerate(people)}
    for row in open_.itertuples():
        if not certain[place[row.USUBJID]]:
            notes[place[row.USUBJID]].append(f"{row.EVNTDESC} {THERAPY_WORDS.get(row.WHY, 'may be new therapy')}")
    may = people.isin([*starts.loc[reached & ~sure, "USUBJID"], *open_["USUBJID"]]).to_numpy()
    return certain, may


def _deaths(treated: pd.DataFrame, until: pd.Series, notes: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Who surely, and who possibly, died by the date `until`: between DTHLODT and DTHHIDT where these are known."""
    first, last = (
        (treated[name] if name in treated else treated["DTHDT"]).fillna(treated["DTHDT"])
        for name in ("DTHLODT", "DTHHIDT")
    )
    dead = treated["DTHDT"] <= treated["CUTDT"]
    surely = (dead & (last <= until)).to_numpy("bool")
    maybe = (dead & (first <= until)).to_numpy("bool") & ~surely
    for said, open_, start, end in zip(notes, maybe, first, last, strict=True):
        if open_:
            said.append(f"the death is not dated: {start:%Y-%m-%d} to {end:%Y-%m-%d}")
    return surely, maybe


def _withdrawal_open(course: Course) -> np.ndarray:
    own = course.withdrawn[course.withdrawn["FROMDT"].ne(course.withdrawn["UNTILDT"])]
    return course.treated["USUBJID"].isin(own["USUBJID"]).to_numpy()


def _note(notes: list[list[str]], whom: np.ndarray, words: str) -> None:
    for said, concerned in zip(notes, whom, strict=True):
        if concerned:
            said.append(words)


def _widened(stages: pd.DataFrame, conflicts: SameDayConflict) -> pd.DataFrame:
    """Stages with the range of both readings of assessments of one day that differ."""
    lowest = conflicts.lowest
    if lowest is None or stages.empty:
        return stages
    other = stages[["USUBJID", "ADT"]].merge(lowest, on=["USUBJID", "ADT"], how="left", validate="one_to_one")
    ends = {f"{o}LO": np.fmin(stages[f"{o}LO"], other[f"{o}LO"].to_numpy()) for o in ORGANS}
    ends |= {f"{o}HI": np.fmax(stages[f"{o}HI"], other[f"{o}HI"].to_numpy()) for o in ORGANS}
    return stages.assign(**ends)

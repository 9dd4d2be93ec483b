"""The response at day 28 of every treated subject: category, reason of non-response, maturity (rulebook §2.6, §2.7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from trialbook.core.dates import study_day
from trialbook.core.domains import Domains
from trialbook.efficacy.assessment_days import (
    Landmark,
    added_days,
    assessments_at,
    baseline_assessments,
    dates_of,
    with_rel_day,
)
from trialbook.efficacy.delivery import lacking, needed
from trialbook.efficacy.intercurrent import (
    STEROID_DOSE,
    cell_infusions,
    first_relapse,
    first_therapy,
    possible_therapies,
    relapse_dates,
    therapy_starts,
)
from trialbook.gvhd.grade import ORGANS, stage_range
from trialbook.gvhd.response_rules import CATEGORIES, INCOMPLETE, RESPONDERS, decide, respond_between
from trialbook.gvhd.staging import derive_stages
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE
from trialbook.subjects.disposition import counted, withdrawals

PENDING = "PENDING"
UNDELIVERED = "UNDELIVERED"  # the reason of what is not evaluable
REASONS = ("DEATH", "NEWTX", "MISSING", "INCOMPLETE")
COLUMNS = {
    "USUBJID": "str", "TRT01A": "str", "AVALC": "str", "REASON": "str", "ADT": "datetime64[s]", "ADY": "Int64",
    "RELDAY": "Int64", "MAT28FL": "str", "EVAL28FL": "str", "RSPSTG": "str", "BASEADT": "datetime64[s]",
    "BASETYPE": "str", "BASESTG": "str", "D28STG": "str", "EVNTDT": "datetime64[s]", "EVNTDESC": "str",
    "EVNTCERT": "str", "EVNTSRC": "str", "RELAPFL": "str", "DLIFL": "str", "STEROPFL": "str",
}  # fmt: skip
# What is not shown of subjects who are not mature, and how a missing value of each type is written.
OF_THE_DAY = (
    "REASON",
    "ADT",
    "RELDAY",
    "RSPSTG",
    "D28STG",
    "EVNTDT",
    "EVNTDESC",
    "EVNTCERT",
    "EVNTSRC",
    "RELAPFL",
    "DLIFL",
    "STEROPFL",
)
BLANK: dict[str, Any] = {"str": "", "datetime64[s]": np.datetime64("NaT", "s"), "Int64": np.nan}
Found = dict[str, np.ndarray]


def day28_response(subjects: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """One row per treated subject (SAF) with the response at day 28; empty where the trial has no such endpoint.

    `subjects`: USUBJID TRT01A TRTSDT SAFFL DTHDT AGE (and TRTSDTM). Returns the columns of `COLUMNS`, by subject.

    AVALC in order:
    1. PENDING: TRTSDT + `days_to_maturity_d28` is after the cut, whatever has happened (MAT28FL blank, A-04).
    2. NR with REASON DEATH: dead on REL_DAY <= 28.
    3. NR with REASON NEWTX: new systemic therapy by the day-28 assessment, or by day 28 where there is none
       (`newtx_strategy_orr` composite); EVNTDT EVNTDESC EVNTSRC say which, EVNTCERT is blank where it may lie outside.
    4. NR with REASON MISSING: no assessment in `d28_window` that counts, or no baseline. None counts that may have been
       made after the withdrawal of consent (`withdrawals`).
    5. NE with REASON UNDELIVERED: a domain that could still change the result was not delivered (§14.2): organ stages;
       or, of a response, the records of medication or disposition.
    6. NR with REASON INCOMPLETE: missing organs leave the class open (§2.7), or a steroid of unknown dose may have
       exceeded the dose at the infusion (STEROPFL, A-131); without any body weights (VS) that is 5.
    7. NR without a reason: relapse (RELAPFL) or donor lymphocytes (DLIFL) by then where `relapse_strategy_orr` is
       composite; no organ involved at baseline.
    8. else the category of the stages: CR PR MR NR PD by `response_rules`.
    RSPSTG is the category of the stages alone (NE: no organ involved at baseline). EVAL28FL: mature, and not without
    an assessment in the window for another reason than death or new therapy.
    """
    if not study.protocol.has_endpoint("ORR_D28"):
        return _typed({name: np.array([]) for name in COLUMNS})
    treated = treated_subjects(subjects, study.cut_date)
    return response_of(read_course(treated, study.domains, study.analysis), study.analysis)


def treated_subjects(subjects: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The treated subjects (SAF) by USUBJID, with CUTDT."""
    treated = subjects[(subjects["SAFFL"] == "Y") & subjects["TRTSDT"].notna()].sort_values("USUBJID", kind="stable")
    return treated.assign(CUTDT=pd.Timestamp(cut_date)).reset_index(drop=True)


@dataclass(frozen=True)
class Course:
    """What was observed of the treated subjects, read once; `response_of` decides on it.

    `treated`: one row per subject; `assessments`: their organ stages with RELDAY; `therapies`: `therapy_starts`;
    `relapses`: `relapse_dates`; `donor_cells`: `cell_infusions`; `withdrawn`: `withdrawals`, after which none of these
    counts; `lacking`: what was not delivered (`delivery.WORDS`); `possible`: `possible_therapies`.
    """

    treated: pd.DataFrame
    assessments: pd.DataFrame
    therapies: pd.DataFrame
    relapses: pd.DataFrame
    donor_cells: pd.DataFrame
    withdrawn: pd.DataFrame
    lacking: frozenset[str]
    possible: pd.DataFrame

    @property
    def open_steroids(self) -> pd.DataFrame:
        """Steroid courses after the infusion of which the dose is not known."""
        return self.possible[self.possible["WHY"] == STEROID_DOSE]


def read_course(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> Course:
    """The course of treated subjects (USUBJID TRTSDT TRTSDTM CUTDT DTHDT AGE) under these analysis keys."""
    withdrawn = withdrawals(domains, treated)
    surely = withdrawn.set_index("USUBJID")["UNTILDT"]
    relapsed, cells = relapse_dates(domains, treated), cell_infusions(domains, treated, analysis)
    return Course(
        treated=treated,
        assessments=staged_assessments(treated, domains, analysis),
        therapies=counted_therapies(treated, domains, analysis),
        relapses=relapsed[counted(relapsed, "RELAPDT", surely)].reset_index(drop=True),
        donor_cells=cells[counted(cells, "DLIDT", surely)].reset_index(drop=True),
        withdrawn=withdrawn,
        lacking=lacking(domains),
        possible=counted_possible(treated, domains, analysis),
    )


def staged_assessments(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """Organ stages (`derive_stages`) with RELDAY of all assessments that cannot lie after a withdrawal of consent."""
    staged = with_rel_day(derive_stages(domains, treated, analysis), treated)
    limits = withdrawals(domains, treated).set_index("USUBJID")["FROMDT"]
    return staged[counted(staged, "ADT", limits)].reset_index(drop=True) if len(limits) else staged


def counted_therapies(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """`therapy_starts` without those that surely lie after a withdrawal of consent."""
    starts = therapy_starts(domains, treated, analysis)
    limits = withdrawals(domains, treated).set_index("USUBJID")["UNTILDT"]
    return starts[counted(starts, "EVNTDT", limits)].reset_index(drop=True) if len(limits) else starts


def counted_possible(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """`possible_therapies` without those that surely lie after a withdrawal of consent."""
    possible = possible_therapies(domains, treated, analysis)
    limits = withdrawals(domains, treated).set_index("USUBJID")["UNTILDT"]
    return possible[counted(possible, "EVNTDT", limits)].reset_index(drop=True) if len(limits) else possible


def response_of(
    course: Course, analysis: Analysis, landmark: Landmark | None = None, also_needed: Collection[str] = ()
) -> pd.DataFrame:
    """`day28_response` of a course that was read already; at another landmark, its rules with that day and window.

    `also_needed`: what must have been delivered beside what these keys need (`delivery.needed`).
    """
    at = landmark or Landmark.day_28(analysis)
    treated = course.treated
    base = _of_subjects(baseline_assessments(course.assessments, analysis), treated)
    day = _of_subjects(assessments_at(course.assessments, at, analysis), treated)
    known, seen = base["ADT"].notna().to_numpy(), day["ADT"].notna().to_numpy()
    category = np.full(len(treated), "", dtype="object")
    category[known & seen] = category_by_stages(base[known & seen], day[known & seen], analysis)
    found: Found = {
        "USUBJID": treated["USUBJID"].to_numpy(), "TRT01A": treated["TRT01A"].to_numpy(),
        "ADT": day["ADT"].to_numpy(), "RELDAY": day["RELDAY"].to_numpy("float64", na_value=np.nan),
        "BASEADT": base["ADT"].to_numpy(), "BASETYPE": base["BASETYPE"].to_numpy(),
        "BASESTG": np.where(known, stages_text(base), ""), "D28STG": np.where(seen, stages_text(day), ""),
        "RSPSTG": category,
    }  # fmt: skip
    unknown = course.lacking & (needed(analysis) | frozenset(also_needed))
    found = _decided(found | _events(day["ADT"], course, at, analysis), course, at, analysis, unknown)
    found["ADY"] = study_day(pd.Series(found["ADT"]), pd.Series(treated["TRTSDT"].to_numpy())).array
    return _typed(found)


def _of_subjects(rows: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """The row of each treated subject, in their order, all missing where a subject has none; `rows`: by USUBJID."""
    return rows.set_index("USUBJID").reindex(treated["USUBJID"])


def stages_text(stages: pd.DataFrame) -> list[str]:
    """Stages as one text, skin-liver-upper-lower GI: `3-1-0-2`; a missing one is a question mark.

    >>> stages_text(pd.DataFrame({"SKIN": [3.0], "LIVER": [1.0], "UGI": [0.0], "LGI": [float("nan")]}))
    ['3-1-0-?']
    """
    rows = stages[list(ORGANS)].to_numpy("float64").tolist()
    return ["-".join("?" if isnan(stage) else str(int(stage)) for stage in row) for row in rows]


def source_key(events: pd.DataFrame) -> pd.Series:
    """The record that proves an event, as `CMSEQ=3`; blank where several do. `events`: SRCDOM SRCSEQ.

    >>> source_key(pd.DataFrame({"SRCDOM": ["CM", "CM"], "SRCSEQ": pd.array([3, pd.NA], dtype="Int64")})).tolist()
    ['CMSEQ=3', '']
    """
    return (events["SRCDOM"] + "SEQ=" + events["SRCSEQ"].astype("str")).fillna("")


def category_by_stages(base: pd.DataFrame, day: pd.DataFrame, analysis: Analysis) -> np.ndarray:
    """RSPSTG of assessments `day`, row by row against the assessments `base`."""
    (base_low, base_high), (day_low, day_high) = stage_range(base), stage_range(day)
    worst, best = respond_between(base_low, base_high, day_low, day_high, analysis.response_rules)
    return decide(worst, best) if len(day) else np.array([], dtype="object")


def _events(assessed: pd.Series, course: Course, at: Landmark, analysis: Analysis) -> dict[str, np.ndarray]:
    """The first new therapy (EVNTDT EVNTDESC EVNTCERT EVNTSRC), RELAPFL and DLIFL to the assessment, else the day."""
    treated = course.treated
    # Who was assessed may have been on any day of the window, where assessments were not delivered.
    by = window_day(at, treated, analysis, first=True) if "RS" in course.lacking else last_day(at, treated, analysis)
    horizon = assessed.set_axis(treated.index).fillna(by)
    subjects = pd.DataFrame({"USUBJID": treated["USUBJID"], "HORIZON": horizon})
    first = first_therapy(course.therapies, subjects)
    therapy = _of_subjects(first.assign(SOURCE=source_key(first)), treated)
    relapsed = subjects["USUBJID"].isin(first_relapse(course.relapses, subjects)["USUBJID"])
    steroids = course.open_steroids
    steroids = steroids[steroids["COUNTDT"] <= dates_of(steroids["USUBJID"], subjects.set_index("USUBJID")["HORIZON"])]
    cells = dates_of(subjects["USUBJID"], course.donor_cells.set_index("USUBJID")["DLIDT"])
    return {
        "EVNTDT": therapy["EVNTDT"].to_numpy(), "EVNTDESC": therapy["EVNTDESC"].to_numpy(),
        "EVNTCERT": therapy["CERTAIN"].to_numpy(), "EVNTSRC": therapy["SOURCE"].to_numpy(),
        "RELAPFL": np.where(relapsed, "Y", ""), "DLIFL": np.where(cells <= horizon, "Y", ""),
        "STEROPFL": np.where(subjects["USUBJID"].isin(steroids["USUBJID"]), "Y", ""),
    }  # fmt: skip


def last_day(at: Landmark, treated: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """The date of the landmark of each subject."""
    return treated["TRTSDT"] + pd.Timedelta(days=at.day - added_days(analysis))


def window_day(at: Landmark, treated: pd.DataFrame, analysis: Analysis, *, first: bool) -> pd.Series:
    """The first or the last date of the window of each subject."""
    return treated["TRTSDT"] + pd.Timedelta(days=at.window[0 if first else 1] - added_days(analysis))


def _decided(found: Found, course: Course, at: Landmark, analysis: Analysis, unknown: frozenset[str]) -> Found:
    """Adds AVALC, REASON, MAT28FL and EVAL28FL; a death is the event. Who is not mature shows nothing of day 28."""
    treated, category = course.treated, found["RSPSTG"]
    mature = (treated["TRTSDT"] + pd.Timedelta(days=at.maturity) <= treated["CUTDT"]).to_numpy()
    known_death = treated["DTHDT"].where(treated["DTHDT"] <= treated["CUTDT"])
    died = (known_death <= last_day(at, treated, analysis)).to_numpy()
    composite = analysis.newtx_strategy_orr == "composite"
    treated_anew = ~np.isnat(found["EVNTDT"]) & composite
    unseen = np.isnat(found["ADT"])
    missing = unseen | np.isnat(found["BASEADT"])
    response = np.isin(category, RESPONDERS)
    no_stages = missing & ("RS" in unknown) & ~withdrawn_before(at, course, analysis)
    steroid = response & composite & (found["STEROPFL"] == "Y")
    not_delivered = no_stages | (response & bool(unknown)) | (steroid & ("VS" in course.lacking))
    flagged = (found["RELAPFL"] == "Y") | (found["DLIFL"] == "Y")
    relapsed = flagged & (analysis.relapse_strategy_orr == "composite")
    choices = [died, treated_anew, not_delivered & ~relapsed, missing, (category == INCOMPLETE) | steroid]
    reason = np.select(choices, ["DEATH", "NEWTX", UNDELIVERED, "MISSING", "INCOMPLETE"], "")
    by_stages = np.isin(category, CATEGORIES) & (reason == "") & ~relapsed
    value = np.where(reason == UNDELIVERED, NOT_EVALUABLE, np.where(by_stages, category, "NR"))
    evaluable = mature & ~(unseen & ~died & ~treated_anew)
    death = treated["DTHDT"].to_numpy()
    of_death: dict[str, Any] = {"EVNTDT": death, "EVNTDESC": "death", "EVNTCERT": "Y", "EVNTSRC": ""}
    found = found | {name: np.where(died, value, found[name]) for name, value in of_death.items()} | {"REASON": reason}
    return found | {name: np.where(mature, found[name], BLANK[COLUMNS[name]]) for name in OF_THE_DAY} | {
        "AVALC": np.where(mature, value, PENDING),
        "MAT28FL": np.where(mature, "Y", ""), "EVAL28FL": np.where(evaluable, "Y", ""),
    }  # fmt: skip


def withdrawn_before(at: Landmark, course: Course, analysis: Analysis) -> np.ndarray:
    """Who surely withdrew consent before the window of the landmark: no assessment can count."""
    treated = course.treated
    surely = dates_of(treated["USUBJID"], course.withdrawn.set_index("USUBJID")["UNTILDT"])
    return (surely < window_day(at, treated, analysis, first=True)).to_numpy("bool")


def _typed(found: Found) -> pd.DataFrame:
    columns = {name: pd.array(found[name], dtype=kind) for name, kind in COLUMNS.items()}
    columns |= {name: columns[name].fillna("") for name, kind in COLUMNS.items() if kind == "str"}
    return pd.DataFrame(columns).sort_values("USUBJID", kind="stable", ignore_index=True)

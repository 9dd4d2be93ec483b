"""The response at day 28 of every treated subject: category, reason of non-response, maturity (domain §2.6, §2.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.dates import rel_day, study_day
from trialbook.domains import Domains
from trialbook.efficacy.assessments import Landmark, assessments_at, baseline_assessments, counted_day, with_rel_day
from trialbook.efficacy.intercurrent import (
    cell_infusions,
    first_relapse,
    first_therapy,
    relapse_dates,
    therapy_starts,
)
from trialbook.gvhd.grade import ORGANS, stage_range
from trialbook.gvhd.response_rules import CATEGORIES, INCOMPLETE, RESPONDERS, decide, respond_between
from trialbook.gvhd.stages import derive_stages
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

PENDING = "PENDING"
REASONS = ("DEATH", "NEWTX", "MISSING", "INCOMPLETE")
COLUMNS = {
    "USUBJID": "str", "TRT01A": "str", "AVALC": "str", "REASON": "str", "ADT": "datetime64[s]", "ADY": "Int64",
    "RELDAY": "Int64", "MAT28FL": "str", "EVAL28FL": "str", "RSPSTG": "str", "BASEADT": "datetime64[s]",
    "BASETYPE": "str", "BASESTG": "str", "D28STG": "str", "EVNTDT": "datetime64[s]", "EVNTDESC": "str",
    "EVNTCERT": "str", "EVNTSRC": "str", "RELAPFL": "str", "DLIFL": "str",
}  # fmt: skip


def day28_response(
    subjects: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """One row per treated subject (SAF) with the response at day 28; empty where the trial has no such endpoint.

    `subjects`: USUBJID TRT01A TRTSDT SAFFL DTHDT AGE (and TRTSDTM). Returns the columns of `COLUMNS`, by subject.

    AVALC in order:
    1. PENDING: TRTSDT + `maturity_margin_d28` is after the cut, whatever has happened (MAT28FL blank, A-04).
    2. NR with REASON DEATH: dead on REL_DAY <= 28.
    3. NR with REASON NEWTX: new systemic therapy by the day-28 assessment, or by day 28 where there is none
       (`newtx_strategy_orr` composite); EVNTDT EVNTDESC EVNTSRC say which, EVNTCERT is blank where it may lie outside.
    4. NR with REASON MISSING: no assessment in `d28_window`, or no baseline.
    5. NR with REASON INCOMPLETE: missing organs leave the class open (§2.7); or a response, while no medication records
       were delivered, so that new therapy cannot be ruled out.
    6. NR without a reason: relapse (RELAPFL) or donor lymphocytes (DLIFL) by then where `relapse_strategy_orr` is
       composite; no organ involved at baseline.
    7. else the category of the stages: CR PR MR NR PD by `response_rules`.
    RSPSTG is the category of the stages alone (NE: no organ involved at baseline). EVAL28FL: mature, and not without
    an assessment in the window for another reason than death or new therapy.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return _typed(pd.DataFrame(columns=list(COLUMNS)))
    treated = treated_subjects(subjects, cut_date)
    return response_of(read_course(treated, domains, analysis), analysis)


def treated_subjects(subjects: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The treated subjects (SAF) by USUBJID, with CUTDT."""
    treated = subjects[(subjects["SAFFL"] == "Y") & subjects["TRTSDT"].notna()].sort_values("USUBJID", kind="stable")
    return treated.assign(CUTDT=pd.Timestamp(cut_date)).reset_index(drop=True)


@dataclass(frozen=True)
class Course:
    """What was observed of the treated subjects, read once; `response_of` decides on it.

    `treated`: one row per subject; `assessments`: their organ stages with RELDAY; `therapies`: `therapy_starts`;
    `relapses`: `relapse_dates`; `donor_cells`: `cell_infusions`; `medications`: whether their records were delivered.
    """

    treated: pd.DataFrame
    assessments: pd.DataFrame
    therapies: pd.DataFrame
    relapses: pd.DataFrame
    donor_cells: pd.DataFrame
    medications: bool


def read_course(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> Course:
    """The course of treated subjects (USUBJID TRTSDT TRTSDTM CUTDT DTHDT AGE) under these analysis keys."""
    return Course(
        treated=treated,
        assessments=staged_assessments(treated, domains, analysis),
        therapies=therapy_starts(domains, treated, analysis),
        relapses=relapse_dates(domains, treated),
        donor_cells=cell_infusions(domains, treated, analysis),
        medications=domains.delivered("CM"),
    )


def staged_assessments(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """The organ stages of all assessments (`derive_stages`) with RELDAY."""
    return with_rel_day(derive_stages(domains, treated, analysis), treated)


def response_of(course: Course, analysis: Analysis, landmark: Landmark | None = None) -> pd.DataFrame:
    """`day28_response` of a course that was read already; at another landmark, its rules with that day and window."""
    at = landmark or Landmark.day_28(analysis)
    frame = course.treated.set_index("USUBJID", drop=False)
    base = baseline_assessments(course.assessments, analysis).set_index("USUBJID")
    day = assessments_at(course.assessments, at, analysis).set_index("USUBJID")
    frame = frame.assign(
        ADT=day["ADT"], RELDAY=day["RELDAY"], BASEADT=base["ADT"], BASETYPE=base["BASETYPE"],
        BASESTG=stages_text(base), D28STG=stages_text(day), RSPSTG=category_by_stages(frame.index, base, day, analysis),
    )  # fmt: skip
    frame = _with_events(frame.reset_index(drop=True), course, at, analysis)
    return _typed(_decided(frame, course.medications, at, analysis))


def stages_text(stages: pd.DataFrame) -> pd.Series:
    """Stages as one text, skin-liver-upper-lower GI: `3-1-0-2`; a missing one is a question mark."""
    parts = [stages[organ].astype("Int64").astype("str").fillna("?") for organ in ORGANS]
    return parts[0] + "-" + parts[1] + "-" + parts[2] + "-" + parts[3]


def source_key(events: pd.DataFrame) -> pd.Series:
    """The record that proves an event, as `CMSEQ=3`; blank where several do. `events`: SRCDOM SRCSEQ."""
    return (events["SRCDOM"] + "SEQ=" + events["SRCSEQ"].astype("str")).fillna("")


def category_by_stages(
    subjects: pd.Index, base: pd.DataFrame, day: pd.DataFrame, analysis: Analysis
) -> pd.Series:  # fmt: skip
    """RSPSTG of subjects that have both assessments (by USUBJID), blank for others."""
    both = subjects[subjects.isin(base.index) & subjects.isin(day.index)]
    (base_low, base_high), (day_low, day_high) = stage_range(base.loc[both]), stage_range(day.loc[both])
    worst, best = respond_between(base_low, base_high, day_low, day_high, analysis.response_rules)
    category = decide(worst, best) if len(both) else np.array([], dtype="object")
    return pd.Series(category, index=both, dtype="str").reindex(subjects).fillna("")


def _with_events(frame: pd.DataFrame, course: Course, at: Landmark, analysis: Analysis) -> pd.DataFrame:
    """Adds HORIZON, the first new therapy (EVNTDT EVNTDESC EVNTCERT), RELAPFL and DLIFL."""
    day = at.day - (1 if analysis.day_numbering == "CDISC" else 0)
    frame = frame.assign(HORIZON=frame["ADT"].fillna(frame["TRTSDT"] + pd.Timedelta(days=day)))
    first = first_therapy(course.therapies, frame).set_index("USUBJID")
    therapy = first.reindex(frame["USUBJID"]).set_axis(frame.index)
    relapsed = frame["USUBJID"].isin(first_relapse(course.relapses, frame)["USUBJID"])
    cells = course.donor_cells.set_index("USUBJID")["DLIDT"].reindex(frame["USUBJID"]).set_axis(frame.index)
    return frame.assign(
        EVNTDT=therapy["EVNTDT"],
        EVNTDESC=therapy["EVNTDESC"],
        EVNTCERT=therapy["CERTAIN"],
        EVNTSRC=source_key(therapy),
        RELAPFL=np.where(relapsed, "Y", ""),
        DLIFL=np.where(cells <= frame["HORIZON"], "Y", ""),
    )


def _decided(frame: pd.DataFrame, medications: bool, at: Landmark, analysis: Analysis) -> pd.DataFrame:
    mature = frame["TRTSDT"] + pd.Timedelta(days=at.maturity) <= frame["CUTDT"]
    died = (frame["DTHDT"] <= frame["CUTDT"]) & (
        counted_day(rel_day(frame["DTHDT"], frame["TRTSDT"]), analysis) <= at.day
    ).fillna(False).astype("bool")
    composite = analysis.newtx_strategy_orr == "composite"
    treated_anew = frame["EVNTDT"].notna() & composite
    unseen = frame["ADT"].isna()
    missing = unseen | frame["BASEADT"].isna()
    response = frame["RSPSTG"].isin(RESPONDERS)
    undecided = (frame["RSPSTG"] == INCOMPLETE) | (response & composite & (not medications))
    flagged = (frame["RELAPFL"] == "Y") | (frame["DLIFL"] == "Y")
    relapsed = flagged & (analysis.relapse_strategy_orr == "composite")
    reason = np.select(
        [died, treated_anew, missing, undecided], ["DEATH", "NEWTX", "MISSING", "INCOMPLETE"], ""
    )  # fmt: skip
    counted = frame["RSPSTG"].isin(CATEGORIES) & (reason == "") & ~relapsed
    value = frame["RSPSTG"].where(counted, "NR").where(mature, PENDING)
    return frame.assign(
        AVALC=value,
        REASON=pd.Series(reason, index=frame.index).where(mature, ""),
        ADT=frame["ADT"].where(mature),
        RELDAY=frame["RELDAY"].where(mature),
        RSPSTG=frame["RSPSTG"].where(mature, ""),
        D28STG=frame["D28STG"].where(mature, ""),
        EVNTDT=frame["EVNTDT"].mask(died, frame["DTHDT"]).where(mature),
        EVNTDESC=frame["EVNTDESC"].mask(died, "death").where(mature, ""),
        EVNTCERT=frame["EVNTCERT"].mask(died, "Y").where(mature, ""),
        EVNTSRC=frame["EVNTSRC"].mask(died, "").where(mature, ""),
        RELAPFL=frame["RELAPFL"].where(mature, ""),
        DLIFL=frame["DLIFL"].where(mature, ""),
        MAT28FL=np.where(mature, "Y", ""),
        EVAL28FL=np.where(mature & ~(unseen & ~died & ~treated_anew), "Y", ""),
    )


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    if "ADT" in frame and "TRTSDT" in frame:
        frame = frame.assign(ADY=study_day(frame["ADT"], frame["TRTSDT"]))
    frame = frame[list(COLUMNS)].astype(COLUMNS)
    blank = {name: "" for name, kind in COLUMNS.items() if kind == "str"}
    return frame.fillna(blank).sort_values("USUBJID", kind="stable").reset_index(drop=True)

"""ADRS: organ stages, derived grade, investigator's response and the response at day 28 (interface §5)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date, study_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.units import si_factor
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.assessment_days import DAY_28, Landmark, baseline_assessments, day28_assessments
from trialbook.efficacy.day28 import (
    PENDING,
    UNDELIVERED,
    Course,
    day28_response,
    read_course,
    response_of,
    treated_subjects,
)
from trialbook.efficacy.delivery import needed
from trialbook.efficacy.response_bounds import open_outcomes, read_open_facts
from trialbook.efficacy.response_over_time import best_response, durable_response, response_course
from trialbook.gvhd.assessments import organ_findings
from trialbook.gvhd.grade import ORGANS, grade_bounds, grade_text
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.gvhd.steroids import steroid_days
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.outcomes import EarlyResponse
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE
from trialbook.subjects.disposition import counted

# ----------------------------------------------------------------------------------------------------
# Steroids at day 28 against the day of the first infusion, as methylprednisolone equivalent (rulebook §2.8).


SPARED, STOPPED, NOT_SPARED, NOT_KNOWN, DEAD = "SPARED", "STOPPED", "NOT SPARED", "NE", "DEAD"


def steroid_sparing(
    responses: pd.DataFrame, treated: pd.DataFrame, domains: Domains, analysis: Analysis
) -> pd.DataFrame:  # fmt: skip
    """The steroid dose of day 28 of each subject on steroids at the first infusion: one row per subject.

    `responses`: `day28_response`; `treated`: `treated_subjects`. Returns USUBJID ADT (day 28) BASE AVAL (mg/kg/day on
    day 0 and on day 28) AVALC: STOPPED no steroid on day 28; SPARED lower by `steroid_sparing` or more; NOT SPARED;
    DEAD by day 28 (not spared); NE a dose is not known; PENDING not mature. Empty without medication records. Who
    took no steroid at the infusion, or an unknown dose, has nothing to spare and has no row.
    """
    if not domains.delivered("CM") or treated.empty:
        return _typed_sparing(pd.DataFrame(columns=["USUBJID", "ADT", "BASE", "AVAL", "AVALC"]))
    daily = steroid_days(domains, treated, drugs_in_force(analysis), analysis.local_routes)
    landmark = DAY_28 - (1 if analysis.day_numbering == "CDISC" else 0)
    frame = treated[["USUBJID", "TRTSDT", "DTHDT"]].merge(responses[["USUBJID", "MAT28FL"]], on="USUBJID")
    frame = frame.assign(ADT=frame["TRTSDT"] + pd.Timedelta(days=landmark))
    before, now = (_dose_on(daily, frame["USUBJID"], frame[day]) for day in ("TRTSDT", "ADT"))
    share = 1 - now / before.where(before > 0)
    dead = (frame["DTHDT"] <= frame["ADT"]).fillna(False)
    # Ten digits, so that half of a dose is half of it in floating point too.
    kinds = [frame["MAT28FL"] != "Y", dead, now.isna(), now == 0, share.round(10) >= analysis.steroid_sparing]
    value = np.select(kinds, [PENDING, DEAD, NOT_KNOWN, STOPPED, SPARED], NOT_SPARED)
    mature = frame["MAT28FL"] == "Y"
    shown = now.where(mature & ~dead)
    rows = frame.assign(BASE=before, AVAL=shown, AVALC=value, ADT=frame["ADT"].where(mature & ~dead))
    return _typed_sparing(rows[before > 0])


def _dose_on(daily: pd.DataFrame, subjects: pd.Series, days: pd.Series) -> pd.Series:
    """MPEQ of each subject on its day: 0 without a record of that day, missing where the dose is not known."""
    asked = pd.DataFrame({"USUBJID": subjects, "ADT": days.astype("datetime64[s]")})
    found = asked.merge(daily, on=["USUBJID", "ADT"], how="left", validate="one_to_one", indicator=True)
    dose = found["MPEQ"].astype("float64").mask(found["_merge"] == "left_only", 0.0)
    return pd.Series(dose.to_numpy(), index=subjects.index)


def _typed_sparing(frame: pd.DataFrame) -> pd.DataFrame:
    kinds = {"USUBJID": "str", "ADT": "datetime64[s]", "BASE": "float64", "AVAL": "float64", "AVALC": "str"}
    return frame[list(kinds)].astype(kinds).sort_values("USUBJID", kind="stable").reset_index(drop=True)


# ----------------------------------------------------------------------------------------------------
# The response organ by organ, and very good partial responses, at the assessment of day 28 (rulebook §2.6, §2.8).


DECIDED_FOR_ALL_ORGANS = ("DEATH", "NEWTX", "MISSING")


def organ_responses(responses: pd.DataFrame, course: Course, analysis: Analysis) -> pd.DataFrame:
    """The response of each organ that was involved at baseline: USUBJID ORGAN ADT AVALC REASON, by subject and organ.

    `responses`: `response_of` of this course. AVALC: CR stage 0, PR lower, NR the same, PD higher than at baseline;
    PENDING where not mature. Death, new therapy and a missing assessment make a non-response of every organ (REASON);
    INCOMPLETE: this organ was not assessed at day 28. NE with REASON UNDELIVERED: a response that a domain which was
    not delivered could undo. Without organ stages there are no rows: nobody knows which organs were involved.
    """
    base = baseline_assessments(course.assessments, analysis).set_index("USUBJID")
    day = day28_assessments(course.assessments, analysis).set_index("USUBJID")
    parts = [_one_organ(organ, responses, base[organ], day[organ], course, analysis) for organ in ORGANS]
    frame = pd.concat(parts, ignore_index=True)
    order = frame["ORGAN"].map({organ: k for k, organ in enumerate(ORGANS)})
    frame = frame.assign(order=order).sort_values(["USUBJID", "order"], kind="stable")
    return frame.drop(columns="order").reset_index(drop=True)


def _one_organ(
    organ: str, responses: pd.DataFrame, base: pd.Series, day: pd.Series, course: Course, analysis: Analysis
) -> pd.DataFrame:
    rows = responses[responses["USUBJID"].map(base).astype("float64") > 0].reset_index(drop=True)
    before, now = (rows["USUBJID"].map(stage).astype("float64") for stage in (base, day))
    category = np.select([now.isna(), now == 0, now < before, now > before], ["", "CR", "PR", "PD"], "NR")
    by_rule = rows["REASON"].isin(DECIDED_FOR_ALL_ORGANS)
    composite = analysis.newtx_strategy_orr == "composite"
    steroid = rows["STEROPFL"].eq("Y") & np.isin(category, RESPONDERS) & composite
    unknown = bool(course.lacking & needed(analysis)) | (steroid & ("VS" in course.lacking))
    incomplete = ~by_rule & (now.isna() | (steroid & ~unknown))
    flagged = (rows["RELAPFL"] == "Y") | (rows["DLIFL"] == "Y")
    lost = by_rule | incomplete | (flagged & (analysis.relapse_strategy_orr == "composite"))
    mature = rows["MAT28FL"] == "Y"
    undelivered = ~lost & np.isin(category, RESPONDERS) & unknown
    value = pd.Series(category, index=rows.index, dtype="str").mask(lost, "NR").mask(undelivered, NOT_EVALUABLE)
    reason = rows["REASON"].where(by_rule, "").mask(incomplete, "INCOMPLETE").mask(undelivered, UNDELIVERED)
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "ORGAN": pd.Series(organ, index=rows.index, dtype="str"), "ADT": rows["ADT"],
            "AVALC": value.where(mature, PENDING), "REASON": reason.where(mature, ""),
        }
    )  # fmt: skip


def very_good_partial(
    responses: pd.DataFrame, course: Course, domains: Domains, analysis: Analysis
) -> pd.DataFrame:  # fmt: skip
    """Which partial responses are very good (VGPR), a sub-row of PR: USUBJID ADT AVALC (Y, N, NE, PENDING) REASON, SAF.

    All of: skin stage 0, or stage 1 (below 25 % of the body surface) without bullae; liver stage 0, or bilirubin below
    the share `vgpr_bilirubin` of its baseline; upper and lower GI stage 0, which means eating,
    formed stools and no more than occasional nausea (A-116). What is not known is not very good, but NE where a domain
    that decides the response was not delivered (REASON UNDELIVERED); MISSING and INCOMPLETE are those of the response.
    """
    base = baseline_assessments(course.assessments, analysis).set_index("USUBJID")
    day = day28_assessments(course.assessments, analysis).set_index("USUBJID")
    subjects = responses["USUBJID"]
    stage = {organ: subjects.map(day[organ]).astype("float64") for organ in ORGANS}
    findings = organ_findings(domains, course.treated)
    bullae = _finding(findings, "BULLAE", day)["TEXT"].reindex(subjects).isin(["Y", "YES"]).to_numpy()
    share = (_bilirubin(findings, day) / _bilirubin(findings, base)).reindex(subjects).to_numpy(dtype="float64")
    skin = (stage["SKIN"] == 0) | ((stage["SKIN"] == 1) & ~bullae)
    liver = (stage["LIVER"] == 0) | (share < analysis.vgpr_bilirubin)
    gut = (stage["UGI"] == 0) & (stage["LGI"] == 0)
    fits = skin & liver & gut
    unknown = responses["REASON"].eq(UNDELIVERED) & (("RS" in course.lacking) | (responses["RSPSTG"].eq("PR") & fits))
    very_good = (responses["AVALC"] == "PR") & fits
    answer = very_good.map({True: "Y", False: "N"}).astype("str").mask(unknown, NOT_EVALUABLE)
    reason = responses["REASON"].where(responses["REASON"].isin(["MISSING", "INCOMPLETE"]) | unknown, "")
    return pd.DataFrame(
        {
            "USUBJID": subjects, "ADT": responses["ADT"],
            "AVALC": answer.where(responses["AVALC"] != PENDING, PENDING), "REASON": reason,
        }
    )  # fmt: skip


def _finding(findings: pd.DataFrame, test: str, at: pd.DataFrame) -> pd.DataFrame:
    """The findings of one test at each subject's assessment `at` (by USUBJID, with ADT), by USUBJID."""
    asked = at["ADT"].reset_index()
    own = findings[findings["TEST"] == test]
    return asked.merge(own, on=["USUBJID", "ADT"], how="inner", validate="one_to_one").set_index("USUBJID")


def _bilirubin(findings: pd.DataFrame, at: pd.DataFrame) -> pd.Series:
    """Bilirubin in umol/L by USUBJID; a bound such as "<5" is not a measurement."""
    found = _finding(findings, "BILI", at)
    found = found[found["SIGN"] == ""]
    factor = si_factor(pd.Series("BILI", index=found.index), found["UNIT"])
    return found["NUMBER"].astype("float64") * factor.to_numpy()


# ----------------------------------------------------------------------------------------------------

__all__ = ["ADRS_COLUMNS", "CATEGORY_NUMBER", "day28_response", "derive_adrs", "investigator_responses"]

PARAMETERS = {
    "SKIN": msg("Skin stage (MAGIC)"), "LIVER": msg("Liver stage (MAGIC)"), "UGI": msg("Upper GI stage (MAGIC)"),
    "LGI": msg("Lower GI stage (MAGIC)"), "GRADE": msg("Overall aGVHD grade, derived (MAGIC)"),
    "RSPINV": msg("Response by the investigator"), "RSP28": msg("Response at day 28"),
    "VGPR28": msg("Very good partial response at day 28"), "BOR": msg("Best overall response"),
    "RSP14": msg("Response at day 14"), "RSP56": msg("Durable response, day 28 and still day 56"),
    "RSPSKIN": msg("Response of the skin at day 28"),
    "RSPLIVER": msg("Response of the liver at day 28"), "RSPUGI": msg("Response of upper GI at day 28"),
    "RSPLGI": msg("Response of lower GI at day 28"),
    "STER28": msg("Steroids on day 28 (mg/kg/day methylprednisolone equivalent)"),
}  # fmt: skip
VISITS = {"BOR": "Best", "RSP14": "Day 14", "RSP56": "Day 56"}
AT_DAY_28 = ("RSP28", "VGPR28", "RSPSKIN", "RSPLIVER", "RSPUGI", "RSPLGI", "STER28")
YES_NO = {"Y": 1.0, "N": 0.0}
CATEGORY_NUMBER = {name: float(number) for number, name in enumerate(CATEGORIES, 1)}
ADRS_COLUMNS = {
    "STUDYID": "str", "USUBJID": "str", "TRT01A": "str", "PARAMCD": "str", "PARAM": "str", "ADT": "datetime64[s]",
    "ADY": "Int64", "RELDAY": "Int64", "AVISIT": "str", "AVAL": "float64", "AVALC": "str", "BASE": "float64",
    "CHG": "float64", "ABLFL": "str", "REASON": "str", "RSP28FL": "str", "RSPSTG": "str", "AVALCOL": "float64",
    "AVALLO": "float64", "AVALHI": "float64", "SOURCE": "str", "GRADSYS": "str", "RSPLO": "str", "RSPHI": "str",
    "RSPWHY": "str",
}  # fmt: skip


def derive_adrs(adsl: pd.DataFrame, study: StudyData, day28: pd.DataFrame | None = None) -> pd.DataFrame:
    """ADRS of the treated subjects (SAF): one row per subject, parameter and assessment date.

    `adsl`: STUDYID USUBJID TRT01A TRTSDT TRTSDTM SAFFL DTHDT AGE. Empty where the trial has no response endpoint.
    - SKIN LIVER UGI LGI: the stage used (AVAL), the collected stage (AVALCOL, never overwritten), the possible range
      (AVALLO, AVALHI) and SOURCE (DERIVED, COLLECTED, blank = not known: AVAL missing, AVALC blank).
    - GRADE: derived from the stages; AVALC 0 I II III IV, NE where missing organs leave it open (AVALLO, AVALHI).
    - RSPINV: the investigator's overall response, AVAL 1 (CR) to 5 (PD).
    - RSP28: one row per subject. AVALC CR PR MR NR PD PENDING; a non-responder by REASON (DEATH NEWTX MISSING
      INCOMPLETE) has AVALC NR, while RSPSTG keeps the category of the stages alone. ADT is the day-28 assessment,
      missing where there was none. RSP28FL = Y marks the mature subjects, who are the denominator of the response rate.
      NE with REASON UNDELIVERED: a domain that decides it was not delivered. RSPLO and RSPHI: the least and the most
      favourable of NR, PR and CR that the open facts allow, RSPWHY what is open (`open_outcomes`).
    - RSP14: as RSP28 at the day of `outcomes.day14`, REASON too; where the protocol file has that key (A-218).
    - VGPR28, RSP56 (durable): Y, N, NE or PENDING per subject. BOR: the best category to `bor_until`, NE without one.
    - RSPSKIN RSPLIVER RSPUGI RSPLGI: the response of each organ involved at baseline, REASON as for RSP28.
    - STER28: steroids on day 28 (AVAL, mg/kg/day) and on day 0 (BASE); AVALC of `steroid_sparing`.
    BASE is the AVAL of the subject's baseline of response (ABLFL = Y), CHG = AVAL - BASE after it. ADY is the CDISC
    study day, RELDAY counts from 0. `day28`: the result of `day28_response` where it was derived before; the rows at
    day 28 are derived from it. GRADSYS names the grading system: other systems are never pooled with MAGIC.
    """
    if not study.protocol.has_endpoint("ORR_D28"):
        return _typed(pd.DataFrame(columns=list(ADRS_COLUMNS)))
    treated = treated_subjects(adsl, study.cut_date)
    course = read_course(treated, study.domains, study.analysis)
    assessments = course.assessments
    baseline, at_day28 = (
        baseline_assessments(assessments, study.analysis),
        day28_assessments(assessments, study.analysis),
    )
    staged = pd.concat([_stage_rows(assessments), _grade_rows(assessments)], ignore_index=True)
    staged = _against_baseline(staged, baseline)
    investigator = investigator_responses(study.domains, treated)
    investigator = investigator[counted(investigator, "ADT", course.withdrawn.set_index("USUBJID")["FROMDT"])]
    response = response_of(course, study.analysis) if day28 is None else day28
    outcomes = open_outcomes(course, read_open_facts(course, study.domains, study.analysis), response, study.analysis)
    later = _later_rows(course, response, study.domains, study.analysis, study.protocol.outcomes.day14)
    rows = pd.concat([staged, _response_rows(investigator), _day28_rows(response, outcomes), *later], ignore_index=True)
    rows = rows.merge(treated[["STUDYID", "USUBJID", "TRT01A", "TRTSDT"]], on="USUBJID", validate="many_to_one")
    return _typed(_with_days(rows, baseline, at_day28))


def investigator_responses(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    """The investigator's overall response (RS OVRLRESP, RSCAT MAGIC) to the cut: USUBJID ADT AVALC, last per date.

    `treated`: USUBJID CUTDT. Records without a complete date or with a word that is not a category are left out.
    """
    rs = domains["RS"]
    rows = rs[(rs["RSCAT"].str.upper() == "MAGIC") & (rs["RSTESTCD"] == "OVRLRESP")]
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "ADT": complete_date(rows["RSDTC"]), "RSDTC": rows["RSDTC"],
            "AVALC": rows["RSORRES"].str.strip().str.upper(), "RSSEQ": rows["RSSEQ"],
        }
    )  # fmt: skip
    frame = frame.merge(treated[["USUBJID", "CUTDT"]], on="USUBJID", how="inner", validate="many_to_one")
    frame = frame[frame["AVALC"].isin(CATEGORIES) & (frame["ADT"] <= frame["CUTDT"])]
    frame = frame.sort_values(["USUBJID", "ADT", "RSDTC", "RSSEQ"], kind="stable")
    return frame.drop_duplicates(["USUBJID", "ADT"], keep="last")[["USUBJID", "ADT", "AVALC"]].reset_index(drop=True)


def _stage_rows(assessments: pd.DataFrame) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "USUBJID": assessments["USUBJID"], "ADT": assessments["ADT"], "PARAMCD": organ,
                "AVAL": assessments[organ], "AVALC": assessments[organ].astype("Int64").astype("str"),
                "AVALCOL": assessments[f"{organ}COL"], "AVALLO": assessments[f"{organ}LO"],
                "AVALHI": assessments[f"{organ}HI"], "SOURCE": assessments[f"{organ}SRC"],
            }
        )
        for organ in ORGANS
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _grade_rows(assessments: pd.DataFrame) -> pd.DataFrame:
    bounds = grade_bounds(assessments)
    return pd.DataFrame(
        {
            "USUBJID": assessments["USUBJID"], "ADT": assessments["ADT"], "PARAMCD": "GRADE",
            "AVAL": bounds["GRADE"], "AVALC": grade_text(bounds["GRADE"]), "AVALLO": bounds["GRADELO"],
            "AVALHI": bounds["GRADEHI"], "SOURCE": "DERIVED",
        }
    )  # fmt: skip


def _against_baseline(staged: pd.DataFrame, baseline: pd.DataFrame) -> pd.DataFrame:
    """Adds BASE, CHG and ABLFL; CHG only after the baseline."""
    at = staged.merge(baseline[["USUBJID", "ADT"]], on=["USUBJID", "ADT"])
    values = at[["USUBJID", "PARAMCD", "AVAL"]].rename(columns={"AVAL": "BASE"})
    frame = staged.merge(values, on=["USUBJID", "PARAMCD"], how="left", validate="many_to_one")
    frame = frame.merge(baseline[["USUBJID", "ADT"]].rename(columns={"ADT": "BASEADT"}), on="USUBJID", how="left")
    after = frame["ADT"] > frame["BASEADT"]
    flag = np.where(frame["ADT"] == frame["BASEADT"], "Y", "")
    return frame.assign(ABLFL=flag, CHG=(frame["AVAL"] - frame["BASE"]).where(after)).drop(columns="BASEADT")


def _response_rows(investigator: pd.DataFrame) -> pd.DataFrame:
    number = investigator["AVALC"].map(CATEGORY_NUMBER).astype("float64")
    return investigator.assign(PARAMCD="RSPINV", AVAL=number, SOURCE="COLLECTED")


def _day28_rows(response: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    response = response.merge(outcomes, on="USUBJID", validate="one_to_one")
    kept = response[["USUBJID", "ADT", "AVALC", "REASON", "RSPSTG", "RSPLO", "RSPHI", "RSPWHY"]]
    number = kept["AVALC"].map(CATEGORY_NUMBER).astype("float64")
    flag = np.where(kept["AVALC"] == PENDING, "", "Y")
    return kept.assign(PARAMCD="RSP28", AVAL=number, SOURCE="DERIVED", RSP28FL=flag)


def _later_rows(
    course: Course, response: pd.DataFrame, domains: Domains, analysis: Analysis, early: EarlyResponse | None
) -> list[pd.DataFrame]:
    """RSP14, VGPR28, BOR, RSP56, the responses of the organs, and STER28."""
    over_time = response_course(course, analysis)
    durable = durable_response(response, response_of(course, analysis, Landmark.day_56(analysis)))
    organs = organ_responses(response, course, analysis)
    steroids = steroid_sparing(response, course.treated, domains, analysis)
    rows = [
        *([_valued(_response_at(early, course, analysis), "RSP14", CATEGORY_NUMBER)] if early else []),
        _valued(very_good_partial(response, course, domains, analysis), "VGPR28", YES_NO),
        _valued(best_response(response, over_time, analysis, course.lacking), "BOR", CATEGORY_NUMBER),
        _valued(durable, "RSP56", YES_NO),
        _valued(organs.drop(columns="ORGAN"), "RSP" + organs["ORGAN"], CATEGORY_NUMBER),
        steroids.assign(PARAMCD="STER28", CHG=steroids["AVAL"] - steroids["BASE"]),
    ]
    return [frame.assign(SOURCE="DERIVED") for frame in rows if len(frame)]


def _response_at(early: EarlyResponse, course: Course, analysis: Analysis) -> pd.DataFrame:
    """The response at an earlier day by the rules of day 28: USUBJID ADT AVALC REASON RSPSTG."""
    at = Landmark(early.day, (early.window[0], early.window[1]), early.maturity)
    return response_of(course, analysis, at)[["USUBJID", "ADT", "AVALC", "REASON", "RSPSTG"]]


def _valued(frame: pd.DataFrame, parameter: str | pd.Series, numbers: Mapping[str, float]) -> pd.DataFrame:
    return frame.assign(PARAMCD=parameter, AVAL=frame["AVALC"].map(numbers).astype("float64"))


def _with_days(rows: pd.DataFrame, baseline: pd.DataFrame, day28: pd.DataFrame) -> pd.DataFrame:
    """Adds RELDAY, ADY and AVISIT: Baseline and Day 28 for the assessments used, else the day since infusion."""
    relday = ((rows["ADT"] - rows["TRTSDT"]) / pd.Timedelta(days=1)).astype("Float64").astype("Int64")
    named = pd.concat([baseline.assign(NAME="Baseline"), day28.assign(NAME="Day 28")])[["USUBJID", "ADT", "NAME"]]
    name = rows[["USUBJID", "ADT"]].merge(named, on=["USUBJID", "ADT"], how="left", validate="many_to_one")["NAME"]
    visit = pd.Series(name.to_numpy(), index=rows.index).fillna("Day " + relday.astype("str"))
    fixed = rows["PARAMCD"].map(VISITS | dict.fromkeys(AT_DAY_28, "Day 28"))
    return rows.assign(
        RELDAY=relday, ADY=study_day(rows["ADT"], rows["TRTSDT"]), AVISIT=visit.mask(fixed.notna(), fixed),
        PARAM=rows["PARAMCD"].map(PARAMETERS), GRADSYS="MAGIC",
    )  # fmt: skip


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.reindex(columns=list(ADRS_COLUMNS)).astype(ADRS_COLUMNS)
    frame = frame.fillna({name: "" for name, kind in ADRS_COLUMNS.items() if kind == "str"})
    order = frame["PARAMCD"].map({name: k for k, name in enumerate(PARAMETERS)})
    frame = frame.assign(order=order).sort_values(["USUBJID", "order", "ADT"], kind="stable", na_position="last")
    return frame.drop(columns="order").reset_index(drop=True)

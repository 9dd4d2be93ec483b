"""ADRS: organ stages, derived grade, investigator's response and the response at day 28 (interface §5)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from trialbook.dates import complete_date, study_day
from trialbook.domains import Domains
from trialbook.efficacy.assessments import Landmark, baseline_assessments, day28_assessments
from trialbook.efficacy.course import best_response, durable_response, response_course
from trialbook.efficacy.day28 import PENDING, Course, day28_response, read_course, response_of, treated_subjects
from trialbook.efficacy.organ_response import organ_responses, very_good_partial
from trialbook.efficacy.steroid_sparing import steroid_sparing
from trialbook.gvhd.grade import ORGANS, grade_bounds, grade_text
from trialbook.gvhd.response_rules import CATEGORIES
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

__all__ = ["ADRS_COLUMNS", "CATEGORY_NUMBER", "day28_response", "derive_adrs", "investigator_responses"]

PARAMETERS = {
    "SKIN": "Skin stage (MAGIC)", "LIVER": "Liver stage (MAGIC)", "UGI": "Upper GI stage (MAGIC)",
    "LGI": "Lower GI stage (MAGIC)", "GRADE": "Overall aGVHD grade, derived (MAGIC)",
    "RSPINV": "Response by the investigator", "RSP28": "Response at day 28",
    "VGPR28": "Very good partial response at day 28", "BOR": "Best overall response",
    "RSP56": "Durable response, day 28 and still day 56", "RSPSKIN": "Response of the skin at day 28",
    "RSPLIVER": "Response of the liver at day 28", "RSPUGI": "Response of upper GI at day 28",
    "RSPLGI": "Response of lower GI at day 28",
    "STER28": "Steroids on day 28 (mg/kg/day methylprednisolone equivalent)",
}  # fmt: skip
VISITS = {"BOR": "Best", "RSP56": "Day 56"}
AT_DAY_28 = ("RSP28", "VGPR28", "RSPSKIN", "RSPLIVER", "RSPUGI", "RSPLGI", "STER28")
YES_NO = {"Y": 1.0, "N": 0.0}
CATEGORY_NUMBER = {name: float(number) for number, name in enumerate(CATEGORIES, 1)}
ADRS_COLUMNS = {
    "STUDYID": "str", "USUBJID": "str", "TRT01A": "str", "PARAMCD": "str", "PARAM": "str", "ADT": "datetime64[s]",
    "ADY": "Int64", "RELDAY": "Int64", "AVISIT": "str", "AVAL": "float64", "AVALC": "str", "BASE": "float64",
    "CHG": "float64", "ABLFL": "str", "REASON": "str", "RSP28FL": "str", "RSPSTG": "str", "AVALCOL": "float64",
    "AVALLO": "float64", "AVALHI": "float64", "SOURCE": "str", "GRADSYS": "str",
}  # fmt: skip


def derive_adrs(
    adsl: pd.DataFrame,
    domains: Domains,
    protocol: Protocol,
    analysis: Analysis,
    cut_date: pd.Timestamp,
    day28: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """ADRS of the treated subjects (SAF): one row per subject, parameter and assessment date.

    `adsl`: STUDYID USUBJID TRT01A TRTSDT TRTSDTM SAFFL DTHDT AGE. Empty where the trial has no response endpoint.
    - SKIN LIVER UGI LGI: the stage used (AVAL), the collected stage (AVALCOL, never overwritten), the possible range
      (AVALLO, AVALHI) and SOURCE (DERIVED, COLLECTED, blank = not known: AVAL missing, AVALC blank).
    - GRADE: derived from the stages; AVALC 0 I II III IV, NE where missing organs leave it open (AVALLO, AVALHI).
    - RSPINV: the investigator's overall response, AVAL 1 (CR) to 5 (PD).
    - RSP28: one row per subject. AVALC CR PR MR NR PD PENDING; a non-responder by REASON (DEATH NEWTX MISSING
      INCOMPLETE) has AVALC NR, while RSPSTG keeps the category of the stages alone. ADT is the day-28 assessment,
      missing where there was none. RSP28FL = Y marks the mature subjects, who are the denominator of the response rate.
    - VGPR28 and RSP56 (durable): Y, N or PENDING per subject. BOR: the best category to `bor_until`, NE without one.
    - RSPSKIN RSPLIVER RSPUGI RSPLGI: the response of each organ involved at baseline, REASON as for RSP28.
    - STER28: steroids on day 28 (AVAL, mg/kg/day) and on day 0 (BASE); AVALC of `steroid_sparing`.
    BASE is the AVAL of the subject's baseline of response (ABLFL = Y), CHG = AVAL - BASE after it. ADY is the CDISC
    study day, RELDAY counts from 0. `day28`: the result of `day28_response` where it was derived before; the rows at
    day 28 are made of it. GRADSYS names the grading system: other systems are never pooled with MAGIC.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return _typed(pd.DataFrame(columns=list(ADRS_COLUMNS)))
    treated = treated_subjects(adsl, cut_date)
    course = read_course(treated, domains, analysis)
    assessments = course.assessments
    baseline, at_day28 = baseline_assessments(assessments, analysis), day28_assessments(assessments, analysis)
    staged = pd.concat([_stage_rows(assessments), _grade_rows(assessments)], ignore_index=True)
    staged = _against_baseline(staged, baseline)
    investigator = investigator_responses(domains, treated)
    response = response_of(course, analysis) if day28 is None else day28
    later = _later_rows(course, response, domains, analysis)
    rows = pd.concat([staged, _response_rows(investigator), _day28_rows(response), *later], ignore_index=True)
    rows = rows.merge(treated[["STUDYID", "USUBJID", "TRT01A", "TRTSDT"]], on="USUBJID", validate="many_to_one")
    return _typed(_with_days(rows, baseline, at_day28))


def investigator_responses(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    """The investigator's overall response (RS OVRLRESP, RSCAT MAGIC) to the cut: USUBJID ADT AVALC, last per date.

    `treated`: USUBJID CUTDT. Records without a complete date or with a word that is no category are left out.
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


def _day28_rows(response: pd.DataFrame) -> pd.DataFrame:
    kept = response[["USUBJID", "ADT", "AVALC", "REASON", "RSPSTG"]]
    number = kept["AVALC"].map(CATEGORY_NUMBER).astype("float64")
    flag = np.where(kept["AVALC"] == PENDING, "", "Y")
    return kept.assign(PARAMCD="RSP28", AVAL=number, SOURCE="DERIVED", RSP28FL=flag)


def _later_rows(course: Course, response: pd.DataFrame, domains: Domains, analysis: Analysis) -> list[pd.DataFrame]:
    """VGPR28, BOR, RSP56, the responses of the organs, and STER28."""
    over_time = response_course(course, analysis)
    durable = durable_response(response, response_of(course, analysis, Landmark.day_56(analysis)))
    organs = organ_responses(response, course, analysis)
    steroids = steroid_sparing(response, course.treated, domains, analysis)
    rows = [
        _valued(very_good_partial(response, course, domains, analysis), "VGPR28", YES_NO),
        _valued(best_response(response, over_time, analysis), "BOR", CATEGORY_NUMBER),
        _valued(durable, "RSP56", YES_NO),
        _valued(organs.drop(columns="ORGAN"), "RSP" + organs["ORGAN"], CATEGORY_NUMBER),
        steroids.assign(PARAMCD="STER28", CHG=steroids["AVAL"] - steroids["BASE"]),
    ]
    return [frame.assign(SOURCE="DERIVED") for frame in rows if len(frame)]


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

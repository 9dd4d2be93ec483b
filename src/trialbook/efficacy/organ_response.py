"""The response organ by organ, and very good partial responses, at the assessment of day 28 (domain §2.6, §2.8)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.efficacy.assessments import baseline_assessments, day28_assessments
from trialbook.efficacy.day28 import PENDING, UNDELIVERED, Course
from trialbook.efficacy.delivery import needed
from trialbook.gvhd.findings import organ_findings
from trialbook.gvhd.grade import ORGANS
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_EVALUABLE
from trialbook.units import si_factor

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
    the share `vgpr_bilirubin` of its baseline; upper and lower GI stage 0, which stands for eating,
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
    """Bilirubin in umol/L by USUBJID; a bound such as "<5" is no measurement."""
    found = _finding(findings, "BILI", at)
    found = found[found["SIGN"] == ""]
    factor = si_factor(pd.Series("BILI", index=found.index), found["UNIT"])
    return found["NUMBER"].astype("float64") * factor.to_numpy()

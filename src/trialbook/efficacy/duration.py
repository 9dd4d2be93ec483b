"""Time to the first response, and how long a response lasts: the rows TTR and DOR of ADTTE (domain §2.8, A-58)."""

from __future__ import annotations

import pandas as pd

from trialbook.efficacy.assessments import baseline_assessments, dates_of
from trialbook.efficacy.course import first_counted_therapy, first_response, response_course
from trialbook.efficacy.day28 import Course, response_of
from trialbook.gvhd.grade import ORGANS
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis

ENDED, LASTING = 0, 1
COLUMNS = ["USUBJID", "STARTDT", "ADT", "CNSR", "EVNTDESC"]


def time_to_response(course: Course, analysis: Analysis) -> pd.DataFrame:
    """The first CR or PR of each subject who has one: USUBJID STARTDT (first infusion) ADT CNSR (0) EVNTDESC.

    Only of subjects mature for day 28. Nobody is censored: who did not respond has no row, so the times are those of
    responders alone. No rows where a domain that decides a response was not delivered (§14.2).
    """
    rows = _first_responses(course, analysis).merge(
        course.treated[["USUBJID", "TRTSDT"]], on="USUBJID", validate="one_to_one"
    )
    return _typed(rows.assign(STARTDT=rows["TRTSDT"], CNSR=ENDED, EVNTDESC="FIRST RESPONSE: " + rows["AVALC"]))


def response_duration(course: Course, analysis: Analysis) -> pd.DataFrame:
    """How long each response lasted: USUBJID STARTDT ADT CNSR EVNTDESC.

    Starts at the day-28 assessment of the responders of day 28, or with the first response (`dor_start`). Ends with
    the first of progression (`progressions`), new systemic therapy and death of any cause; of events on one day in
    this order. Without one, censored at the last assessment of GVHD up to the cut, or to the withdrawal of consent. No
    rows where a domain that decides a response was not delivered (§14.2).
    """
    start = _starts(course, analysis)
    last = course.assessments.groupby("USUBJID")["ADT"].max()
    treated = course.treated.set_index("USUBJID")
    died = treated["DTHDT"].where(treated["DTHDT"] <= treated["CUTDT"])
    worse = progressions(course, start, analysis)
    ends = [
        ("PROGRESSION", worse), ("NEW SYSTEMIC THERAPY", _therapy_after(course, start)), ("DEATH", died),
    ]  # fmt: skip
    rows = start.assign(
        ADT=dates_of(start["USUBJID"], last), CNSR=LASTING, EVNTDESC="CENSORED: last assessment of GVHD"
    )
    ended = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[s]")
    for what, dates in ends:
        when = dates_of(rows["USUBJID"], dates)
        first = when.notna() & (ended.isna() | (when < ended))
        ended = ended.mask(first, when)
        rows = rows.assign(EVNTDESC=rows["EVNTDESC"].mask(first, what), CNSR=rows["CNSR"].mask(first, ENDED))
    return _typed(rows.assign(ADT=rows["ADT"].mask(ended.notna(), ended)))


def progressions(course: Course, start: pd.DataFrame, analysis: Analysis) -> pd.Series:
    """The first day on which a response ended by worsening, by USUBJID (A-58).

    An organ worsens where its stage is above the lowest it had from the baseline on. It counts when it lasts: the organ
    is above that stage at its next assessment too, or new therapy starts before there is one; with `dor_progression`
    single, at once. `start`: USUBJID STARTDT. A missing stage is no worsening.
    """
    base = baseline_assessments(course.assessments, analysis)[["USUBJID", "ADT"]].rename(columns={"ADT": "BASEADT"})
    rows = course.assessments.merge(start, on="USUBJID").merge(base, on="USUBJID")
    rows = rows[rows["ADT"] >= rows["BASEADT"]].sort_values(["USUBJID", "ADT"], kind="stable")
    therapy = dates_of(rows["USUBJID"], _therapy_after(course, start))
    rows = rows.assign(THERAPY=therapy)
    found = [_worse(rows[rows[organ].notna()], organ, analysis) for organ in ORGANS]
    days = pd.concat(found)
    return days[days["ADT"] > days["STARTDT"]].groupby("USUBJID")["ADT"].min()


def _worse(known: pd.DataFrame, organ: str, analysis: Analysis) -> pd.DataFrame:
    """The assessments at which one organ is worse, and stays so or needs therapy; `known` has its stage everywhere."""
    by_subject = known.groupby("USUBJID")
    lowest = by_subject[organ].cummin().groupby(known["USUBJID"]).shift()
    worse = known[organ] > lowest
    if analysis.dor_progression == "lasting":
        following, next_day = by_subject[organ].shift(-1), by_subject["ADT"].shift(-1)
        treated = (known["THERAPY"] >= known["ADT"]) & (next_day.isna() | (known["THERAPY"] <= next_day))
        worse = worse & ((following > lowest) | treated)
    return known.loc[worse, ["USUBJID", "ADT", "STARTDT"]]


def _first_responses(course: Course, analysis: Analysis) -> pd.DataFrame:
    """The first responses of the subjects who are mature for day 28: of others only the fast ones would be known."""
    treated = course.treated
    mature = treated["TRTSDT"] + pd.Timedelta(days=analysis.maturity_margin_d28) <= treated["CUTDT"]
    first = first_response(response_course(course, analysis), analysis)
    return first[first["USUBJID"].isin(treated.loc[mature, "USUBJID"])].reset_index(drop=True)


def _therapy_after(course: Course, start: pd.DataFrame) -> pd.Series:
    return first_counted_therapy(course, start.set_index("USUBJID")["STARTDT"])


def _starts(course: Course, analysis: Analysis) -> pd.DataFrame:
    if analysis.dor_start == "first_response":
        first = _first_responses(course, analysis)
    else:
        response = response_of(course, analysis)
        first = response[response["AVALC"].isin(RESPONDERS)]
    return first[["USUBJID", "ADT"]].rename(columns={"ADT": "STARTDT"}).reset_index(drop=True)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    dates = dict.fromkeys(["STARTDT", "ADT"], "datetime64[s]")
    frame = rows.reindex(columns=COLUMNS).astype({**dates, "USUBJID": "str", "CNSR": "int64", "EVNTDESC": "str"})
    return frame.sort_values("USUBJID", kind="stable").reset_index(drop=True)

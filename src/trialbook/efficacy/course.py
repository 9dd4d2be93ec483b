"""The response at every assessment against the original baseline: best, first and lasting responses (domain §2.8)."""

from __future__ import annotations

import pandas as pd

from trialbook.efficacy.assessments import baseline_assessments, counted_day, dates_of
from trialbook.efficacy.day28 import PENDING, Course, category_by_stages
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis

NOT_ASSESSED = "NE"


def response_course(course: Course, analysis: Analysis) -> pd.DataFrame:
    """The category of every assessment after the first infusion: USUBJID ADT RELDAY AVALC COUNTS, by subject and date.

    AVALC: CR PR MR NR PD by `response_rules`, INCOMPLETE where missing organs leave it open, NE without an involved
    organ at baseline. COUNTS is true before new systemic therapy (of any kind; ignored where `newtx_strategy_orr` is
    treatment_policy) and up to death; a response while no medication records were delivered never counts.
    """
    base = baseline_assessments(course.assessments, analysis).set_index("USUBJID")
    after = course.assessments[(course.assessments["RELDAY"] >= 1).fillna(False).astype("bool")]
    after = after[after["USUBJID"].isin(base.index)].reset_index(drop=True)
    # Row by row: each assessment of a subject meets the one baseline.
    category = pd.Series(category_by_stages(base.loc[after["USUBJID"]], after, analysis), after.index, "str")
    until = dates_of(after["USUBJID"], _until(course, analysis))
    known = course.medications or analysis.newtx_strategy_orr == "treatment_policy"
    counts = (after["ADT"] < until) | until.isna()
    return pd.DataFrame(
        {
            "USUBJID": after["USUBJID"], "ADT": after["ADT"], "RELDAY": after["RELDAY"], "AVALC": category,
            "COUNTS": counts & (known | ~category.isin(RESPONDERS)),
        }
    )  # fmt: skip


def _until(course: Course, analysis: Analysis) -> pd.Series:
    """The day from which assessments no longer count, by USUBJID: new therapy, or the day after death."""
    treated = course.treated.set_index("USUBJID")
    died = treated["DTHDT"].where(treated["DTHDT"] <= treated["CUTDT"]) + pd.Timedelta(days=1)
    if analysis.newtx_strategy_orr == "treatment_policy":
        return died.astype("datetime64[s]")
    therapy = first_counted_therapy(course).reindex(treated.index)
    return died.where(therapy.isna() | (died <= therapy), therapy).astype("datetime64[s]")


def first_counted_therapy(course: Course, after: pd.Series | None = None) -> pd.Series:
    """The first day up to the cut from which new systemic therapy counts, by USUBJID.

    `after`: dates by USUBJID; only therapy that counts later than a subject's date is looked at.
    """
    starts = course.therapies
    kept = starts["COUNTDT"] <= dates_of(starts["USUBJID"], course.treated.set_index("USUBJID")["CUTDT"])
    if after is not None:
        kept &= starts["COUNTDT"] > dates_of(starts["USUBJID"], after)
    return starts[kept].groupby("USUBJID")["COUNTDT"].min().astype("datetime64[s]")


def best_response(responses: pd.DataFrame, over_time: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The best of CR > PR > MR > NR > PD from day 1 to `bor_until`, one row per treated subject: USUBJID ADT AVALC.

    Without confirmation; of equally good ones the first. NE: nothing counts; PENDING: not mature for day 28.
    `responses`: `day28_response`; `over_time`: `response_course`.
    """
    day = counted_day(over_time["RELDAY"], analysis)
    kept = over_time[over_time["COUNTS"] & (day <= analysis.bor_until) & over_time["AVALC"].isin(CATEGORIES)]
    rank = kept["AVALC"].map({name: k for k, name in enumerate(CATEGORIES)})
    best = kept.assign(rank=rank).sort_values(["USUBJID", "rank", "ADT"], kind="stable").drop_duplicates("USUBJID")
    frame = responses[["USUBJID", "MAT28FL"]].merge(best[["USUBJID", "ADT", "AVALC"]], on="USUBJID", how="left")
    mature = frame["MAT28FL"] == "Y"
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "ADT": frame["ADT"].where(mature),
            "AVALC": frame["AVALC"].fillna(NOT_ASSESSED).where(mature, PENDING),
        }
    ).astype({"ADT": "datetime64[s]", "AVALC": "str"})


def first_response(over_time: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The first CR or PR that counts, up to `bor_until`: USUBJID ADT AVALC, of those who have one."""
    day = counted_day(over_time["RELDAY"], analysis)
    kept = over_time[over_time["COUNTS"] & (day <= analysis.bor_until) & over_time["AVALC"].isin(RESPONDERS)]
    kept = kept.sort_values(["USUBJID", "ADT"], kind="stable").drop_duplicates("USUBJID")
    return kept[["USUBJID", "ADT", "AVALC"]].reset_index(drop=True)


def durable_response(responses: pd.DataFrame, at_day_56: pd.DataFrame) -> pd.DataFrame:
    """Who is a responder at day 28 and still at day 56, without new therapy between: USUBJID ADT AVALC REASON.

    `responses` and `at_day_56`: `response_of` at both landmarks, against the same baseline. AVALC: Y, N, or PENDING
    where the subject is not mature for day 56; ADT is the day-56 assessment. REASON says why a responder of day 28
    is not counted at day 56 (DEATH NEWTX MISSING INCOMPLETE); blank where the stages, or day 28 itself, say it.
    """
    both = responses[["USUBJID", "AVALC"]].merge(
        at_day_56[["USUBJID", "ADT", "AVALC", "REASON", "MAT28FL"]], on="USUBJID", suffixes=("28", "")
    )
    then = both["AVALC28"].isin(RESPONDERS)
    mature = both["MAT28FL"] == "Y"
    durable = (then & both["AVALC"].isin(RESPONDERS)).map({True: "Y", False: "N"}).astype("str")
    return pd.DataFrame(
        {
            "USUBJID": both["USUBJID"], "ADT": both["ADT"], "AVALC": durable.where(mature, PENDING),
            "REASON": both["REASON"].where(then & mature, ""),
        }
    )  # fmt: skip

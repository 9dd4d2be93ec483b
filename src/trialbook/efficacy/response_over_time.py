"""Best, first and lasting response, time to response and its duration (rulebook §2.8, A-58)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.messages import msg
from trialbook.efficacy.assessment_days import baseline_assessments, counted_day, dates_of
from trialbook.efficacy.day28 import PENDING, UNDELIVERED, Course, category_by_stages, response_of
from trialbook.efficacy.delivery import needed
from trialbook.gvhd.grade import ORGANS
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_EVALUABLE

# ----------------------------------------------------------------------------------------------------
# The response at every assessment against the original baseline: best, first and lasting responses (rulebook §2.8).


NOT_ASSESSED = "NE"


def response_course(course: Course, analysis: Analysis) -> pd.DataFrame:
    """The category of every assessment after the first infusion: USUBJID ADT RELDAY AVALC COUNTS, by subject and date.

    AVALC: CR PR MR NR PD by `response_rules`, INCOMPLETE where missing organs leave it open, NE without an involved
    organ at baseline. COUNTS is true before new systemic therapy (of any kind; ignored where `newtx_strategy_orr` is
    treatment_policy) and up to death. KNOWN is false of a response that a domain which was not delivered could undo.
    """
    base = baseline_assessments(course.assessments, analysis).set_index("USUBJID")
    after = course.assessments[(course.assessments["RELDAY"] >= 1).fillna(False).astype("bool")]
    after = after[after["USUBJID"].isin(base.index)].reset_index(drop=True)
    # Row by row: each assessment of a subject meets the one baseline.
    category = pd.Series(category_by_stages(base.loc[after["USUBJID"]], after, analysis), after.index, "str")
    until = dates_of(after["USUBJID"], _until(course, analysis))
    unknown = pd.Series(bool(course.lacking & needed(analysis)), index=after.index)
    counts = (after["ADT"] < until) | until.isna()
    if analysis.newtx_strategy_orr == "composite" and len(course.open_steroids):
        steroid = dates_of(after["USUBJID"], course.open_steroids.groupby("USUBJID")["COUNTDT"].min())
        from_then = after["ADT"] >= steroid
        unknown |= from_then & ("VS" in course.lacking)
        counts &= ~from_then | unknown
    return pd.DataFrame(
        {
            "USUBJID": after["USUBJID"], "ADT": after["ADT"], "RELDAY": after["RELDAY"], "AVALC": category,
            "COUNTS": counts, "KNOWN": ~(category.isin(RESPONDERS) & unknown),
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


def best_response(
    responses: pd.DataFrame, over_time: pd.DataFrame, analysis: Analysis, lacking: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """The best of CR > PR > MR > NR > PD from day 1 to `bor_until` by treated subject: USUBJID ADT AVALC REASON.

    Without confirmation; of equally good ones the first. NE: nothing counts, or, with REASON UNDELIVERED, a domain that
    decides it was not delivered (`lacking`: `Course.lacking`). PENDING: not mature for day 28. `responses`:
    `day28_response`; `over_time`: `response_course`.
    """
    day = counted_day(over_time["RELDAY"], analysis)
    kept = over_time[over_time["COUNTS"] & (day <= analysis.bor_until) & over_time["AVALC"].isin(CATEGORIES)]
    rank = kept["AVALC"].map({name: k for k, name in enumerate(CATEGORIES)})
    best = kept.assign(rank=rank).sort_values(["USUBJID", "rank", "ADT"], kind="stable").drop_duplicates("USUBJID")
    wanted = ["USUBJID", "ADT", "AVALC", "KNOWN"]
    frame = responses[["USUBJID", "MAT28FL"]].merge(best[wanted], on="USUBJID", how="left")
    mature = frame["MAT28FL"] == "Y"
    undelivered = mature & (frame["KNOWN"].eq(False) | ("RS" in lacking))
    frame = frame.assign(AVALC=frame["AVALC"].mask(undelivered, NOT_EVALUABLE))
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "ADT": frame["ADT"].where(mature & ~undelivered),
            "AVALC": frame["AVALC"].fillna(NOT_ASSESSED).where(mature, PENDING),
            "REASON": pd.Series("", index=frame.index, dtype="str").mask(undelivered, UNDELIVERED),
        }
    ).astype({"ADT": "datetime64[s]", "AVALC": "str"})


def first_response(over_time: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The first CR or PR that counts and is known, up to `bor_until`: USUBJID ADT AVALC, of those who have one."""
    day = counted_day(over_time["RELDAY"], analysis)
    kept = over_time[
        over_time["COUNTS"] & over_time["KNOWN"] & (day <= analysis.bor_until) & over_time["AVALC"].isin(RESPONDERS)
    ]
    kept = kept.sort_values(["USUBJID", "ADT"], kind="stable").drop_duplicates("USUBJID")
    return kept[["USUBJID", "ADT", "AVALC"]].reset_index(drop=True)


def durable_response(responses: pd.DataFrame, at_day_56: pd.DataFrame) -> pd.DataFrame:
    """Who is a responder at day 28 and still at day 56, without new therapy between: USUBJID ADT AVALC REASON.

    `responses` and `at_day_56`: `response_of` at both landmarks, against the same baseline. AVALC: Y, N, NE where a
    domain that decides it was not delivered, or PENDING where the subject is not mature for day 56; ADT is the day-56
    assessment. REASON says why a responder of day 28 is not counted at day 56 (DEATH NEWTX MISSING INCOMPLETE), or that
    a domain is UNDELIVERED; blank where the stages, or day 28 itself, say it.

    >>> day_28 = pd.DataFrame({"USUBJID": ["001", "002"], "AVALC": ["CR", "PR"]})
    >>> day_56 = pd.DataFrame({"USUBJID": ["001", "002"], "ADT": pd.NaT, "AVALC": ["CR", "NR"], "REASON": ""})
    >>> durable_response(day_28, day_56.assign(MAT28FL=["Y", ""]))["AVALC"].tolist()
    ['Y', 'PENDING']
    """
    both = responses[["USUBJID", "AVALC"]].merge(
        at_day_56[["USUBJID", "ADT", "AVALC", "REASON", "MAT28FL"]], on="USUBJID", suffixes=("28", "")
    )
    mature = both["MAT28FL"] == "Y"
    then, still = (both[name].isin(RESPONDERS) for name in ("AVALC28", "AVALC"))
    open_then, open_still = (both[name] == NOT_EVALUABLE for name in ("AVALC28", "AVALC"))
    unknown = (then | open_then) & (still | open_still) & (open_then | open_still)
    durable = (then & still).map({True: "Y", False: "N"}).astype("str").mask(unknown, NOT_EVALUABLE)
    reason = both["REASON"].where(then, "").mask(unknown, UNDELIVERED)
    return pd.DataFrame(
        {
            "USUBJID": both["USUBJID"], "ADT": both["ADT"], "AVALC": durable.where(mature, PENDING),
            "REASON": reason.where(mature, ""),
        }
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------

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
        ADT=dates_of(start["USUBJID"], last), CNSR=LASTING, EVNTDESC=msg("CENSORED: last assessment of GVHD")
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
    single, at once. `start`: USUBJID STARTDT. A missing stage is not a worsening.
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
    mature = treated["TRTSDT"] + pd.Timedelta(days=analysis.days_to_maturity_d28) <= treated["CUTDT"]
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

"""Queries about the response at day 28: windows, baseline, missing organs, partial dates, disagreement (P27-P31)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from trialbook.domains import Domains
from trialbook.efficacy.assessments import counted_day
from trialbook.efficacy.delivery import lacking
from trialbook.efficacy.medication_questions import medication_queries
from trialbook.gvhd.findings import differing_records
from trialbook.gvhd.questions import stage_queries
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.queries import Query, query_by_rule
from trialbook.subjects.withdrawal import withdrawal_queries, withdrawals

# Rule: domain, field, severity, what was expected, the question in English and in Chinese.
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "P29-RS-DAY28-OUTSIDE": (
        "RS", "RSDTC", "major", "an assessment in the day-28 window",
        "The assessment nearest to day 28 lies outside its window. The subject counts as a non-responder (MISSING).",
        "最接近第28天的评估不在时间窗内。该受试者按无应答（MISSING）处理。",
    ),
    "P29-RS-DAY28-NONE": (
        "RS", "RSDTC", "major", "an assessment in the day-28 window",
        "No GVHD assessment near day 28 was found. The subject counts as a non-responder (MISSING).",
        "未找到第28天前后的GVHD评估。该受试者按无应答（MISSING）处理。",
    ),
    "P29-RS-DAY28-SEVERAL": (
        "RS", "RSDTC", "minor", "one assessment in the day-28 window",
        "Several assessments lie in the day-28 window. The one closest to day 28 is used, of two the later.",
        "第28天时间窗内有多次评估。采用最接近第28天者，等距时取较晚者。",
    ),
    "P29-RS-BASELINE-UNTIMED": (
        "RS", "RSDTC", "minor", "a time, or a visit named pre-dose",
        "The only baseline is dated on the day of infusion without a time. It is taken as before the infusion.",
        "唯一的基线评估在输注当日且无时间，按输注前处理。请补充时间。",
    ),
    "P29-RS-BASELINE-WIDE": (
        "RS", "RSDTC", "minor", "a complete assessment in the baseline window",
        "There is no complete assessment in the baseline window; an earlier one is used as baseline.",
        "基线时间窗内无完整评估，采用更早的评估作为基线。",
    ),
    "P29-RS-BASELINE-NONE": (
        "RS", "RSDTC", "major", "an assessment before the first infusion",
        "There is no baseline assessment of GVHD. The subject counts as a non-responder (MISSING).",
        "无GVHD基线评估。该受试者按无应答（MISSING）处理。",
    ),
    "P29-RS-BASELINE-ZERO": (
        "RS", "RSORRES", "major", "an organ with stage 1 or more at baseline",
        "No organ is involved at baseline. The subject cannot respond and counts as a non-responder.",
        "基线无受累器官，无法评价应答，按无应答处理。",
    ),
    "P27-RS-ORGAN-MISSING": (
        "RS", "RSORRES", "major", "the stages of all four organs",
        "A missing organ stage leaves the response open. The subject counts as a non-responder (INCOMPLETE).",
        "器官分期缺失，无法判定应答。该受试者按无应答（INCOMPLETE）处理。",
    ),
    "P28-RS-RESPONSE-DIFFERS": (
        "RS", "RSORRES", "minor", "the response that the organ stages give",
        "The investigator's response differs from the derived one. The derived response is primary.",
        "研究者评估的应答与推导结果不一致。以推导结果为主。",
    ),
    "P30-CM-PARTIAL-START": (
        "CM", "CMSTDTC", "major", "a complete start date",
        "The start date of an anti-GVHD therapy is partial and may lie between infusion and day 28. It is counted as "
        "new therapy.",
        "抗GVHD治疗的开始日期不完整，可能在首次输注至第28天之间。按新治疗处理。",
    ),
    "P34-CM-NOT-DELIVERED": (
        "CM", "", "major", "the medication records",
        "No medication records were delivered: new anti-GVHD therapy cannot be ruled out, so responses are not "
        "evaluable.",
        "未提供用药记录，无法排除新的抗GVHD治疗，因此应答不可评价。",
    ),
    "P34-RS-NOT-DELIVERED": (
        "RS", "", "major", "the GVHD assessments",
        "Neither organ stages nor organ findings were delivered: responses are not evaluable.",
        "未提供器官分期或器官检查数据，应答不可评价。",
    ),
    "P34-DS-NOT-DELIVERED": (
        "DS", "", "major", "the disposition records",
        "No disposition records were delivered: withdrawal of consent is not known, so responses are not evaluable.",
        "未提供受试者处置记录，无法得知是否撤回知情同意，因此应答不可评价。",
    ),
    "P16-RS-SAME-DAY-DIFFERS": (
        "RS", "RSORRES", "major", "one result of a day, or the times",
        "Two results of one day differ and have no time. The worse counts until this is resolved. Which one is right?",
        "同一天有两个不同的结果且无时间记录。核实之前采用较差者。请确认哪一个正确。",
    ),
}  # fmt: skip


def response_queries(
    adrs: pd.DataFrame, responses: pd.DataFrame, adsl: pd.DataFrame, domains: Domains, protocol: Protocol,
    analysis: Analysis,
) -> list[Query]:  # fmt: skip
    """Queries about organ stages and the response, by subject and rule; none where the trial has no such endpoint.

    `responses` is the result of `day28_response`; only subjects who are mature at the cut are asked about day 28.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    treated = adsl[(adsl["SAFFL"] == "Y") & adsl["TRTSDT"].notna()]
    absent = lacking(domains)
    # Without any organ stages that nobody has an assessment is one cause, asked once.
    of_subjects = (
        []
        if "RS" in absent
        else [*_day28(responses, adrs, analysis, _gone(treated, domains, analysis)), *_baseline(responses)]
    )
    found = [
        *_not_delivered(responses, absent),
        *of_subjects,
        *_same_day(domains, treated),
        *withdrawal_queries(domains, treated),
        *_decisions(responses),
        *_investigator(responses, adrs),
        *stage_queries(domains, treated, analysis),
        *medication_queries(domains, treated, responses, analysis),
    ]
    return sorted(found, key=lambda q: (q["subject"], q["rule"], q["record"]))


def _ask(rule: str, subject: str, *, observed: object = "", record: str = "", domain: str = "") -> Query:
    return query_by_rule(RULES, rule, subject, record=record, observed=observed, domain=domain)


def _not_delivered(responses: pd.DataFrame, absent: frozenset[str]) -> Iterator[Query]:
    if responses.empty:
        return
    for code in ("CM", "RS", "DS"):
        if code in absent:
            yield _ask(f"P34-{code}-NOT-DELIVERED", "")


def _same_day(domains: Domains, treated: pd.DataFrame) -> Iterator[Query]:
    """Results of one test and day that differ, of which nothing says which is the later."""
    for row in differing_records(domains, treated).itertuples():
        where = row.SRCDOM if row.SRCDOM != "RS" else ""
        day = f"{row.TEST} {row.ADT:%Y-%m-%d}"
        yield _ask("P16-RS-SAME-DAY-DIFFERS", row.USUBJID, record=day, observed=row.VALUES, domain=where)


def _day28(
    responses: pd.DataFrame, adrs: pd.DataFrame, analysis: Analysis, gone: Collection[str] = ()
) -> Iterator[Query]:
    """Mature subjects with no assessment in the window, or with several.

    `gone`: who withdrew consent before the window; no assessment of it counts, so none is missed.
    """
    assessed = adrs[adrs["PARAMCD"] == "GRADE"][["USUBJID", "ADT", "RELDAY"]]
    day = counted_day(assessed["RELDAY"], analysis)
    near = assessed[day.between(*analysis.d28_window_wide)].groupby("USUBJID")["RELDAY"].agg(list).to_dict()
    inside = assessed[day.between(*analysis.d28_window)].groupby("USUBJID").size()
    mature = responses[(responses["MAT28FL"] == "Y") & ~responses["USUBJID"].isin(gone)]
    for row in mature.itertuples():
        days = near.get(row.USUBJID, [])
        if row.REASON == "MISSING" and pd.isna(row.ADT):
            if days:
                shown = ", ".join(f"REL_DAY {d}" for d in days)
                yield _ask("P29-RS-DAY28-OUTSIDE", row.USUBJID, observed=shown)
            else:
                yield _ask("P29-RS-DAY28-NONE", row.USUBJID)
        elif inside.get(row.USUBJID, 0) > 1:
            yield _ask("P29-RS-DAY28-SEVERAL", row.USUBJID, observed=f"{inside[row.USUBJID]} assessments")


def _gone(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> list[str]:
    """Who withdrew consent before the day-28 window: what follows is asked about as such (A-130)."""
    withdrawn = withdrawals(domains, treated)
    # By join: `map` gives no dates where nobody is left to map.
    start = withdrawn[["USUBJID"]].merge(treated[["USUBJID", "TRTSDT"]], how="left")["TRTSDT"].set_axis(withdrawn.index)
    return withdrawn.loc[(withdrawn["UNTILDT"] - start).dt.days < analysis.d28_window[0], "USUBJID"].tolist()


def _baseline(responses: pd.DataFrame) -> Iterator[Query]:
    for row in responses.itertuples():
        if pd.isna(row.BASEADT):
            yield _ask("P29-RS-BASELINE-NONE", row.USUBJID)
        elif row.BASETYPE in ("UNTIMED", "WIDE"):
            yield _ask(f"P29-RS-BASELINE-{row.BASETYPE}", row.USUBJID, observed=f"{row.BASEADT:%Y-%m-%d}")
        if row.BASESTG == "0-0-0-0":
            yield _ask("P29-RS-BASELINE-ZERO", row.USUBJID, observed=row.BASESTG)


def _decisions(responses: pd.DataFrame) -> Iterator[Query]:
    """Missing organs that leave the response open, and partial dates that decide it."""
    for row in responses.itertuples():
        if row.RSPSTG == "INCOMPLETE":
            observed = f"baseline {row.BASESTG}, day 28 {row.D28STG}"
            yield _ask("P27-RS-ORGAN-MISSING", row.USUBJID, observed=observed)
        if row.EVNTDESC and row.EVNTDESC != "death" and row.EVNTCERT == "":
            domain = "PR" if row.EVNTSRC.startswith("PR") else ""
            yield _ask(
                "P30-CM-PARTIAL-START", row.USUBJID, observed=row.EVNTDESC, record=row.EVNTSRC, domain=domain
            )  # fmt: skip


def _investigator(responses: pd.DataFrame, adrs: pd.DataFrame) -> Iterator[Query]:
    """The investigator's category at the day-28 assessment against that of the stages (P28)."""
    said = adrs[adrs["PARAMCD"] == "RSPINV"][["USUBJID", "ADT", "AVALC"]].rename(columns={"AVALC": "SAID"})
    both = responses.merge(said, on=["USUBJID", "ADT"])
    decided = both["RSPSTG"].ne("") & both["RSPSTG"].ne("INCOMPLETE")
    for row in both[decided & (both["SAID"] != both["RSPSTG"])].itertuples():
        observed = f"{row.SAID} by the investigator, {row.RSPSTG} by stages"
        yield _ask("P28-RS-RESPONSE-DIFFERS", row.USUBJID, observed=observed, record=f"{row.ADT:%Y-%m-%d}")

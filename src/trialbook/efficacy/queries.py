"""Queries about the response at day 28: windows, baseline, missing organs, partial dates, disagreement (P27-P31)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from trialbook.core.dates import latest_date
from trialbook.core.domains import Domains
from trialbook.drugs.records import drugs_in_force, medications
from trialbook.efficacy.assessment_days import Landmark, counted_day, dates_of
from trialbook.efficacy.delivery import lacking
from trialbook.efficacy.therapies import FOR_GVHD, NEAR_NAME, NEW_BACKGROUND, OTHER_USE, open_records
from trialbook.gvhd.assessments import differing_records
from trialbook.gvhd.queries import stage_queries
from trialbook.gvhd.response_rules import INCOMPLETE, RESPONDERS
from trialbook.gvhd.steroids import is_steroid, is_systemic, known_mass
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import BACKGROUND, NONSYSTEMIC, STEROID, SUPPORTIVE, THERAPY
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query, query, query_by_rule
from trialbook.subjects.disposition import withdrawal_queries, withdrawals

# ----------------------------------------------------------------------------------------------------
# Drugs started after the infusion that may be therapy of acute GVHD: what the site is asked about them (P31).


# Rule: domain, field, severity, what was expected, the question in English and in Chinese. Severity "" is major where
# the answer can change the response at day 28, else minor, and the question says so.
DRUG_RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "P31-CM-UNCLASSIFIED": (
        "CM", "CMTRT", "", "a drug of the drug dictionary, or what the drug is",
        "The drug was started after the infusion and is in no drug list of the trial. What is it, and was it given for "
        "GVHD?",
        "该药物在首次输注后开始使用，但不在试验的药物清单中。请说明是何药物、是否用于治疗GVHD。",
    ),
    "P31-CM-UNCODED": (
        "CM", "CMDECOD", "", "the standard name of the drug",
        "The drug was started after the infusion, has no standard name, and is in no drug list of the trial. What is "
        "it, and was it given for GVHD?",
        "该药物在首次输注后开始使用，没有标准名称，也不在试验的药物清单中。请说明是何药物、是否用于治疗GVHD。",
    ),
    "P31-CM-GVHD-UNLISTED": (
        "CM", "CMTRT", "major", "a drug of the list of GVHD therapies, or another indication",
        "The drug was started after the infusion for GVHD and is not in the list of GVHD therapies. It is not counted "
        "as new therapy. Is it one?",
        "该药物在输注后因GVHD开始使用，但不在GVHD治疗药物清单中，未按新治疗处理。是否为GVHD治疗？",
    ),
    "P31-CM-NEAR-NAME": (
        "CM", "CMTRT", "", "the name of the drug, spelled as in the drug dictionary",
        "The name is nearly that of a drug of the dictionary. Is \"{name}\" the drug {near} ({kind})?",
        "药名与清单中的药物名称相近。“{name}”是否即“{near}”（{kind}）？请核实并更正。",
    ),
    "P31-CM-PURPOSE": (
        "CM", "CMINDC", "", "the indication of the drug",
        "The drug was started after the infusion and is used for GVHD as well as for other diseases. It is not counted "
        "as new therapy. What was it given for?",
        "该药物在首次输注后开始使用，既可用于GVHD，也可用于其他疾病，未按新治疗处理。请补充用药原因。",
    ),
    "P31-CM-BACKGROUND-STARTED": (
        "CM", "CMINDC", "", "prophylaxis that continues, or a therapy of GVHD",
        "A calcineurin inhibitor was started after the infusion and none was running at it. It is not counted as new "
        "therapy. Was it given to treat GVHD?",
        "首次输注后开始使用钙调磷酸酶抑制剂，而输注时未在使用同类药物，未按新治疗处理。是否用于治疗GVHD？",
    ),
    "P31-CM-COMBINED": (
        "CM", "CMTRT", "major", "one drug per record",
        "One record holds several drugs. It counts as each of them, but their doses cannot be told apart. Please enter "
        "one record for each.",
        "一条记录含多种药物，分析时分别计入，但无法区分各药剂量。请每种药物单独录入一条。",
    ),
    "P31-CM-STEROID-DOSE": (
        "CM", "CMDOSE", "major", "dose and unit, by day",
        "The dose of this systemic steroid, or its unit, is missing. A higher dose than at the infusion would not be "
        "seen.",
        "该全身用激素缺少剂量或单位，无法判断是否高于输注时剂量。请补充。",
    ),
}  # fmt: skip
EFFECT = {
    "major": (
        "If it is therapy of GVHD, the response at day 28 becomes a non-response.",
        "若为GVHD治疗，第28天应答将改判为无应答。",
    ),
    "minor": ("It cannot change the response at day 28.", "不影响第28天应答。"),
}
KINDS = {
    THERAPY: ("therapy of GVHD", "GVHD治疗"), STEROID: ("a steroid", "激素"),
    BACKGROUND: ("background", "基础免疫抑制剂"), NONSYSTEMIC: ("not systemic", "非全身用药"),
    SUPPORTIVE: ("supportive", "支持治疗"),
}  # fmt: skip
RULE_OF = {NEAR_NAME: "P31-CM-NEAR-NAME", OTHER_USE: "P31-CM-PURPOSE", NEW_BACKGROUND: "P31-CM-BACKGROUND-STARTED"}


def medication_queries(
    domains: Domains, treated: pd.DataFrame, responses: pd.DataFrame, analysis: Analysis
) -> list[Query]:  # fmt: skip
    """Questions about drugs of treated subjects (`treated`: USUBJID TRTSDT) that may have started after the infusion.

    `responses`: `day28_response`. One line per subject and drug, however many records it has.
    """
    found = open_records(domains, treated, analysis)
    moves = can_move_response(found, treated, responses, analysis)
    return [*_about_drugs(found, moves, domains), *_about_doses(domains, treated, analysis)]


def can_move_response(
    found: pd.DataFrame, treated: pd.DataFrame, responses: pd.DataFrame, analysis: Analysis
) -> pd.Series:  # fmt: skip
    """Whether each possible therapy (USUBJID COUNTDT) can change the response at day 28 of its subject.

    It must start by the day-28 assessment (by day 28 without one), of a subject whose stages give a response or leave
    it open, and who is no non-responder for another reason. Of a pending subject, by the last day of the day-28 window.
    """
    if analysis.newtx_strategy_orr != "composite" or responses.empty:
        return pd.Series(False, index=found.index)
    own = responses.set_index("USUBJID")
    start = dates_of(found["USUBJID"], treated.set_index("USUBJID")["TRTSDT"])
    day, reason = own["ADT"], own["REASON"]
    at = Landmark.day_28(analysis)
    shift = 1 if analysis.day_numbering == "CDISC" else 0
    last = dates_of(found["USUBJID"], day).fillna(start + pd.Timedelta(days=at.day - shift))
    pending = found["USUBJID"].isin(own.index[own["MAT28FL"] != "Y"])
    last = last.mask(pending, start + pd.Timedelta(days=analysis.d28_window[1] - shift))
    by_stages = own["RSPSTG"].isin([*RESPONDERS, INCOMPLETE])
    uncertain = (reason == "NEWTX") & (own["EVNTCERT"] == "")
    open_now = own["AVALC"].isin(RESPONDERS) | (by_stages & ((reason == "INCOMPLETE") | uncertain))
    return (found["COUNTDT"] <= last) & (pending | found["USUBJID"].isin(own.index[open_now]))


def _about_drugs(found: pd.DataFrame, moves: pd.Series, domains: Domains) -> Iterator[Query]:
    # A column that is empty throughout was not coded at all: that a drug has no standard name says nothing then.
    coded = bool(domains["CM"]["CMDECOD"].notna().any())
    rule = found["WHY"].map(RULE_OF).fillna("P31-CM-UNCLASSIFIED")
    listed = found["WHY"].isin(list(RULE_OF))
    rule = rule.mask(~listed & coded & ~found["CODED"].astype("bool"), "P31-CM-UNCODED")
    rule = rule.mask(~listed & (found["PURPOSE"] == FOR_GVHD), "P31-CM-GVHD-UNLISTED")
    rows = found.assign(RULE=rule, MOVES=moves).sort_values(["USUBJID", "EVNTDT", "SRCSEQ"], kind="stable")
    for _, group in rows.groupby(["USUBJID", "TERM", "RULE"], sort=True):
        first = group.iloc[0]
        yield _ask_about_drug(first, bool(group["MOVES"].any()), len(group))


def _ask_about_drug(row: pd.Series, moves: bool, records: int) -> Query:
    usual, field, severity, expected, english, chinese = DRUG_RULES[row["RULE"]]
    kind = KINDS.get(row["NEARCLASS"], ("", ""))
    words = {"name": row["REPORTED"], "near": row["NEAR"]}
    english, chinese = english.format(**words, kind=kind[0]), chinese.format(**words, kind=kind[1])
    if not severity:
        severity = "major" if moves else "minor"
        effect = EFFECT[severity]
        english, chinese = f"{english} {effect[0]}", chinese + effect[1]
    return query(
        row["RULE"], row["USUBJID"], row["SRCDOM"], record=f"{row['SRCDOM']}SEQ={row['SRCSEQ']}",
        field=field.replace(usual, row["SRCDOM"], 1), severity=severity, expected=expected, message_en=english,
        message_zh=chinese, observed=row["REPORTED"] + (f" ({records} records)" if records > 1 else ""),
    )  # fmt: skip


def _about_doses(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> Iterator[Query]:
    """Records of several drugs, and steroids without a dose, that run after the infusion."""
    drugs = drugs_in_force(analysis)
    named = medications(domains, "CM", drugs)
    cm = domains["CM"].assign(
        LOCAL=named.column(lambda one: one.local, "bool"),
        SEVERAL=named.column(lambda one: len({drug.name for drug in one.of(THERAPY, STEROID)}) > 1, "bool"),
    )
    cm = cm[is_systemic(cm, analysis.local_routes, cm["LOCAL"])]
    cm = cm.merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one")
    # A missing start may be any day, a missing end means ongoing.
    runs = ~(latest_date(cm["CMSTDTC"]) <= cm["TRTSDT"]) | ~(latest_date(cm["CMENDTC"]) < cm["TRTSDT"])
    for row in cm[runs & cm["SEVERAL"]].itertuples():
        yield query_by_rule(
            DRUG_RULES, "P31-CM-COMBINED", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=row.CMTRT
        )  # fmt: skip
    unknown = cm[runs & is_steroid(cm, drugs) & ~known_mass(cm)]
    for row, dose in zip(unknown.itertuples(), _dose(unknown), strict=True):
        yield query_by_rule(DRUG_RULES, "P31-CM-STEROID-DOSE", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=dose)


def _dose(cm: pd.DataFrame) -> pd.Series:
    dose = cm["CMDOSE"].map(lambda value: "" if pd.isna(value) else f"{value:g}").astype("str")
    return ("dose " + dose.replace("", "missing") + ", unit " + cm["CMDOSU"].fillna("missing")).astype("str")


# ----------------------------------------------------------------------------------------------------

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

"""Drugs started after the infusion that may be therapy of acute GVHD: what the site is asked about them (P31)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.dates import latest_date
from trialbook.domains import Domains
from trialbook.drugs.dictionary import BACKGROUND, NONSYSTEMIC, STEROID, SUPPORTIVE, THERAPY
from trialbook.drugs.records import drugs_in_force, medications
from trialbook.efficacy.assessments import Landmark, dates_of
from trialbook.efficacy.open_records import NEAR_NAME, NEW_BACKGROUND, OTHER_USE, open_records
from trialbook.efficacy.therapy_records import FOR_GVHD
from trialbook.gvhd.response_rules import INCOMPLETE, RESPONDERS
from trialbook.gvhd.steroids import is_steroid, is_systemic, known_mass
from trialbook.protocol.analysis import Analysis
from trialbook.results.queries import Query, query, query_by_rule

# Rule: domain, field, severity, what was expected, the question in English and in Chinese. Severity "" is major where
# the answer can change the response at day 28, else minor, and the question says so.
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
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
        yield _ask(first, bool(group["MOVES"].any()), len(group))


def _ask(row: pd.Series, moves: bool, records: int) -> Query:
    usual, field, severity, expected, english, chinese = RULES[row["RULE"]]
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
            RULES, "P31-CM-COMBINED", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=row.CMTRT
        )  # fmt: skip
    unknown = cm[runs & is_steroid(cm, drugs) & ~known_mass(cm)]
    for row, dose in zip(unknown.itertuples(), _dose(unknown), strict=True):
        yield query_by_rule(RULES, "P31-CM-STEROID-DOSE", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=dose)


def _dose(cm: pd.DataFrame) -> pd.Series:
    dose = cm["CMDOSE"].map(lambda value: "" if pd.isna(value) else f"{value:g}").astype("str")
    return ("dose " + dose.replace("", "missing") + ", unit " + cm["CMDOSU"].fillna("missing")).astype("str")

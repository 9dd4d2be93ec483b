"""Medications that may be therapy of acute GVHD and cannot be counted as they were entered (P31)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from trialbook.dates import latest_date
from trialbook.domains import Domains
from trialbook.gvhd.steroids import is_systemic, known_mass, steroid_factor
from trialbook.protocol.analysis import Analysis
from trialbook.results.queries import Query, query_by_rule
from trialbook.terms import find_term

# Rule: domain, field, severity, what was expected, the question in English and in Chinese.
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "P31-CM-UNCODED": (
        "CM", "CMDECOD", "minor", "the standard name of the drug",
        "The drug has no standard name and is in none of the drug lists of the trial. It counts as no GVHD therapy. "
        "What is it?",
        "该药物没有标准名称，也不在试验的药物清单中，按非GVHD治疗处理。请说明是何药物。",
    ),
    "P31-CM-GVHD-UNLISTED": (
        "CM", "CMTRT", "major", "a drug of the list of GVHD therapies, or another indication",
        "The drug was started after the infusion for GVHD and is not in the list of GVHD therapies. It is not counted "
        "as new therapy. Is it one?",
        "该药物在输注后因GVHD开始使用，但不在GVHD治疗药物清单中，未按新治疗处理。是否为GVHD治疗？",
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
GVHD = re.compile(r"GVHD|GVH\b|移植物抗宿主|排异", re.IGNORECASE)
PREVENTION = re.compile(r"PROPHYLA|PREVENT|预防", re.IGNORECASE)
_BETWEEN_DRUGS = re.compile(r"\s*(?:[+＋、;；&，]|,\s|\band\b|联合|合并|和|及)\s*", re.IGNORECASE)


def medication_queries(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> list[Query]:
    """Questions about CM records of treated subjects (`treated`: USUBJID TRTSDT) that may lie after the infusion."""
    cm = domains["CM"].merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one")
    cm = cm[is_systemic(cm, analysis.local_routes)]
    name = (cm["CMDECOD"].fillna("") + " " + cm["CMTRT"].fillna("")).str.strip()
    steroid = steroid_factor(cm).notna()
    listed = find_term(name, [*analysis.gvhdtx, *analysis.nonsystemic_drugs]).ne("") | steroid
    # A missing start may be any day, a missing end means ongoing.
    starts = ~(latest_date(cm["CMSTDTC"]) <= cm["TRTSDT"])
    runs = starts | ~(latest_date(cm["CMENDTC"]) < cm["TRTSDT"])
    why = cm["CMCAT"].fillna("") + " " + (cm["CMINDC"].fillna("") if "CMINDC" in cm else "") + " " + name
    for_gvhd = why.str.contains(GVHD) & ~why.str.contains(PREVENTION)
    coded = cm["CMDECOD"].notna()
    # A column that is empty throughout was not coded at all: nothing to ask record by record.
    collected = bool(domains["CM"]["CMDECOD"].notna().any())
    unlisted = starts & for_gvhd & ~listed
    found = [
        ("P31-CM-GVHD-UNLISTED", unlisted, cm["CMTRT"]),
        ("P31-CM-UNCODED", runs & ~coded & ~listed & ~unlisted & collected, cm["CMTRT"]),
        ("P31-CM-COMBINED", runs & _several_drugs(cm["CMTRT"], analysis), cm["CMTRT"]),
        ("P31-CM-STEROID-DOSE", runs & steroid & ~known_mass(cm), _dose(cm)),
    ]
    return [query for rule, rows, shown in found for query in _ask(rule, cm[rows], shown)]


def _several_drugs(names: pd.Series, analysis: Analysis) -> pd.Series:
    """Whether a name holds two drugs of the lists, apart from each other: `甲泼尼龙40mg bid + 芦可替尼`.

    A drug and its solvent (`methylprednisolone + saline`), and one drug in two languages without a sign between them
    (`ruxolitinib 芦可替尼`), are one drug.
    """
    parts = names.fillna("").map(_BETWEEN_DRUGS.split).explode()
    words = pd.DataFrame({"CMTRT": parts.to_numpy(), "CMDECOD": ""}, dtype="str")
    known = steroid_factor(words).notna() | find_term(words["CMTRT"], analysis.gvhdtx).ne("")
    count = pd.Series(known.to_numpy(), index=parts.index).groupby(level=0).sum()
    return count.reindex(names.index).ge(2)


def _dose(cm: pd.DataFrame) -> pd.Series:
    dose = cm["CMDOSE"].map(lambda value: "" if pd.isna(value) else f"{value:g}").astype("str")
    return ("dose " + dose.replace("", "missing") + ", unit " + cm["CMDOSU"].fillna("missing")).astype("str")


def _ask(rule: str, rows: pd.DataFrame, shown: pd.Series) -> Iterator[Query]:
    for row, observed in zip(rows.itertuples(), shown[rows.index], strict=True):
        yield query_by_rule(RULES, rule, row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=observed)

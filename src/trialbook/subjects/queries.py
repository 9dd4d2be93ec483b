"""Queries about a subject's level, age and consent: what the data leave open or contradict (P05, P06, P10-P12)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, query_by_rule
from trialbook.subjects.ages import age_at, ages_of
from trialbook.subjects.disposition import consent_dtc
from trialbook.subjects.dosing import infusion_levels

# Rule: domain, field, severity, what was expected, the question in English and in Chinese.
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "P05-DM-CONSENT-DATE": (
        "DM", "RFICDTC", "major", "a complete date",
        "The date of informed consent is missing or partial. It is never imputed.",
        "知情同意日期缺失或不完整。该日期不作填补。",
    ),
    "P05-DM-BIRTH-DATE": (
        "DM", "BRTHDTC", "minor", "a complete date",
        "The birth date is partial. It is never imputed: the age is known as a range only.",
        "出生日期不完整。该日期不作填补，年龄仅为范围。",
    ),
    "P06-DM-AGE-DIFFERS": (
        "DM", "AGE", "minor", "completed years at consent",
        "The age entered is not the age at consent by birth date. The computed age is used.",
        "录入的年龄与按出生日期计算的知情同意时年龄不符。采用计算年龄。",
    ),
    "P06-DM-BIRTH-AFTER-CONSENT": (
        "DM", "BRTHDTC", "major", "a birth date before consent",
        "The birth date is after the date of consent. Please check both dates.",
        "出生日期晚于知情同意日期。请核对两个日期。",
    ),
    "P10-DM-ACTARM-DOSE": (
        "DM", "ACTARMCD", "major", "the dose level of the first infusion",
        "The actual arm differs from the dose level of the first infusion. The level infused is analysed.",
        "实际组别与首次输注的剂量组不一致。该受试者按实际输注的剂量组分析。",
    ),
    "P10-EX-LEVEL-CHANGED": (
        "EX", "EXDOSE", "major", "the dose level of the first infusion",
        "A later infusion was given at another dose level. The subject is analysed at the level of the first infusion.",
        "后续输注的剂量组与首次输注不同。该受试者按首次输注的剂量组分析。",
    ),
    "P11-DM-ACTARM-NO-EX": (
        "DM", "ACTARMCD", "major", "a dated infusion, or no actual dose level",
        "The subject has an actual dose level but no infusion with a complete date, and is not in the safety set.",
        "受试者有实际剂量组，但没有日期完整的输注记录，未计入安全性分析集。",
    ),
    "P12-EX-DOSE-NO-LEVEL": (
        "EX", "EXDOSE", "major", "a dose per kg within the band of a dose level",
        "The dose per kg of this infusion (all bags of its day) fits no dose level. Please check dose, unit, weight.",
        "该次输注的每公斤剂量（当日合计）与任何剂量组不符。请核对剂量、单位和体重。",
    ),
}  # fmt: skip


def subject_queries(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis) -> list[Query]:
    """Queries about ADSL, in order of subject and rule."""
    levels = infusion_levels(StudyData(domains, protocol, analysis, adsl["CUTDT"].max()))
    ages = ages_of(domains, protocol, adsl["CUTDT"].max())
    by_cells = any(level.cells_per_kg is not None for level in protocol.dose_levels)
    found = [
        *(_dose_queries(levels) if by_cells else []),
        *_arm_queries(adsl, domains, protocol, levels),
        *_age_queries(domains, ages),
        *_birth_queries(domains, ages),
        *_consent_queries(domains),
    ]
    return sorted(found, key=lambda q: (q["subject"], q["rule"], q["record"]))


def _ask(rule: str, subject: str, *, observed: object = "", record: str = "") -> Query:
    return query_by_rule(RULES, rule, subject, record=record, observed=observed)


def _dose_queries(levels: pd.DataFrame) -> Iterator[Query]:
    first = levels[levels["INFNO"] == 1].set_index("USUBJID")["LEVEL"]
    for row in levels.itertuples():
        record, level_of_first = f"EXSEQ={row.EXSEQ}", first[row.USUBJID]
        if row.LEVEL == "":
            seen = row.EXDOSE if row.BAGS == 1 else row.DOSES
            yield _ask("P12-EX-DOSE-NO-LEVEL", row.USUBJID, observed=seen, record=record)
        elif level_of_first not in ("", row.LEVEL):
            yield _ask("P10-EX-LEVEL-CHANGED", row.USUBJID, observed=row.LEVEL, record=record)


def _arm_queries(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, levels: pd.DataFrame) -> Iterator[Query]:
    collected = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["ACTARMCD"]
    infused = levels[levels["INFNO"] == 1].set_index("USUBJID")["LEVEL"]
    for subject, safety in zip(adsl["USUBJID"], adsl["SAFFL"], strict=True):
        arm, level = collected.get(subject), infused.get(subject, "")
        if arm not in protocol.level_ids:
            continue
        if level not in ("", arm):
            yield _ask("P10-DM-ACTARM-DOSE", subject, observed=arm)
        if safety != "Y":
            yield _ask("P11-DM-ACTARM-NO-EX", subject, observed=arm)


def _age_queries(domains: Domains, ages: pd.DataFrame) -> Iterator[Query]:
    dm = domains["DM"]
    consent = complete_date(consent_dtc(domains).reindex(dm["USUBJID"]).set_axis(dm.index))
    bounds = age_at(ages, dm["USUBJID"], "CONSENT-FIRST").where(consent.notna())
    # Nobody has a birthday before birth: the oldest that the subject can be is then below 0.
    unborn = bounds["AGEHI"].lt(0).fillna(False).astype(bool)
    differs = ((dm["AGE"] < bounds["AGELO"]) | (dm["AGE"] >= bounds["AGEHI"] + 1)).fillna(False).astype(bool)
    for subject, age in dm.loc[differs & ~unborn, ["USUBJID", "AGE"]].itertuples(index=False):
        yield _ask("P06-DM-AGE-DIFFERS", subject, observed=f"{age:g}")
    for subject in dm.loc[unborn, "USUBJID"]:
        yield _ask("P06-DM-BIRTH-AFTER-CONSENT", subject)


def _birth_queries(domains: Domains, ages: pd.DataFrame) -> Iterator[Query]:
    dm = domains["DM"]
    known = age_at(ages, dm["USUBJID"], "BIRTH")
    given = dm[known["AGEHI"].eq(1).fillna(False).astype(bool)]
    partial = given[known.loc[given.index, "AGELO"].ne(1)]
    if len(partial) == len(given):
        return  # where no birth date is complete, that is how the export protects its subjects
    for subject in partial["USUBJID"]:
        yield _ask("P05-DM-BIRTH-DATE", subject)


def _consent_queries(domains: Domains) -> Iterator[Query]:
    text = consent_dtc(domains)
    if text.isna().all():
        return  # this export carries no consent dates at all: a matter of the file, not of each subject
    for subject, value in text[complete_date(text).isna()].items():
        yield _ask("P05-DM-CONSENT-DATE", str(subject), observed=value)

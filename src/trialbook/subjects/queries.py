"""Queries about a subject's level, age and consent: what the data leave open or contradict (P05, P06, P10-P12)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.subjects.ages import age_at, ages_of
from trialbook.subjects.disposition import consent_dtc
from trialbook.subjects.dosing import infusion_levels

TEXTS = QueryTexts("queries/texts/subjects.yaml")
SHARED_TEXTS = QueryTexts("queries/texts/shared.yaml")


def subject_queries(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis) -> list[Query]:
    """Queries about ADSL, in order of subject and rule."""
    study = StudyData(domains, protocol, analysis, adsl["CUTDT"].max())
    levels = infusion_levels(study)
    ages = ages_of(domains, protocol, study.cut_date)
    by_cells = any(level.cells_per_kg is not None for level in protocol.dose_levels)
    found = [
        *(_dose_queries(levels) if by_cells else []),
        *_arm_queries(adsl, study, levels),
        *_age_queries(domains, ages),
        *_birth_queries(domains, ages),
        *_consent_queries(domains),
    ]
    return sorted(found, key=lambda q: (q["subject"], q["rule"], q["record"]))


def _dose_queries(levels: pd.DataFrame) -> Iterator[Query]:
    first = levels[levels["INFNO"] == 1].set_index("USUBJID")["LEVEL"]
    for row in levels.itertuples():
        record, level_of_first = f"EXSEQ={row.EXSEQ}", first[row.USUBJID]
        if row.LEVEL == "":
            seen = row.EXDOSE if row.BAGS == 1 else row.DOSES
            yield TEXTS.query("P12-EX-DOSE-NO-LEVEL", row.USUBJID, observed=seen, record=record)
        elif level_of_first not in ("", row.LEVEL):
            yield TEXTS.query("P10-EX-LEVEL-CHANGED", row.USUBJID, observed=row.LEVEL, record=record)


def _arm_queries(adsl: pd.DataFrame, study: StudyData, levels: pd.DataFrame) -> Iterator[Query]:
    collected = study.domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["ACTARMCD"]
    infused = levels[levels["INFNO"] == 1].set_index("USUBJID")["LEVEL"]
    for subject, safety in zip(adsl["USUBJID"], adsl["SAFFL"], strict=True):
        arm, level = collected.get(subject), infused.get(subject, "")
        if arm not in study.protocol.level_ids:
            continue
        if level not in ("", arm):
            yield TEXTS.query("P10-DM-ACTARM-DOSE", subject, observed=arm)
        if safety != "Y":
            yield TEXTS.query("P11-DM-ACTARM-NO-EX", subject, observed=arm)


def _age_queries(domains: Domains, ages: pd.DataFrame) -> Iterator[Query]:
    dm = domains["DM"]
    consent = complete_date(consent_dtc(domains).reindex(dm["USUBJID"]).set_axis(dm.index))
    bounds = age_at(ages, dm["USUBJID"], "CONSENT-FIRST").where(consent.notna())
    # Nobody has a birthday before birth: the oldest that the subject can be is then below 0.
    unborn = bounds["AGEHI"].lt(0).fillna(False).astype(bool)
    differs = ((dm["AGE"] < bounds["AGELO"]) | (dm["AGE"] >= bounds["AGEHI"] + 1)).fillna(False).astype(bool)
    for subject, age in dm.loc[differs & ~unborn, ["USUBJID", "AGE"]].itertuples(index=False):
        yield TEXTS.query("P06-DM-AGE-DIFFERS", subject, observed=f"{age:g}")
    for subject in dm.loc[unborn, "USUBJID"]:
        yield TEXTS.query("P06-DM-BIRTH-AFTER-CONSENT", subject)


def _birth_queries(domains: Domains, ages: pd.DataFrame) -> Iterator[Query]:
    dm = domains["DM"]
    known = age_at(ages, dm["USUBJID"], "BIRTH")
    given = dm[known["AGEHI"].eq(1).fillna(False).astype(bool)]
    partial = given[known.loc[given.index, "AGELO"].ne(1)]
    if len(partial) == len(given):
        return  # where no birth date is complete, that is how the export protects its subjects
    for subject in partial["USUBJID"]:
        yield TEXTS.query("P05-DM-BIRTH-DATE", subject)


def _consent_queries(domains: Domains) -> Iterator[Query]:
    text = consent_dtc(domains)
    if text.isna().all():
        return  # this export carries no consent dates at all: a matter of the file, not of each subject
    for subject, value in text[complete_date(text).isna()].items():
        yield SHARED_TEXTS.query("P05-DM-CONSENT-DATE", str(subject), observed=value)

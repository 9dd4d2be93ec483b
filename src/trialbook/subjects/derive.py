"""ADSL core: one row per screened subject, who was treated when and at which level (domain document §0.1, §0.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.ages import age_at_consent, age_group
from trialbook.subjects.deaths import death_dates
from trialbook.subjects.disposition import SCREEN_FAILURE, consent_dtc, end_of_study
from trialbook.subjects.dosing import infusion_levels
from trialbook.subjects.last_alive import last_known_alive
from trialbook.subjects.weights import last_on_or_before, weights

CORE = [
    "STUDYID", "USUBJID", "SUBJID", "SITEID", "TRT01P", "TRT01A", "TRT01AN", "TRTSDT", "TRTSDTM", "TRTEDT", "NINF",
    "CUTDT", "SCRFL", "ENRFL", "SAFFL", "RFICDT", "AGE", "AGEGR1", "SEX", "RACE", "WEIGHTBL", "DTHFL", "DTHDT",
    "DTHDTF", "DTHLODT", "DTHHIDT", "LSTALVDT", "EOSSTT", "DCSREAS", "RESCREEN_OF",
]  # fmt: skip


def derive_subjects(domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp) -> pd.DataFrame:
    """ADSL core, one row per subject in DM, sorted by USUBJID, with the columns of `CORE`.

    SCRFL: a consent date is known, or screening is proved by an arm code, screen failure or infusion.
    ENRFL: screening was passed and a dose level is planned, or the subject was infused.
    SAFFL: an infusion was given on a known date (SAF = FAS). Birth dates are not kept: AGE only.
    Uses DM EX DS VS SUPPDM and, for deaths and last contact, every domain.
    """
    dm = domains["DM"].sort_values("USUBJID", kind="stable").set_index("USUBJID", drop=False)
    first = _exposure(domains, protocol, analysis, cut_date).reindex(dm.index)
    treated = first["TRTSDT"].notna()
    planned = dm["ARMCD"].where(dm["ARMCD"].isin(protocol.level_ids), "").astype("str")
    level = _treated_level(dm, first["LEVEL"], planned, protocol, analysis).where(treated, "")
    consent_text = consent_dtc(domains).reindex(dm.index)
    consent = complete_date(consent_text)
    age = age_at_consent(dm, domains, protocol, consent, cut_date)
    ended = end_of_study(domains, treated)
    failed = ended["DCSREAS"].eq(SCREEN_FAILURE)
    proved = dm["ARMCD"].notna() & dm["ARMCD"].str.upper().ne("NOTASSGN")
    columns = {
        **{name: dm[name] for name in ("STUDYID", "USUBJID", "SUBJID", "SITEID", "SEX", "RACE")},
        "TRT01P": planned,
        "TRT01A": level,
        "TRT01AN": level.map({name: k for k, name in enumerate(protocol.level_ids, 1)}).astype("Int64"),
        **{name: first[name] for name in ("TRTSDT", "TRTSDTM", "TRTEDT")},
        "NINF": first["NINF"].fillna(0).astype("Int64"),
        "CUTDT": pd.Series(cut_date, index=dm.index).astype("datetime64[s]"),
        "SCRFL": flag(consent_text.notna() | proved | treated),
        "ENRFL": flag((planned.ne("") & ~failed) | treated),
        "SAFFL": flag(treated),
        "RFICDT": consent,
        "AGE": age,
        "AGEGR1": age_group(age, analysis.age_groups),
        "WEIGHTBL": _weight_at_baseline(domains, first["TRTSDT"], cut_date),
        **_survival(domains, dm.index, cut_date),
        **ended,
        "RESCREEN_OF": _rescreen_of(domains, dm.index),
    }
    return pd.DataFrame(columns)[CORE].reset_index(drop=True)


def flag(condition: pd.Series) -> pd.Series:
    """An ADaM flag: Y or blank, never missing."""
    return pd.Series("", index=condition.index, dtype="str").mask(condition.fillna(False).astype(bool), "Y")


def _exposure(domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp) -> pd.DataFrame:
    """By USUBJID: TRTSDT TRTSDTM LEVEL of the first infusion, TRTEDT of the last, NINF."""
    given = infusion_levels(domains, protocol, analysis, cut_date).groupby("USUBJID")
    first = given.head(1).set_index("USUBJID")
    columns = {
        "TRTSDT": first["EXSTDT"],
        "TRTSDTM": first["EXSTDTC"],
        "LEVEL": first["LEVEL"],
        "TRTEDT": given["EXENDT"].max().clip(upper=cut_date),
        "NINF": given["INFNO"].max(),
    }
    return pd.DataFrame(columns)


def _treated_level(
    dm: pd.DataFrame, by_dose: pd.Series, planned: pd.Series, protocol: Protocol, analysis: Analysis
) -> pd.Series:
    """Level of the first infusion, in order: by dose per kg, by ACTARMCD, by the plan; or the plan throughout.

    A level that falls back to the plan is asked about (`subject_queries`), so that a treated subject is never lost
    from the tables by level.
    """
    if analysis.treatment_arm == "assigned":
        return planned
    actual = dm["ACTARMCD"].where(dm["ACTARMCD"].isin(protocol.level_ids))
    by_dose = by_dose.where(by_dose.fillna("") != "")
    return by_dose.fillna(actual).fillna(planned).astype("str")


def _weight_at_baseline(domains: Domains, trtsdt: pd.Series, cut_date: pd.Timestamp) -> pd.Series:
    """Last weight (kg) on or before the first infusion; for the never infused, the last one before the cut."""
    asked = pd.DataFrame({"USUBJID": trtsdt.index, "DAY": trtsdt.fillna(cut_date).to_numpy()}, index=trtsdt.index)
    return last_on_or_before(asked, weights(domains))["VALUE"]


def _survival(domains: Domains, subjects: pd.Index, cut_date: pd.Timestamp) -> dict[str, pd.Series]:
    """DTHFL DTHDT of deaths up to the cut with DTHDTF (what was imputed) and the range DTHLODT to DTHHIDT; LSTALVDT."""
    deaths = death_dates(domains, cut_date).set_index("USUBJID").reindex(subjects)
    alive = last_known_alive(domains, cut_date).set_index("USUBJID").reindex(subjects)
    return {
        "DTHFL": flag(deaths["DTHFL"].eq("Y")),
        "DTHDTF": deaths["DTHDTF"].fillna("").astype("str"),
        **{name: deaths[name].astype("datetime64[s]") for name in ("DTHDT", "DTHLODT", "DTHHIDT")},
        "LSTALVDT": alive["LSTALVDT"].astype("datetime64[s]"),
    }


def _rescreen_of(domains: Domains, subjects: pd.Index) -> pd.Series:
    """USUBJID of the earlier screening episode of the same person (SUPPDM RESCREEN_OF), else blank."""
    supp = domains["SUPPDM"]
    links = supp[supp["QNAM"].str.upper().eq("RESCREEN_OF")].drop_duplicates("USUBJID").set_index("USUBJID")["QVAL"]
    return links.reindex(subjects).fillna("").astype("str")

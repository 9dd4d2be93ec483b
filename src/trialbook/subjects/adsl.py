"""ADSL: screened subjects, who was treated when and at which level, and the analysis sets (rulebook §0.1, §0.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import as_text, msg
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.ages import age_at_consent, age_group
from trialbook.subjects.deaths import death_dates
from trialbook.subjects.disposition import SCREEN_FAILURE, consent_dtc, end_of_study
from trialbook.subjects.dlt_status import EVALUABLE
from trialbook.subjects.dosing import infusion_levels
from trialbook.subjects.last_alive import last_known_alive
from trialbook.subjects.weights import last_on_or_before, weights

# ----------------------------------------------------------------------------------------------------
# ADSL core: one row per screened subject, who was treated when and at which level (rulebook §0.1, §0.3).


CORE = [
    "STUDYID", "USUBJID", "SUBJID", "SITEID", "TRT01P", "TRT01A", "TRT01AN", "TRTSDT", "TRTSDTM", "TRTEDT", "NINF",
    "CUTDT", "SCRFL", "ENRFL", "SAFFL", "RFICDT", "AGE", "AGEGR1", "SEX", "RACE", "WEIGHTBL", "DTHFL", "DTHDT",
    "DTHDTF", "DTHLODT", "DTHHIDT", "LSTALVDT", "EOSSTT", "DCSREAS", "RESCREEN_OF",
]  # fmt: skip


def derive_subjects(study: StudyData) -> pd.DataFrame:
    """ADSL core, one row per subject in DM, sorted by USUBJID, with the columns of `CORE`.

    SCRFL: a consent date is known, or screening is proved by an arm code, screen failure or infusion.
    ENRFL: screening was passed and a dose level is planned, or the subject was infused.
    SAFFL: an infusion was given on a known date (SAF = FAS). Birth dates are not kept: AGE only.
    Uses DM EX DS VS SUPPDM and, for deaths and last contact, every domain.
    """
    dm = study.domains["DM"].sort_values("USUBJID", kind="stable").set_index("USUBJID", drop=False)
    first = _exposure(study).reindex(dm.index)
    treated = first["TRTSDT"].notna()
    planned = dm["ARMCD"].where(dm["ARMCD"].isin(study.protocol.level_ids), "").astype("str")
    level = _treated_level(dm, first["LEVEL"], planned, study.protocol, study.analysis).where(treated, "")
    consent_text = consent_dtc(study.domains).reindex(dm.index)
    consent = complete_date(consent_text)
    age = age_at_consent(dm, study.domains, study.protocol, consent, study.cut_date)
    ended = end_of_study(study.domains, treated)
    failed = ended["DCSREAS"].eq(SCREEN_FAILURE)
    proved = dm["ARMCD"].notna() & dm["ARMCD"].str.upper().ne("NOTASSGN")
    columns = {
        **{name: dm[name] for name in ("STUDYID", "USUBJID", "SUBJID", "SITEID", "SEX", "RACE")},
        "TRT01P": planned,
        "TRT01A": level,
        "TRT01AN": level.map({name: k for k, name in enumerate(study.protocol.level_ids, 1)}).astype("Int64"),
        **{name: first[name] for name in ("TRTSDT", "TRTSDTM", "TRTEDT")},
        "NINF": first["NINF"].fillna(0).astype("Int64"),
        "CUTDT": pd.Series(study.cut_date, index=dm.index).astype("datetime64[s]"),
        "SCRFL": flag(consent_text.notna() | proved | treated),
        "ENRFL": flag((planned.ne("") & ~failed) | treated),
        "SAFFL": flag(treated),
        "RFICDT": consent,
        "AGE": age,
        "AGEGR1": age_group(age, study.analysis.age_groups),
        "WEIGHTBL": _weight_at_baseline(study.domains, first["TRTSDT"], study.cut_date),
        **_survival(study.domains, dm.index, study.cut_date),
        **ended,
        "RESCREEN_OF": _rescreen_of(study.domains, dm.index),
    }
    return pd.DataFrame(columns)[CORE].reset_index(drop=True)


def flag(condition: pd.Series) -> pd.Series:
    """An ADaM flag: Y or blank, never missing.

    >>> flag(pd.Series([True, False, None])).tolist()
    ['Y', '', '']
    """
    return pd.Series("", index=condition.index, dtype="str").mask(condition.fillna(False).astype(bool), "Y")


def _exposure(study: StudyData) -> pd.DataFrame:
    """By USUBJID: TRTSDT TRTSDTM LEVEL of the first infusion, TRTEDT of the last, NINF."""
    given = infusion_levels(study).groupby("USUBJID")
    first = given.head(1).set_index("USUBJID")
    columns = {
        "TRTSDT": first["EXSTDT"],
        "TRTSDTM": first["EXSTDTC"],
        "LEVEL": first["LEVEL"],
        "TRTEDT": given["EXENDT"].max().clip(upper=study.cut_date),
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


# ----------------------------------------------------------------------------------------------------

SETS = {
    "SCRFL": msg("Screened"),
    "ENRFL": msg("Enrolled"),
    "SAFFL": msg("Safety set (SAF)"),
    "DLTEFL": "DLT-evaluable",
    "MAT28FL": msg("Mature for day 28"),
    "EVAL28FL": msg("Evaluable at day 28"),
    "PPFL": msg("Per protocol"),
}
# Before an infusion a subject has no level received; screening and enrolment are counted by the level planned.
BY_PLANNED_LEVEL = ("SCRFL", "ENRFL")

# Sets that only a trial with this endpoint has.
_NEEDED = {"DLT": ("DLTEFL",), "ORR_D28": ("MAT28FL", "EVAL28FL")}


def add_analysis_sets(
    adsl: pd.DataFrame,
    addlt: pd.DataFrame,
    day28: pd.DataFrame,
    protocol: Protocol,
    analysis: Analysis,
    adie: pd.DataFrame,
    unresolved: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """ADSL with the sets that need more than the core: DLTEFL, MAT28FL, EVAL28FL, PPFL; and OSNEREAS.

    DLTEFL: the status in `addlt` is one that the advice counts (§4.2), so that the set is its denominator; a DLT that
    waits for adjudication counts as one (A-71). MAT28FL and EVAL28FL: as `day28` says (A-04). PPFL: in SAF, no
    violation in `adie`, and at least as many infusions as planned for the level. OSNEREAS: why survival cannot be
    evaluated, of the subjects in `unresolved` (USUBJID REASON); blank for all others.
    """
    reasons = pd.Series(dtype="str") if unresolved is None else unresolved.set_index("USUBJID")["REASON"]
    status = addlt.set_index("USUBJID")["DLTSTAT"].reindex(adsl["USUBJID"]).set_axis(adsl.index)
    at_28 = day28.set_index("USUBJID")[["MAT28FL", "EVAL28FL"]].reindex(adsl["USUBJID"]).set_axis(adsl.index)
    safety = adsl["SAFFL"].eq("Y")
    return adsl.assign(
        DLTEFL=flag(safety & status.isin(EVALUABLE)),
        MAT28FL=flag(safety & at_28["MAT28FL"].eq("Y")),
        EVAL28FL=flag(safety & at_28["EVAL28FL"].eq("Y")),
        PPFL=flag(safety & _violations(adsl, adie).eq("") & (adsl["NINF"] >= _planned(adsl, protocol))),
        OSNEREAS=reasons.reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("").astype("str"),
    )


# Why a treated subject is not DLT-evaluable, by its status.
NOT_EVALUATED = {
    "NOT-EVAL": msg("not evaluable for DLT"), "PENDING": msg("DLT window still open"),
    "PENDING-DATA": msg("DLT window closed, data missing"),
}  # fmt: skip


def set_reasons(
    adsl: pd.DataFrame, addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, adie: pd.DataFrame
) -> pd.DataFrame:
    """Why each subject is, or is not, in each set: SUBJID and one column of text per set, `yes` or `no: reason`."""
    safety, mature = adsl["SAFFL"].eq("Y"), adsl["MAT28FL"].eq("Y")
    never = "not infused"
    status = addlt.set_index("USUBJID")["DLTSTAT"].reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("not assessed")
    due = (adsl["TRTSDT"] + pd.Timedelta(days=analysis.days_to_maturity_d28)).dt.strftime("%Y-%m-%d").fillna("")
    why = {
        "SCRFL": pd.Series("no consent in the data", index=adsl.index, dtype="str"),
        "ENRFL": adsl["DCSREAS"].where(adsl["DCSREAS"] != "", "no dose level assigned").str.lower(),
        "SAFFL": pd.Series(never, index=adsl.index, dtype="str"),
        "DLTEFL": status.replace(NOT_EVALUATED).where(safety, never),
        "MAT28FL": ("day 28 is complete on " + due).where(safety, never),
        "EVAL28FL": pd.Series("no assessment in the window", index=adsl.index).where(mature, "not mature").where(
            safety, never
        ),
        "PPFL": _why_not_per_protocol(adsl, protocol, adie).where(safety, never),
    }  # fmt: skip
    for endpoint, names in _NEEDED.items():
        if not protocol.has_endpoint(endpoint):
            why |= dict.fromkeys(names, pd.Series(f"{endpoint} is not an endpoint of this trial", index=adsl.index))
    columns = {
        name: [
            msg("yes") if flag == "Y" else msg("no: {reason}", reason=as_text(reason))
            for flag, reason in zip(adsl[name].fillna(""), why[name], strict=True)
        ]
        for name in SETS
    }
    return described(
        pd.DataFrame({"SUBJID": adsl["SUBJID"], **columns}), labels=SETS,
        empty=msg("There is no screened subject at this cut."),
    )  # fmt: skip


def set_table(sizes: pd.DataFrame) -> pd.DataFrame:
    """The rows of SETS as a table shows them."""
    return described(
        sizes.copy(deep=False), row="variable", row_labels=SETS, stub=msg("Set"), stats="{n}",
        notes=[msg("Screened and enrolled by the level planned, the other sets by the level received.")],
    )  # fmt: skip


def set_rows(adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows SETS: n of each set by dose level and Total.

    Screened and enrolled subjects are counted at the level planned (those without one in Total only), the other sets
    at the level received.
    """
    rows = []
    for name in SETS:
        members = adsl[adsl[name].eq("Y")]
        level = members["TRT01P" if name in BY_PLANNED_LEVEL else "TRT01A"]
        rows += [ard_row("SETS", code, name, "n", int((level == code).sum())) for code in protocol.level_ids]
        rows.append(ard_row("SETS", TOTAL, name, "n", len(members)))
    return rows


def _planned(adsl: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """Infusions planned for the level received; at least one."""
    planned = {level.id: max(1, len(level.planned_infusions)) for level in protocol.dose_levels}
    return adsl["TRT01A"].map(planned).fillna(1).astype("Int64")


def _violations(adsl: pd.DataFrame, adie: pd.DataFrame) -> pd.Series:
    """The criteria that each subject violates, as text: failed by data, by form, or by data against the form."""
    against_form = adie["RESULT"].eq("CONFLICT") & adie["DATARESULT"].eq("FAIL")
    failed = adie[adie["RESULT"].isin(["FAIL", "ATT-FAIL"]) | against_form].sort_values("CRITCD", kind="stable")
    names = failed.groupby("USUBJID")["CRITCD"].agg(", ".join)
    return names.reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("").astype("str")


# Why a subject is not in a set, in columns that keep the English alone: for the catalogue of texts.
WHY_PATTERNS = ("{n} of {total} infusions", "violates {codes}", "day 28 is complete on {date}")


def _why_not_per_protocol(adsl: pd.DataFrame, protocol: Protocol, adie: pd.DataFrame) -> pd.Series:
    violated, planned = _violations(adsl, adie), _planned(adsl, protocol)
    few = adsl["NINF"].astype("str") + " of " + planned.astype("str") + " infusions"
    both = ("violates " + violated).where(violated != "", "") + ("; " + few).where(adsl["NINF"] < planned, "")
    return both.str.removeprefix("; ").astype("str")

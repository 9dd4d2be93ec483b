"""How a subject went through the DLT window: dose received, follow-up, and why it ended early (§4.2)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.dlt.advice import Note
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.statistics import added
from trialbook.subjects.dosing import infusion_levels, infusions

# ----------------------------------------------------------------------------------------------------
# The dose level planned for each subject against what each infusion gave (P10, P12; §0.3).


COLUMNS = ["SUBJID", "TRT01P", "TRT01A", "INFNO", "EXSTDT", "DAY", "DOSEKG", "LEVEL", "REMARK"]
NOT_PLANNED, OTHER, NO_LEVEL = (
    msg("not the level planned"),
    msg("another level than the first infusion"),
    msg("no level of the trial"),
)


def infusions_received(addlt: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Each infusion of the treated subjects in order: level planned (TRT01P), level of the subject (TRT01A, that of
    its first infusion), dose per kg and the level that it is (LEVEL), and a REMARK where they differ.

    Columns: SUBJID TRT01P TRT01A INFNO EXSTDT DAY DOSEKG LEVEL REMARK, sorted by first infusion and INFNO.
    """
    given = infusion_levels(study)
    listed = addlt[["USUBJID", "SUBJID", "TRT01P", "TRT01A", "TRTSDT"]].merge(given, on="USUBJID", suffixes=("", "_EX"))
    by_cells = any(level.cells_per_kg is not None for level in study.protocol.dose_levels)
    listed = listed.sort_values(["TRTSDT", "USUBJID", "INFNO"], kind="stable").reset_index(drop=True)
    level = listed["LEVEL"]
    cases = [
        (level.eq("") & by_cells, NO_LEVEL),
        (listed["INFNO"].gt(1) & level.ne("") & level.ne(listed["TRT01A"]), OTHER),
        (listed["INFNO"].eq(1) & listed["TRT01P"].ne(listed["TRT01A"]), NOT_PLANNED),
    ]
    remark = pd.Series("", index=listed.index, dtype="str")
    for true, words in cases:
        remark = remark.mask(true.fillna(False).astype(bool) & remark.eq(""), words)
    day = (listed["EXSTDT"] - listed["TRTSDT"]).dt.days.astype("Int64")
    return listed.assign(DAY=day, REMARK=remark)[COLUMNS]


def dose_notes(received: pd.DataFrame) -> list[Note]:
    """Loud notes on infusions at another level than planned or than the first, one per infusion."""
    says = {
        OTHER: msg("the subject stays at the level of its first infusion"),
        NOT_PLANNED: msg("analysed at the level received"),
        NO_LEVEL: msg("please check dose, unit and weight (P12)"),
    }
    return [
        Note(
            "warning",
            msg(
                "{SUBJID} (planned {TRT01P}): infusion {INFNO} on day {DAY} was {REMARK}; {says}.",
                SUBJID=row.SUBJID,
                TRT01P=row.TRT01P or msg("no level"),
                INFNO=row.INFNO,
                DAY=row.DAY,
                REMARK=msg("{level}, {remark}", level=row.LEVEL, remark=row.REMARK) if row.LEVEL else row.REMARK,
                says=says[row.REMARK],
            ),
        )
        for row in received[received["REMARK"].ne("")].itertuples()
    ]


# ----------------------------------------------------------------------------------------------------

# Ends of participation that are neither death nor completion; another trial marks them by DSCAT.
_LEFT = r"^(?:LOST TO FOLLOW-UP|WITHDRAWAL)"
_NO_END = ("COMPLETED", "SCREEN FAILURE", "DEATH")


def dose_received(treated: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """DOSEFRAC (dose given over dose due), DOSEKNOWN and MISSEDDT on the index of `treated`, which needs USUBJID TRT01A
    TRTSDT WINENDT.

    Once the window has closed, all planned infusions of the window are due. While it is open, those with a record are
    (EXDOSE 0 = not given): an infusion without one may be late, or not entered yet. DOSEFRAC is missing where the
    level has no planned dose (nothing to compare with: DOSEKNOWN true) or where the dose of an infusion is not known,
    a record without EXDOSE among them (DOSEKNOWN false). MISSEDDT is the day of the last infusion of the window that is
    recorded as not given.
    """
    given = infusion_levels(study)
    given = given.merge(treated[["USUBJID", "WINENDT"]], on="USUBJID")
    given = given[given["EXSTDT"] <= given["WINENDT"]]
    doses = given.groupby("USUBJID")["DOSEKG"].agg(list)
    not_given = _not_given(treated, study.domains, study.cut_date)
    missed = not_given.groupby("USUBJID").size()
    untold = set(_without_dose(treated, study.domains, study.cut_date)["USUBJID"])
    rows = []
    for subject, level_id, closes in treated[["USUBJID", "TRT01A", "WINENDT"]].itertuples(index=False):
        own = [float(dose) for dose in doses.get(subject, [])]
        recorded = None if closes <= study.cut_date else len(own) + int(missed.get(subject, 0))
        due = _due_dose(study.protocol, level_id, recorded, study.analysis.dlt_window)
        known = due is None or not (subject in untold or any(pd.isna(dose) for dose in own))
        rows.append((added(own) / due if due and known else float("nan"), known))
    found = pd.DataFrame(rows, columns=["DOSEFRAC", "DOSEKNOWN"], index=treated.index)
    found = found.astype({"DOSEFRAC": "float64", "DOSEKNOWN": "bool"})
    return found.assign(MISSEDDT=_by_subject(treated, not_given.groupby("USUBJID")["DAY"].max()))


def left_early(treated: pd.DataFrame, domains: Domains) -> pd.Series:
    """The day on which each subject left the trial alive before the end of the window, else missing.

    Left: a DS record of loss or withdrawal before WINENDT, or at any date when the last contact (FUPDT) is before
    WINENDT. Who was lost and visits again on or after WINENDT was followed all the same; after a withdrawal of consent
    nothing counts (§2.7, A-137). Where the day is not known it is the last day of the window. Index of `treated`.
    """
    ds = domains["DS"]
    term = ds["DSDECOD"].fillna("").str.upper()
    other = ds["DSCAT"].fillna("").str.upper().eq("DISPOSITION EVENT") & ~term.isin(_NO_END)
    ends = ds[term.str.contains(_LEFT, regex=True) | other]
    left_on = _by_subject(treated, earliest_date(ends["DSSTDTC"]).groupby(ends["USUBJID"]).min())
    has_left = treated["USUBJID"].isin(ends["USUBJID"])
    sv = domains["SV"]
    visited = _by_subject(treated, complete_date(sv["SVSTDTC"]).groupby(sv["USUBJID"]).max())
    seen = visited >= treated["WINENDT"]
    withdrawn = ds[term.str.startswith("WITHDRAWAL")]
    withdrew_on = _by_subject(treated, earliest_date(withdrawn["DSSTDTC"]).groupby(withdrawn["USUBJID"]).min())
    came_back = seen & ~(withdrew_on < treated["WINENDT"])
    left = has_left & ~came_back & ((left_on < treated["WINENDT"]) | ~(treated["FUPDT"] >= treated["WINENDT"]))
    return left_on.fillna(treated["WINENDT"]).where(left)


def other_trial_drug(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """The first day on which each subject began, or may have begun, another trial's drug after TRTSDT and before
    WINENDT; missing where none was begun. Index of `treated`."""
    drugs = _trial_drugs(treated, domains, analysis)
    first = earliest_date(drugs["CMSTDTC"]).astype("datetime64[s]")
    begun = (latest_date(drugs["CMSTDTC"]) > drugs["TRTSDT"]) & (first < drugs["WINENDT"])
    day = first.mask(first < drugs["TRTSDT"], drugs["TRTSDT"])
    return _by_subject(treated, day[begun].groupby(drugs["USUBJID"]).min())


def surely_other_trial_drug(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """Who began another trial's drug on a day that lies after TRTSDT and before WINENDT whatever its date may mean."""
    drugs = _trial_drugs(treated, domains, analysis)
    inside = earliest_date(drugs["CMSTDTC"]) > drugs["TRTSDT"]
    inside &= latest_date(drugs["CMSTDTC"]) < drugs["WINENDT"]
    return treated["USUBJID"].isin(drugs.loc[inside, "USUBJID"])


def _trial_drugs(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """The medication records that name another trial, with TRTSDT and WINENDT of their subject."""
    cm, terms = domains["CM"], analysis.dlt_terms.trial_drug
    words = cm["CMCAT"].fillna("").str.lower() + " | " + cm["CMTRT"].fillna("").str.lower()
    named = pd.Series(False, index=cm.index)
    for term in terms:
        named |= words.str.contains(term.lower(), regex=False)
    return cm[named].merge(treated[["USUBJID", "TRTSDT", "WINENDT"]], on="USUBJID")


def _by_subject(treated: pd.DataFrame, dates: pd.Series) -> pd.Series:
    """Dates by USUBJID on the index of `treated`."""
    return dates.reindex(treated["USUBJID"]).set_axis(treated.index).astype("datetime64[s]")


def _not_given(treated: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Infusions of the window that are recorded as not given (EXDOSE 0): USUBJID and DAY, one row per day (A-160).

    A bag that was not given beside one that was makes the infusion smaller, it does not make another one.
    """
    later = _later_infusions(treated, domains, cut_date)
    rows = later.loc[later["EXDOSE"].eq(0).fillna(False), ["USUBJID", "DAY"]].drop_duplicates()
    given = infusions(domains, cut_date)
    infused = pd.MultiIndex.from_frame(given[["USUBJID", "EXSTDT"]])
    return rows[~pd.MultiIndex.from_frame(rows).isin(infused)]


def _without_dose(treated: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Infusions of the window whose record does not say the dose."""
    later = _later_infusions(treated, domains, cut_date)
    return later[later["EXDOSE"].isna()]


def _later_infusions(treated: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """EX records of the window after the day of the first infusion, up to the cut, with DAY."""
    ex = domains["EX"]
    ex = ex.assign(DAY=complete_date(ex["EXSTDTC"])).merge(treated[["USUBJID", "TRTSDT", "WINENDT"]], on="USUBJID")
    return ex[(ex["DAY"] > ex["TRTSDT"]) & (ex["DAY"] <= ex["WINENDT"]) & (ex["DAY"] <= cut_date)]


def _due_dose(protocol: Protocol, level_id: str, recorded: int | None, window: list[int]) -> float | None:
    """10^6 cells/kg due: of all planned infusions of the window, or of as many as are recorded; None without a plan."""
    if level_id not in protocol.level_ids:
        return None
    level = protocol.level(level_id)
    planned = sum(day <= window[1] for day in level.planned_infusions)
    if level.cells_per_kg is None or planned == 0:
        return None
    return level.cells_per_kg * (planned if recorded is None else min(recorded, planned))

"""How a subject went through the DLT window: dose received, follow-up, and why it ended early (§4.2)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date, earliest_date, latest_date
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dosing import infusion_levels, infusions

# Ends of participation that are neither death nor completion; another trial marks them by DSCAT.
_LEFT = r"^(?:LOST TO FOLLOW-UP|WITHDRAWAL)"
_NO_END = ("COMPLETED", "SCREEN FAILURE", "DEATH")


def dose_received(
    treated: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """DOSEFRAC (dose given over dose due), DOSEKNOWN and MISSEDDT on the index of `treated`, which needs USUBJID TRT01A
    TRTSDT WINENDT.

    Once the window has closed, all planned infusions of the window are due. While it is open, those with a record are
    (EXDOSE 0 = not given): an infusion without one may be late, or not entered yet. DOSEFRAC is missing where the
    level has no planned dose (nothing to compare with: DOSEKNOWN true) or where the dose of an infusion cannot be told
    (DOSEKNOWN false). MISSEDDT is the day of the last infusion of the window that is recorded as not given.
    """
    given = infusion_levels(domains, protocol, analysis, cut_date)
    given = given.merge(treated[["USUBJID", "WINENDT"]], on="USUBJID")
    given = given[given["EXSTDT"] <= given["WINENDT"]]
    doses = given.groupby("USUBJID")["DOSEKG"].agg(list)
    not_given = _not_given(treated, domains, cut_date)
    missed = not_given.groupby("USUBJID").size()
    rows = []
    for subject, level_id, closes in treated[["USUBJID", "TRT01A", "WINENDT"]].itertuples(index=False):
        own = [float(dose) for dose in doses.get(subject, [])]
        recorded = None if closes <= cut_date else len(own) + int(missed.get(subject, 0))
        due = _due_dose(protocol, level_id, recorded, analysis.dlt_window)
        known = due is None or not any(pd.isna(dose) for dose in own)
        rows.append((sum(own) / due if due and known else float("nan"), known))
    found = pd.DataFrame(rows, columns=["DOSEFRAC", "DOSEKNOWN"], index=treated.index)
    found = found.astype({"DOSEFRAC": "float64", "DOSEKNOWN": "bool"})
    return found.assign(MISSEDDT=_by_subject(treated, not_given.groupby("USUBJID")["DAY"].max()))


def left_early(treated: pd.DataFrame, domains: Domains) -> pd.Series:
    """The day on which each subject left the trial alive before the end of the window, else missing.

    Left: a DS record of loss or withdrawal before WINENDT, or at any date when the last contact (FUPDT) is before
    WINENDT. A visit on or after WINENDT proves that the window was followed all the same. Where the day is not known
    it is the last day of the window. Index of `treated`.
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
    left = has_left & ~seen & ((left_on < treated["WINENDT"]) | ~(treated["FUPDT"] >= treated["WINENDT"]))
    return left_on.fillna(treated["WINENDT"]).where(left)


def other_trial_drug(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """The first day on which each subject began, or may have begun, another trial's drug after TRTSDT and before
    WINENDT; missing where none was begun. Index of `treated`."""
    cm, terms = domains["CM"], analysis.dlt_terms.trial_drug
    words = cm["CMCAT"].fillna("").str.lower() + " | " + cm["CMTRT"].fillna("").str.lower()
    named = pd.Series(False, index=cm.index)
    for term in terms:
        named |= words.str.contains(term.lower(), regex=False)
    drugs = cm[named].merge(treated[["USUBJID", "TRTSDT", "WINENDT"]], on="USUBJID")
    first = earliest_date(drugs["CMSTDTC"]).astype("datetime64[s]")
    begun = (latest_date(drugs["CMSTDTC"]) > drugs["TRTSDT"]) & (first < drugs["WINENDT"])
    day = first.mask(first < drugs["TRTSDT"], drugs["TRTSDT"])
    return _by_subject(treated, day[begun].groupby(drugs["USUBJID"]).min())


def _by_subject(treated: pd.DataFrame, dates: pd.Series) -> pd.Series:
    """Dates by USUBJID on the index of `treated`."""
    return dates.reindex(treated["USUBJID"]).set_axis(treated.index).astype("datetime64[s]")


def _not_given(treated: pd.DataFrame, domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """Infusions of the window that are recorded as not given (EXDOSE 0): USUBJID and DAY, one row per day (A-160).

    A bag that was not given beside one that was makes the infusion smaller, it does not make another one.
    """
    ex = domains["EX"]
    ex = ex.assign(DAY=complete_date(ex["EXSTDTC"])).merge(treated[["USUBJID", "TRTSDT", "WINENDT"]], on="USUBJID")
    skipped = ex["EXDOSE"].eq(0) & (ex["DAY"] > ex["TRTSDT"]) & (ex["DAY"] <= ex["WINENDT"]) & (ex["DAY"] <= cut_date)
    rows = ex.loc[skipped.fillna(False), ["USUBJID", "DAY"]].drop_duplicates()
    given = infusions(domains, cut_date)
    infused = pd.MultiIndex.from_frame(given[["USUBJID", "EXSTDT"]])
    return rows[~pd.MultiIndex.from_frame(rows).isin(infused)]


def _due_dose(protocol: Protocol, level_id: str, recorded: int | None, window: list[int]) -> float | None:
    """10^6 cells/kg due: of all planned infusions of the window, or of as many as are recorded; None without a plan."""
    if level_id not in protocol.level_ids:
        return None
    level = protocol.level(level_id)
    planned = sum(day <= window[1] for day in level.planned_infusions)
    if level.cells_per_kg is None or planned == 0:
        return None
    return level.cells_per_kg * (planned if recorded is None else min(recorded, planned))

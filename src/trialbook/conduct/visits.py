"""The planned visits of each treated subject: done, outside the window, missed, due or still to come (A-181)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.conduct.frames import of_subject, treated_of
from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.conduct import Visit
from trialbook.protocol.study_data import StudyData

DONE, OUTSIDE, MISSED, DUE, COMING, ENDED, UNKNOWN = (
    "DONE", "OUTSIDE", "MISSED", "DUE", "COMING", "ENDED", "UNKNOWN"
)  # fmt: skip
STATUS_WORDS = {
    DONE: "done", OUTSIDE: "outside the window", MISSED: "missed", DUE: "due now", COMING: "coming",
    ENDED: "ended before", UNKNOWN: "not known: no visits were delivered",
}  # fmt: skip
COLUMNS = [
    "USUBJID", "SUBJID", "TRT01A", "VISIT", "PLANDY", "FROMDT", "UNTILDT", "VISITDT", "VISITDY", "STATUS", "ONCE",
]  # fmt: skip


def window_of(visit: Visit, analysis: Analysis) -> tuple[int, int]:
    """The first and last REL_DAY on which a visit counts as done: its own, or those of the analysis key it names."""
    first, last = visit.window if isinstance(visit.window, list) else getattr(analysis, visit.window)
    return int(first), int(last)


def visit_table(data: Mapping[str, pd.DataFrame], study: StudyData) -> pd.DataFrame:
    """One row per treated subject and planned visit, by first infusion and day; columns of `COLUMNS`.

    VISITDT is the day of the record in SV with the visit's name, one in the window before others; without one, of any
    other record in the window. A visit that is marked `once` needs an organ assessment (ADRS) in its window where the
    trial has a response endpoint. STATUS: DONE in the window; OUTSIDE it; MISSED: the window has passed without a
    record; DUE: it is open at the cut; COMING: it opens later; ENDED: the subject died or left before its end;
    UNKNOWN: SV was not delivered. `data`: ADSL and ADRS (`conduct.frames`).
    """
    treated = treated_of(data["adsl"])
    visits = study.protocol.schedule.visits
    if treated.empty or not visits:
        return pd.DataFrame(columns=COLUMNS)
    records = _records(treated, study.domains)
    named = {name: visit.name for visit in visits for name in map(_plain, (visit.name, *visit.also))}
    records = records.assign(NAME=records["VISIT"].map(_plain).map(named).fillna(""))
    assessed = _assessments(treated, data["adrs"]) if study.protocol.has_endpoint("ORR_D28") else None
    known = study.domains.delivered("SV")
    parts = []
    for visit in visits:
        by_stage = visit.once and assessed is not None
        parts.append(_one(visit, treated, records, assessed if by_stage else None, study, known=known or by_stage))
    table = pd.concat(parts, ignore_index=True)
    order = pd.Series(range(len(treated)), index=treated["USUBJID"])
    table = table.assign(_order=table["USUBJID"].map(order)).sort_values(["_order", "PLANDY"], kind="stable")
    return table[COLUMNS].reset_index(drop=True)


def _one(
    visit: Visit, treated: pd.DataFrame, records: pd.DataFrame, assessed: pd.DataFrame | None, study: StudyData,
    *, known: bool,
) -> pd.DataFrame:  # fmt: skip
    """The rows of one planned visit."""
    first, last = window_of(visit, study.analysis)
    start = treated["TRTSDT"]
    from_day, until = start + pd.Timedelta(days=first), start + pd.Timedelta(days=last)
    own = records[records["NAME"].eq(visit.name)]
    other = records[records["NAME"].eq("") & records["DAY"].between(first, last)]
    # An assessment in the window is what the endpoint needs; a visit by name that lacks it is outside.
    staged = assessed[assessed["DAY"].between(first, last)] if assessed is not None else None
    within = own[own["DAY"].between(first, last)] if staged is None else staged
    choice = [within, own] if staged is not None else [within, own, other]
    found = pd.concat([part.assign(RANK=k) for k, part in enumerate(choice)], ignore_index=True)
    found = found.sort_values(["RANK", "DAY"], kind="stable").drop_duplicates("USUBJID").set_index("USUBJID")
    date = of_subject(treated["USUBJID"], found["DATE"]).astype("datetime64[s]")
    day = of_subject(treated["USUBJID"], found["DAY"]).astype("Int64")
    inside = day.between(first, last).fillna(False).astype(bool)
    if staged is not None:
        inside &= treated["USUBJID"].isin(staged["USUBJID"])
    end = _end(treated)
    status = pd.Series(MISSED, index=treated.index, dtype="str")
    status = status.mask(until >= study.cut_date, DUE).mask(from_day > study.cut_date, COMING)
    status = status.mask((end <= until).fillna(False).astype(bool), ENDED)
    status = status if known else status.where(status.isin([DUE, COMING, ENDED]), UNKNOWN)
    status = status.mask(date.notna() & ~status.isin([DUE]), OUTSIDE).mask(inside, DONE)
    return pd.DataFrame(
        {
            "USUBJID": treated["USUBJID"], "SUBJID": treated["SUBJID"], "TRT01A": treated["TRT01A"],
            "VISIT": visit.name, "PLANDY": visit.day, "FROMDT": from_day, "UNTILDT": until, "VISITDT": date,
            "VISITDY": day, "STATUS": status, "ONCE": "Y" if visit.once else "",
        }
    ).astype({"FROMDT": "datetime64[s]", "UNTILDT": "datetime64[s]"})  # fmt: skip


def _records(treated: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """The dated records of SV of treated subjects: USUBJID VISIT DATE DAY."""
    sv = domains["SV"]
    start = of_subject(sv["USUBJID"], treated.set_index("USUBJID")["TRTSDT"])
    date = complete_date(sv["SVSTDTC"])
    rows = pd.DataFrame({"USUBJID": sv["USUBJID"], "VISIT": sv["VISIT"].fillna(""), "DATE": date})
    return rows.assign(DAY=(date - start).dt.days)[date.notna() & start.notna()].reset_index(drop=True)


def _assessments(treated: pd.DataFrame, adrs: pd.DataFrame) -> pd.DataFrame:
    """The days with an overall grade in ADRS: USUBJID DATE DAY."""
    rows = adrs[adrs["PARAMCD"].eq("GRADE") & adrs["ADT"].notna() & adrs["USUBJID"].isin(treated["USUBJID"])]
    start = of_subject(rows["USUBJID"], treated.set_index("USUBJID")["TRTSDT"])
    days = (rows["ADT"] - start.astype("datetime64[s]")).dt.days
    return pd.DataFrame({"USUBJID": rows["USUBJID"], "DATE": rows["ADT"], "DAY": days})


def _end(treated: pd.DataFrame) -> pd.Series:
    """The day on which the subject died or was last seen before leaving; missing where follow-up goes on."""
    dead = treated["DTHFL"].eq("Y")
    left = treated["EOSSTT"].eq("DISCONTINUED") & ~dead
    died = treated["DTHDT"].fillna(treated["DTHHIDT"]).fillna(treated["LSTALVDT"])
    return died.where(dead).fillna(treated["LSTALVDT"].where(left)).astype("datetime64[s]")


def _plain(name: str) -> str:
    return " ".join(str(name).upper().split())


def coming_up(visits: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """The visits that are due, or open within `ahead_days`, by the day on which their window closes."""
    ahead = study.cut_date + pd.Timedelta(days=study.protocol.schedule.ahead_days)
    rows = visits[visits["STATUS"].eq(DUE) | (visits["STATUS"].eq(COMING) & (visits["FROMDT"] <= ahead))]
    return rows.sort_values(["UNTILDT", "USUBJID"], kind="stable").reset_index(drop=True)

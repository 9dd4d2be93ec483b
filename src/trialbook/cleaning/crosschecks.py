"""Questions across the records of a subject: visits out of order (P17), and events that are fatal by halves (P22).

The cases of sdtmchecks that concern our domains are answered by these, by the other questions, or by the contracts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.rules import ask
from trialbook.dates import complete_date, time_of_day
from trialbook.domains import Domains
from trialbook.results.queries import Query, query_by_rule

# Rule: domain, field, severity, what was expected, the question in English and in Chinese.
RULES: dict[str, tuple[str, str, str, str, str, str]] = {
    "P17-VISIT-ORDER": (
        "SV", "SVSTDTC", "minor", "a date not before that of the visit before",
        "The visit is dated before the visit that precedes it. Which date is right? Windows are judged by date.",
        "该访视日期早于前一次访视，哪个日期正确？时间窗按日期判断。",
    ),
    "P17-VISITS-ONE-DATE": (
        "RS", "RSDTC", "minor", "one visit per date",
        "Assessments of one date are recorded under several visits. Which visit is right?",
        "同一日期的评估记录在多个访视下，哪个访视正确？",
    ),
    "P22-AE-FATAL-CONFLICT": (
        "AE", "AEOUT", "major", "grade 5, outcome FATAL and AESDTH Y together",
        "Grade, outcome and the criterion of death contradict each other. Was the event fatal?",
        "分级、结局与致死标准相互矛盾，该事件是否致死？",
    ),
}  # fmt: skip
# Domains whose records belong to a visit and are dated by one variable.
VISIT_DATES = {"SV": "SVSTDTC", "EX": "EXSTDTC", "LB": "LBDTC", "VS": "VSDTC", "RS": "RSDTC", "FA": "FADTC"}


def cross_questions(domains: Domains) -> list[Query]:
    """All questions of this module, for domains at the cut."""
    return [
        *(query for code in VISIT_DATES for query in _visit_order(code, domains[code])),
        *_visits_of_one_date(domains["RS"], domains["EX"]),
        *_half_fatal(domains["AE"]),
        *_hours_reversed(domains["AE"]),
    ]


def _visit_order(code: str, frame: pd.DataFrame) -> Iterator[Query]:
    """Each visit whose first date lies before the first date of the visit before; unscheduled visits are left out."""
    if not {"VISIT", "VISITNUM"} <= set(frame):
        return
    dated = frame.assign(DTC=frame[VISIT_DATES[code]], DAY=complete_date(frame[VISIT_DATES[code]]))
    unscheduled = dated["VISIT"].str.upper().str.contains("UNSCH", na=False)
    done = dated.get(f"{code}STAT", pd.Series("", index=dated.index)).ne("NOT DONE")
    dated = dated[~unscheduled & done].dropna(subset=["USUBJID", "VISITNUM", "DAY"])
    first = dated.sort_values(["USUBJID", "VISITNUM", "DTC"], kind="stable").drop_duplicates(["USUBJID", "VISITNUM"])
    first = first.assign(TIME=time_of_day(first["DTC"]))
    before = first.groupby("USUBJID")[["DAY", "TIME", "VISIT", "DTC"]].shift()
    earlier = (first["DAY"] < before["DAY"]) | ((first["DAY"] == before["DAY"]) & (first["TIME"] < before["TIME"]))
    for row, visit, dtc in zip(
        first[earlier].itertuples(), before.loc[earlier, "VISIT"], before.loc[earlier, "DTC"], strict=True
    ):
        yield query_by_rule(
            RULES, "P17-VISIT-ORDER", row.USUBJID, record=f"VISITNUM={row.VISITNUM:g}", domain=code,
            observed=f"{row.VISIT} {row.DTC}, {visit} {dtc}",
        )  # fmt: skip


def _visits_of_one_date(rs: pd.DataFrame, ex: pd.DataFrame) -> Iterator[Query]:
    """Each date from the first infusion on whose organ assessments stand under more than one visit.

    Before the infusion the days of steroid treatment are read from the chart and may well fall on the screening day.
    """
    own = rs[rs["RSEVAL"].fillna("INVESTIGATOR").str.upper().eq("INVESTIGATOR")] if "RSEVAL" in rs else rs
    given = ex[ex["EXDOSE"] > 0]
    infused = complete_date(given["EXSTDTC"]).groupby(given["USUBJID"]).min()
    day = complete_date(own["RSDTC"])
    day = day.where(day >= infused.reindex(own["USUBJID"]).set_axis(own.index))
    named = own.assign(DAY=day).dropna(subset=["USUBJID", "DAY", "VISIT"])
    for (subject, date), visits in named.groupby(["USUBJID", "DAY"], sort=True)["VISIT"]:
        if visits.nunique() > 1:
            seen = ", ".join(sorted(visits.unique()))
            yield query_by_rule(RULES, "P17-VISITS-ONE-DATE", subject, record=f"RSDTC={date:%Y-%m-%d}", observed=seen)


def _hours_reversed(ae: pd.DataFrame) -> list[Query]:
    """P19: an event that ended on the day it started, at an earlier hour; other days are compared elsewhere."""
    timed = ae[complete_date(ae["AESTDTC"]).eq(complete_date(ae["AEENDTC"]))]
    reversed_hours = [
        end[: min(len(start), len(end))] < start[: min(len(start), len(end))]
        for start, end in timed[["AESTDTC", "AEENDTC"]].itertuples(index=False)
    ]
    wrong = timed[pd.Series(reversed_hours, index=timed.index, dtype=bool)]
    observed = zip(wrong["USUBJID"], record_keys("AE", wrong), wrong["AEENDTC"], strict=True)
    return ask("P19-AE-END-BEFORE-START", "AE", observed, "AEENDTC")


def _half_fatal(ae: pd.DataFrame) -> Iterator[Query]:
    """Each event that is fatal by its grade, its outcome or its criterion, and not by all that were collected."""
    said = {
        "AETOXGR": ae["AETOXGR"].eq("5"),
        "AEOUT": ae["AEOUT"].str.upper().eq("FATAL"),
        "AESDTH": ae["AESDTH"].eq("Y"),
    }
    collected = [name for name in said if ae[name].notna().any()]
    signs = pd.DataFrame({name: said[name].fillna(False).astype(bool) for name in collected}, index=ae.index)
    torn = ae[signs.any(axis=1) & ~signs.all(axis=1)]
    for row, record in zip(torn.itertuples(), record_keys("AE", torn), strict=True):
        seen = ", ".join(f"{name} {getattr(row, name)}" for name in collected if pd.notna(getattr(row, name)))
        yield query_by_rule(RULES, "P22-AE-FATAL-CONFLICT", row.USUBJID, record=record, observed=seen)

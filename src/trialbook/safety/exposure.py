"""Exposure-adjusted rates of adverse events with exact Poisson limits (domain document §3.6)."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from trialbook.dates import earliest_date, rel_day
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row
from trialbook.safety.ae_results import CONTEXT_OF, has_open_rows, left_open, overview_kinds, selections
from trialbook.safety.counting import NONE, Cells, mask_counts
from trialbook.statistics.rates import poisson_exact_rate

DAYS_PER_YEAR = 365.25
UNIT_DAYS = {"patient_years": DAYS_PER_YEAR, "100_patient_months": 100 * DAYS_PER_YEAR / 12}
UNIT_WORDS = {"patient_years": "per patient-year", "100_patient_months": "per 100 patient-months"}


def days_at_risk(adsl: pd.DataFrame, analysis: Analysis, cut_date: pd.Timestamp) -> pd.Series:
    """Days at risk of each subject of the safety set, by USUBJID: first infusion to the end of risk, both included.

    The end is the earliest of death (or last contact of the living), the cut, and the end of the safety window.
    """
    treated = adsl[adsl["SAFFL"] == "Y"].set_index("USUBJID")
    contact = treated["DTHDT"].fillna(treated["LSTALVDT"])
    last_day = rel_day(contact, treated["TRTSDT"]).fillna(0)
    cut_day = rel_day(pd.Series(cut_date, index=treated.index).astype("datetime64[s]"), treated["TRTSDT"])
    last_day = last_day.where(last_day < cut_day, cut_day)
    if analysis.safety_end_rel_day is not None:
        last_day = last_day.clip(upper=analysis.safety_end_rel_day)
    return (last_day.clip(lower=0) + 1).astype("float64").rename("DAYS")


def event_days(records: pd.DataFrame) -> pd.Series:
    """Days from the first infusion to each event, both included.

    An onset that is not known to the day counts from the first day it may mean; one before the infusion (a worsening)
    from the infusion.
    """
    possible = rel_day(earliest_date(records["AESTDTC"]), records["TRTSDT"])
    return (records["RELDAY"].fillna(possible).fillna(0).clip(lower=0) + 1).astype("float64")


def rate_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp,
    adjudicated: bool = True,
) -> list[ArdRow]:  # fmt: skip
    """EAIR: N, n, time, rate and exact 95% limits of the first event of each kind, by level and Total.

    Time is the sum of the days to the first event, or to the end of risk without one, in the unit of `eair_unit`.
    `adjudicated`: see `overview_kinds`.
    """
    at_risk = days_at_risk(adsl, analysis, cut_date)
    level_of = adsl.set_index("USUBJID")["TRT01A"].reindex(at_risk.index)
    rows: list[ArdRow] = []
    masks, days = selections(adae), event_days(adae)
    missing = mask_counts(adae, left_open(adae))
    for name, evaluable in overview_kinds(adae, protocol, analysis, adjudicated).items():
        counted = masks[name].to_numpy(dtype=bool)
        first = days[counted].groupby(adae["USUBJID"].array[counted]).min().reindex(at_risk.index)
        # An event on the last day of risk ends the time there; the event never lies after it.
        time = first.where(first < at_risk, at_risk)
        for level in [*protocol.level_ids, TOTAL]:
            chosen = level_of.eq(level) if level != TOTAL else level_of.notna()
            n = int(first[chosen].notna().sum())
            rows.append(ard_row("EAIR", level, name, "N", int(chosen.sum())))
            rows += _rate(level, name, n, float(time[chosen].sum()), analysis, evaluable)
            rows += _left_open(level, name, missing, evaluable)
    return rows


def event_rate_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp,
    adjudicated: bool = True,
) -> list[ArdRow]:  # fmt: skip
    """EAER: all events of each kind, also repeated ones, over the whole time at risk of the safety set (§3.6)."""
    at_risk = days_at_risk(adsl, analysis, cut_date)
    level_of = adsl.set_index("USUBJID")["TRT01A"].reindex(at_risk.index)
    days = {level: float(at_risk[level_of.eq(level)].sum()) for level in protocol.level_ids}
    days[TOTAL] = float(at_risk.sum())
    rows: list[ArdRow] = []
    found, missing = mask_counts(adae, selections(adae)), mask_counts(adae, left_open(adae))
    for name, evaluable in overview_kinds(adae, protocol, analysis, adjudicated).items():
        for level, at in days.items():
            rows += _rate(level, name, found.get((level, name), NONE)[1], at, analysis, evaluable, "EAER", "events")
            rows += _left_open(level, name, missing, evaluable, "EAER", "events")
    return rows


def _left_open(
    level: str, name: str, missing: Cells, evaluable: bool, analysis_id: str = "EAIR",
    counted: Literal["n", "events"] = "n",
) -> list[ArdRow]:  # fmt: skip
    """What has no grade, or no seriousness, beside a rate that rests on it: subjects, or events, and no rate."""
    if not has_open_rows(name, missing):
        return []
    value = missing.get((level, name), NONE)[0 if counted == "n" else 1]
    return [ard_row(analysis_id, level, name, counted, value if evaluable else None, context=CONTEXT_OF[name])]


def _rate(
    level: str, name: str, n: int, days: float, analysis: Analysis, evaluable: bool, analysis_id: str = "EAIR",
    counted: str = "n",
) -> list[ArdRow]:  # fmt: skip
    time = days / UNIT_DAYS[analysis.eair_unit]
    unit = UNIT_WORDS[analysis.eair_unit]
    if not evaluable:
        stats = (counted, "time", "rate", "conf.low", "conf.high")
        word = NOT_EVALUABLE if name == "DLT" else None
        return [ard_row(analysis_id, level, name, stat, None, stat_text=word) for stat in stats]
    interval = poisson_exact_rate(n, time)
    label = f"Rate {unit}"
    return [
        ard_row(analysis_id, level, name, counted, n),
        ard_row(analysis_id, level, name, "time", time, stat_label=f"Time at risk, {unit.removeprefix('per ')}s"),
        ard_row(analysis_id, level, name, "rate", interval.estimate, stat_label=label),
        ard_row(analysis_id, level, name, "conf.low", interval.low),
        ard_row(analysis_id, level, name, "conf.high", interval.high),
    ]


def rate_notes(analysis: Analysis, counted: str = "Subjects") -> list[str]:
    """What a cell of the rate table says; `counted` is what it counts."""
    unit = UNIT_WORDS[analysis.eair_unit]
    return [f"{counted} / time at risk: rate {unit} (95% exact Poisson interval); a year is {DAYS_PER_YEAR} days."]

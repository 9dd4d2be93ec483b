"""Infusions of the study product: which were given, at what dose per kg, and which dose level that is (A-91, P10)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date, time_of_day
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.weights import last_on_or_before, weights

# `10^6 cells`, `x10^6 cells/kg`, `cells/kg`: the power of ten, and whether the dose is per kg.
_CELL_UNIT = r"^[x×*]?(?:10\^?(?P<power>[0-9]{1,2}))?cells(?P<per_kg>/kg)?$"
_SIGNIFICANT_DIGITS = 10


def infusions(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The infusions given up to the cut, in order of time: the EX records with EXSTDT and EXENDT added.

    Given means EXDOSE above 0, or a placebo by name. A record without a complete start date is left out: cleaning
    stops on it when the subject has no other (P11). Without a time of day the record with the lower EXSEQ is first.
    """
    ex = domains["EX"]
    placebo = ex["EXTRT"].str.upper().str.contains("PLACEBO", regex=False).fillna(False).astype(bool)
    start = complete_date(ex["EXSTDTC"])
    dated = ex.assign(EXSTDT=start, EXENDT=complete_date(ex["EXENDTC"]).fillna(start), _time=time_of_day(ex["EXSTDTC"]))
    given = dated[((ex["EXDOSE"] > 0) | placebo) & (start <= cut_date)]
    ordered = given.sort_values(["USUBJID", "EXSTDT", "_time", "EXSEQ"], kind="stable", na_position="last")
    return ordered.drop(columns="_time").reset_index(drop=True)


def dose_per_kg(given: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """10^6 cells per kg of each infusion: as recorded, or total cells over the last body weight in the window.

    Missing where the unit is not one of cells, or where no weight stands within `weight_window_days` before.
    """
    unit = given["EXDOSU"].str.replace(r"\s", "", regex=True).str.lower().str.extract(_CELL_UNIT)
    known = given["EXDOSU"].str.replace(r"\s", "", regex=True).str.lower().str.fullmatch(_CELL_UNIT)
    millions = given["EXDOSE"] * 10.0 ** (unit["power"].fillna("0").astype("int64") - 6)
    asked = given[["USUBJID"]].assign(DAY=given["EXSTDT"])
    weight = last_on_or_before(asked, weights(domains), analysis.weight_window_days)["VALUE"]
    per_kg = millions.where(unit["per_kg"].notna(), millions / weight)
    return per_kg.where(known.fillna(False).astype(bool))


def dose_level(per_kg: pd.Series, protocol: Protocol, analysis: Analysis) -> pd.Series:
    """Id of the nearest dose level within the dose band of each dose per kg; blank where there is none."""
    best = pd.Series("", index=per_kg.index, dtype="str")
    nearest = pd.Series(float("inf"), index=per_kg.index)
    for level in protocol.dose_levels:
        if level.cells_per_kg is None:
            continue
        # Rounded, so that 1.1 is within 10% of 1 although the floating difference is 0.10000000000000009.
        off = ((per_kg - level.cells_per_kg).abs() / level.cells_per_kg).round(_SIGNIFICANT_DIGITS)
        closer = (off <= analysis.dose_band) & (off < nearest)
        best, nearest = best.mask(closer, level.id), nearest.mask(closer, off)
    return best


def infusion_levels(domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The infusions with DOSEKG (10^6 cells per kg), LEVEL (id or blank) and INFNO (1 = first) added."""
    given = infusions(domains, cut_date)
    per_kg = dose_per_kg(given, domains, analysis)
    number = (given.groupby("USUBJID").cumcount() + 1).astype("Int64")
    return given.assign(DOSEKG=per_kg, LEVEL=dose_level(per_kg, protocol, analysis), INFNO=number)

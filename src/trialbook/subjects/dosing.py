"""Infusions of the study product: which were given, at what dose per kg, and which dose level that is (A-91, P10)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, time_of_day
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.weights import last_on_or_before, weights

# `10^6 cells`, `x10^6 cells/kg`, `cells/kg`: the power of ten, and whether the dose is per kg.
_CELL_UNIT = r"^[x×*]?(?:10\^?(?P<power>[0-9]{1,2}))?cells(?P<per_kg>/kg)?$"
_SIGNIFICANT_DIGITS = 10
# What numbers or places a record without describing what was given; a lot or bag number (EXLOT, EXREFID) describes it.
_OF_THE_RECORD = ("EXSEQ", "EXSPID", "SRCROW", "VISIT", "VISITNUM", "EXSTDT", "EXENDT")


def doses_given(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The EX records given up to the cut, in order of time, with EXSTDT and EXENDT added; a bag is one record.

    Given means EXDOSE above 0, or a placebo by name. A record without a complete start date is left out: cleaning
    stops on it when the subject has no other (P11). Without a time of day the record with the lower EXSEQ is first.

    >>> days = ["2025-03-05", "2025-03-12", "2025-03"]
    >>> ex = pd.DataFrame({"USUBJID": "001", "EXDOSE": [1.0, 0.0, 1.0], "EXSTDTC": days})
    >>> doses_given(Domains({"EX": ex}), pd.Timestamp("2025-06-30"))["EXSTDTC"].tolist()
    ['2025-03-05']
    """
    return domains.once(_doses_given, cut_date)


def _doses_given(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    ex = domains["EX"]
    placebo = ex["EXTRT"].str.upper().str.contains("PLACEBO", regex=False).fillna(False).astype(bool)
    start = complete_date(ex["EXSTDTC"])
    dated = ex.assign(EXSTDT=start, EXENDT=complete_date(ex["EXENDTC"]).fillna(start), _time=time_of_day(ex["EXSTDTC"]))
    given = dated[((ex["EXDOSE"] > 0) | placebo) & (start <= cut_date)]
    ordered = given.sort_values(["USUBJID", "EXSTDT", "_time", "EXSEQ"], kind="stable", na_position="last")
    return ordered.drop(columns="_time").reset_index(drop=True)


def infusions(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The infusions given up to the cut, in order of time: the records of one subject and day are one (A-160).

    One row per subject and day: the variables of the day's first record (an infusion of two bags begins with the first
    bag), EXENDT the last end, and BAGS, the number of records.

    >>> days = ["2025-03-05", "2025-03-05", "2025-03-12"]
    >>> ex = pd.DataFrame({"USUBJID": "001", "EXDOSE": 1.0, "EXSTDTC": days})
    >>> infusions(Domains({"EX": ex}), pd.Timestamp("2025-06-30"))["BAGS"].tolist()
    [2, 1]
    """
    return domains.once(_infusions, cut_date)


def _infusions(domains: Domains, cut_date: pd.Timestamp) -> pd.DataFrame:
    given = doses_given(domains, cut_date)
    day = [given["USUBJID"], given["EXSTDT"]]
    whole = given.assign(
        EXENDT=given.groupby(day)["EXENDT"].transform("max"), BAGS=given.groupby(day)["EXSTDT"].transform("size")
    )
    return whole.drop_duplicates(["USUBJID", "EXSTDT"]).astype({"BAGS": "Int64"}).reset_index(drop=True)


def same_bag(given: pd.DataFrame) -> pd.Series:
    """Records that say what an earlier one of their subject says, start time, dose and lot included: entered twice, or
    a second bag like the first.

    >>> same_bag(pd.DataFrame({"USUBJID": "001", "EXSEQ": [1, 2, 3], "EXDOSE": 1.0, "EXLOT": ["A", "A", "B"]})).tolist()
    [False, True, False]
    """
    own = [name for name in given.columns if name not in _OF_THE_RECORD]
    return given.duplicated(own)


def dose_per_kg(given: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.Series:
    """10^6 cells per kg of each infusion: as recorded, or total cells over the last body weight in the window.

    Missing where the unit is not one of cells, or where there is no weight within `weight_window_days` before.
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


def infusion_levels(study: StudyData) -> pd.DataFrame:
    """The infusions with DOSEKG (10^6 cells per kg), DOSES, LEVEL (id or blank) and INFNO (1 = first) added.

    DOSEKG is the sum of the day's records (A-160), missing where the dose of one of them is not known or was not
    entered. Where records of the day are the same in every value, the sum holds unless only the dose without the
    repetition is that of the subject's arm (ACTARMCD, else ARMCD); it is asked about in either case. DOSES names the
    doses of several records as entered (`1 + 1`), else the one.
    """
    given = doses_given(study.domains, study.cut_date)
    given = given.assign(DOSEKG=dose_per_kg(given, study.domains, study.analysis), AGAIN=same_bag(given))
    whole = infusions(study.domains, study.cut_date)
    key = pd.MultiIndex.from_frame(whole[["USUBJID", "EXSTDT"]])
    entered = given["EXDOSE"].map(lambda dose: f"{dose:g}")
    if len(whole) == len(given):
        # Nobody had two bags on a day: each record is the dose of its day.
        total = once = given["DOSEKG"]
    else:
        entered = entered.groupby([given["USUBJID"], given["EXSTDT"]]).agg(" + ".join).reindex(key)
        total, once = _by_day(given, key), _by_day(given[~given["AGAIN"]], key)
    unknown = _days_without_dose(study.domains)
    total = total.mask(key.isin(unknown))
    level, level_once = (dose_level(pd.Series(dose), study.protocol, study.analysis) for dose in (total, once))
    arm = _arm(study.domains, study.protocol).reindex(whole["USUBJID"]).fillna("").to_numpy()
    repeated = (total.ne(once) & total.notna() & level.ne(arm) & level_once.eq(arm) & (arm != "")).to_numpy(dtype=bool)
    number = (whole.groupby("USUBJID").cumcount() + 1).astype("Int64")
    return whole.assign(
        DOSEKG=total.mask(repeated, once).to_numpy("float64"),
        DOSES=pd.Series(entered.to_numpy(), index=whole.index, dtype="str"),
        LEVEL=level.mask(repeated, level_once).astype("str"),
        INFNO=number,
    )


def _by_day(given: pd.DataFrame, key: pd.MultiIndex) -> pd.Series:
    """The dose per kg of each subject and day; missing where that of a record is."""
    found = given["DOSEKG"].groupby([given["USUBJID"], given["EXSTDT"]]).agg(["sum", "count", "size"])
    return found["sum"].where(found["count"].eq(found["size"])).reindex(key).reset_index(drop=True)


def _days_without_dose(domains: Domains) -> pd.MultiIndex:
    """Subjects and days with a record whose dose was not entered: what the day's infusion held is not known."""
    ex = domains["EX"]
    missing = ex.loc[ex["EXDOSE"].isna(), ["USUBJID", "EXSTDTC"]]
    return pd.MultiIndex.from_frame(missing[["USUBJID"]].assign(EXSTDT=complete_date(missing["EXSTDTC"])))


def _arm(domains: Domains, protocol: Protocol) -> pd.Series:
    """The dose level by the subject's arm, actual before planned, by USUBJID; missing where neither is a level."""
    dm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    actual, planned = (dm[name].where(dm[name].isin(protocol.level_ids)) for name in ("ACTARMCD", "ARMCD"))
    return actual.fillna(planned)

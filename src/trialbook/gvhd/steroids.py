"""The systemic steroid of every subject and day, as methylprednisolone equivalent in mg/kg/day (§1.4, §2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialbook.core.dates import ONE_DAY, earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.drugs.records import Medications
from trialbook.protocol.drug_dictionary import STEROID, DrugDictionary
from trialbook.subjects.weights import weight_on, weights

DOSES_PER_DAY = {
    "QD": 1.0, "ONCE": 1.0, "DAILY": 1.0, "BID": 2.0, "Q12H": 2.0, "TID": 3.0, "Q8H": 3.0, "QID": 4.0, "Q6H": 4.0,
    "QOD": 0.5,
}  # fmt: skip


def is_steroid(cm: pd.DataFrame, drugs: DrugDictionary) -> pd.Series:
    """Whether a record names a systemic steroid of the drug dictionary (columns CMDECOD CMTRT).

    Budesonide and beclometasone are none (A-54): they are of another class there.
    """
    return _named(cm, drugs).column(lambda named: bool(named.of(STEROID)), "bool")


def steroid_factor(cm: pd.DataFrame, drugs: DrugDictionary) -> pd.Series:
    """mg of methylprednisolone equivalent to 1 mg of the record's steroid (§1.4); NaN where it names none.

    4 mg of methylprednisolone are 5 mg of prednisone, 20 mg of hydrocortisone or 0.75 mg of dexamethasone; these doses
    are part of the drug dictionary. NaN, too, of a steroid without such a dose ("corticosteroids").
    """
    return _named(cm, drugs).column(lambda named: named.factor, "float64")


def _named(cm: pd.DataFrame, drugs: DrugDictionary) -> Medications:
    return Medications(cm["CMTRT"], cm["CMDECOD"], drugs)


def is_systemic(cm: pd.DataFrame, local_routes: Sequence[str], local: pd.Series | None = None) -> pd.Series:
    """Whether a record's route is systemic (A-54): not one of `local_routes`.

    A blank route counts as systemic, unless the name says where the drug acts (`local`, A-143: "eye drops").

    >>> cm = pd.DataFrame({"CMROUTE": ["ORAL", "OPHTHALMIC", None]})
    >>> is_systemic(cm, ["OPHTHALMIC", "TOPICAL"]).tolist()
    [True, False, True]
    """
    route = cm["CMROUTE"].fillna("").str.upper().str.strip()
    wanted = [r.upper() for r in local_routes]
    systemic = pd.Series([not any(word in text for word in wanted) for text in route], index=cm.index, dtype="bool")
    return systemic if local is None or not wanted else systemic & ~(route.eq("") & local)


def systemic_steroids(cm: pd.DataFrame, drugs: DrugDictionary, local_routes: Sequence[str]) -> pd.Series:
    """Whether a record is of a systemic steroid by a systemic route."""
    local = _named(cm, drugs).column(lambda named: named.local, "bool")
    return is_steroid(cm, drugs) & is_systemic(cm, local_routes, local)


def steroid_days(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: Sequence[str]
) -> pd.DataFrame:
    """`daily_steroid_dose` of these subjects, worked out once: several endpoints start from it."""
    used = [name for name in ("USUBJID", "TRTSDT", "CUTDT", "DTHDT", "REFDT") if name in subjects]
    return domains.once(_steroid_days, subjects[used], drugs, tuple(local_routes))


def _steroid_days(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: tuple[str, ...]
) -> pd.DataFrame:
    return _by_day(domains.once(spans_of, subjects, drugs, local_routes))


def spans_of(
    domains: Domains, subjects: pd.DataFrame, drugs: DrugDictionary, local_routes: tuple[str, ...]
) -> pd.DataFrame:
    """`steroid_spans` of the medication and weights of these domains; for `Domains.once`."""
    return steroid_spans(domains["CM"], weights(domains), subjects, drugs, local_routes)


def daily_steroid_dose(
    cm: pd.DataFrame, weights: pd.DataFrame, subjects: pd.DataFrame, drugs: DrugDictionary,
    local_routes: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """The systemic steroid dose of every subject and calendar day with a steroid.

    `cm`: the clean CM domain. `weights`: USUBJID VSDT VALUE VSSEQ (`subjects.weights.weights`). `subjects`:
    USUBJID TRTSDT CUTDT, and DTHDT where known; REFDT, the day on which a subject that was never infused is judged
    (else CUTDT). `drugs`: the drug dictionary. `local_routes`: routes that are not systemic (`analysis.local_routes`).
    Returns USUBJID ADT MPEQ (mg/kg/day of methylprednisolone equivalent), one row per subject and day with a steroid
    record; no row means no systemic steroid that day; MPEQ is NaN where a record of that day has no usable dose.

    1. Drug by name in CMDECOD or CMTRT (English or Chinese), route systemic.
    2. Dose per day by unit: mg/kg(/day) as it is, mg(/day) and g(/day) divided by the weight; CMDOSFRQ multiplies where
       delivered and the unit is not per day.
    3. One weight per subject, the last on or before TRTSDT or that day (else the first after): a weight that changes
       must not look like a change of dose.
    4. A record runs from its earliest possible start to its latest possible end; without an end, to the death or cut.
    """
    return _by_day(steroid_spans(cm, weights, subjects, drugs, local_routes))


def steroid_spans(
    cm: pd.DataFrame, weights: pd.DataFrame, subjects: pd.DataFrame, drugs: DrugDictionary,
    local_routes: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """The records of systemic steroids that `daily_steroid_dose` adds up (same arguments), one row each.

    USUBJID CMSEQ CMTRT, start (first possible day, missing where no date is known), laststart (last possible day,
    missing where it may be any), stop (last possible day, at most the death or cut), MPEQ (mg/kg/day, NaN: not known).
    """
    rows = cm.assign(factor=steroid_factor(cm, drugs))[systemic_steroids(cm, drugs, local_routes)]
    ends = subjects["CUTDT"]
    if "DTHDT" in subjects:
        ends = ends.where(subjects["DTHDT"].isna() | (subjects["DTHDT"] > ends), subjects["DTHDT"])
    never_infused = subjects["REFDT"] if "REFDT" in subjects else subjects["CUTDT"]
    asked = pd.DataFrame({"USUBJID": subjects["USUBJID"], "DAY": subjects["TRTSDT"].fillna(never_infused)})
    known = asked[["USUBJID"]].assign(WEIGHT=weight_on(weights, asked), LASTDAY=ends)
    rows = rows.merge(known, on="USUBJID", how="inner", validate="many_to_one")
    stop = latest_date(rows["CMENDTC"])
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "CMSEQ": rows["CMSEQ"],
            "CMTRT": rows["CMTRT"],
            "start": earliest_date(rows["CMSTDTC"]),
            "laststart": latest_date(rows["CMSTDTC"]),
            "stop": stop.where(stop < rows["LASTDAY"], rows["LASTDAY"]),
            "MPEQ": _per_kg_day(rows) * rows["factor"],
        }
    )


def long_runs(days: pd.DataFrame, least_days: int) -> pd.DataFrame:
    """The first row of each run of `least_days` or more days on end, with COUNTDT, the day on which it is long enough.

    `days`: USUBJID ADT and more, a row per subject and day, sorted by both.

    >>> days = pd.DataFrame({"USUBJID": "001", "ADT": pd.to_datetime(["2025-01-01", "2025-01-04", "2025-01-05"])})
    >>> [(row.ADT.day, row.COUNTDT.day) for row in long_runs(days, 2).itertuples()]
    [(4, 5)]
    """
    goes_on = (days["ADT"].diff() == ONE_DAY) & (days["USUBJID"] == days["USUBJID"].shift())
    begins = np.flatnonzero(~goes_on)
    runs = days.iloc[begins[np.diff(begins, append=len(days)) >= least_days]]
    return runs.assign(COUNTDT=runs["ADT"] + (least_days - 1) * ONE_DAY)


def _per_kg_day(rows: pd.DataFrame) -> pd.Series:
    """Dose of the drug itself in mg/kg/day; NaN where dose, unit, or a needed weight or frequency is not usable."""
    unit = rows["CMDOSU"].fillna("").str.upper().str.replace(r"\s", "", regex=True)
    per_kg = unit.str.contains("/KG", regex=False)
    mass = _milligrams(unit)
    times = pd.Series(1.0, index=rows.index)
    if "CMDOSFRQ" in rows:
        frequency = rows["CMDOSFRQ"].fillna("").str.upper().str.strip()
        per_day = unit.str.contains(r"/(?:D|DAY|24H)$", regex=True)
        times = frequency.map(DOSES_PER_DAY).where(frequency != "", 1.0).mask(per_day, 1.0)
    dose = rows["CMDOSE"].astype("float64") * mass.astype("float64") * times.astype("float64")
    return dose.where(per_kg, dose / rows["WEIGHT"])


def known_mass(cm: pd.DataFrame) -> pd.Series:
    """Whether a record has a dose and a unit of mass, so that its milligrams are known (columns CMDOSE CMDOSU).

    >>> known_mass(pd.DataFrame({"CMDOSE": [40.0, 2.0, np.nan], "CMDOSU": ["mg", "TABLET", "mg"]})).tolist()
    [True, False, False]
    """
    unit = cm["CMDOSU"].fillna("").str.upper().str.replace(r"\s", "", regex=True)
    return cm["CMDOSE"].notna() & _milligrams(unit).notna()


def _milligrams(unit: pd.Series) -> pd.Series:
    """Milligrams in one of each unit of mass (upper case, no blanks); NaN where it is none."""
    mass = unit.str.extract(r"^(MG|G|UG|MCG)(?:/|$)", expand=False)
    return mass.map({"MG": 1.0, "G": 1000.0, "UG": 0.001, "MCG": 0.001}).astype("float64")


def _by_day(spans: pd.DataFrame) -> pd.DataFrame:
    """Sums spans (USUBJID start stop MPEQ) into one row per subject and day; an unknown dose makes the day unknown."""
    spans = spans[spans["start"].notna() & spans["stop"].notna() & (spans["start"] <= spans["stop"])]
    days = ((spans["stop"] - spans["start"]) / pd.Timedelta(days=1)).astype("int64") + 1
    long = spans.loc[spans.index.repeat(days)]
    offset = np.concatenate([np.arange(n) for n in days]) if len(days) else np.array([], dtype="int64")
    long = long.assign(ADT=(long["start"] + pd.to_timedelta(offset, unit="D")).astype("datetime64[s]"))
    unknown = long["MPEQ"].isna()
    daily = long.assign(unknown=unknown).groupby(["USUBJID", "ADT"], as_index=False).agg(
        MPEQ=("MPEQ", "sum"), unknown=("unknown", "any")
    )  # fmt: skip
    # Nine decimals, so that 0.3 + 0.6 does not exceed 0.9.
    daily["MPEQ"] = daily["MPEQ"].round(9).mask(daily["unknown"].astype("bool"))
    return daily[["USUBJID", "ADT", "MPEQ"]].sort_values(["USUBJID", "ADT"], kind="stable").reset_index(drop=True)

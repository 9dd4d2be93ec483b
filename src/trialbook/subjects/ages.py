"""Age in completed years, exact or as the bounds that a partial birth or consent date leaves open (P06, A-18)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date
from trialbook.core.domains import AGES, Domains
from trialbook.protocol.models import Protocol
from trialbook.subjects.disposition import consent_dtc
from trialbook.subjects.dosing import infusions

_AGE_LIMITS = ("minimum_years", "maximum_years", "boundary_days")


def completed_years(birth: pd.Series, day: pd.Series) -> pd.Series:
    """Birthdays reached by `day`, `Int64`: someone born on 29 February has a birthday on 1 March in common years.

    >>> birth = pd.Series(pd.to_datetime(["2004-02-29", "2004-02-29"]))
    >>> completed_years(birth, pd.Series(pd.to_datetime(["2025-02-28", "2025-03-01"]))).tolist()
    [20, 21]
    """
    born, today = (dates.to_numpy(dtype="datetime64[D]") for dates in (birth, day))
    first_of_birth, first_of_today = born.astype("datetime64[M]"), today.astype("datetime64[M]")
    # Whole months since birth: the day of the month may still be to come.
    to_come = (today - first_of_today) < (born - first_of_birth)
    months = (first_of_today - first_of_birth).astype("int64") - to_come
    missing = np.isnat(born) | np.isnat(today)
    return pd.Series(pd.arrays.IntegerArray(np.where(missing, 1, months // 12), missing), index=birth.index)


def age_bounds(birth_dtc: pd.Series, day: pd.Series) -> pd.DataFrame:
    """AGELO and AGEHI: the lowest and highest age that a birth date, complete or partial, allows on `day`.

    A birth date that is partial is never imputed: it leaves bounds (rulebook §3.7).

    >>> age_bounds(pd.Series(["2007", "2007-03-05"]), pd.Series(pd.to_datetime(["2025-03-05"] * 2))).values.tolist()
    [[17, 18], [18, 18]]
    """
    youngest = completed_years(latest_date(birth_dtc), day)
    oldest = completed_years(earliest_date(birth_dtc), day)
    return pd.DataFrame({"AGELO": youngest, "AGEHI": oldest}, index=birth_dtc.index)


def derive_ages(domains: Domains, protocol: Protocol, cut_date: pd.Timestamp) -> pd.DataFrame:
    """What a birth date is turned into before anything is written: ages in completed years, never a date (P37).

    Columns USUBJID WHEN SHIFT LOW HIGH, one row per subject of DM and question:

    | WHEN                        | SHIFT           | LOW, HIGH                                                        |
    |-----------------------------|-----------------|------------------------------------------------------------------|
    | BIRTH                       | 0               | 1 where the birth date is complete, 1 where any was given        |
    | CONSENT-FIRST, CONSENT-LAST | days after it   | lowest and highest age on the first, last possible consent day   |
    | INFUSION                    | 0               | the same on the day of the first infusion                        |
    | BIRTHDAY                    | number of years | days from that birthday to a complete consent date, the fewest   |
    |                             |                 | and the most that a partial birth date allows; only for the      |
    |                             |                 | birthdays that decide on eligibility, within `boundary_days`     |
    """
    birthdays = tuple(sorted(_birthdays(protocol).items()))
    return domains.once(_derive_ages, tuple(_shifts(protocol)), birthdays, cut_date)


def _derive_ages(
    domains: Domains, shifts: tuple[int, ...], birthdays: tuple[tuple[int, int], ...], cut_date: pd.Timestamp
) -> pd.DataFrame:
    dm = domains["DM"].drop_duplicates("USUBJID").sort_values("USUBJID", kind="stable").reset_index(drop=True)
    birth, subject = dm["BRTHDTC"], dm["USUBJID"]
    consent = consent_dtc(domains).groupby(level=0).first().reindex(subject).set_axis(dm.index)
    infused = infusions(domains, cut_date).drop_duplicates("USUBJID").set_index("USUBJID")["EXSTDT"]
    given, complete = birth.notna().astype("Int64"), complete_date(birth).notna().astype("Int64")
    parts = [_rows(subject, "BIRTH", 0, complete, given)]
    days = {"CONSENT-FIRST": earliest_date(consent), "CONSENT-LAST": latest_date(consent)}
    for when, day in days.items():
        for shift in shifts:
            bounds = age_bounds(birth, day + pd.Timedelta(days=shift))
            parts.append(_rows(subject, when, shift, bounds["AGELO"], bounds["AGEHI"]))
    at_infusion = age_bounds(birth, infused.reindex(subject).set_axis(dm.index))
    parts.append(_rows(subject, "INFUSION", 0, at_infusion["AGELO"], at_infusion["AGEHI"]))
    for years, most in birthdays:
        early, late = (
            (complete_date(consent) - _birthday(day, years)).dt.days.astype("Int64")
            for day in (earliest_date(birth), latest_date(birth))
        )
        # Of a partial birth date the birthday may lie between; then the closest it can be is the day itself.
        near = (early.abs() <= most) | (late.abs() <= most) | ((early >= 0) & (late <= 0))
        near = near.fillna(False).astype(bool)
        parts.append(_rows(subject, "BIRTHDAY", years, late, early)[near.to_numpy()])
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values(["USUBJID", "WHEN", "SHIFT"], kind="stable", ignore_index=True)


def ages_of(domains: Domains, protocol: Protocol, cut_date: pd.Timestamp) -> pd.DataFrame:
    """`derive_ages`: as cleaning wrote it, or worked out where the domains in memory still hold the birth dates."""
    return domains[AGES] if domains.delivered(AGES) else derive_ages(domains, protocol, cut_date)


def age_at(ages: pd.DataFrame, subjects: pd.Series, when: str, shift: int = 0) -> pd.DataFrame:
    """AGELO and AGEHI of subjects (by USUBJID) for one question of `derive_ages`, in their order; missing if not asked.

    Raises KeyError for a shift that the ages do not hold: the protocol asks for days that were not worked out.
    """
    rows = ages[ages["WHEN"].eq(when) & ages["SHIFT"].eq(shift)].set_index("USUBJID")
    if rows.empty and when in ("CONSENT-FIRST", "CONSENT-LAST") and len(ages):
        raise KeyError(f"{when} {shift:+d} days")
    found = rows[["LOW", "HIGH"]].reindex(subjects).set_axis(subjects.index)
    return found.rename(columns={"LOW": "AGELO", "HIGH": "AGEHI"})


def without_birth_dates(domains: Domains, protocol: Protocol, cut_date: pd.Timestamp) -> Domains:
    """The domains as they may be written: with `AGES` beside them, DM has no birth dates."""
    ages = derive_ages(domains, protocol, cut_date)
    return Domains({**{code: domains[code] for code in domains}, AGES: ages})


def age_at_consent(
    dm: pd.DataFrame, domains: Domains, protocol: Protocol, consent: pd.Series, cut_date: pd.Timestamp
) -> pd.Series:
    """AGE, `Int64`: from birth date and complete consent date where they determine it, else the collected age in years.

    The computed age wins over the collected one (P06). A collected age outside the bounds of a partial birth date is
    not taken: the age is then missing. `dm` and `consent` by USUBJID.
    """
    bounds = age_at(ages_of(domains, protocol, cut_date), dm["USUBJID"], "CONSENT-FIRST").where(consent.notna())
    decided = bounds["AGELO"].eq(bounds["AGEHI"]).fillna(False).astype(bool)
    in_years = dm["AGEU"].isna() | dm["AGEU"].str.upper().isin(["YEARS", "YEAR", ""])
    collected = dm["AGE"].where(in_years).floordiv(1).astype("Int64")
    contradicted = ((collected < bounds["AGELO"]) | (collected > bounds["AGEHI"])).fillna(False).astype(bool)
    return bounds["AGELO"].where(decided, collected.mask(contradicted)).astype("Int64")


def _rows(subject: pd.Series, when: str, shift: int, low: pd.Series, high: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame({"USUBJID": subject, "WHEN": when, "SHIFT": shift, "LOW": low, "HIGH": high})
    return frame.astype({"WHEN": "str", "SHIFT": "Int64", "LOW": "Int64", "HIGH": "Int64"})


def _age_parameters(protocol: Protocol) -> list[dict[str, int]]:
    """Limits and boundary of every age criterion: as registered, under each amendment, and in other readings of it."""
    found = []
    for criterion in protocol.criteria:
        if criterion.check != "age_range":
            continue
        changes = [amendment.criteria.get(criterion.id, {}) for amendment in protocol.amendments]
        changes += [alternative.parameters for alternative in criterion.alternatives]
        for change in ({}, *changes):
            asked = {**criterion.parameters, **change}
            found.append({name: int(float(asked[name])) for name in _AGE_LIMITS})
    return found


def _shifts(protocol: Protocol) -> list[int]:
    """Days around consent on which an age is asked for: the day, the day before, and both ends of the boundary."""
    ends = {sign * asked["boundary_days"] for asked in _age_parameters(protocol) for sign in (-1, 1)}
    return sorted({end - before for end in {0, *ends} for before in (0, 1)})


def _birthdays(protocol: Protocol) -> dict[int, int]:
    """Birthdays that decide on eligibility, with the days around them that count as close."""
    most: dict[int, int] = {}
    for asked in _age_parameters(protocol):
        for years in (asked["minimum_years"], asked["maximum_years"], asked["maximum_years"] + 1):
            # One day more: under the strict reading the day after the birthday turns the result.
            most[years] = max(most.get(years, 0), asked["boundary_days"] + 1)
    return most


def _birthday(birth: pd.Series, years: int) -> pd.Series:
    """The birthdays; someone born on 29 February has it on 1 March of common years, as in `completed_years`."""
    day = birth + pd.DateOffset(years=years)
    common = (birth.dt.month == 2) & (birth.dt.day == 29) & (day.dt.day == 28)
    return day.mask(common, day + pd.Timedelta(days=1))


def age_group_labels(groups: Sequence[Sequence[int]]) -> list[str]:
    """Labels of the age groups in order: below the first, each group, above the last.

    >>> age_group_labels([[18, 39], [40, 64]])
    ['<18', '18-39', '40-64', '>64']
    """
    inner = [f"{low}-{high}" for low, high in groups]
    return [f"<{groups[0][0]}", *inner, f">{groups[-1][1]}"]


def age_group(age: pd.Series, groups: Sequence[Sequence[int]]) -> pd.Series:
    """AGEGR1: the age group of each age, blank where the age is unknown.

    >>> age_group(pd.Series([17, 40, pd.NA], dtype="Int64"), [[18, 39], [40, 64]]).tolist()
    ['<18', '40-64', '']
    """
    below, *inner, above = age_group_labels(groups)
    result = pd.Series("", index=age.index, dtype="str")
    result = result.mask((age < groups[0][0]).fillna(False), below).mask((age > groups[-1][1]).fillna(False), above)
    for label, (low, high) in zip(inner, groups, strict=True):
        result = result.mask(age.between(low, high).fillna(False), label)
    return result

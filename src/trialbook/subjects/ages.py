"""Age in completed years, exact or as the bounds that a partial birth or consent date leaves open (P06, A-18)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    born, today = _days(birth), _days(day)
    missing = np.isnat(born) | np.isnat(today)
    return pd.Series(pd.arrays.IntegerArray(np.where(missing, 1, _years(born, today)), missing), index=birth.index)


def _days(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy(dtype="datetime64[D]")


def _years(born: np.ndarray, today: np.ndarray) -> np.ndarray:
    """Birthdays reached, of days as numpy counts them; of no meaning where either is missing."""
    first_of_birth, first_of_today = born.astype("datetime64[M]"), today.astype("datetime64[M]")
    # Whole months since birth: the day of the month may still be to come.
    to_come = (today - first_of_today) < (born - first_of_birth)
    months: np.ndarray = (first_of_today - first_of_birth).astype("int64") - to_come
    return months // 12


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
    early, late = _days(earliest_date(birth)), _days(latest_date(birth))
    # The answers to one question after the other: arrays, since a frame for each takes longer than all the rest.
    asked = [_Asked("BIRTH", 0, complete_date(birth).notna().to_numpy(), birth.notna().to_numpy(dtype=bool))]
    for when, day in (("CONSENT-FIRST", earliest_date(consent)), ("CONSENT-LAST", latest_date(consent))):
        asked += [_aged(when, shift, early, late, _days(day) + np.timedelta64(shift, "D")) for shift in shifts]
    asked.append(_aged("INFUSION", 0, early, late, _days(infused.reindex(subject))))
    known = _days(complete_date(consent))
    for years, most in birthdays:
        least, longest = (known - _birthday(day, years) for day in (late, early))
        unknown = np.isnat(least) | np.isnat(longest)
        low, high = least.astype("int64"), longest.astype("int64")
        # Of a partial birth date the birthday may lie between; then the closest it can be is the day itself.
        near = (np.abs(high) <= most) | (np.abs(low) <= most) | ((high >= 0) & (low <= 0))
        asked.append(_Asked("BIRTHDAY", years, low, high, kept=near & ~unknown))
    return _in_one_frame(subject, asked)


class _Asked(NamedTuple):
    """One question about every subject, and its answers: whole numbers, those of `missing` unknown."""

    when: str
    shift: int
    low: np.ndarray
    high: np.ndarray
    missing: np.ndarray | None = None
    kept: np.ndarray | None = None


def _aged(when: str, shift: int, early: np.ndarray, late: np.ndarray, day: np.ndarray) -> _Asked:
    """The lowest and the highest age on these days of who was born on `late` or `early` or between."""
    missing = np.isnat(early) | np.isnat(day)
    return _Asked(when, shift, _years(late, day), _years(early, day), missing)


def _in_one_frame(subject: pd.Series, asked: Sequence[_Asked]) -> pd.DataFrame:
    """The answers as rows USUBJID WHEN SHIFT LOW HIGH, sorted."""
    number = len(subject)
    every = np.ones(number, dtype=bool)
    kept = np.concatenate([every if one.kept is None else one.kept for one in asked])
    missing = np.concatenate([~every if one.missing is None else one.missing for one in asked])[kept]

    def whole(values: Iterable[np.ndarray]) -> pd.arrays.IntegerArray:
        given = np.concatenate([value.astype("int64") for value in values])[kept]
        return pd.arrays.IntegerArray(np.where(missing, 1, given), missing)

    shifts = np.repeat([one.shift for one in asked], number)[kept].astype("int64")
    frame = pd.DataFrame(
        {
            "USUBJID": subject.take(np.tile(np.arange(number), len(asked))[kept]).reset_index(drop=True),
            "WHEN": pd.array(np.repeat([one.when for one in asked], number)[kept].tolist(), dtype="str"),
            "SHIFT": pd.arrays.IntegerArray(shifts, np.zeros(len(shifts), dtype=bool)),
            "LOW": whole(one.low for one in asked),
            "HIGH": whole(one.high for one in asked),
        }
    )
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


def _birthday(birth: np.ndarray, years: int) -> np.ndarray:
    """The birthdays, of days as numpy counts them: someone born on 29 February has it on 1 March of common years."""
    month = birth.astype("datetime64[M]")
    # In common years the day after 28 February, counted on from the first of the month, is 1 March.
    day: np.ndarray = (month + np.timedelta64(12 * years, "M")).astype("datetime64[D]") + (birth - month)
    return day


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

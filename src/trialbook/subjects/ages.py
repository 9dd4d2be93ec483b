"""Age in completed years, exact or as the bounds that a partial birth or consent date leaves open (P06, A-18)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.dates import earliest_date, latest_date


def completed_years(birth: pd.Series, day: pd.Series) -> pd.Series:
    """Birthdays reached by `day`, `Int64`: someone born on 29 February has a birthday on 1 March in common years."""
    before_birthday = (day.dt.month < birth.dt.month) | ((day.dt.month == birth.dt.month) & (day.dt.day < birth.dt.day))
    years = day.dt.year - birth.dt.year - before_birthday.astype("int64")
    return years.where(birth.notna() & day.notna()).astype("Int64")


def age_bounds(birth_dtc: pd.Series, day: pd.Series) -> pd.DataFrame:
    """AGELO and AGEHI: the lowest and highest age that a birth date, complete or partial, allows on `day`.

    A birth date that is partial is never imputed: it leaves bounds (domain document §3.7).
    """
    youngest = completed_years(latest_date(birth_dtc), day)
    oldest = completed_years(earliest_date(birth_dtc), day)
    return pd.DataFrame({"AGELO": youngest, "AGEHI": oldest}, index=birth_dtc.index)


def age_at_consent(dm: pd.DataFrame, consent: pd.Series) -> pd.Series:
    """AGE, `Int64`: computed from birth and consent date where these decide it, else the collected age in years.

    The computed age wins over the collected one (P06). A collected age outside the bounds of a partial birth date is
    not taken: the age is then missing.
    """
    bounds = age_bounds(dm["BRTHDTC"], consent)
    decided = bounds["AGELO"].eq(bounds["AGEHI"]).fillna(False).astype(bool)
    in_years = dm["AGEU"].isna() | dm["AGEU"].str.upper().isin(["YEARS", "YEAR", ""])
    collected = dm["AGE"].where(in_years).floordiv(1).astype("Int64")
    contradicted = ((collected < bounds["AGELO"]) | (collected > bounds["AGEHI"])).fillna(False).astype(bool)
    return bounds["AGELO"].where(decided, collected.mask(contradicted)).astype("Int64")


def age_group_labels(groups: Sequence[Sequence[int]]) -> list[str]:
    """Labels of the age groups in order: below the first, each group, above the last."""
    inner = [f"{low}-{high}" for low, high in groups]
    return [f"<{groups[0][0]}", *inner, f">{groups[-1][1]}"]


def age_group(age: pd.Series, groups: Sequence[Sequence[int]]) -> pd.Series:
    """AGEGR1: the age group of each age, blank where the age is unknown."""
    below, *inner, above = age_group_labels(groups)
    result = pd.Series("", index=age.index, dtype="str")
    result = result.mask((age < groups[0][0]).fillna(False), below).mask((age > groups[-1][1]).fillna(False), above)
    for label, (low, high) in zip(inner, groups, strict=True):
        result = result.mask(age.between(low, high).fillna(False), label)
    return result

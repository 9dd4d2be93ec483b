"""Age in completed years, exact or as the bounds that a partial birth or consent date leaves open (P06, A-18)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialbook.dates import earliest_date, latest_date


def completed_years(birth: pd.Series, day: pd.Series) -> pd.Series:
    """Birthdays reached by `day`, `Int64`: someone born on 29 February has a birthday on 1 March in common years."""
    born, today = (dates.to_numpy(dtype="datetime64[D]") for dates in (birth, day))
    first_of_birth, first_of_today = born.astype("datetime64[M]"), today.astype("datetime64[M]")
    # Whole months since birth: the day of the month may still be to come.
    to_come = (today - first_of_today) < (born - first_of_birth)
    months = (first_of_today - first_of_birth).astype("int64") - to_come
    missing = np.isnat(born) | np.isnat(today)
    return pd.Series(pd.arrays.IntegerArray(np.where(missing, 1, months // 12), missing), index=birth.index)


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

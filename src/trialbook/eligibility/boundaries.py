"""Boundary cases of the audit: measured values close to their limit, and ages close to a birthday that decides."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import enumerated, msg
from trialbook.eligibility.parameters import number, significant
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.models import Protocol
from trialbook.subjects.ages import age_at, ages_of

COLUMNS = ["SUBJID", "CRITCD", "RESULT", "VALUE", "LIMIT", "UNIT", "DISTANCE", "NEAR"]
_FOUND = ["USUBJID", *COLUMNS[1:]]
_NUMBERS = ("VALUE", "LIMIT", "DISTANCE")


def boundary_cases(
    adie: pd.DataFrame, adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis
) -> pd.DataFrame:
    """Results that a small difference would turn, in the order of subject and criterion.

    SUBJID CRITCD RESULT VALUE LIMIT UNIT; DISTANCE from the limit, negative below it (days for ages); NEAR, the same in
    words. A measured value is listed within `near_limit` of its limit, an age within `boundary_days` of the birthday
    from which it is inside, or outside (§1.1; A-117). Values exactly at the limit are listed too.
    """
    number_of = adsl.set_index("USUBJID")["SUBJID"]
    parts = [_measured(adie, protocol, analysis), _ages(adie, domains, adsl, protocol, analysis)]
    rows = pd.concat([part for part in parts if len(part)] or parts[1:], ignore_index=True)
    rows["SUBJID"] = number_of.reindex(rows["USUBJID"]).to_numpy()
    order = {column: k for k, column in enumerate(dict.fromkeys(adie["CRITCD"]))}
    rows = rows.assign(_order=rows["CRITCD"].map(order)).sort_values(["USUBJID", "_order", "LIMIT"], kind="stable")
    text = dict.fromkeys(["SUBJID", "CRITCD", "RESULT", "UNIT", "NEAR"], "str")
    near = rows[COLUMNS].reset_index(drop=True).astype({**text, **dict.fromkeys(_NUMBERS, "float64")})
    return described(
        near, notes=nearness(analysis, protocol),
        labels={
            "CRITCD": msg("Criterion"), "RESULT": msg("Result"), "VALUE": msg("Value"), "LIMIT": msg("Limit"),
            "UNIT": msg("Unit"), "DISTANCE": msg("Distance"), "NEAR": msg("In words"),
        },
        empty=msg("No value is close to its limit, and no age to a birthday that decides."),
    )  # fmt: skip


_DISTANCE = msg("Distance: value minus limit; for ages days.")


def nearness(analysis: Analysis, protocol: Protocol) -> list[str]:
    """What counts as close, in words."""
    days = enumerated(f"{number(criterion, 'boundary_days'):g}" for criterion in _age_criteria(protocol))
    limit = 100 * analysis.near_limit
    if not days:
        return [msg("Values within {near_limit:g}% of their limit are listed. {how}", near_limit=limit, how=_DISTANCE)]
    return [
        msg(
            "Values within {near_limit:g}% of their limit and ages within {span} days of an age limit are listed. "
            "{how}",
            near_limit=limit, span=days, how=_DISTANCE,
        )
    ]  # fmt: skip


def _measured(adie: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """Values with a limit, but for ages, whose distance is counted in days."""
    ages = [column for criterion in _age_criteria(protocol) for column in criterion.audit_columns()]
    rows = adie[adie["AVAL"].notna() & (adie["LIMIT"] > 0) & ~adie["CRITCD"].isin(ages)]
    distance = significant(rows["AVAL"] - rows["LIMIT"])
    share = significant(distance.abs() / rows["LIMIT"])
    rows = rows.assign(DISTANCE=distance, SHARE=share)[share <= analysis.near_limit]
    near = [
        msg("at the limit")
        if gap == 0
        else msg("{part:.3g}% {said} the limit", part=100 * part, said=msg("above") if gap > 0 else msg("below"))
        for gap, part in zip(rows["DISTANCE"], rows["SHARE"], strict=True)
    ]
    return rows.assign(VALUE=rows["AVAL"], NEAR=pd.Series(near, index=rows.index, dtype="str"))[_FOUND]


def _ages(
    adie: pd.DataFrame, domains: Domains, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis
) -> pd.DataFrame:
    """Ages whose consent lies close to the day on which the subject comes inside or falls outside.

    A partial birth date gives two possible days; the closer one counts, and the words say that it is a bound.
    """
    ages = ages_of(domains, protocol, adsl["CUTDT"].max())
    parts = [pd.DataFrame({name: pd.Series(dtype="float64" if name in _NUMBERS else "str") for name in _FOUND})]
    for criterion in _age_criteria(protocol):
        rows = adie[adie["CRITCD"].eq(criterion.audit_columns()[0])]
        for limit, years, extra in _turns(criterion, analysis):
            gaps = age_at(ages, rows["USUBJID"], "BIRTHDAY", years).astype("float64") - extra
            early, late = gaps["AGEHI"], gaps["AGELO"]
            gap = early.where(early.abs() <= late.abs(), late).mask((early >= 0) & (late <= 0), 0.0)
            near = gap.abs() <= number(criterion, "boundary_days")
            partial = early[near] != late[near]
            said = [_days(int(days), limit, bound) for days, bound in zip(gap[near], partial, strict=True)]
            words = pd.Series(said, index=gap[near].index, dtype="str")
            aged = rows.assign(VALUE=rows["AVAL"], LIMIT=limit, UNIT="years", DISTANCE=gap, NEAR=words)
            parts.append(aged.loc[near, _FOUND])
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _age_criteria(protocol: Protocol) -> list[Criterion]:
    return [criterion for criterion in protocol.criteria if criterion.check == "age_range"]


def _turns(criterion: Criterion, analysis: Analysis) -> list[tuple[float, int, int]]:
    """(limit in years, birthday that turns the result, days after it): day 0 is the first day of the other side.

    Completed years are inside up to the day before the next birthday; under strict_70 the last day inside is the
    birthday of the highest age itself (A-18).
    """
    low, high = (int(number(criterion, name)) for name in ("minimum_years", "maximum_years"))
    upper = (float(high), high, 1) if analysis.age_rule == "strict_70" else (float(high), high + 1, 0)
    return [(float(low), low, 0), upper]


def _days(gap: int, limit: float, bound: bool) -> str:
    closest = msg(" at the closest; the birth date is partial") if bound else ""
    if gap == 0:
        return msg("consent on the day that decides on {limit:g} years{closest}", limit=limit, closest=closest)
    days = msg("1 day") if abs(gap) == 1 else msg("{gap} days", gap=abs(gap))
    return msg(
        "consent {days} {said} the day that decides on {limit:g} years{closest}",
        days=days,
        said=msg("after") if gap > 0 else msg("before"),
        limit=limit,
        closest=closest,
    )

"""Who is chosen of the subjects of a cut, and what to say of a choice that fits nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialbook.analyses.selection import Condition, select
from trialbook.core.errors import UsageError
from trialbook.core.nearest import listed
from trialbook.explore.given import A_CONDITION
from trialbook.explore.names import no_such


def with_response(datasets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """ADSL with RESPONSE, the response at day 28; blank for whom it was not judged."""
    adsl = datasets["adsl"]
    day28 = datasets["adrsp28"].set_index("USUBJID")["AVALC"] if "adrsp28" in datasets else {}
    return adsl.assign(RESPONSE=adsl["USUBJID"].map(day28).astype("object").fillna("").astype("str"))


@dataclass(frozen=True)
class Chosen:
    """Whom a choice selects of some subjects, a row each; `remarks`: what is odd about the choice."""

    mask: pd.Series
    remarks: tuple[str, ...]


def chosen_among(
    people: pd.DataFrame, condition: Condition | None, names: Mapping[str, Any], equal: Mapping[str, Any]
) -> Chosen:  # fmt: skip
    """Which subjects (a row each, as ADSL) fit a condition, and have one of the values of each column in `equal`.

    Remarks: values that nobody has, with those that there are; subjects of whom the condition cannot say, who are left
    out; that nobody is left. Raises UsageError for what is no condition, and a column that is not there.

    >>> people = pd.DataFrame({"AGE": [51, None, 38], "TRT01A": ["DL1", "DL1", "DL2"]})
    >>> chosen = chosen_among(people, "AGE >= @least", {"least": 40}, {"TRT01A": ["DL1", "DL2"]})
    >>> chosen.mask.tolist(), chosen.remarks
    ([True, False, False], ('of 1 subject it is not known whether AGE >= @least: left out',))
    >>> for remark in chosen_among(people, None, {}, {"TRT01A": "DL9", "AGE": [51]}).remarks:
    ...     print(remark)
    nobody has TRT01A 'DL9'; there are DL1, DL2
    nobody is left: TRT01A='DL9' fits 0 of 3 subjects, AGE=[51] fits 1
    """
    if condition is not None and not isinstance(condition, (str, pd.Series)) and not callable(condition):
        raise UsageError("this is no condition", value=condition, next_step=A_CONDITION)
    found = select(people, condition, names)
    fitting = {} if condition is None else {_said(condition): found.yes}
    remarks = []
    for column, value in equal.items():
        if column not in people:
            raise no_such("column of ADSL", column, people.columns)
        values = list(value) if isinstance(value, (list, tuple, set, pd.Series, np.ndarray)) else [value]
        fitting[f"{column}={value!r}"] = _has(people[column], values)
        strange = [one for one in values if not _has(people[column], [one]).any()]
        if strange:
            remarks.append(f"nobody has {column} {', '.join(map(repr, strange))}; {_there(people[column], strange[0])}")
    mask = found.yes.copy()
    for fits in fitting.values():
        mask &= fits
    unknown = int(found.unknown.sum())
    if unknown:
        who = "1 subject" if unknown == 1 else f"{unknown} subjects"
        remarks.append(f"of {who} it is not known whether {_said(condition)}: left out")
    if len(people) and not mask.any() and fitting:
        counts = [f"{said} fits {int(fits.sum())}" for said, fits in fitting.items()]
        remarks.append(f"nobody is left: {', '.join([f'{counts[0]} of {len(people)} subjects', *counts[1:]])}")
    return Chosen(mask, tuple(remarks))


def _has(column: pd.Series, values: list[Any]) -> pd.Series:
    """Which rows have one of the values; of a column of dates as text, too."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.isin(pd.to_datetime(pd.Series(values, dtype="object"), errors="coerce").dropna())
    return column.isin(values)


def _said(condition: Condition | None) -> str:
    return condition if isinstance(condition, str) else "the selection"


def _there(column: pd.Series, asked: object) -> str:
    """The values of a column, for a message; of numbers and dates the least and the greatest."""
    known = column.dropna()
    if known.empty:
        return "none is known"
    if not pd.api.types.is_string_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        kind = "dates" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "numbers"
        return (
            f"there are {kind} from {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}"
            if kind == "dates"
            else (f"there are numbers from {known.min():g} to {known.max():g}")
        )
    values = [one or "(blank)" for one in sorted(set(known.astype("str")))]
    return f"there {'is' if len(values) == 1 else 'are'} {listed(str(asked), values)}"

"""The versions of the protocol: how each amendment changes the criteria, and which version a consent falls under."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.criteria import Amendment, Criterion
from trialbook.protocol.models import Protocol


@dataclass(frozen=True)
class Version:
    """One protocol version: its id, the first day it is in force (None = from the start), its criteria, the analysis
    keys it changes against the protocol file, and what the amendment says of itself."""

    id: str
    first_day: str | None
    criteria: list[Criterion]
    analysis: dict[str, Any]
    text: str = ""


def versions(protocol: Protocol) -> list[Version]:
    """All versions in order of time: the protocol file as it is, then one per amendment, each on the one before."""
    original = Version(protocol.version, None, protocol.criteria, {})
    return reduce(lambda made, amendment: [*made, _amended(made[-1], amendment)], protocol.amendments, [original])


def _amended(before: Version, amendment: Amendment) -> Version:
    criteria = [
        criterion.model_copy(
            update={
                "parameters": {**criterion.parameters, **amendment.criteria.get(criterion.id, {})},
                "text": amendment.wording.get(criterion.id, criterion.text),
            }
        )
        for criterion in before.criteria
    ]
    keys = {**before.analysis, **amendment.analysis}
    return Version(amendment.id, amendment.date, criteria, keys, amendment.text)


def analysis_under(version: Version, protocol: Protocol, analysis: Analysis) -> Analysis:
    """The analysis keys under a version; a key that the cut overrides keeps the value of the cut."""
    if not version.analysis:
        return analysis
    defaults = {key: entry.default for key, entry in protocol.analysis.items()}
    usual, amended = Analysis.model_validate(defaults), Analysis.model_validate({**defaults, **version.analysis})
    changed = {
        key: getattr(amended, key) for key in version.analysis if getattr(analysis, key) == getattr(usual, key)
    }  # fmt: skip
    return analysis.model_copy(update=changed)


def possible_versions(protocol: Protocol, first: pd.Series, last: pd.Series) -> np.ndarray:
    """Which version may be in force for each consent: one row per subject, one column per version, bool.

    `first` and `last` bound the day of consent (equal for a complete date); NaT leaves that side open. Every subject
    has at least one version.
    """
    starts = [version.first_day for version in versions(protocol)]
    begins = [pd.Timestamp(day) if day else pd.Timestamp.min for day in starts]
    ends = [*begins[1:], pd.Timestamp.max]
    return np.column_stack(
        [
            (last.isna() | (last >= begin)).to_numpy() & (first.isna() | (first < end)).to_numpy()
            for begin, end in zip(begins, ends, strict=True)
        ]
    )


def version_table(protocol: Protocol) -> pd.DataFrame:
    """The versions for reading: VERSION, FROM (the first day of consent it holds for), CHANGES."""
    rows = [(version.id, version.first_day or msg("the start"), version.text or "-") for version in versions(protocol)]
    labels = {"VERSION": msg("Version"), "FROM": msg("In force from"), "CHANGES": msg("Changes")}
    return described(pd.DataFrame(rows, columns=list(labels)).astype("str"), labels=labels)

"""Assessments of one day that differ without a time that would say which is the later (§14.1; P16)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.domains import Domains
from trialbook.gvhd.findings import differing_records
from trialbook.gvhd.stages import derive_stages
from trialbook.protocol.analysis import Analysis


@dataclass(frozen=True)
class SameDayConflict:
    """`records`: USUBJID ADT TEST VALUES SRCDOM of each test that was recorded twice with different results.

    `lowest`: `derive_stages` with the lowest reading of each, where the analysis takes the highest; None where nothing
    differs.
    """

    records: pd.DataFrame
    lowest: pd.DataFrame | None


def same_day_conflicts(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> SameDayConflict:
    """The conflicts among the assessments of these subjects (arguments as for `derive_stages`)."""
    records = differing_records(domains, subjects)
    return SameDayConflict(
        records, derive_stages(domains, subjects, analysis, lowest=True) if len(records) else None
    )  # fmt: skip

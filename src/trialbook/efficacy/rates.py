"""Response rates at day 28 as results: counts, shares and intervals by dose level and in total (domain §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.efficacy.day28 import PENDING, REASONS
from trialbook.efficacy.sensitivity import PRIMARY, sensitivities
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.statistics.intervals import PROPORTION_INTERVALS, Interval, beta_binomial, prob_greater

# Analysis id and the categories that it counts as success.
RATES: dict[str, tuple[str, ...]] = {"ORR_D28": RESPONDERS, "CR_D28": ("CR",)}
VARIABLE = "RSP28"


def response_rate_rows(responses: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """ORR_D28 and CR_D28 by dose level and Total.

    `responses`: USUBJID TRT01A SENS INSET AVALC of `sensitivity_responses`. The denominator N is the set of each
    analysis (MATURED-28 for the primary); `pending` counts the treated subjects who are not mature. Contexts: each
    interval of the primary analysis, the Beta posterior, and each sensitivity analysis by name with the interval
    `ci_primary_orr`. No rows where the trial has no such endpoint; null and "-" where N = 0.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    rows: list[ArdRow] = []
    for analysis_id, success in RATES.items():
        for name in (PRIMARY, *(choice.name for choice in sensitivities(analysis))):
            part = responses[responses["SENS"] == name]
            for level in [*protocol.level_ids, TOTAL]:
                group = part if level == TOTAL else part[part["TRT01A"] == level]
                counted = group[group["INSET"] == "Y"]
                x, n = int(counted["AVALC"].isin(success).sum()), len(counted)
                pending = int((group["AVALC"] == PENDING).sum())
                rows += _rate_rows(analysis_id, level, name, (x, n, pending), analysis)
    return rows


def category_rows(responses: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """RSP28_CAT: subjects of the primary analysis in each response category, a non-response by its reason."""
    if not protocol.has_endpoint("ORR_D28"):
        return []
    primary = responses[responses["SENS"] == PRIMARY]
    cells = [*((category, "") for category in CATEGORIES), *(("NR", reason) for reason in REASONS), (PENDING, "")]
    rows: list[ArdRow] = []
    for category, reason in cells:
        found = primary[(primary["AVALC"] == category) & (primary["REASON"] == reason)]
        for level in [*protocol.level_ids, TOTAL]:
            n = len(found) if level == TOTAL else int((found["TRT01A"] == level).sum())
            rows.append(ard_row("RSP28_CAT", level, VARIABLE, "n", n, variable_level=category, context=reason))
    return rows


def _rate_rows(
    analysis_id: str, level: str, name: str, counts: tuple[int, int, int], analysis: Analysis
) -> Iterator[ArdRow]:
    """Rows of one rate at one level: every interval for the primary analysis, the primary interval for another."""
    x, n, _ = counts
    primary = name == PRIMARY
    methods = list(PROPORTION_INTERVALS) if primary else [analysis.ci_primary_orr]
    for method in methods:
        interval = PROPORTION_INTERVALS[method](x, n, 0.95)
        yield from _context_rows(analysis_id, level, method if primary else name, counts, interval)
    if primary:
        prior = (analysis.beta_prior[0], analysis.beta_prior[1])
        yield from _context_rows(analysis_id, level, "beta_binomial", counts, beta_binomial(x, n, prior))
        above = prob_greater(x, n, analysis.orr0, prior)
        label = f"Pr(rate > {analysis.orr0:g})"
        yield ard_row(analysis_id, level, VARIABLE, "prob_gt_orr0", above, context="beta_binomial", stat_label=label)


def _context_rows(
    analysis_id: str, level: str, context: str, counts: tuple[int, int, int], interval: Interval
) -> Iterator[ArdRow]:
    x, n, pending = counts
    stats: list[tuple[str, float | None]] = [
        ("n", x), ("N", n), ("pending", pending),
        ("estimate", interval.estimate), ("conf.low", interval.low), ("conf.high", interval.high),
    ]  # fmt: skip
    for stat, value in stats:
        yield ard_row(analysis_id, level, VARIABLE, stat, value, context=context)

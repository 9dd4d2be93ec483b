"""Response rates at day 28 as results: counts, shares and intervals by dose level and in total (domain §5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from trialbook.efficacy.day28 import PENDING, REASONS, UNDELIVERED
from trialbook.efficacy.sensitivity import PRIMARY, sensitivities
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, ard_row_or_ne
from trialbook.statistics.intervals import PROPORTION_INTERVALS, Interval, beta_binomial, prob_greater

# Analysis id and the categories that it counts as success.
RATES: dict[str, tuple[str, ...]] = {"ORR_D28": RESPONDERS, "CR_D28": ("CR",)}
VARIABLE = "RSP28"


def response_rate_rows(responses: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """ORR_D28 and CR_D28 by dose level and Total.

    `responses`: USUBJID TRT01A SENS INSET AVALC of `sensitivity_responses`. The denominator N is the set of each
    analysis (MATURED-28 for the primary); `pending` counts the treated subjects who are not mature. Contexts: each
    interval of the primary analysis, the Beta posterior, and each sensitivity analysis by name with the interval
    `ci_primary_orr`. No rows where the trial has no such endpoint; null and "-" where N = 0. Where a domain that was
    not delivered could change the response of a subject of the denominator, n and every estimate are null with the text
    NE (§14.1); N and pending stay, but N of a set that asks for an assessment where none was delivered.
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
                undecided = group[_undecided(group, success)]
                sized = not undecided["INSET"].eq("").any()
                counts = _Counts(x, n, int((group["AVALC"] == PENDING).sum()), undecided.empty, sized)
                rows += _rate_rows(analysis_id, level, name, counts, analysis)
    return rows


def _undecided(responses: pd.DataFrame, success: tuple[str, ...]) -> pd.Series:
    """Whose success a domain that was not delivered leaves open: without one by stages there is none to undo."""
    return responses["REASON"].eq(UNDELIVERED) & responses["RSPSTG"].isin(["", *success])


@dataclass(frozen=True)
class _Counts:
    """Responders, denominator and pending subjects; whether the responders, and whether the denominator, are known."""

    n: int
    size: int
    pending: int
    known: bool
    sized: bool


def category_rows(responses: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """RSP28_CAT: subjects of the primary analysis in each response category, a non-response by its reason.

    Where a domain that was not delivered leaves subjects open, these are the category NE (context UNDELIVERED), and a
    category to which nobody belongs for certain is null with the text NE: some of them may belong to it. Where that is
    so at a level it is so in Total.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    primary = responses[responses["SENS"] == PRIMARY]
    cells = [*((category, "") for category in CATEGORIES), *(("NR", reason) for reason in REASONS), (PENDING, "")]
    rows: list[ArdRow] = []
    open_at = _levels_with(primary[primary["REASON"] == UNDELIVERED])
    if open_at:
        cells.append((NOT_EVALUABLE, UNDELIVERED))
    for category, reason in cells:
        found = primary[(primary["AVALC"] == category) & (primary["REASON"] == reason)]
        sure = category in (PENDING, NOT_EVALUABLE) or reason == "DEATH"
        at = {level: int((found["TRT01A"] == level).sum()) for level in protocol.level_ids}
        open_here = {level for level, n in at.items() if not (n or sure) and level in open_at}
        if open_here or not (len(found) or sure or TOTAL not in open_at):
            open_here.add(TOTAL)
        for level, n in {**at, TOTAL: len(found)}.items():
            known = level not in open_here
            place = {"variable_level": category, "context": reason}
            rows.append(ard_row_or_ne("RSP28_CAT", level, VARIABLE, "n", n, known, **place))
    return rows


def _levels_with(subjects: pd.DataFrame) -> set[str]:
    """The dose levels of some subjects, and Total where there are any."""
    return {*subjects["TRT01A"], TOTAL} if len(subjects) else set()


def _rate_rows(analysis_id: str, level: str, name: str, counts: _Counts, analysis: Analysis) -> Iterator[ArdRow]:
    """Rows of one rate at one level: every interval for the primary analysis, the primary interval for another."""
    x, n = counts.n, counts.size
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
        text = None if counts.known else NOT_EVALUABLE
        above = above if counts.known else None
        yield ard_row(analysis_id, level, VARIABLE, "prob_gt_orr0", above, context="beta_binomial", stat_label=label,
                      stat_text=text)  # fmt: skip


def _context_rows(analysis_id: str, level: str, context: str, counts: _Counts, interval: Interval) -> Iterator[ArdRow]:
    stats: list[tuple[str, float | None, bool]] = [
        ("n", counts.n, counts.known), ("N", counts.size, counts.sized), ("pending", counts.pending, True),
        ("estimate", interval.estimate, counts.known), ("conf.low", interval.low, counts.known),
        ("conf.high", interval.high, counts.known),
    ]  # fmt: skip
    for stat, value, known in stats:
        yield ard_row_or_ne(analysis_id, level, VARIABLE, stat, value, known, context=context)

"""Whether the response rate will exceed the rate of comparison at the planned number of subjects (A-211)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.efficacy.rates import VARIABLE
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE, TOTAL, ArdRow, ard_row
from trialbook.statistics.intervals import PROPORTION_INTERVALS
from trialbook.statistics.prediction import binomial_distribution, predictive_distribution

PREDICTIVE = "ORR_PREDICTIVE"
# What must exceed the rate of comparison: the observed rate, or the whole 95% interval.
OBSERVED, INTERVAL = "observed", "interval"
PRIOR = "prior"
# True response rates that are assumed, above the rate of comparison by so much.
ABOVE = (0.0, 0.1, 0.2, 0.3)
LABELS = {"RATE": msg("If the true response rate is"), OBSERVED: msg("Observed rate above {rate:.0%}"),
          INTERVAL: msg("95% interval above {rate:.0%}")}  # fmt: skip


def predictive_rows(results: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> Iterator[ArdRow]:
    """ORR_PREDICTIVE: the probability that the response rate exceeds `orr0` when the planned number is evaluable.

    variable_level `prior` (a Beta prior with the data so far, `beta_prior`) or an assumed true rate; context `observed`
    (the observed rate exceeds it) or `interval` (the interval `ci_primary_orr` lies above it). Statistics: `estimate`;
    of each context also `n`, the fewest responders that do, and `N`, of how many. From the rows ORR_D28 of the primary
    analysis in Total; none where its counts are not evaluable.
    """
    known = _counts(results, analysis)
    if known is None or not protocol.has_endpoint("ORR_D28"):
        return
    x, n = known
    final = max(protocol.study.planned_n, n)
    prior = (analysis.beta_prior[0], analysis.beta_prior[1])
    further = {PRIOR: predictive_distribution(x, n, final, prior)}
    for rate in _assumed(analysis):
        further[f"{rate:g}"] = binomial_distribution(final - n, rate)
    for context, exceeds in _criteria(analysis).items():
        enough = np.array([exceeds(k, final) for k in range(final + 1)])
        fewest = int(np.argmax(enough)) if enough.any() else None
        yield ard_row(PREDICTIVE, TOTAL, VARIABLE, "n", fewest, context=context)
        yield ard_row(PREDICTIVE, TOTAL, VARIABLE, "N", final, context=context)
        for level, chances in further.items():
            yield ard_row(
                PREDICTIVE, TOTAL, VARIABLE, "estimate", _chance(chances, enough[x:]), variable_level=level,
                context=context,
            )  # fmt: skip


def _chance(chances: NDArray[np.float64], enough: NDArray[np.bool_]) -> float:
    return min(float(chances[enough[: len(chances)]].sum()), 1.0)


def _criteria(analysis: Analysis) -> dict[str, Callable[[int, int], bool]]:
    bound, interval = Fraction(str(analysis.orr0)), PROPORTION_INTERVALS[analysis.ci_primary_orr]

    def above(x: int, n: int) -> bool:
        low = interval(x, n, 0.95).low
        return low is not None and low > analysis.orr0

    return {OBSERVED: lambda x, n: x > bound * n, INTERVAL: above}


def _assumed(analysis: Analysis) -> list[float]:
    return [rate for above in ABOVE if (rate := round(analysis.orr0 + above, 4)) < 1]


def _counts(results: pd.DataFrame, analysis: Analysis) -> tuple[int, int] | None:
    """Responders and subjects of the primary analysis in Total; None where they are not evaluable."""
    own = results["analysis_id"].eq("ORR_D28") & results["group1_level"].eq(TOTAL)
    rows = results[own & results["context"].eq(analysis.ci_primary_orr)].set_index("stat_name")["stat"]
    if not {"n", "N"} <= set(rows.index) or pd.isna(rows["N"]):
        return None
    if pd.isna(rows["n"]):
        return (0, 0) if rows["N"] == 0 else None
    return int(rows["n"]), int(rows["N"])


def predictive_table(results: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The rows ORR_PREDICTIVE for reading: one row per assumed true rate, after that of the prior."""
    nothing = (
        msg("The response counts are not evaluable.")
        if protocol.has_endpoint("ORR_D28")
        else msg("Response at day 28 is not an endpoint of this trial.")
    )
    rows = results[results["analysis_id"].eq(PREDICTIVE)]
    text = {(row.variable_level, row.context, row.stat_name): row.stat_text for row in rows.itertuples()}
    levels = list(dict.fromkeys(level for level, _, name in text if name == "estimate"))
    a, b = analysis.beta_prior
    prior = msg("not known (prior Beta({a:g}, {b:g}) and the responses so far)", a=a, b=b)
    table = pd.DataFrame(
        [
            {"RATE": prior if level == PRIOR else msg("{rate:.0%}", rate=float(level)),
             **{context: text[level, context, "estimate"] for context in (OBSERVED, INTERVAL)}}
            for level in levels
        ], columns=list(LABELS), dtype="object",
    )  # fmt: skip
    numbers = {
        (place, context): (PREDICTIVE, TOTAL, VARIABLE, level, context)
        for place, level in enumerate(levels) for context in (OBSERVED, INTERVAL)
    }  # fmt: skip
    labels = {name: msg(label.msgid, rate=analysis.orr0) if name != "RATE" else label for name, label in LABELS.items()}
    return described(
        table, labels=labels, right=[OBSERVED, INTERVAL], numbers=numbers, empty=nothing,
        notes=_notes(text, analysis) if levels else [],
    )  # fmt: skip


def _notes(text: dict[tuple[str, str, str], str], analysis: Analysis) -> list[str]:
    def needed(context: str) -> str:
        found = text["", context, "n"]
        return msg("no number") if found == NOT_ESTIMABLE else found

    return [
        msg(
            "The probability, given the responses so far, when {total} subjects are evaluable (A-211). The observed "
            "rate exceeds {rate:.0%} with at least {observed} responders, the 95% interval lies above it with "
            "{interval}.",
            total=text["", OBSERVED, "N"], rate=analysis.orr0, observed=needed(OBSERVED), interval=needed(INTERVAL),
        ),
        msg("The true response rates are assumed; none of them is an estimate."),
    ]  # fmt: skip

"""The reported numbers of the DLT step: statuses, rates and advice as ARD rows (interface §6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from trialbook.core.messages import msg
from trialbook.dlt.advice import Advice
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.statistics.intervals import clopper_pearson, prob_greater
from trialbook.subjects.dlt_status import (
    EVALUABLE,
    STATUSES,
    WAITING,
)

TREATED, EVALUABLE_N, COUNTED, WAITING_N = "TREATED", "EVALUABLE", "COUNTED", "WAITING"
_TEXTS = {
    "advice": msg("Advice"),
    "decision_date": msg("Decision not before"),
    "worst": msg("Worst case"),
    "best": msg("Best case"),
}


def dlt_count_rows(addlt: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """DLT: subjects per status; DLT_SETS: treated, evaluable, counted as DLT, pending. By level and in total."""
    rows: list[ArdRow] = []
    for level, group in _by_level(addlt, protocol):
        status = group["DLTSTAT"]
        rows += [ard_row("DLT", level, "DLTSTAT", "n", int(status.eq(s).sum()), variable_level=s) for s in STATUSES]
        sets = {
            TREATED: len(group),
            EVALUABLE_N: int(status.isin(EVALUABLE).sum()),
            COUNTED: int(group["COUNTED"].eq("Y").sum()),
            WAITING_N: int(status.isin(WAITING).sum()),
        }
        rows += [ard_row("DLT_SETS", level, name, "n", n) for name, n in sets.items()]
    return rows


def dlt_rate_rows(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """DLT_RATE: counted DLTs of the evaluable, exact 95% limits, Pr(rate > dlt_target | Beta(1,1)) (§4.11).

    The probability is one of a dose level. Pooled over levels it would be the rate of no dose: null in Total.
    """
    rows: list[ArdRow] = []
    for level, group in _by_level(addlt, protocol):
        n = int(group["COUNTED"].eq("Y").sum())
        total = int(group["DLTSTAT"].isin(EVALUABLE).sum())
        interval = clopper_pearson(n, total)
        stats = {
            "n": n, "N": total, "estimate": interval.estimate, "conf.low": interval.low, "conf.high": interval.high,
            "prob_gt_target": None if level == TOTAL else prob_greater(n, total, analysis.dlt_target),
        }  # fmt: skip
        rows += [ard_row("DLT_RATE", level, "DLT", name, s, context="clopper_pearson") for name, s in stats.items()]
    return rows


def advice_rows(given: Advice, others: Iterable[Advice] = ()) -> list[ArdRow]:
    """DLT_ADVICE: the code, the decision date (ISO or `-`), worst and best case, of the rule and of other rules."""
    rows: list[ArdRow] = []
    for context, one in [("", given), *(("alternative", other) for other in others)]:
        texts = {"advice": one.code, "decision_date": one.date_text, "worst": one.worst, "best": one.best}
        rows += [
            ard_row(
                "DLT_ADVICE", TOTAL, one.rule_id, name, None, context=context, stat_text=text, stat_label=_TEXTS[name]
            )
            for name, text in texts.items()
        ]
    return rows


def timeline_rows(timeline: pd.DataFrame, rule_id: str) -> list[ArdRow]:
    """DLT_TIMELINE: the advice code on each date of `advice_over_time`; variable = rule, variable_level = date."""
    return [
        ard_row(
            "DLT_TIMELINE", TOTAL, rule_id, "advice", None, variable_level=f"{date:%Y-%m-%d}", stat_text=code,
            stat_label=_TEXTS["advice"],
        )
        for date, code in timeline[["date", "code"]].itertuples(index=False)
    ]  # fmt: skip


def _by_level(addlt: pd.DataFrame, protocol: Protocol) -> Iterator[tuple[str, pd.DataFrame]]:
    for level in protocol.level_ids:
        yield level, addlt[addlt["TRT01A"].eq(level)]
    yield TOTAL, addlt

"""Cumulative incidence of non-relapse death and relapse from the NRM rows of ADTTE (domain document §2.8)."""

from __future__ import annotations

import pandas as pd

from trialbook.efficacy.time_to_event import COMPETING, EVENT
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row
from trialbook.statistics.competing_risks import CumulativeIncidence, aalen_johansen

NAMES = {1: "NRM", 2: "RELAPSE"}
METHOD = "aalen-johansen"


def incidence_rows(
    adtte: pd.DataFrame, protocol: Protocol, analysis: Analysis, *, evaluable: bool = True
) -> list[ArdRow]:
    """CIF: share with NRM and with RELAPSE by each of `os_days` with 95% limits, and n.event; the share is null ("not
    reached") by the rule of the other curves (A-81).

    The limits are log-log with the variance of R's cmprsk (A-139); a share of 0 has none. An ADTTE without NRM (nobody
    was treated) gives no rows. `evaluable` False: a domain that decides it was not delivered (`survival_needs`); every
    row is null with the text `NE`.
    """
    if not evaluable and protocol.has_endpoint("OS"):
        return [
            ard_row("CIF", level, name, stat, None, stat_text=NOT_EVALUABLE if "conf" not in stat else None,
                    variable_level=str(day), context=METHOD)
            for level in [*protocol.level_ids, TOTAL]
            for name in NAMES.values()
            for day in analysis.os_days
            for stat in ("estimate", "conf.low", "conf.high")
        ]  # fmt: skip
    nrm = adtte[adtte["PARAMCD"].eq("NRM")]
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL] if len(nrm) else []:
        group = nrm if level == TOTAL else nrm[nrm["TRT01A"].eq(level)]
        curve = _incidence(group)
        for cause, name in NAMES.items():
            for day in analysis.os_days:
                known = curve.reaches(day)
                text = "not reached" if len(group) and not known else None
                place = {"variable_level": str(day), "context": METHOD}
                n = int(((_causes(group) == cause) & (group["AVAL"] <= day)).sum())
                found = curve.interval(cause, day)
                share, low, high = (found.estimate, found.low, found.high) if known else (None, None, None)
                rows.append(ard_row("CIF", level, name, "estimate", share, stat_text=text, **place))
                rows.append(ard_row("CIF", level, name, "conf.low", low, **place))
                rows.append(ard_row("CIF", level, name, "conf.high", high, **place))
                rows.append(ard_row("CIF", level, name, "n.event", n, **place))
    return rows


def incidence_steps(adtte: pd.DataFrame) -> pd.DataFrame:
    """The two curves of all treated subjects to draw: event, day, incidence, low, high; each starts with 0 on day 0."""
    group = adtte[adtte["PARAMCD"].eq("NRM")]
    curve = _incidence(group)
    rows: list[tuple[str, float, float, float | None, float | None]]
    rows = [(name, 0.0, 0.0, None, None) for name in NAMES.values() if len(group)]
    for cause, name in NAMES.items():
        # The share, its variance and so the limits move only with an event, of whatever cause.
        last = curve.interval(cause, 0.0)
        for day, events in zip(curve.times, curve.n_event, strict=True):
            last = curve.interval(cause, day) if events else last
            rows.append((name, day, float(last.estimate or 0), last.low, last.high))
    steps = pd.DataFrame(rows, columns=["event", "day", "incidence", "low", "high"])
    steps = steps.astype({"low": "float64", "high": "float64"}).drop_duplicates(["event", "day"], keep="last")
    return steps.sort_values(["event", "day"]).reset_index(drop=True)


def _incidence(group: pd.DataFrame) -> CumulativeIncidence:
    return aalen_johansen(group["AVAL"].tolist(), _causes(group).tolist(), of=list(NAMES))


def _causes(group: pd.DataFrame) -> pd.Series:
    """Cause of each NRM row: 1 = death without relapse, 2 = relapse, 0 = censored."""
    cause = pd.Series(0, index=group.index, dtype="int64")
    return cause.mask(group["CNSR"].eq(EVENT), 1).mask(group["CNSR"].eq(COMPETING), 2)

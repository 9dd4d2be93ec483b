"""The headline numbers of a build: those by which two builds, cuts or parameter sets are compared."""

from __future__ import annotations

import pandas as pd

from trialbook.core.messages import msg
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import TOTAL

# What holds for the dose escalation, said by `dlt.escalation_status` in a sentence.
STATUS = "escalation_status"
HEADLINES = {
    STATUS: msg("status of the escalation"),
    "treated": msg("subjects treated"),
    "teae_ge3": msg("subjects with a TEAE of grade 3 or more"),
    "sae": msg("subjects with an SAE"),
    "dlt": msg("subjects with a DLT"),
    "dlt_evaluable": msg("subjects evaluable for DLT"),
    "advice": msg("advice of the escalation rule"),
    "orr_n": msg("responders at day 28"),
    "orr_N": msg("subjects of the response rate"),
    "orr_rate": msg("response rate"),
    "orr_low": msg("response rate, lower limit"),
    "orr_high": msg("response rate, upper limit"),
    "cr_n": msg("complete responders at day 28"),
    "deaths": msg("deaths"),
    "os_median": msg("median overall survival, days"),
}


def headline_name(name: str) -> str:
    """A headline number in words; survival at a day is named by the day.

    >>> headline_name("sae"), headline_name("os_100")
    ('subjects with an SAE', 'overall survival at day 100')
    """
    return HEADLINES.get(name) or msg("overall survival at day {day}", day=name.removeprefix("os_"))


def headlines(ard: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """The headline numbers as reported for all dose levels together, as texts; blank where one was not reported."""
    keys, total = analysis, ard[ard["group1_level"].eq(TOTAL)]
    found = {
        "treated": _text(total, "SETS", "SAFFL", "", "", "n"),
        "teae_ge3": _text(total, "TEAE_OVERVIEW", "TEAE_GE3", "", "", "n"),
        "sae": _text(total, "TEAE_OVERVIEW", "SAE", "", "", "n"),
        "dlt": _text(total, "DLT_RATE", "DLT", "", "clopper_pearson", "n"),
        "dlt_evaluable": _text(total, "DLT_RATE", "DLT", "", "clopper_pearson", "N"),
        "advice": _text(total, "DLT_ADVICE", keys.escalation_rule, "", "", "advice"),
    }
    for name, stat in {"n": "n", "N": "N", "rate": "estimate", "low": "conf.low", "high": "conf.high"}.items():
        found[f"orr_{name}"] = _text(total, "ORR_D28", "RSP28", "", keys.ci_primary_orr, stat)
    found["cr_n"] = _text(total, "CR_D28", "RSP28", "", keys.ci_primary_orr, "n")
    for day in keys.os_days:
        found[f"os_{day}"] = _text(total, "OS_KM", "OS", str(day), keys.km_ci, "estimate")
    found["os_median"] = _text(total, "OS_MEDIAN", "OS", "", keys.km_ci, "estimate")
    found["deaths"] = _text(total, "OS_EVENTS", "OS", "", "", "n")
    return found


def _text(ard: pd.DataFrame, analysis: str, variable: str, level: str, context: str, stat: str) -> str:
    """A reported number as text; blank where it was not reported."""
    rows = ard[
        ard["analysis_id"].eq(analysis) & ard["variable"].eq(variable) & ard["variable_level"].fillna("").eq(level)
        & ard["context"].fillna("").eq(context) & ard["stat_name"].eq(stat)
    ]  # fmt: skip
    return str(rows["stat_text"].iloc[0]) if len(rows) else ""

"""The DLT rates that the model of the CRM believes in, level by level (§4.10); shown where a CRM rule is in force."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.dlt.advice import trial_history
from trialbook.dlt.designs.crm import Crm, rates
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import ArdRow, ard_row

MODEL_LABELS = {
    "level": msg("Dose level"),
    "prior": msg("Prior rate"),
    "estimate": msg("Rate by the model"),
    "interval": msg("95% credible interval"),
    "prob": msg("Pr(rate > target)"),
}
NOT_IN_FORCE = msg("The rule in force has no model of the rates.")


def model_rate_rows(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> Iterator[ArdRow]:
    """DLT_MODEL: per level the prior rate, the rate at the posterior mean of beta, its 95% limits and Pr(rate >
    target); variable = rule. No rows where the rule in force is not a CRM."""
    name = analysis.escalation_rule
    rule = None if name == NO_RULE else make_rule(name, analysis, len(protocol.level_ids))
    if not isinstance(rule, Crm) or not protocol.has_endpoint("DLT"):
        return
    found = rule.posterior(*trial_history(addlt, protocol.level_ids))
    beta_low, beta_high = found.quantile(0.025), found.quantile(0.975)
    for level, prior, rate in zip(protocol.level_ids, rule.skeleton, rates(rule.skeleton, found.mean), strict=True):
        above = float(found.mass[prior ** np.exp(found.nodes) > analysis.dlt_target].sum())
        # The rate falls as beta rises.
        stats = {
            "prior": prior, "estimate": rate, "conf.low": prior ** np.exp(beta_high),
            "conf.high": prior ** np.exp(beta_low), "prob_gt_target": above,
        }  # fmt: skip
        for stat, value in stats.items():
            yield ard_row("DLT_MODEL", level, name.lower(), stat, float(value), context="posterior")


def model_rate_table(results: pd.DataFrame) -> pd.DataFrame:
    """The DLT_MODEL rows for reading: level prior estimate interval prob."""
    rows = results[results["analysis_id"].eq("DLT_MODEL")]
    text = {(row.group1_level, row.stat_name): row.stat_text for row in rows.itertuples()}
    table = [
        (level, text[level, "prior"], text[level, "estimate"],
         f"{text[level, 'conf.low']} to {text[level, 'conf.high']}", text[level, "prob_gt_target"])
        for level in dict.fromkeys(rows["group1_level"])
    ]  # fmt: skip
    return described(
        pd.DataFrame(table, columns=list(MODEL_LABELS)).astype("str"), labels=MODEL_LABELS,
        right=["prior", "estimate", "prob"], empty=NOT_IN_FORCE,
    )  # fmt: skip

"""The estimands of the trial in the words of ICH E9(R1), made from the analysis keys in force (rulebook §5.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.efficacy.assessment_days import DAY_28
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

INTERVALS = {
    "clopper_pearson": "Clopper-Pearson, exact", "wilson": "Wilson", "jeffreys": "Jeffreys", "midp": "mid-P",
}  # fmt: skip
ATTRIBUTES = (
    "Population", "Treatment", "Variable", "New systemic therapy of the disease", "Death", "Relapse of the malignancy",
    "Withdrawal or missing", "Summary", "Assumptions",
)  # fmt: skip
COLUMNS = {
    "ATTRIBUTE": "Attribute", "SAFETY": "Safety (primary 1)", "DLT": "DLT (primary 2)",
    "ORR": "Response at day 28 (secondary 1)", "OS": "Overall survival (secondary 2)",
}  # fmt: skip


def estimands(protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """One row per attribute, one column per endpoint of the trial: ATTRIBUTE SAFETY DLT ORR OS.

    Every window, day, rule set and strategy is read from the keys that the derivations use; a column of an endpoint
    that the protocol does not have is left out.
    """
    columns = {"SAFETY": _safety(protocol, analysis)}
    if protocol.has_endpoint("DLT"):
        columns["DLT"] = _dlt(protocol, analysis)
    if protocol.has_endpoint("ORR_D28"):
        columns["ORR"] = _response(protocol, analysis)
    if protocol.has_endpoint("OS"):
        columns["OS"] = _survival(protocol, analysis)
    return described(pd.DataFrame({"ATTRIBUTE": list(ATTRIBUTES), **columns}), labels=COLUMNS, stub="ATTRIBUTE")


def _safety(protocol: Protocol, analysis: Analysis) -> list[str]:
    end = analysis.safety_end_rel_day
    until = f"to REL_DAY {end}" if end is not None else "without an end"
    return [
        f"every subject who received any {protocol.study.product} (SAF)",
        f"{protocol.study.product} at the level {analysis.treatment_arm}, on background therapy",
        f"AE, TEAE, TRAE and SAE from the first infusion {until}, CTCAE {analysis.ctcae_version}",
        "events after it are still counted (treatment policy)",
        "terminal: time at risk ends",
        "events after it are still counted (treatment policy)",
        "while observed",
        "subjects, share, events; exposure-adjusted rates",
        "A-03, A-61, A-64",
    ]


def _dlt(protocol: Protocol, analysis: Analysis) -> list[str]:
    first, last = analysis.dlt_window
    return [
        "DLT-evaluable (DLTE): a DLT, or the whole window with enough of the dose "
        f"({analysis.dlt_min_dose_frac:.0%} or more)",
        f"{protocol.study.product} at the level {analysis.treatment_arm}, on background therapy",
        f"DLT, yes or no, on REL_DAY {first} to {last}",
        "events after it may still be attributed: adjudicated",
        "no DLT unless related; otherwise not evaluable when inside the window",
        "as for new therapy",
        "not evaluable: replaced",
        f"n of N, Clopper-Pearson interval, Pr(rate > {analysis.dlt_target:g})",
        "A-03, A-70, A-72",
    ]


def _response(protocol: Protocol, analysis: Analysis) -> list[str]:
    first, last = analysis.d28_window
    base = analysis.baseline_window
    policy = analysis.newtx_strategy_orr == "treatment_policy"
    composite = analysis.relapse_strategy_orr == "composite"
    steroid = f"; so is steroid above the baseline dose for {analysis.steroid_escalation_days} days"
    drug = "ignored (treatment policy)" if policy else "non-response, by the day of the assessment (composite)"
    return [
        f"SAF mature for day {DAY_28}: TRTSDT + {analysis.maturity_margin_d28} days by the cut, whatever has happened",
        f"{protocol.study.product} at the level {analysis.treatment_arm}"
        + ("" if policy else f", no new systemic therapy of {protocol.study.disease}"),
        f"{' or '.join(RESPONDERS)} by {analysis.response_rules} rules at the assessment closest to day {DAY_28} "
        f"(REL_DAY {first} to {last}), against the last baseline of REL_DAY {base[0]} to {base[1]}",
        drug + (steroid if analysis.steroid_escalation_is_newtx else "; steroids do not count"),
        f"non-response when by day {DAY_28} (composite)",
        "non-response (composite), donor lymphocytes too" if composite else "as assessed, flagged (treatment policy)",
        "non-response (composite); left out in the sensitivity analysis EVAL-28",
        f"share of responders, 95% interval {INTERVALS[analysis.ci_primary_orr]}",
        "A-04, A-50, A-51, A-53, A-55, A-56, A-94, A-102",
    ]


def _survival(protocol: Protocol, analysis: Analysis) -> list[str]:
    days = ", ".join(str(day) for day in analysis.os_days)
    plus = " plus 1" if analysis.os_add_one else ""
    return [
        f"every subject who received any {protocol.study.product} (SAF)",
        f"{protocol.study.product} at the level {analysis.treatment_arm}, then any therapy",
        f"days from the first infusion to death of any cause{plus}",
        "followed on (treatment policy)",
        "the event",
        "followed on (treatment policy)",
        "censored when last known alive",
        f"Kaplan-Meier S(t) at day {days}, 95% interval {analysis.km_ci}",
        "A-02, A-80, A-81, A-95, A-97",
    ]

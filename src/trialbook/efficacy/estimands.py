"""The estimands of the trial in the words of ICH E9(R1), made from the analysis keys in force (rulebook §5.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.efficacy.assessment_days import DAY_28
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

INTERVALS = {
    "clopper_pearson": msg("Clopper-Pearson, exact"),
    "wilson": msg("Wilson"),
    "jeffreys": msg("Jeffreys"),
    "midp": "mid-P",
}
ATTRIBUTES = (
    msg("Population"),
    msg("Treatment"),
    msg("Variable"),
    msg("New systemic therapy of the disease"),
    msg("Death"),
    msg("Relapse of the malignancy"),
    msg("Withdrawal or missing"),
    msg("Summary"),
    msg("Assumptions"),
)
COLUMNS = {
    "ATTRIBUTE": msg("Attribute"), "SAFETY": msg("Safety (primary 1)"), "DLT": msg("DLT (primary 2)"),
    "ORR": msg("Response at day 28 (secondary 1)"), "OS": msg("Overall survival (secondary 2)"),
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
    until = msg("to day {end}", end=end) if end is not None else msg("without an end")
    return [
        msg("every subject who received any {product} (SAF)", product=protocol.study.product),
        msg(
            "{product} at the level {treatment_arm}, on background therapy",
            product=protocol.study.product,
            treatment_arm=analysis.treatment_arm,
        ),
        msg(
            "AE, TEAE, TRAE and SAE from the first infusion {until}, CTCAE {ctcae_version}",
            until=until,
            ctcae_version=analysis.ctcae_version,
        ),
        msg("events after it are still counted (treatment policy)"),
        msg("terminal: time at risk ends"),
        msg("events after it are still counted (treatment policy)"),
        msg("while observed"),
        msg("subjects, share, events; exposure-adjusted rates"),
        "A-03, A-61, A-64",
    ]


def _dlt(protocol: Protocol, analysis: Analysis) -> list[str]:
    first, last = analysis.dlt_window
    return [
        msg(
            "DLT-evaluable (DLTE): a DLT, or the whole window with enough of the dose "
            "({dlt_min_dose_frac:.0%} or more)",
            dlt_min_dose_frac=analysis.dlt_min_dose_frac,
        ),
        msg(
            "{product} at the level {treatment_arm}, on background therapy",
            product=protocol.study.product,
            treatment_arm=analysis.treatment_arm,
        ),
        msg("DLT, yes or no, on day {first} to {last}", first=first, last=last),
        msg("events after it may still be attributed: adjudicated"),
        msg("no DLT unless related; otherwise not evaluable when inside the window"),
        msg("as for new therapy"),
        msg("not evaluable: replaced"),
        msg("n of N, Clopper-Pearson interval, Pr(rate > {dlt_target:g})", dlt_target=analysis.dlt_target),
        "A-03, A-70, A-72",
    ]


def _response(protocol: Protocol, analysis: Analysis) -> list[str]:
    first, last = analysis.d28_window
    base = analysis.baseline_window
    policy = analysis.newtx_strategy_orr == "treatment_policy"
    composite = analysis.relapse_strategy_orr == "composite"
    steroid = msg(
        "; so is steroid above the baseline dose for {steroid_escalation_days} days",
        steroid_escalation_days=analysis.steroid_escalation_days,
    )
    drug = (
        msg("ignored (treatment policy)") if policy else msg("non-response, by the day of the assessment (composite)")
    )
    return [
        msg(
            "SAF mature for day {DAY_28}: first infusion at least {maturity_margin_d28} days before the cut, whatever "
            "has happened",
            DAY_28=DAY_28,
            maturity_margin_d28=analysis.days_to_maturity_d28,
        ),
        msg(
            "{product} at the level {treatment_arm}",
            product=protocol.study.product,
            treatment_arm=analysis.treatment_arm,
        )
        + ("" if policy else msg(", no new systemic therapy of {disease}", disease=protocol.study.disease)),
        msg(
            "{RESPONDERS} by {response_rules} rules at the assessment closest to day {DAY_28} (day "
            "{first} to {last}), against the last baseline of day {base} to {base_2}",
            RESPONDERS=" or ".join(RESPONDERS),
            response_rules=analysis.response_rules,
            DAY_28=DAY_28,
            first=first,
            last=last,
            base=base[0],
            base_2=base[1],
        ),
        drug + (steroid if analysis.steroid_escalation_is_newtx else msg("; steroids do not count")),
        msg("non-response when by day {DAY_28} (composite)", DAY_28=DAY_28),
        msg("non-response (composite), donor lymphocytes too")
        if composite
        else msg("as assessed, flagged (treatment policy)"),
        msg("non-response (composite); left out in a sensitivity analysis"),
        msg("share of responders, 95% interval {INTERVALS}", INTERVALS=INTERVALS[analysis.ci_primary_orr]),
        "A-04, A-50, A-51, A-53, A-55, A-56, A-94, A-102",
    ]


def _survival(protocol: Protocol, analysis: Analysis) -> list[str]:
    days = ", ".join(str(day) for day in analysis.os_days)
    plus = msg(" plus 1") if analysis.os_add_one else ""
    return [
        msg("every subject who received any {product} (SAF)", product=protocol.study.product),
        msg(
            "{product} at the level {treatment_arm}, then any therapy",
            product=protocol.study.product,
            treatment_arm=analysis.treatment_arm,
        ),
        msg("days from the first infusion to death of any cause{plus}", plus=plus),
        msg("followed on (treatment policy)"),
        msg("the event"),
        msg("followed on (treatment policy)"),
        msg("censored when last known alive"),
        msg("Kaplan-Meier S(t) at day {days}, 95% interval {km_ci}", days=days, km_ci=analysis.km_ci),
        "A-02, A-80, A-81, A-95, A-97",
    ]

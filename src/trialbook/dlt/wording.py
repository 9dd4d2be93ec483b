"""Sentences of the DLT notebook: window, share of the dose and cap from the keys in force."""

from __future__ import annotations

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.dlt_status import (
    DLT,
    NO_DLT,
    NOT_EVALUABLE,
    PENDING,
    PENDING_ADJUDICATION,
    PENDING_DATA,
    UNRESOLVED,
)

NOT_AN_ENDPOINT = "Dose-limiting toxicity is not an endpoint of this trial: this page covers nothing of it."
# The status of a subject in a line of prose or a table.
STATUS_WORDS = {
    DLT: "DLT", PENDING_ADJUDICATION: "counted as DLT, not adjudicated",
    UNRESOLVED: "counted as DLT, onset or event open",
    NO_DLT: "no DLT", PENDING: "window still open", PENDING_DATA: "window closed, data missing",
    NOT_EVALUABLE: "not evaluable",
}  # fmt: skip


def status_method(protocol: Protocol, analysis: Analysis) -> str:
    """Who is evaluable (A-72, A-74)."""
    if not protocol.has_endpoint("DLT"):
        return NOT_AN_ENDPOINT
    first, last = analysis.dlt_window
    return (
        f"The window is day {first} to day {last} after the first infusion. Evaluable is who had a DLT, or received at "
        f"least {analysis.dlt_min_dose_frac:.0%} of the dose due (A-72) and was followed to the end of the window."
    )


def rule_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which rule advises, and whether others are shown beside it."""
    if not protocol.has_endpoint("DLT"):
        return NOT_AN_ENDPOINT
    if analysis.escalation_rule == "none":
        return "No escalation rule is in force in this cut: nothing is advised."
    beside = "shown beside it in this cut" if analysis.show_alternative_rules else "not shown in this cut"
    return (
        f"The rule in force ({analysis.escalation_rule}, at most {analysis.n_cap} subjects) alone is the advice. What "
        f"other rules would say is {beside}: the parameter file decides, so that nobody shops for a rule."
    )

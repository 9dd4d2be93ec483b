"""Sentences of the eligibility notebook: every count, window and word of the disease from the protocol and the keys."""

from __future__ import annotations

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

FORM = "Data decide where they can; else the investigator's answer on the form does (ATT)."
NOT_HERE = "This trial has no endpoint for {}: no such set."
NO_CRITERIA = "The protocol file of this trial holds no eligibility criteria: nothing is audited on this page."


def audit_method(protocol: Protocol, analysis: Analysis) -> str:
    """How many checks there are per subject, and how old a record may be (A-10, A-11, A-12)."""
    if not protocol.criteria:
        return NO_CRITERIA
    columns = sum(len(criterion.audit_columns()) for criterion in protocol.criteria)
    split = [c for c in protocol.criteria if len(c.audit_columns()) > 1]
    parts = ", with " + " and ".join(f"{c.id} in {len(c.audit_columns())} parts" for c in split) if split else ""
    return (
        f"{columns} checks per subject: the {len(protocol.criteria)} registered criteria{parts}. {FORM} Laboratory "
        f"results count from {analysis.lab_window_days} days before the infusion, performance and stages from "
        f"{analysis.elig_window_days}, serology from {analysis.sero_window_days} (A-10); the last one before the "
        "infusion decides (A-11), against the limit printed on the same record (A-12). What is unknown is never a pass."
    )


def definition_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which definition of the steroid-refractory disease decides (A-19)."""
    used = [c.id for c in protocol.criteria if c.check == "steroid_refractory"]
    if not used:
        return "No criterion of this trial asks for a steroid-refractory disease."
    return (
        f'The registry does not define "steroid-refractory". {used[0]} uses the definition '
        f"{analysis.sr_definition} (A-19); the others are shown beside it, each from the daily steroid dose and the "
        "organ stages before the infusion."
    )


def sets_method(protocol: Protocol, analysis: Analysis) -> str:
    """What the analysis sets are; sets that rest on an endpoint which this trial does not have are named as such."""
    dlt, response = protocol.has_endpoint("DLT"), protocol.has_endpoint("ORR_D28")
    parts = [
        "Screened (signed consent)", "enrolled (dose level assigned)",
        f"safety (any {protocol.study.product} received; also the set of response and survival)",
        "DLT-evaluable (a DLT, or followed through the window with enough of the dose)" if dlt else "",
        f"mature for day 28 (infused {analysis.maturity_margin_d28} days before the cut or earlier, whatever happened "
        "since, A-04), evaluable at day 28" if response else "",
        "per protocol (no violation, all planned infusions)",
    ]  # fmt: skip
    absent = [name for name, there in (("DLT", dlt), ("the response at day 28", response)) if not there]
    return ", ".join(filter(None, parts)) + "." + (f" {NOT_HERE.format(' and '.join(absent))}" if absent else "")


def people_method(protocol: Protocol, analysis: Analysis) -> str:
    """What is shown of the treated subjects (A-118), and from how many subjects on shares are printed."""
    history = (
        f"diagnosis, transplant and onset of {protocol.study.disease} from the medical history (A-118)"
        if protocol.has_endpoint("ORR_D28")
        else "the diagnosis from the medical history, where it was delivered"
    )
    return (
        f"Age in completed years at consent, body weight last before the infusion; {history}. What the data do not say "
        f'is "Not known", never a no. Shares are printed from {analysis.pct_min_n} subjects on.'
    )


def no_disease(protocol: Protocol) -> str:
    """Why the table of the disease is empty."""
    return "No subject has been treated at this cut." if protocol.has_endpoint("ORR_D28") else disease_method(protocol)


def disease_method(protocol: Protocol) -> str:
    """What is shown of the disease at the first infusion (A-50)."""
    disease = protocol.study.disease
    if not protocol.has_endpoint("ORR_D28"):
        return f"Stages and earlier therapy of {disease} are not read: response is not an endpoint of this trial."
    return (
        "The disease at the first infusion: the grade and the organ stages of the baseline assessment of response "
        f"(A-50), the systemic lines from the onset of {disease} to the infusion (steroids are one line), and by which "
        "rule of the definition in force the subject is refractory."
    )

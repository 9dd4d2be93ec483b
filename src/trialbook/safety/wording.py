"""Sentences of the safety notebook: product, disease, windows and hours from the protocol and the keys in force."""

from __future__ import annotations

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol


def question(protocol: Protocol, analysis: Analysis) -> str:
    """What the notebook asks, for which product and up to which day."""
    end = analysis.safety_end_rel_day
    until = f"to day {end}" if end is not None else "without an end"
    return (
        "Which adverse events did subjects have after the first infusion, how severe were they, and are they related "
        f"to {protocol.study.product}? Counted are adverse events (CTCAE v{analysis.ctcae_version}) from the first "
        f"infusion {until}."
    )


def safety_set(protocol: Protocol) -> str:
    """Who is in the safety set."""
    return (
        f"Subjects of the safety set (any {protocol.study.product} received), by the dose level of their first "
        "infusion, and what is new since the last cut."
    )


def exposure_method(analysis: Analysis) -> str:
    """How the dose per kg is worked out, and which infusions are due."""
    return (
        "Infusions of the safety set up to the cut, at the dose per kg that each gave (total dose over the last weight "
        f"within {analysis.weight_window_days} days before it). Due are the planned infusions whose day and window lie "
        "by the cut. Viability and pauses of an infusion are not in the export; what the site did after an event is "
        "in listing L-4."
    )


def special_interest(protocol: Protocol, analysis: Analysis) -> str:
    """Where the categories come from (A-99), and how soon an infusion reaction begins."""
    return (
        f"Events that {protocol.study.product} may cause: the searches of the protocol file, editable there (A-99). "
        f"Infusion reactions are listed terms that began within {analysis.infusion_reaction_hours} hours after an "
        "infusion; the first search that fits names the category."
    )


def liver_method(protocol: Protocol) -> str:
    """Why the biochemical criteria are no diagnosis."""
    why = f": with {protocol.study.disease} of the liver many subjects meet them before any infusion"
    return (
        "The biochemical criteria ask for clinical review, not for a diagnosis"
        f"{why if protocol.has_endpoint('ORR_D28') else ''}. The arrow leads from the baseline to the peak."
    )


def therapy_method(protocol: Protocol) -> str:
    """Which therapies and deviations are listed."""
    listed = (
        f", and therapy of {protocol.study.disease} (steroids and the drugs of the protocol file) with its dates. What "
        "counts as new systemic therapy is decided in 05_orr"
        if protocol.has_endpoint("ORR_D28")
        else ""
    )
    return f"Protocol deviations and waivers of enrolled subjects as the site recorded them{listed}."

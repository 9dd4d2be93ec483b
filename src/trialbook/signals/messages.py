"""The sentences of signals: an English pattern per message id, filled with the arguments of the signal.

Arguments are plain values; one that is a list of messages (message id and arguments) is written one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialbook.core.messages import Message, enumerated, joined, msg

# What each rule looks for, in a few words.
TITLES: Mapping[str, str] = {
    "pending_abnormal": "Open DLT window with an abnormal finding",
    "liver_injury": "Biochemical criteria of liver injury",
    "recorded_after_cut": "Death or serious event after the cut",
    "ungraded_serious": "Serious event without a grade",
    "level_toxicity": "DLTs at one dose level",
    "stopping_rule": "Safety stopping rule",
    "unsupported_decision": "Decision that the data no longer support",
    "beyond_decision": "Treated above the committee's decision",
    "undecided_dlt": "DLT status not decided",
    "new_death": "New death",
    "expedited_report": "Expedited report",
    "lost_to_follow_up": "Not seen for long",
    "dose_deviation": "Dose deviation",
    "eligibility_conflict": "Eligibility of a treated subject",
    "restated_endpoint": "Endpoint restated",
    "late_toxicity": "Toxicity after the DLT window",
    "late_serious": "Serious event reported late",
    "undated_death": "Death without a complete date",
    "unrepeatable_assessment": "Assessment that cannot be repeated",
    "unclassified_therapy": "Therapy not classified",
    "moves_headline": "Question that can move a headline number",
}
PATTERNS: Mapping[str, str] = {
    "pending_abnormal": "DLT window open to {window_end}, with an abnormal finding: {findings}.",
    "pending_data_abnormal": "DLT window closed on {window_end}, data missing; abnormal finding: {findings}.",
    "finding_liver": (
        "{test} {ratio} x ULN on day {day} (baseline {base}), bilirubin {bilirubin} x ULN on day {bilirubin_day} "
        "(baseline {bilirubin_base}, peak {peak} on day {peak_day}), last liver test on day {last}"
    ),
    "finding_laboratory": "{test} grade {grade} on day {day}",
    "finding_event": "{term}, grade {grade}, day {day}",
    "finding_serious": "serious {term}, grade {grade}, day {day}",
    "finding_ungraded": "{term} without a grade, day {day}",
    "liver_injury": (
        "{test} {ratio} x ULN on day {day} (baseline {base}), bilirubin {bilirubin} x ULN on day {bilirubin_day} "
        "(baseline {bilirubin_base}, peak {peak} on day {peak_day}), last liver test on day {last}: biochemical "
        "criteria of liver injury met, clinical review needed."
    ),
    "ungraded_serious": "Serious event without a grade: {term}, day {day}. Any count by grade may be one higher.",
    "serious_graded_later": (
        "Serious event, grade entered after the cut: {term}, day {day}. A death dated after the cut is entered with it "
        "and is not counted. Any count by grade may be one higher."
    ),
    "ungraded_maybe_serious": "Event of unknown seriousness and without a grade: {term}, day {day}.",
    "level_toxicity": "{dlts} of {evaluable} evaluable subjects at {dose_level} had a DLT.",
    "stopping_reached": "{event}: {events} of {evaluated} subjects; the stopping boundary is reached.",
    "stopping_next": "{event}: {events} of {evaluated} subjects; one more event would reach the stopping boundary.",
    "unsupported_late": (
        "The decision of {date} ({decision}) is no longer supported: a DLT that began by then was reported later, in "
        "{subjects}. For that day the rule would now advise: {advice}."
    ),
    "unsupported_changed": (
        "The decision of {date} ({decision}) is no longer supported: the data of that time have changed. For that day "
        "the rule would now advise: {advice}."
    ),
    "beyond_last": (
        "First treated at {dose_level}: {subjects}; no decision on record opens {dose_level}. The last decision is: "
        "{decision}."
    ),
    "beyond_before": (
        "First treated at {dose_level} before the committee opened the level on {opened}: {subjects}; the last "
        "decision then was: {decision}."
    ),
    "beyond_first": "First treated at {dose_level} before the committee opened the level on {opened}: {subjects}.",
    "undecided_dlt_adjudication": "A candidate DLT has not been adjudicated and counts as a DLT: {reason}.",
    "undecided_dlt_date": "Counted as a DLT until a date or an event is known: {reason}.",
    "undecided_dlt_data": "The DLT window closed on {window_end} and the status is still open: {reason}.",
    "new_death": "Died on day {day} ({date}); new since the previous cut.",
    "first_death": "Died on day {day} ({date}).",
    "new_death_undated": "Died, day not known exactly; new since the previous cut.",
    "first_death_undated": "Died, day not known exactly.",
    "death_after_cut": "A death dated after the cut is recorded; it is not counted here.",
    "serious_after_cut": "Serious events dated after the cut: {count}; not counted here.",
    "newcomer_death_after_cut": (
        "{subject}, who consented after the cut: a death is recorded; it is not counted here."
    ),
    "newcomer_serious_after_cut": (
        "{subject}, who consented after the cut: serious events recorded: {count}; not counted here."
    ),
    "expedited_missed": (
        "{term}: the expedited report was due on {due}, {days} days before the cut. Whether it was sent is not in the "
        "data."
    ),
    "expedited_due": "{term}: the expedited report is due on {due}, in {days} days.",
    "expedited_unknown": (
        "{term} is serious, related and unexpected. The day on which the site learned of it is not recorded, so the "
        "expedited report may be overdue."
    ),
    "lost_to_follow_up": "Not seen for {days} days: last seen alive on {last_seen}, day {day}.",
    "dose_other_level": (
        "Infusion {infusion} was given at the dose of {given} ({dose} x 10^6/kg) instead of {assigned}: {recorded}."
    ),
    "dose_no_level": "Infusion {infusion} of {dose} x 10^6/kg fits no dose level: {recorded}.",
    "exclusion_met": "Infused although exclusion criterion {criterion} was met: {evidence}; {recorded}.",
    "inclusion_not_met": "Infused although inclusion criterion {criterion} was not met: {evidence}; {recorded}.",
    "form_contradicts": "The eligibility form excludes the subject by {criterion}, the data do not: {evidence}.",
    "recorded": "deviation recorded by the site",
    "not_recorded": "no deviation recorded by the site",
    "restated_death": "Death date changed: from day {before} to day {now}.",
    "completed_death": "Death date completed: from day {before} to day {now}.",
    "restated_alive": "Recorded as dead at the previous cut (day {before}), no longer now.",
    "restated_dlt": "DLT status restated from {before} to {now}.",
    "restated_response": "Response at day 28 restated from {before} to {now}.",
    "late_toxicity": "Related {term}, {grade}, began on day {day}, after the DLT window.",
    "late_serious": "{term} began on {onset}, before the previous cut of {previous}, and is new in these data.",
    "undated_death": "The date of death is not complete.",
    "assessment_missed": "No assessment in the {visit} window (day {first} to {last}): it cannot be made up for.",
    "assessment_outside": "The {visit} assessment was on day {day}, outside its window (day {first} to {last}).",
    "assessment_due": "The {visit} window is open to {until}; the assessment cannot be made up for.",
    "assessment_coming": "The {visit} window opens on {opens} and closes on {until}.",
    "unclassified_therapy": "{count} open questions about drugs on which the response may depend ({queries}).",
    "moves_headline": "Open questions ({queries}) may move {endpoints}.",
    "not_checked": "{title}: could not be checked for {subjects}: {reason}.",
    "not_checked_study": "{title}: could not be checked: {reason}.",
    "grade": "grade {grade}",
    "grade_unknown": "grade not known",
    "endpoint_DLT": "the DLT rate",
    "endpoint_ORR_D28": "the response rate at day 28",
    "endpoint_CR_D28": "the complete response rate at day 28",
    "endpoint_OS": "survival at day {day}",
    "endpoint_DEATHS": "the number of deaths",
    "no_laboratory": "no laboratory result after the first infusion",
    "no_grades": "no adverse event has a grade",
    "no_upper_limit": "results of ALT, AST or bilirubin without an upper limit of normal",
    "no_liver_tests": "no ALT or AST, or no bilirubin, with an upper limit of normal after the first infusion",
    "no_proof_of_life": "no record proves life",
    "dose_unknown": "the dose of an infusion cannot be told",
    "criterion_open": "{criteria} not evaluable",
    "no_visits": "visits (SV) were not delivered",
    "no_medication": "medication (CM) was not delivered",
    "no_previous_build": "the previous cut {cut} has not been built",
    "no_onset": "the onset of a new serious event is not known",
    "related_ungraded": "a related event after the DLT window has no grade",
}
LISTED = 12


def signal_text(message_id: str, arguments: Mapping[str, Any]) -> Message:
    """The sentence of a signal as a message, its arguments messages themselves where they say something.

    >>> signal_text("lost_to_follow_up", {"days": 117, "last_seen": "2025-06-05", "day": 58})
    'Not seen for 117 days: last seen alive on 2025-06-05, day 58.'
    """
    return msg(PATTERNS[message_id], **{name: _argument(value) for name, value in arguments.items()})


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return signal_text(str(value["message_id"]), value["arguments"])
    if isinstance(value, list | tuple):
        parts = [_argument(item) for item in value]
        phrases = bool(value) and isinstance(value[0], Mapping)
        if phrases and len(parts) <= LISTED and not any("," in part for part in parts):
            return enumerated(parts)
        listed = joined(parts[:LISTED], "; " if phrases else ", ")
        more = len(parts) - LISTED
        return enumerated([listed, msg("{n} more", n=more)]) if more > 0 else listed
    return str(value)


def rendered(message_id: str, arguments: Mapping[str, Any]) -> str:
    """The English sentence of a message.

    >>> rendered("no_visits", {})
    'visits (SV) were not delivered'
    """
    return str(signal_text(message_id, arguments))


def message(message_id: str, **arguments: Any) -> dict[str, Any]:
    """A message inside the arguments of another."""
    return {"message_id": message_id, "arguments": arguments}

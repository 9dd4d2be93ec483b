"""Runs every rule of the protocol file and makes one ordered list of signals of what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialbook.core.messages import msg, places
from trialbook.profiles.subjects import profile_address, profiled_subjects
from trialbook.protocol.conduct import SignalRule, Signals
from trialbook.signals import conduct_rules as conduct
from trialbook.signals import safety_rules as safety
from trialbook.signals.messages import TITLES, message, rendered
from trialbook.signals.model import (
    SEVERITIES,
    Evidence,
    Facts,
    Found,
    Outcome,
    Scope,
    Severity,
    Signal,
    SignalLink,
    Unchecked,
    signal_id,
)

Rule = Callable[[Facts, Any], Outcome]
# SUBJID and dose level by USUBJID, and who has a profile page.
People = tuple[Mapping[str, str], Mapping[str, str], frozenset[str]]
RULES: Mapping[str, Rule] = {
    "pending_abnormal": safety.pending_abnormal, "liver_injury": safety.liver_injury,
    "recorded_after_cut": safety.recorded_after_cut,
    "ungraded_serious": safety.ungraded_serious, "level_toxicity": conduct.level_toxicity,
    "stopping_rule": conduct.stopping_rule, "unsupported_decision": conduct.unsupported_decision,
    "beyond_decision": conduct.beyond_decision, "undecided_dlt": conduct.undecided_dlt, "new_death": safety.new_death,
    "expedited_report": safety.expedited_report, "lost_to_follow_up": conduct.lost_to_follow_up,
    "dose_deviation": conduct.dose_deviation, "eligibility_conflict": conduct.eligibility_conflict,
    "restated_endpoint": conduct.restated_endpoint, "late_toxicity": safety.late_toxicity,
    "late_serious": safety.late_serious, "undated_death": safety.undated_death,
    "unrepeatable_assessment": conduct.unrepeatable_assessment, "unclassified_therapy": conduct.unclassified_therapy,
    "moves_headline": conduct.moves_headline,
}  # fmt: skip
# The chapter that tells more about what each rule found: a word of its name, and places there, the first that exists.
PLACES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "pending_abnormal": ("dlt", ("s-step-3-the-status-of-each-subject",)),
    "liver_injury": ("safety", ("s-liver",)),
    "recorded_after_cut": ("safety", ("s-l-9-ledger-of-serious-events", "s-t-10-serious-events-and-deaths")),
    "ungraded_serious": ("safety", ("s-l-9-ledger-of-serious-events", "s-t-10-serious-events-and-deaths")),
    "level_toxicity": ("dlt", ("s-step-6-the-dlt-rate-at-each-level",)),
    "stopping_rule": ("dlt", ("s-step-9-safety-stopping-rules", "s-what-is-known-at-this-cut")),
    "unsupported_decision": ("dlt", ("s-step-10-decisions-of-the-committee", "s-what-is-known-at-this-cut")),
    "beyond_decision": ("dlt", ("s-step-10-decisions-of-the-committee", "s-what-is-known-at-this-cut")),
    "undecided_dlt": ("dlt", ("s-step-2-candidate-events-and-adjudication",)),
    "new_death": ("os", ("s-step-1-who-has-died",)),
    "expedited_report": ("safety", ("s-l-9-ledger-of-serious-events", "s-t-10-serious-events-and-deaths")),
    "lost_to_follow_up": ("os", ("s-step-2-who-is-alive-and-when-last-seen",)),
    "dose_deviation": ("dlt", ("s-step-3-the-status-of-each-subject",)),
    "eligibility_conflict": ("eligibility", ("s-step-2-every-subject-against-every-criterion",)),
    "restated_endpoint": ("os", ("s-step-1-who-has-died",)),
    "late_toxicity": ("safety", ("s-t-8-related-to-the-product",)),
    "late_serious": ("safety", ("s-l-9-ledger-of-serious-events", "s-t-10-serious-events-and-deaths")),
    "undated_death": ("os", ("s-step-1-who-has-died",)),
    "unrepeatable_assessment": ("orr", ("s-step-2-the-response-of-each-subject",)),
    "unclassified_therapy": ("orr", ("s-step-2-the-response-of-each-subject",)),
    "moves_headline": ("orr", ("s-step-3-how-many-responded",)),
}  # fmt: skip
RAN, FOUND_NONE, OFF, NOT_APPLICABLE, NOT_CHECKED = "raised", "nothing", "off", "not applicable", "not checked"


@dataclass(frozen=True)
class RuleRun:
    """The outcome of one rule: `status` raised, nothing, off, not applicable or not checked; how many it raised."""

    rule: str
    title: str
    meaning: str
    severity: str
    source: str
    assumption: str
    status: str
    raised: int
    unchecked: int


def derive_signals(facts: Facts, pages: Sequence[tuple[str, str]]) -> tuple[list[Signal], list[RuleRun]]:
    """The signals in order of severity, then of the rules in the protocol file, then the latest treated first; and what
    became of every rule, in the order of the file.

    `pages`: (name, title) of the chapters, to which a signal leads where one of them tells more.
    """
    known = facts.data["adsl"].drop_duplicates("USUBJID").set_index("USUBJID")
    profiled = frozenset(profiled_subjects(facts.data["adsl"]) if len(facts.treated) else [])
    people = known["SUBJID"].to_dict(), known["TRT01A"].to_dict(), profiled
    signals: list[Signal] = []
    runs: list[RuleRun] = []
    for name, rule in _rules(facts.study.protocol.signals):
        outcome = RULES[name](facts, rule) if rule.enabled else Outcome(applies=False)
        own = list(_signals(name, rule, outcome, people, pages)) if outcome.applies else []
        signals += own
        runs.append(_run(name, rule, outcome, own))
    place = {subject: k for k, subject in enumerate(reversed(facts.treated["SUBJID"].tolist()), 1)}
    order = {name: k for k, (name, _) in enumerate(_rules(facts.study.protocol.signals))}
    signals.sort(
        key=lambda one: (
            SEVERITIES.index(one.severity), one.message_id.startswith("not_checked"), order[one.rule],
            place.get(one.subject, 0), one.signal_id,
        )
    )  # fmt: skip
    return signals, runs


def _rules(rules: Signals) -> Iterator[tuple[str, SignalRule]]:
    for name in RULES:
        yield name, getattr(rules, name)


def _run(name: str, rule: SignalRule, outcome: Outcome, own: Sequence[Signal]) -> RuleRun:
    raised = sum(not one.message_id.startswith("not_checked") for one in own) if outcome.applies else 0
    status = FOUND_NONE
    if not rule.enabled:
        status = OFF
    elif not outcome.applies:
        status = NOT_APPLICABLE
    elif raised:
        status = RAN
    elif outcome.unchecked:
        status = NOT_CHECKED
    return RuleRun(
        name, TITLES[name], _in_force(rule), rule.severity, rule.source, rule.assumption, status, raised,
        len(outcome.unchecked) if outcome.applies else 0,
    )  # fmt: skip


def _in_force(rule: SignalRule) -> str:
    """What the rule looks for, with its thresholds of the protocol file."""
    return msg(rule.meaning, **{place: getattr(rule, place) for place in places(rule.meaning)})


def _signals(
    name: str, rule: SignalRule, outcome: Outcome, people: People, pages: Sequence[tuple[str, str]]
) -> Iterator[Signal]:  # fmt: skip
    numbers, levels, profiled = people
    for found in outcome.found:
        subject = str(numbers.get(found.subject, ""))
        scope: Scope = "subject" if found.subject else "dose level" if found.dose_level else "study"
        yield _signal(
            name, found, scope, subject, found.dose_level or str(levels.get(found.subject, "")),
            found.severity or rule.severity, profiled, pages,
        )  # fmt: skip
    lower = SEVERITIES[min(SEVERITIES.index(rule.severity) + 1, len(SEVERITIES) - 1)]
    for part in outcome.unchecked:
        yield _not_checked(name, part, numbers, levels, lower, profiled, pages)


def _not_checked(
    name: str, part: Unchecked, numbers: Mapping[str, str], levels: Mapping[str, str], severity: Severity,
    profiled: frozenset[str], pages: Sequence[tuple[str, str]],
) -> Signal:  # fmt: skip
    """That a rule could not be checked, for whom and why: of the subject where it is one, else of the study."""
    who = [str(numbers.get(subject, subject)) for subject in part.subjects]
    arguments: dict[str, Any] = {"title": TITLES[name], "reason": dict(part.reason)}
    arguments |= {"subjects": who} if who else {}
    one = part.subjects[0] if len(part.subjects) == 1 else ""
    found = Found(
        "not_checked" if who else "not_checked_study", arguments, [("adsl", subject, "") for subject in part.subjects],
        subject=one, key=f"not checked {part.reason['message_id']} {rendered_reason(part)}",
    )  # fmt: skip
    scope: Scope = "subject" if one else "study"
    subject, dose = (str(numbers.get(one, "")), str(levels.get(one, ""))) if one else ("", "")
    return _signal(name, found, scope, subject, dose, severity, profiled, pages)


def rendered_reason(part: Unchecked) -> str:
    """The reason why something could not be checked, in words."""
    return rendered(str(part.reason["message_id"]), part.reason["arguments"])


def _signal(
    name: str, found: Found, scope: Scope, subject: str, level: str, severity: Severity, profiled: frozenset[str],
    pages: Sequence[tuple[str, str]],
) -> Signal:  # fmt: skip
    links = []
    if subject and subject in profiled:
        links.append(SignalLink(page=profile_address(subject), title=f"Profile of {subject}"))
    word, anchors = PLACES[name]
    for step, title in pages:
        if word in step.lower().split("_"):
            links.append(SignalLink(page=f"{step}.html", anchor=anchors[0], title=title))
            break
    return Signal(
        signal_id=signal_id(name, found.subject or found.dose_level, found.key), subject=subject,
        level=level, scope=scope, severity=severity, rule=name, message_id=found.message_id,
        arguments=dict(found.arguments), sentence=rendered(found.message_id, found.arguments),
        evidence=[Evidence(dataset=data, usubjid=who, key=key) for data, who, key in found.evidence], links=links,
    )  # fmt: skip


def new_since(signals: Sequence[Signal], before: Sequence[Mapping[str, Any]]) -> list[Signal]:
    """The signals that the list of an earlier cut (its `signals.json`) did not hold, in their order."""
    known = {entry.get("signal_id") for entry in before}
    return [one for one in signals if one.signal_id not in known]


__all__ = ["RULES", "RuleRun", "derive_signals", "message", "new_since"]

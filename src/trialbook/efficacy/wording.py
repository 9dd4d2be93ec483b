"""Sentences of the response and survival notebooks: windows, limits and the disease from the protocol and the keys."""

from __future__ import annotations

import pandas as pd

from trialbook.core.messages import as_text, enumerated, joined, msg
from trialbook.efficacy.estimands import INTERVALS
from trialbook.gvhd.response_rules import RESPONSE_WORDS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import NOT_AN_ENDPOINT, Protocol

NO_RESPONSE = NOT_AN_ENDPOINT["ORR_D28"]
NO_SURVIVAL = NOT_AN_ENDPOINT["OS"]
# Why a subject counts as a non-responder, in brackets behind the category.
REASON_WORDS = {
    "DEATH": msg("died by day 28"),
    "NEWTX": msg("new systemic therapy"),
    "MISSING": msg("no assessment that counts"),
    "INCOMPLETE": msg("an organ or a steroid dose is not known"),
}


def in_words(category: pd.Series, reason: pd.Series) -> pd.Series:
    """Responses with the reason of a non-response by rule in brackets: `NR (died by day 28)`; else the category."""
    told = reason.map(REASON_WORDS).fillna(reason).astype("str")
    named = [
        msg("{value} ({reason})", value=value, reason=as_text(why)) if why else RESPONSE_WORDS.get(value, value)
        for value, why in zip(category, told, strict=True)
    ]
    return pd.Series(named, index=category.index, dtype="str")


def days(window: list[int] | tuple[int, ...]) -> str:
    """A window in words: `days 25 to 31`."""
    return msg("days {window} to {window_2}", window=window[0], window_2=window[1])


def listed(numbers: list[int]) -> str:
    """Numbers in words: `28, 100 and 180`."""
    return enumerated(numbers)


def response_question(protocol: Protocol) -> str:
    """What the response notebook asks."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return msg(
        "How many of the treated subjects responded, with a complete (CR) or partial (PR) response "
        "of {disease} at day 28 after the first infusion?",
        disease=protocol.study.disease,
    )


def maturity_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which rule set decides (A-51), and who is in the denominator (A-04)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return msg(
        "The rule set in force is {response_rules} (A-51). The rate is responders of the subjects "
        "who are mature, that is {maturity_margin_d28} days after the first infusion whatever has "
        "happened since (A-04); the others are pending, shown and outside the denominator.",
        response_rules=analysis.response_rules,
        maturity_margin_d28=analysis.days_to_maturity_d28,
    )


def assessment_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which assessments are the baseline (A-50) and day 28 (A-56)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return msg(
        "Baseline: the last complete assessment on {days} before the infusion, else from day "
        "{baseline_window_wide} (A-50). Day 28: the assessment closest to it on {days_2}; of two "
        "equally close, the later (A-56). The derived response is primary; the investigator's is "
        "shown beside it, and a difference is a query.",
        days=days(analysis.baseline_window),
        baseline_window_wide=analysis.baseline_window_wide[0],
        days_2=days(analysis.d28_window),
    )


def interval_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which interval is primary (A-94), and the rate that the posterior compares with (A-96)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    a, b = analysis.beta_prior
    return msg(
        "The share of responders among the mature subjects, with five intervals: {INTERVALS} is "
        "primary (A-94); the posterior under the prior Beta({a:g}, {b:g}) also says how probable a "
        "rate above {orr0:g} is (A-96). Levels are not compared by a test. With few subjects every "
        "interval is wide: that is the finding.",
        INTERVALS=INTERVALS[analysis.ci_primary_orr],
        a=a,
        b=b,
        orr0=analysis.orr0,
    )


def weight_of_one(mature: int) -> str:
    """By how much one subject moves the rate; `mature`: subjects in the denominator."""
    if mature == 0:
        return msg("One assumption changed at a time, with the primary interval, and the subjects who change category.")
    counted = msg("1 subject") if mature == 1 else msg("{mature} subjects", mature=mature)
    return msg(
        "One assumption changed at a time, with the primary interval, and the subjects who change "
        "category. With {counted} in the denominator one subject moves the rate by {mature:.0f} "
        "percentage points.",
        counted=counted,
        mature=100 / mature,
    )


def later_method(protocol: Protocol, analysis: Analysis) -> str:
    """Until when a best response counts, which days are day 56 (A-57), and when steroids are spared (A-115)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return msg(
        "Best response: the best category to day {bor_until}, before new therapy or death, without "
        "confirmation. Durable: a responder of day 28 who is still a responder at day 56 ({days}, "
        "A-57) against the same baseline and without new therapy. VGPR is a sub-row of PR (A-116). "
        "Organs: those involved at baseline. Steroids: the dose of day 28 against day 0, spared when "
        "it is lower by {steroid_sparing:.0%} or more (A-115). How long a response lasts is in "
        "notebook 6.",
        bor_until=analysis.bor_until,
        days=days(analysis.d56_window),
        steroid_sparing=analysis.steroid_sparing,
    )


def benchmark_method(protocol: Protocol, analysis: Analysis) -> str:
    """What the published rates are for, and what the dashed line is."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return msg(
        "Other products, other patients, other grading systems: external, not comparable. They show "
        "the scale on which such rates lie, and how wide an interval of this size is. The dashed "
        "line is {orr0:g}.",
        orr0=analysis.orr0,
    )


def survival_question(protocol: Protocol, analysis: Analysis) -> str:
    """What the survival notebook asks, and at which days."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    alive = msg("How many of the treated subjects are alive, and for how long have they been followed?")
    days = enumerated(analysis.os_days)
    if len(analysis.os_days) == 1:
        return joined([alive, msg("Survival is given at day {days} after the first infusion.", days=days)])
    return joined([alive, msg("Survival is given at days {days} after the first infusion.", days=days)])


def estimate_method(protocol: Protocol, analysis: Analysis) -> str:
    """How S(t) and its interval are computed (A-95)."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    return msg(
        "Survival S(t) is the Kaplan-Meier estimate, computed in exact fractions, with Greenwood's "
        "variance and the {km_ci} interval (A-95). Other transforms of the interval do not move S(t) "
        "itself.",
        km_ci=analysis.km_ci,
    )


def curve_method(protocol: Protocol, analysis: Analysis) -> str:
    """From how many subjects on a dose level has its own curve."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    return msg(
        "A dose level has its own curve from {km_level_min_n} subjects on.", km_level_min_n=analysis.km_level_min_n
    )


def duration_method(protocol: Protocol, analysis: Analysis) -> str:
    """When a response begins and ends (A-58); where a trial has no such endpoint, only this step has nothing."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    if not protocol.has_endpoint("ORR_D28"):
        return msg("The response at day 28 is not an endpoint of this trial: there is no duration of response.")
    start = {"day28": msg("the day-28 assessment of the responders"), "first_response": msg("the first response")}
    lasting = {"lasting": msg(" that stays so or needs therapy"), "single": ""}
    return msg(
        "Duration of response starts at {start} and ends with progression (an organ above its best "
        "stage{lasting}), new systemic therapy or death of any cause; otherwise it is censored at "
        "the last assessment of {disease} (A-58).",
        start=start[analysis.dor_start],
        lasting=lasting[analysis.dor_progression],
        disease=protocol.study.disease,
    )

"""Sentences of the response and survival notebooks: windows, limits and the disease from the protocol and the keys."""

from __future__ import annotations

from trialbook.efficacy.estimands import INTERVALS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

NO_RESPONSE = "The response at day 28 is not an endpoint of this trial: this page covers nothing of it."
NO_SURVIVAL = "Overall survival is not an endpoint of this trial: this page covers nothing of it."
# Why a subject counts as a non-responder, in brackets behind the category.
REASON_WORDS = {
    "DEATH": "death", "NEWTX": "new therapy", "MISSING": "no assessment that counts", "INCOMPLETE": "organs missing",
}  # fmt: skip


def days(window: list[int] | tuple[int, ...]) -> str:
    """A window in words: `days 25 to 31`."""
    return f"days {window[0]} to {window[1]}"


def listed(numbers: list[int]) -> str:
    """Numbers in words: `28, 100 and 180`."""
    *first, last = [str(number) for number in numbers]
    return f"{', '.join(first)} and {last}" if first else last


def response_question(protocol: Protocol) -> str:
    """What the response notebook asks."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return (
        f"How many of the treated subjects responded, with a complete (CR) or partial (PR) response of "
        f"{protocol.study.disease} at day 28 after the first infusion?"
    )


def maturity_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which rule set decides (A-51), and who is in the denominator (A-04)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return (
        f"The rule set in force is {analysis.response_rules} (A-51). The rate is responders of the subjects who are "
        f"mature, that is {analysis.maturity_margin_d28} days after the first infusion whatever has happened since "
        "(A-04); the others are pending, shown and outside the denominator."
    )


def assessment_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which assessments are the baseline (A-50) and day 28 (A-56)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return (
        f"Baseline: the last complete assessment on {days(analysis.baseline_window)} before the infusion, else from "
        f"day {analysis.baseline_window_wide[0]} (A-50). Day 28: the assessment closest to it on "
        f"{days(analysis.d28_window)}; of two equally close, the later (A-56). The derived response is primary; the "
        "investigator's is shown beside it, and a difference is a query."
    )


def interval_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which interval is primary (A-94), and the rate that the posterior compares with (A-96)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    a, b = analysis.beta_prior
    return (
        f"The share of responders among the mature subjects, with five intervals: "
        f"{INTERVALS[analysis.ci_primary_orr]} is primary (A-94); the posterior under the prior Beta({a:g}, {b:g}) "
        f"also says how probable a rate above {analysis.orr0:g} is (A-96). Levels are not compared by a test. With few "
        "subjects every interval is wide: that is the finding."
    )


def weight_of_one(mature: int) -> str:
    """By how much one subject moves the rate; `mature`: subjects in the denominator."""
    if mature == 0:
        return "One assumption changed at a time, with the primary interval, and the subjects who change category."
    counted = "1 subject" if mature == 1 else f"{mature} subjects"
    return (
        "One assumption changed at a time, with the primary interval, and the subjects who change category. With "
        f"{counted} in the denominator one subject moves the rate by {100 / mature:.0f} percentage points."
    )


def later_method(protocol: Protocol, analysis: Analysis) -> str:
    """Until when a best response counts, which days are day 56 (A-57), and when steroids are spared (A-115)."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return (
        f"Best response: the best category to day {analysis.bor_until}, before new therapy or death, without "
        "confirmation. Durable: a responder of day 28 who is still a responder at day 56 "
        f"({days(analysis.d56_window)}, A-57) against the same baseline and without new therapy. VGPR is a sub-row of "
        "PR (A-116). Organs: those involved at baseline. Steroids: the dose of day 28 against day 0, spared when it is "
        f"lower by {analysis.steroid_sparing:.0%} or more (A-115). How long a response lasts is in notebook 6."
    )


def benchmark_method(protocol: Protocol, analysis: Analysis) -> str:
    """What the published rates are for, and what the dashed line is."""
    if not protocol.has_endpoint("ORR_D28"):
        return NO_RESPONSE
    return (
        "Other products, other patients, other grading systems: external, not comparable. They show the scale on which "
        f"such rates lie, and how wide an interval of this size is. The dashed line is {analysis.orr0:g}."
    )


def survival_question(protocol: Protocol, analysis: Analysis) -> str:
    """What the survival notebook asks, and at which days."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    return (
        "How many of the treated subjects are alive, and for how long have they been followed? Survival is given at "
        f"day{'s' if len(analysis.os_days) > 1 else ''} {listed(analysis.os_days)} after the first infusion."
    )


def estimate_method(protocol: Protocol, analysis: Analysis) -> str:
    """How S(t) and its interval are computed (A-95)."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    return (
        "Survival S(t) is the Kaplan-Meier estimate, computed in exact fractions, with Greenwood's variance and the "
        f"{analysis.km_ci} interval (A-95). Other transforms of the interval do not move S(t) itself."
    )


def curve_method(protocol: Protocol, analysis: Analysis) -> str:
    """From how many subjects on a dose level has its own curve."""
    if not protocol.has_endpoint("OS"):
        return NO_SURVIVAL
    return f"A dose level has its own curve from {analysis.km_level_min_n} subjects on."


def duration_method(protocol: Protocol, analysis: Analysis) -> str:
    """When a response begins and ends (A-58)."""
    if not (protocol.has_endpoint("OS") and protocol.has_endpoint("ORR_D28")):
        return NO_RESPONSE
    start = {"day28": "the day-28 assessment of the responders", "first_response": "the first response"}
    lasting = {"lasting": " that stays so or needs therapy", "single": ""}
    return (
        f"Duration of response starts at {start[analysis.dor_start]} and ends with progression (an organ above its "
        f"best stage{lasting[analysis.dor_progression]}), new systemic therapy or death of any cause; otherwise it is "
        f"censored at the last assessment of {protocol.study.disease} (A-58)."
    )

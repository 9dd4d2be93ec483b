"""Numbers of the results in words: what an analysis and a statistic are called, for readers who know no code."""

from __future__ import annotations

from collections.abc import Sequence

from trialbook.core.messages import joined, msg
from trialbook.results.ard import LABELS, TOTAL
from trialbook.safety.ae_tables import LABELS as OVERVIEW_WORDS

ANALYSIS_WORDS = {
    "AESI_CAT": msg("events of special interest by category"),
    "AESI_LEDGER": msg("events of special interest since consent"),
    "AE_BY_CUT": msg("adverse events by data cut"), "AE_NEW": msg("adverse events since the last cut"),
    "BASELINE": msg("disease at the first infusion"), "BOR": msg("best overall response"),
    "BOR_RATE": msg("rate of best overall response"), "BOUNDS": msg("worst and best case"),
    "CGVHD": msg("chronic GVHD"), "CIF": msg("cumulative incidence"), "CLEANING": msg("records of the data"),
    "CR_D28": msg("complete response at day 28"), "DEMOG": msg("demographics"), "DISPOSITION": msg("disposition"),
    "DLT": msg("DLT status"), "DLT_ADVICE": msg("advice of the escalation rule"),
    "DLT_NEXT": msg("advice after the next DLTs"), "DLT_OC": msg("how the escalation rule behaves"),
    "DLT_PATHWAY": msg("pathways to the end of the trial"), "DLT_RATE": msg("DLT rate"),
    "DLT_SETS": msg("subjects that count for DLT"), "DLT_TIMELINE": msg("advice over time"),
    "DOR_EVENTS": msg("end of response"), "DOR_KM": msg("duration of response"),
    "DOR_MEDIAN": msg("median duration of response"), "DSA": msg("donor-specific antibodies"),
    "EAER": msg("events by time at risk"), "EAIR": msg("subjects with an event by time at risk"),
    "ELIG": msg("eligibility audit"), "EXPOSURE": msg("exposure"), "FFS_EVENTS": msg("failures"),
    "FFS_KM": msg("failure-free survival"), "FFS_MEDIAN": msg("median failure-free survival"),
    "FUP_POTENTIAL": msg("potential follow-up"), "FUP_RKM": msg("median follow-up"),
    "FUP_STALE": msg("subjects not seen lately"), "FUP_WINDOW": msg("follow-up by visit"),
    "INFECTION_CAT": msg("infections by category"), "LAB_SHIFT": msg("shift of laboratory grades"),
    "LAB_WORST": msg("worst laboratory grades"), "LATE_EVENTS": msg("late events"),
    "NO_EVENT": msg("no event seen"), "ORGAN_D28": msg("organ response at day 28"),
    "ORR_D14": msg("response at day 14"), "ORR_D28": msg("response at day 28"), "ORR_D56": msg("response at day 56"),
    "ORR_GROUP": msg("response at day 28 by group"), "ORR_PREDICTIVE": msg("predicted response at the end"),
    "OS_EVENTS": msg("deaths"), "OS_KM": msg("overall survival"), "OS_MEDIAN": msg("median overall survival"),
    "PRODUCT": msg("product as infused"), "RSP28_CAT": msg("categories of response at day 28"),
    "RSP28_ICE": msg("intercurrent events by day 28"), "RSP_AGREE": msg("derived and investigator's response"),
    "SAE_LEDGER": msg("serious events since consent"), "SAE_SOC_PT": msg("serious events by term"),
    "SETS": msg("analysis sets"), "STEROID_D28": msg("steroids at day 28"), "STOPPING": msg("stopping rules"),
    "STOPPING_BOUNDARY": msg("boundaries of the stopping rules"),
    "STOPPING_OC": msg("how the stopping rules behave"), "TEAE_GRADE": msg("adverse events by grade"),
    "TEAE_OVERVIEW": msg("adverse events in total"), "TEAE_REL": msg("adverse events by relation"),
    "TEAE_SOC_PT": msg("adverse events by term"), "TRAE_SOC_PT": msg("related events by term"),
    "TTR": msg("time to response"), "VGPR_D28": msg("very good partial response at day 28"),
    "VIRUS": msg("viral reactivation"),
}  # fmt: skip
STATISTIC_WORDS = {
    # Of records, subjects and infusions alike.
    **LABELS, "n": msg("Count"), "N": msg("Denominator"),
    "advice": msg("Advice"), "best": msg("Best case"), "worst": msg("Worst case"), "boundary": msg("Boundary"),
    "decision_date": msg("Date of the decision"), "expected_n": msg("Expected number of subjects"),
    "further": msg("Events left to the boundary"), "infusions": msg("Infusions"),
    "infusions.high": msg("Most infusions"), "infusions.low": msg("Fewest infusions"), "max": msg("Maximum"),
    "mean": msg("Mean"), "median": msg("Median"), "min": msg("Minimum"), "of": msg("Of"),
    "prob_gt_orr0": msg("Pr(rate > reference)"), "state": msg("State"),
    "stop_probability": msg("Probability of stopping"),
}  # fmt: skip

# Variables of which an analysis has one, and those and methods that have words.
OF_ITS_ANALYSIS = frozenset([
    "AESICAT", "BOR", "CGVHD", "DLTSTAT", "DLT", "DOR", "DSA", "FFS", "INFCAT", "NO_EVENT", "OS", "RSP14", "RSP28",
    "RSP56", "STER28", "TTR", "VGPR28", "in_force",
])  # fmt: skip
VARIABLE_WORDS = {
    **OVERVIEW_WORDS, "SAFFL": msg("Treated"), "MAT28FL": msg("Mature for day 28"),
    "EVAL28FL": msg("Evaluable at day 28"), "PPFL": msg("Per protocol"), "ENRFL": msg("Enrolled"),
    "DLTEFL": msg("Evaluable for DLT"),
    "clopper_pearson": "Clopper-Pearson", "wilson": "Wilson", "jeffreys": "Jeffreys", "midp": "Mid-P",
    "aalen-johansen": "Aalen-Johansen",
}  # fmt: skip


def statistic_in_words(name: str) -> str:
    """A statistic in words; one of an analyst's own is as its name says.

    >>> statistic_in_words("conf.low"), statistic_in_words("odds")
    ('Lower 95% limit', 'odds')
    """
    return STATISTIC_WORDS.get(name, name)


def number_in_words(parts: Sequence[str]) -> str:
    """A number by what names it (analysis, group level, variable, variable level, context, statistic), in words.

    The code of the analysis is behind its words, so that the number is found in the results. The variable is left out
    where the analysis says which it is; a term, a day or a category is as the results have it.

    >>> number_in_words(["ORR_D28", "DL2", "RSP28", "wilson", "n"])
    'response at day 28 (ORR_D28), DL2, Wilson: Count'
    """
    analysis, level, *between, statistic = parts
    known = ANALYSIS_WORDS.get(analysis)
    named = msg("{words} ({code})", words=known, code=analysis) if known else analysis
    at = msg("Total") if level == TOTAL else level
    told = [VARIABLE_WORDS.get(one, one) for one in between if one and one not in OF_ITS_ANALYSIS]
    return joined([joined([named, at, *told], ", "), statistic_in_words(statistic)], ": ")

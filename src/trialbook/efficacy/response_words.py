"""The response rate of a cut in words: headline numbers, and the sentence with its worst and best case (§8, §14)."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from trialbook.efficacy.delivery import lacking_text
from trialbook.efficacy.response_views import INTERVALS
from trialbook.protocol.analysis import Analysis
from trialbook.results.ard import NOT_ESTIMABLE, NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import bounds_of, bounds_text, excluded_text, not_evaluable_text

CASES = {"ORR_D28": "Response", "CR_D28": "Complete response"}


def response_headline(rows: pd.DataFrame, analysis: Analysis) -> list[tuple[str, str, str]]:
    """Headline numbers as (label, value, note) from the ARD of the response rate; none without the endpoint."""
    text = _texts(rows, "ORR_D28", analysis.ci_primary_orr)
    if not text:
        return []
    complete = _texts(rows, "CR_D28", analysis.ci_primary_orr)
    interval = f"95% interval {text['conf.low']} to {text['conf.high']}"
    responders, complete_n = (
        not_evaluable_text(bounds_of(rows, name)) if found["n"] == NOT_EVALUABLE else found["n"]
        for name, found in (("ORR_D28", text), ("CR_D28", complete))
    )
    rate = NOT_EVALUABLE_WORDS if text["estimate"] == NOT_EVALUABLE else text["estimate"]
    unknown = text["estimate"] in (NOT_ESTIMABLE, NOT_EVALUABLE)
    return [
        ("Mature for day 28", text["N"], "the denominator"),
        ("Pending", text["pending"], "treated, day 28 not over"),
        ("Responders (CR or PR)", responders, f"of them CR: {complete_n}"),
        ("Response rate at day 28", rate, "" if unknown else interval),
        *(
            [
                (
                    "Worst to best case",
                    found.range,
                    found.range_with_pending and f"pending too: {found.range_with_pending}",
                )
            ]
            if (found := bounds_of(rows, "ORR_D28")) and found.counts_somebody
            else []
        ),
    ]


def response_sentence(rows: pd.DataFrame, analysis: Analysis, absent: Collection[str] = ()) -> str:
    """The response rate of the cut in words, or why it is not known; blank without the endpoint.

    `absent`: what was not delivered of all that the response needs (`delivery`). With the worst and the best case.
    """
    text = _texts(rows, "ORR_D28", analysis.ci_primary_orr)
    if not text:
        return ""
    pending = {"0": "Nobody is pending", "1": "1 treated subject is pending"}.get(
        text["pending"], f"{text['pending']} treated subjects are pending"
    )
    if text["N"] == "0":
        return f"The response rate is not known yet: no subject is mature for day 28. {pending}."
    cases = " ".join(_case_sentence(rows, name, what) for name, what in CASES.items()).strip()
    if text["n"] == NOT_EVALUABLE:
        why = lacking_text(absent)
        return (
            f"The response at day 28 is {not_evaluable_text(bounds_of(rows, 'ORR_D28'))}"
            f"{f': {why}' if why else ''}. {cases} {pending}."
        )
    method = INTERVALS[analysis.ci_primary_orr]
    none = excluded_text(int(text["n"]), int(text["N"]))
    return (
        f"{text['n']} of {text['N']} mature subjects responded (CR or PR) at day 28: rate {text['estimate']}, "
        f"95% interval {text['conf.low']} to {text['conf.high']} ({method}).{f' {none}.' if none else ''}"
        f" {cases} {pending}."
    )


def _case_sentence(rows: pd.DataFrame, variable: str, what: str) -> str:
    """Worst and best case of one rate with the subjects who decide it; blank where there are none to report."""
    told = bounds_text(rows, variable)
    return f"{what}, worst and best case: {told}." if told else ""


def _texts(rows: pd.DataFrame, analysis_id: str, context: str) -> dict[str, str]:
    """Stat texts of one analysis in total."""
    own = rows[(rows["analysis_id"] == analysis_id) & (rows["context"] == context) & (rows["group1_level"] == TOTAL)]
    return dict(zip(own["stat_name"], own["stat_text"], strict=True))

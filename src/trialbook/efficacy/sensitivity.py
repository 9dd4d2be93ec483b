"""Sensitivity analyses of the response at day 28: one assumption changed at a time (rulebook §5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.efficacy.adrs import investigator_responses
from trialbook.efficacy.assessment_days import DAY_28, Landmark
from trialbook.efficacy.day28 import (
    PENDING,
    UNDELIVERED,
    Course,
    counted_possible,
    counted_therapies,
    day28_response,
    read_course,
    response_of,
    staged_assessments,
    treated_subjects,
)
from trialbook.efficacy.delivery import needed
from trialbook.efficacy.wording import in_words
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.gvhd.staging import STAGING_KEYS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE

PRIMARY = "primary"
# The keys that change what is new therapy; all others but those of staging only decide on these.
THERAPY_KEYS = frozenset({"steroid_escalation_is_newtx", "steroid_escalation_days", "gvhdtx"})
# Who is a child in the staging of the lower GI tract, by value of `child_rule`.
CHILD_RULES = {
    "age<18 and weight<=50": msg("those under 18 years and of at most 50 kg"),
    "age<=14": msg("those of at most 14 years"),
    "age<18": msg("those under 18 years"),
}


@dataclass(frozen=True)
class Sensitivity:
    """One alternative: its name in the results, what it changes in words, and the analysis keys that it sets.

    `only`: a flag that narrows the denominator; `investigator`: the investigator's category instead of the derived.
    """

    name: str
    meaning: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    only: str = ""
    investigator: bool = False


def sensitivities(analysis: Analysis) -> list[Sensitivity]:
    """The alternatives to the values in force: those that would change nothing are left out, whatever the default."""
    rules = "CN" if analysis.response_rules == "CIBMTR" else "CIBMTR"
    choices = [
        Sensitivity(
            msg("sens: {rules} rules", rules=rules),
            msg("response by the rule set {rules}", rules=rules),
            {"response_rules": rules},
        ),
        Sensitivity(
            msg("sens: treatment policy"), msg("new therapy is ignored"), {"newtx_strategy_orr": "treatment_policy"}
        ),
        Sensitivity(msg("sens: EVAL-28"), msg("without subjects lacking an assessment in the window"), only="EVAL28FL"),
        *(
            Sensitivity(
                msg("sens: window {days}", days=_days_around(window)),
                msg("day-28 window {wide} to {wide_2}", wide=window[0], wide_2=window[1]),
                {"d28_window": list(window)},
            )
            for window in dict.fromkeys((tuple(analysis.d28_window_narrow), tuple(analysis.d28_window_wide)))
        ),
        Sensitivity(
            msg("sens: nearest assessment"),
            msg("the assessment nearest to day 28, before day {d56_window}", d56_window=analysis.d56_window[0]),
            {"d28_window": [1, analysis.d56_window[0] - 1]},
        ),
        *(
            Sensitivity(
                msg("sens: child rule {rule}", rule=rule),
                msg("child column of lower GI for {whom}", whom=CHILD_RULES[rule]),
                {"child_rule": rule},
            )
            for rule in CHILD_RULES
        ),
        Sensitivity(msg("sens: skin stage 4 or"), msg("skin stage 4 by bullae or desquamation"), {"skin4_rule": "or"}),
        Sensitivity(
            msg("sens: bilirubin 34/51/102/255"),
            msg("liver limits by the factor 17"),
            {"bili_cut_umol": [34, 51, 102, 255]},
        ),
        Sensitivity(
            msg("sens: lower GI worst"), msg("the worse of stool volume and episodes"), {"lgi_conflict": "worst"}
        ),
        Sensitivity(
            msg("sens: steroid ignored"), msg("a steroid increase is ignored"), {"steroid_escalation_is_newtx": False}
        ),
        Sensitivity(
            msg("sens: relapse composite"), msg("relapse is a non-response"), {"relapse_strategy_orr": "composite"}
        ),
        Sensitivity(
            msg("sens: investigator"), msg("the investigator's category at the day-28 assessment"), investigator=True
        ),
    ]
    return [choice for choice in choices if not choice.keys or _changes(choice.keys, analysis)]


def _days_around(window: Sequence[int]) -> str:
    """A window around day 28 in words: `+/-2`, or its days where it is lopsided."""
    before, after = DAY_28 - window[0], window[1] - DAY_28
    return f"+/-{after}" if before == after else f"{window[0]} to {window[1]}"


def _changes(keys: Mapping[str, Any], analysis: Analysis) -> bool:
    return any(getattr(analysis, key) != value for key, value in keys.items())


def sensitivity_responses(
    subjects: pd.DataFrame, study: StudyData, primary: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The response at day 28 of each subject under the primary analysis and each alternative.

    Arguments as for `day28_response`; `primary` is its result where it was derived before. Returns its rows with SENS
    (`primary`, then the names of `sensitivities`), and INSET: Y where the subject is in the denominator. The order of
    SENS is that of the list. An alternative needs what the primary analysis needs: it says what another choice would
    move, which nobody knows where that one is unknown. Who is mature is that of the primary analysis, so that another
    window changes the assessment that counts and not the subjects.
    """
    if not study.protocol.has_endpoint("ORR_D28"):
        return day28_response(subjects, study).assign(SENS="", INSET="")
    treated = treated_subjects(subjects, study.cut_date)
    course = read_course(treated, study.domains, study.analysis)
    primary = response_of(course, study.analysis) if primary is None else primary
    parts = [primary.assign(SENS=PRIMARY, INSET=primary["MAT28FL"])]
    for choice in sensitivities(study.analysis):
        # Fresh validation, so that an alternative obeys the same types as a parameter file.
        changed = Analysis.model_validate({**study.analysis.model_dump(), **choice.keys})
        read = _reread(course, choice, study.domains, changed)
        at = replace(Landmark.day_28(changed), maturity=study.analysis.days_to_maturity_d28)
        response = response_of(read, changed, at, needed(study.analysis)) if choice.keys else primary
        if choice.investigator:
            response = _by_investigator(
                primary, study.domains, treated, unknown=bool(course.lacking & needed(study.analysis))
            )
        parts.append(response.assign(SENS=choice.name, INSET=response[choice.only or "MAT28FL"]))
    names = [PRIMARY, *(choice.name for choice in sensitivities(study.analysis))]
    # Categorical, so that each choice has its results also where nobody is treated.
    return pd.concat(parts, ignore_index=True).assign(SENS=lambda rows: pd.Categorical(rows["SENS"], names))


def _reread(course: Course, choice: Sensitivity, domains: Domains, changed: Analysis) -> Course:
    """The course under changed keys: only what these keys touch is read again."""
    if choice.keys.keys() & set(STAGING_KEYS):
        return replace(course, assessments=staged_assessments(course.treated, domains, changed))
    if THERAPY_KEYS.intersection(choice.keys):
        possible = counted_possible(course.treated, domains, changed)
        return replace(
            course, therapies=counted_therapies(course.treated, domains, changed), possible=possible
        )  # fmt: skip
    return course


def _by_investigator(
    primary: pd.DataFrame, domains: Domains, treated: pd.DataFrame, *, unknown: bool
) -> pd.DataFrame:  # fmt: skip
    """The primary analysis with the investigator's category at the same assessment; death and the like stay.

    `unknown`: a domain that could undo a response was not delivered, so that the investigator's cannot count either.
    """
    said = investigator_responses(domains, treated)
    frame = primary.merge(said.rename(columns={"AVALC": "SAID"}), on=["USUBJID", "ADT"], how="left")
    by_stages = (frame["REASON"].isin(["", "INCOMPLETE"])) & (frame["AVALC"] != PENDING)
    value = frame["AVALC"].mask(by_stages, frame["SAID"].fillna("NR"))
    reason = frame["REASON"].mask(by_stages, "").mask(by_stages & frame["SAID"].isna(), "MISSING")
    undone = by_stages & value.isin(RESPONDERS) & unknown
    value, reason = value.mask(undone, NOT_EVALUABLE), reason.mask(undone, UNDELIVERED)
    return frame.assign(AVALC=value, REASON=reason).drop(columns="SAID")


def category_changes(responses: pd.DataFrame) -> pd.DataFrame:
    """Who changes category or set: SENS USUBJID PRIMARY ALTERNATIVE, one row per change (`sensitivity_responses`)."""
    told = in_words(responses["AVALC"], responses["REASON"])
    outside = (responses["INSET"] != "Y") & (responses["AVALC"] != PENDING)
    frame = responses.assign(TOLD=told.mask(outside, msg("not in the set")))
    primary = frame[frame["SENS"] == PRIMARY].set_index("USUBJID")["TOLD"]
    others = frame[frame["SENS"] != PRIMARY]
    before = others["USUBJID"].map(primary).astype("str")
    changes = pd.DataFrame(
        {"SENS": others["SENS"], "USUBJID": others["USUBJID"], "PRIMARY": before, "ALTERNATIVE": others["TOLD"]}
    )
    return changes[before != others["TOLD"]].reset_index(drop=True)

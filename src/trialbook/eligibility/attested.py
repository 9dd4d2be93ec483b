"""Criteria that only the investigator's answer on the form can decide: EX03, EX14, EX17."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import rel_day
from trialbook.eligibility.conditions import YES, active_since, in_words
from trialbook.eligibility.findings import BY_FORM, Found, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.qualitative import POSITIVE, detection
from trialbook.eligibility.records import condition_records, result_records
from trialbook.eligibility.results_in_window import in_window, window_text
from trialbook.eligibility.screening import Screening
from trialbook.protocol.criteria import Criterion

_STOOL = ("MB", "LB", "IS")


def attested(screening: Screening, criterion: Criterion) -> Found:
    """No data test: the form decides.

    Where the criterion has `information_days`, a death within them is told for information: an outcome never changes
    eligibility.
    """
    people = screening.subjects
    evidence = pd.Series("by the form only", index=people.index, dtype="str")
    if "information_days" in criterion.parameters:
        days = int(number(criterion, "information_days"))
        early = (rel_day(people["DTHDT"], people["TRTSDT"]) <= days).fillna(False).astype(bool)
        evidence = evidence.mask(early, f"by the form only; for information: died within {days} days of the infusion")
    return decide(screening, criterion.id, people[["USUBJID"]].iloc[:0], BY_FORM, evidence)


def gastrointestinal_cause(screening: Screening, criterion: Criterion) -> Found:
    """EX14: the form decides. An enteric pathogen in the eligibility window beside diarrhoea in it is asked about.

    Diarrhoea: an event or history of `diarrhoea_terms` present in the window, or a lower GI stage above 0 in it.
    """
    days = screening.analysis.elig_window_days
    rows = in_window(screening.results(_STOOL, words(criterion, "pathogen_tests")), days)
    read = detection(rows["TEXT"], rows["VALUE"], rows["SIGN"], screening.protocol.code_lists)
    loose, loose_records = _diarrhoea(screening, criterion, days)
    found = rows[read.eq(POSITIVE) & rows["USUBJID"].isin(loose)]
    day = found["ADT"].dt.strftime(" on %Y-%m-%d")
    said = "by the form; for information: " + found["TEST"] + " " + found["TEXT"] + day + " with diarrhoea"
    records = found.assign(DATARESULT=BY_FORM, FLAG="ENTERIC-PATHOGEN", EVIDENCE=said, UNIT="")
    looked_at = [result_records(rows), loose_records[loose_records["USUBJID"].isin(found["USUBJID"])]]
    silent = "by the form; no enteric pathogen with diarrhoea from " + window_text(screening, days)
    return decide(screening, criterion.id, records, BY_FORM, silent, looked_at)


def _diarrhoea(screening: Screening, criterion: Criterion, days: int) -> tuple[set[str], pd.DataFrame]:
    """The subjects with diarrhoea in the window, and the histories and events that say so."""
    back = pd.Timedelta(days=days)
    events = screening.conditions(["MH", "AE", "CE"], words(criterion, "diarrhoea_terms"))
    first = events["ANCHORDT"] - back
    events = events[active_since(events, first, first).eq(YES)]
    stages = screening.stages
    staged = stages[(stages["LGILO"] > 0) & (stages["ADT"] >= stages["ANCHORDT"] - back)]
    return {*events["USUBJID"], *staged["USUBJID"]}, condition_records(events, in_words(events))

"""The eligibility form and documented waivers, and how they are combined with the data (rulebook §1.0, A-15)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date, rel_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.eligibility.conditions import YES, active_since, in_words
from trialbook.eligibility.criterion_results import (
    BY_FORM,
    FAIL,
    PASS,
    Found,
    condition_records,
    decide,
    records,
    result_records,
)
from trialbook.eligibility.criterion_results import NE as NOT_EVALUABLE
from trialbook.eligibility.evidence import WAIVER, free_text, sequence
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening, in_window, window_text
from trialbook.protocol.criteria import Criterion
from trialbook.protocol.models import Protocol
from trialbook.subjects.qualitative import POSITIVE, detection

# ----------------------------------------------------------------------------------------------------
# Criteria that only the investigator's answer on the form can decide: EX03, EX14, EX17.


_STOOL = ("MB", "LB", "IS")


def attested(screening: Screening, criterion: Criterion) -> Found:
    """No data test: the form decides.

    Where the criterion has `information_days`, a death within them is mentioned for information: no outcome changes
    eligibility.
    """
    people = screening.subjects
    evidence = pd.Series(msg("by the form only"), index=people.index, dtype="str")
    if "information_days" in criterion.parameters:
        days = int(number(criterion, "information_days"))
        early = (rel_day(people["DTHDT"], people["TRTSDT"]) <= days).fillna(False).astype(bool)
        evidence = evidence.mask(
            early, msg("by the form only; for information: died within {days} days of the infusion", days=days)
        )
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


# ----------------------------------------------------------------------------------------------------


def form_answers(domains: Domains, protocol: Protocol) -> pd.DataFrame:
    """The last answer of each subject to each criterion: USUBJID CRITERION FORMANSWER (Y/N) SATISFIED (PASS/FAIL), with
    its date FORMDT, sequence number FORMSEQ and the free text FORMTEXT beside it, where these are known.

    For an inclusion Y satisfies it, for an exclusion N does. In this trial IE holds all answers, not only the unmet
    criteria; an answer other than Y or N does not count (A-15).
    """
    kinds = {criterion.id: criterion.kind for criterion in protocol.criteria}
    ie = domains["IE"]
    answer = ie["IEORRES"].str.strip().str.upper()
    rows = ie.assign(CRITERION=ie["IETESTCD"].str.strip().str.upper(), FORMANSWER=answer)
    rows = rows[rows["CRITERION"].isin(kinds) & answer.isin(["Y", "N"])]
    rows = rows.sort_values(["USUBJID", "CRITERION", "IEDTC", "FORMANSWER"], kind="stable", na_position="first")
    rows = rows.drop_duplicates(["USUBJID", "CRITERION"], keep="last")
    met = rows["FORMANSWER"].eq("Y") == rows["CRITERION"].map(kinds).eq("inclusion")
    rows = rows.assign(
        SATISFIED=np.where(met, PASS, FAIL),
        FORMDT=complete_date(rows["IEDTC"]),
        FORMSEQ=sequence(rows, "IE"),
        FORMTEXT=free_text(rows),
    )
    names = ["USUBJID", "CRITERION", "FORMANSWER", "SATISFIED", "FORMDT", "FORMSEQ", "FORMTEXT"]
    return rows[names].reset_index(drop=True)


def waivers(domains: Domains, protocol: Protocol) -> pd.DataFrame:
    """Documented waivers: USUBJID CRITCD EXACT, one row per subject and audit column, and the columns of `RECORD`.

    A deviation record whose term says waiver (`code_lists.waiver`), not that one was refused, and names a criterion or
    one of its columns. EXACT: the column itself is named, not only a criterion that has several.
    """
    dv, words = domains["DV"], protocol.code_lists
    text = dv["DVTERM"].fillna("") + " | " + dv["DVDECOD"].fillna("") + " | " + dv["DVCAT"].fillna("")
    granted = holds_term(text, words.waiver) & ~holds_term(text, words.waiver_refused)
    waived = dv.assign(TEXT=text, SRCDOM="DV", SRCSEQ=dv["DVSEQ"], ADT=complete_date(dv["DVSTDTC"]))[granted]
    parts = []
    for criterion in protocol.criteria if len(waived) else []:
        for column in criterion.audit_columns():
            for name in sorted({column, criterion.id}):
                named = waived["TEXT"].str.contains(rf"(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])", case=False, regex=True)
                if not named.any():
                    continue
                own = waived[named]
                shown = records(own, WAIVER, "waiver", own["DVTERM"].fillna(own["DVDECOD"]))
                parts.append(shown.assign(CRITCD=column, EXACT=name == column))
    if not parts:
        empty = records(waived.iloc[:0], WAIVER, "", "")
        return empty.assign(CRITCD=pd.Series(dtype="str"), EXACT=pd.Series(dtype="bool"))
    found = pd.concat(parts, ignore_index=True).astype({"CRITCD": "str"})
    found = found.sort_values(["USUBJID", "CRITCD", "EXACT"], ascending=[True, True, False], kind="stable")
    return found.drop_duplicates(["USUBJID", "CRITCD"]).reset_index(drop=True)


def combine(adie: pd.DataFrame, *, form_delivered: bool) -> pd.Series:
    """RESULT of each row from DATARESULT, SATISFIED (form), TREATED and WAIVER (EXACT, PART or blank).

    In this order:
    1. data and form agree, or the form is silent: the data's PASS or FAIL.
    2. data and form contradict each other: CONFLICT.
    3. data not evaluable: ATT-FAIL where the form says violated, else NE; PENDING while neither data nor form have come
       and the subject has not been infused.
    4. no data can test it: ATT-PASS or ATT-FAIL by the form; PENDING without an answer; NE without any form.
    A waiver of the column makes it WAIVED; a waiver of its whole criterion does where the part is not a PASS.
    """
    data, form = adie["DATARESULT"], adie["SATISFIED"].fillna("")
    no_answer = form.eq("")
    result = pd.Series("PENDING" if form_delivered else NOT_EVALUABLE, index=adie.index, dtype="str")
    result = result.mask(form.eq(PASS), "ATT-PASS").mask(form.eq(FAIL), "ATT-FAIL")
    waiting = no_answer & ~adie["TREATED"].astype(bool) & adie["SRCDOM"].eq("") & form_delivered
    undecided = data.eq(NOT_EVALUABLE)
    result = result.mask(undecided & ~form.eq(FAIL), NOT_EVALUABLE).mask(undecided & waiting, "PENDING")
    decided = data.isin([PASS, FAIL])
    result = result.mask(decided, data).mask(decided & ~no_answer & form.ne(data), "CONFLICT")
    part = adie["WAIVER"].eq("PART") & ~result.isin([PASS, "ATT-PASS"])
    return result.mask(part | adie["WAIVER"].eq("EXACT"), "WAIVED")


def answer_for_parts(adie: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """SATISFIED of each row, where one answer covers several columns (EX04A to EX04E).

    A form that says violated does not say by which part: where the data already show one, it says nothing against the
    others; nor against those that pass while another could not be evaluated.
    """
    several = [criterion.id for criterion in protocol.criteria if len(criterion.audit_columns()) > 1]
    data, whole = adie["DATARESULT"], [adie["USUBJID"], adie["CRITERION"]]
    shown, open_ = (data.eq(code).groupby(whole).transform("any") for code in (FAIL, NOT_EVALUABLE))
    explained = (shown & data.ne(FAIL)) | (open_ & data.eq(PASS))
    return adie["SATISFIED"].mask(adie["CRITERION"].isin(several) & adie["SATISFIED"].eq(FAIL) & explained, PASS)

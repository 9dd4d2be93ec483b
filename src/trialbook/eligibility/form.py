"""The eligibility form and documented waivers, and how they meet the data (domain document §1.0, A-15)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.dates import complete_date
from trialbook.domains import Domains
from trialbook.eligibility.evidence import WAIVER, free_text, sequence
from trialbook.eligibility.findings import FAIL, PASS
from trialbook.eligibility.findings import NE as NOT_EVALUABLE
from trialbook.eligibility.records import records
from trialbook.protocol.models import Protocol
from trialbook.terms import holds_term

RESULTS = ("PASS", "FAIL", "NE", "ATT-PASS", "ATT-FAIL", "CONFLICT", "WAIVED", "PENDING")


def form_answers(domains: Domains, protocol: Protocol) -> pd.DataFrame:
    """The last answer of each subject to each criterion: USUBJID CRITERION FORMANSWER (Y/N) SATISFIED (PASS/FAIL), with
    its date FORMDT, sequence number FORMSEQ and the free text FORMTEXT beside it, where these are known.

    For an inclusion Y satisfies it, for an exclusion N does. In this trial IE holds all answers, not only the unmet
    criteria; an answer other than Y or N is no answer (A-15).
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

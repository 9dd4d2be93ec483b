"""Questions to the site that the audit raises: contradictions, treated violations, gaps and doubtful records."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.messages import joined, msg
from trialbook.eligibility.registry import undelivered_cause
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import CONSEQUENCE, Query, QueryTexts

TEXTS = QueryTexts("queries/texts/eligibility.yaml")
SHARED_TEXTS = QueryTexts("queries/texts/shared.yaml")
# A doubt in the data, and the rule that asks about it.
DOUBTS = {
    "NO-LIMIT": "P15-LB-LIMIT-MISSING",
    "MIXED-LIMIT": "P13-LB-LIMIT-OF-OTHER-TEST",
    "CENSORED": "P14-LB-BOUND-UNDECIDED",
    "UNIT": "P13-LB-UNIT-UNKNOWN",
    "SIZE-MISSING": "P32-VS-SIZE-MISSING",
    "FORMS-DIFFER": "P13-LB-CLEARANCE-FORMS-DIFFER",
    "INDETERMINATE": "P14-LB-INDETERMINATE",
    "DNA-WITHOUT-HBSAG": "ELIG-HBV-DNA-WITHOUT-HBSAG",
    "HCG-MISSING": "ELIG-HCG-MISSING",
    "SEX-NOT-KNOWN": "ELIG-SEX-NOT-KNOWN",
    "HAEMOLYSED": "ELIG-HAEMOLYSED-SAMPLE",
    "HYPERTENSION": "ELIG-PRESSURE-ON-THREE-CLASSES",
    "ENTERIC-PATHOGEN": "ELIG-ENTERIC-PATHOGEN",
    "PROCEDURE-BEFORE-CONSENT": "ELIG-PROCEDURE-BEFORE-CONSENT",
    "PROTOCOL-VERSION": "ELIG-PROTOCOL-VERSION",
    "DATES-OR-GRADE": "ELIG-RECORD-LEFT-OPEN",
    "CONSENT-DATE": "P05-DM-CONSENT-DATE",
    "GUARDIAN": "ELIG-GUARDIAN-OR-ASSENT",
    "AGE": "P06-DM-AGE-UNDECIDED",
    "NO-SUCH-SCORE": "P27-RS-NO-SUCH-SCORE",
    "ORGAN-MISSING": "P27-RS-ORGAN-MISSING",
    "GRADE-DIFFERS": "P28-RS-GRADE-DIFFERS",
}
# Marks that a reader should see and that ask nothing of the site.
REMARKS = ("HBSAG-CARRIER",)


def eligibility_queries(
    adie: pd.DataFrame, adsl: pd.DataFrame, domains: Domains | None = None, protocol: Protocol | None = None
) -> list[Query]:
    """Questions in order of subject and criterion.

    CONFLICT always; a criterion not met, or not evaluable, of an infused subject; and every doubt that a record raises.
    Where a criterion is not evaluable only because a domain was not delivered, the domain is asked about once, for all
    subjects and criteria (known from `domains` and `protocol`; without them every cell is asked about).
    """
    infused = set(adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"])
    asked: list[Query] = []
    if domains is not None and protocol is not None:
        cause = undelivered_cause(adie, domains, protocol)
        unknown = cause.ne("")
        left_open = unknown & adie["USUBJID"].isin(infused)
        asked += _not_delivered(adie[left_open], cause[left_open])
        adie = adie[~unknown]
    for row in adie.itertuples():
        asked += _about_result(row, row.USUBJID in infused)
        asked += _about_record(row)
    return asked


def _not_delivered(rows: pd.DataFrame, cause: pd.Series) -> list[Query]:
    """For each domain that was not delivered: which criteria of how many infused subjects it leaves open."""
    asked, order = [], sorted(rows["CRITCD"].unique(), key=lambda code: (code[:2] != "IN", code))
    for domain, own in rows.groupby(cause, sort=True):
        criteria = ", ".join(code for code in order if code in set(own["CRITCD"]))
        people = own["USUBJID"].nunique()
        asked.append(TEXTS.query(
            CONSEQUENCE, "", str(domain), observed=msg("domain not delivered"), criteria=criteria, people=people
        ))  # fmt: skip
    return asked


def _about_result(row: Any, infused: bool) -> list[Query]:
    if row.RESULT == "CONFLICT":
        return [_on_form(row, "P33-IE-CONFLICT")]
    if infused and row.RESULT in ("FAIL", "ATT-FAIL"):
        return [_on_form(row, "P33-IE-VIOLATION")]
    if infused and row.RESULT in ("NE", "PENDING") and row.FLAG in ("", *REMARKS):
        return [_on_form(row, "P33-IE-NOT-EVALUABLE")]
    return []


# The answer on the form, as other languages say it.
ON_FORM = {"Y": msg("form Y"), "N": msg("form N"), "": msg("form blank")}


def _on_form(row: Any, rule: str) -> Query:
    answer = ON_FORM.get(row.FORMANSWER) or msg("form {answer}", answer=row.FORMANSWER)
    return TEXTS.query(
        rule, row.USUBJID, record=f"CRITCD={row.CRITCD}", observed=joined([answer, row.EVIDENCE], "; "),
        expected=row.RULE, criterion=row.CRITCD,
    )  # fmt: skip


def _about_record(row: Any) -> list[Query]:
    if row.FLAG == "" or row.FLAG in REMARKS:
        return []
    domain = row.SRCDOM or "IE"
    record = "" if domain == "DM" else f"CRITCD={row.CRITCD}" if pd.isna(row.SRCSEQ) else f"{domain}SEQ={row.SRCSEQ}"
    rule = DOUBTS[row.FLAG]
    shared = SHARED_TEXTS.area.rules.get(rule)
    texts, field = (SHARED_TEXTS, shared.field) if shared else (TEXTS, "")
    asked = texts.query(
        rule, row.USUBJID, domain, record=record, field=field, observed=row.EVIDENCE, expected=row.RULE,
        criterion=row.CRITCD,
    )  # fmt: skip
    return [asked]

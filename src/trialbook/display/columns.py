"""The names of columns for readers, with their units and decimals: one label for one column, in every table.

A column of a dataset, a listing or the data of a figure is named here once; a table asks for its labels by column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trialbook.core.messages import msg
from trialbook.eligibility.audit_results import RESULT_WORDS
from trialbook.gvhd.response_rules import RESPONSE_WORDS
from trialbook.safety.ctcae import test_name
from trialbook.subjects.dlt_status import STATUS_WORDS

LABELS: dict[str, str] = {
    # Subjects (ADSL)
    "USUBJID": "Subject (unique)", "SUBJID": "Subject", "SUBJECT": "Subject", "subject": "Subject",
    "TRT01A": "Dose level", "TRT01P": "Planned level", "LEVEL": "Dose level", "level": "Dose level",
    "SEX": "Sex", "AGE": "Age, years", "AGEGR1": "Age group", "RACE": "Race", "SITEID": "Site",
    "SAFFL": "Treated", "MAT28FL": "Mature for day 28", "EVAL28FL": "Evaluable at day 28", "PPFL": "Per protocol",
    "TRTSDT": "First infusion", "DTHFL": "Died", "DTHDT": "Death", "LSTALVDT": "Last known alive",
    # Times
    "ADT": "Date", "ADY": "Study day (CDISC)", "RELDAY": "On day", "DAY": "Day", "day": "Day", "AVAL": "Day",
    "CNSR": "Censored", "MATURE": "Counts from", "DAYS_AGO": "Days before the cut", "STALE": "Too long ago",
    "LEFT": "Left the trial", "FIRST": "First response, day", "START": "From", "END": "To", "DAYS": "Days",
    "SOURCE": "Record", "EVNTDESC": "Event", "ENDING": "How it ends",
    # Response (ADRS)
    "PARAMCD": "Parameter", "SENS": "Choice of rules", "AVALC": "Response", "REASON": "Reason", "EVENT": "Event",
    "BASESTG": "Baseline", "D28STG": "Day 28", "RSPINV": "Investigator", "NOTE": "Note", "WHY": "Why",
    "COUNTED": "Counted as", "LEAST": "Least favourable", "MOST": "Most favourable", "OPEN": "What is open",
    "BOR": "Best response", "VGPR": "VGPR", "ORGANS": "Organs at day 28", "DURABLE": "Durable to day 56",
    "STEROIDS": "Steroids (mg/kg/day)", "CATEGORY": "Response", "RESPONSE": "Response", "SUBJECTS": "Subjects",
    "LABEL": "Response and reason", "DERIVED": "By stages", "DAY14": "Day 14",
    # Figures of the response
    "ORGAN": "Organ", "STAGE": "Stage", "KIND": "What", "VALUE": "Value", "CHANGE": "Change",
    # Adverse events and laboratory (ADAE, ADLB)
    "AETERM": "Reported term", "AEDECOD": "Preferred term", "AEBODSYS": "System organ class", "ABODSYS": "Class",
    "ADECOD": "Preferred term", "ATOXGR": "Grade", "ASER": "Serious", "AREL": "Relationship", "ASTDT": "Start",
    "AENDT": "End", "ASTDY": "Start, study day (CDISC)", "AENDY": "End, study day (CDISC)", "INFDY": "Days since the "
    "last infusion", "INFNO": "Infusion", "INFHRS": "Hours since the infusion", "AEOUT": "Outcome",
    "INFCAT": "Kind of infection", "AESICAT": "Category of special interest",
    # Survival
    "n_risk": "At risk", "n_event": "Events up to this day", "n_censor": "Censored", "survival": "S(t)",
    "low": "Lower 95% limit", "high": "Upper 95% limit", "median": "Median, days",
    "incidence": "Cumulative incidence", "event": "Event",
    "status": "Status", "response": "Response at day 28", "day_of_event": "Day of the event",
    # Results
    "n": "Subjects", "N": "Of", "n_low": "At least", "n_high": "At most", "share": "Share", "events": "Events",
    "pending": "Pending", "unknown": "Not known whether counted", "estimate": "Estimate", "group": "Group",
}  # fmt: skip
# Decimals of numbers that are no whole numbers.
DECIMALS: dict[str, int] = dict.fromkeys(
    ("estimate", "low", "high", "survival", "incidence", "share", "ESTIMATE", "LOW", "HIGH"), 3
)


# What says whose record it is, and what it is about, comes first in every listing, in this order.
KEYS = (
    ("SUBJID", "USUBJID", "SUBJECT", "subject"),
    ("TRT01P", "TRT01A", "LEVEL", "level"),
    ("AEDECOD", "ADECOD", "TERM", "DRUG", "CRITCD", "TEST"),
    ("GRADE", "ATOXGR"),
    ("RELDAY", "DAY", "day"),
)


# Columns of codes of laboratory tests, of answers Y and N in listings, and of results of the eligibility audit.
TESTS = ("TEST", "PARAMCD", "test")
ANSWERS = ("DLTCAND", "DLTFL", "COUNTED", "REPLACE", "BACKFL", "STALE", "VGPR", "DURABLE", "FORMANSWER",
           "RELAPSE")  # fmt: skip
ANSWER_WORDS = {"Y": msg("yes"), "N": msg("no")}
AUDITED = "RESULT"


def code_words(column: str, cell: str) -> str:
    """What a cell of a table says in place of a code that is no abbreviation of the field; any other cell as it is.

    >>> code_words("TEST", "K_LOW"), code_words("AVALC", "PENDING"), code_words("AVALC", "CR")
    ('Potassium, low', 'pending', 'CR')
    >>> code_words("REPLACE", "Y"), code_words("RESULT", "ATT-FAIL")
    ('yes', 'violated by the form')
    >>> code_words("DLTSTAT", "NO-DLT")
    'no DLT'
    """
    if column in TESTS:
        return test_name(cell)
    if column == "DLTSTAT":
        return STATUS_WORDS.get(cell, cell)
    if column in ANSWERS and cell in ANSWER_WORDS:
        return ANSWER_WORDS[cell]
    return RESULT_WORDS[cell] if column == AUDITED and cell in RESULT_WORDS else RESPONSE_WORDS.get(cell, cell)


def in_key_order(columns: Iterable[str]) -> list[str]:
    """The columns of a listing: the keys first (subject, level, what, grade, day), the others as they were.

    >>> in_key_order(["AESEQ", "RELDAY", "AEDECOD", "SUBJID"])
    ['SUBJID', 'AEDECOD', 'RELDAY', 'AESEQ']
    """
    places = {name: place for place, names in enumerate(KEYS) for name in names}
    return sorted(columns, key=lambda name: places.get(name, len(KEYS)))


def column_labels(columns: Iterable[str], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The label of each column that has one; `own` goes before.

    >>> column_labels(["SUBJID", "MINE"], {"MINE": "My column"})
    {'SUBJID': 'Subject', 'MINE': 'My column'}
    """
    known = {**LABELS, **(own or {})}
    return {name: known[name] for name in map(str, columns) if name in known}


def column_decimals(columns: Iterable[str]) -> dict[str, int]:
    """The decimals of the columns that have a fixed number of them."""
    return {name: DECIMALS[name] for name in map(str, columns) if name in DECIMALS}

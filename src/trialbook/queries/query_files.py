"""The query list as files: a workbook with a sheet for each recipient and site, and a file that an EDC can import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from trialbook.core.translations import chinese
from trialbook.queries.files import write_sheets
from trialbook.queries.life import OPEN
from trialbook.queries.rule_texts import RECIPIENTS
from trialbook.queries.worded import values_in

QUERIES, FOR_EDC, HISTORY_FILE = "queries.csv", "queries_edc.csv", "query_history.csv"
SHEET = "Queries"
# Column of the file for an EDC: the column of the query list that fills it.
EDC_COLUMNS = {
    "StudyOID": "", "SiteID": "site", "SubjectID": "subject", "Domain": "domain", "RecordKey": "record",
    "Item": "field", "QueryID": "query_id", "QueryText": "message_en", "QueryTextZH": "message_zh", "Value": "observed",
    "Expected": "expected", "Severity": "severity", "Recipient": "recipient", "Status": "state",
    "OpenedOn": "first_seen", "DueOn": "due",
}  # fmt: skip
# A sheet has a short name without these signs.
_NOT_IN_A_NAME, _LONGEST_NAME = re.compile(r"[\[\]:*?/\\']"), 31


def sites_of(dm: pd.DataFrame) -> dict[str, str]:
    """The site of each subject, by USUBJID; none where DM does not give it.

    >>> sites_of(pd.DataFrame({"USUBJID": ["S1", "S2"], "SITEID": ["01", None]}))
    {'S1': '01'}
    """
    if not {"USUBJID", "SITEID"} <= set(dm.columns):
        return {}
    known = dm[["USUBJID", "SITEID"]].dropna().astype("str")
    return dict(zip(known["USUBJID"], known["SITEID"], strict=True))


def query_sheets(listed: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The sheets of the workbook: the whole list, then the open questions of each recipient, and of each site where
    there is more than one. A question may be answered on any of them.
    """
    yield SHEET, listed
    is_open = listed[listed["status"].eq(OPEN)]
    for recipient in RECIPIENTS:
        own = is_open[is_open["recipient"].eq(recipient)]
        if len(own):
            yield f"To the {recipient}", own
    sites = sorted(site for site in listed["site"].unique() if site)
    for site in sites if len(sites) > 1 else ():
        own = is_open[is_open["site"].eq(site) & is_open["recipient"].eq("site")]
        if len(own):
            yield _NOT_IN_A_NAME.sub("_", f"Site {site}")[:_LONGEST_NAME], own


def write_query_workbook(listed: pd.DataFrame, path: Path, cut_date: str) -> None:
    """Writes the workbook of the query list: the sheets of `query_sheets`, values in Chinese beside the questions."""
    shown = listed.copy()
    shown.insert(list(shown.columns).index("message_zh") + 1, "observed_zh", values_in(listed, chinese()))
    write_sheets(dict(query_sheets(shown)), path, cut_date)


def for_edc(listed: pd.DataFrame, study: str) -> pd.DataFrame:
    """The open questions to the site as a file that an EDC can import: one line per question, columns `EDC_COLUMNS`.

    `study` is the id of the study in each line. Questions to others are no matter of the EDC.
    """
    own = listed[listed["status"].eq(OPEN) & listed["recipient"].eq("site")]
    columns = {name: own[column] if column else study for name, column in EDC_COLUMNS.items()}
    return pd.DataFrame(columns, index=own.index, columns=list(EDC_COLUMNS)).reset_index(drop=True)

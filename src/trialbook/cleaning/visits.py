"""Laboratory samples whose visit and date disagree (P17): the date of the result, or the label of another visit."""

from __future__ import annotations

import pandas as pd

from trialbook.cleaning.rules import ask
from trialbook.dates import complete_date
from trialbook.domains import Domains
from trialbook.results.queries import Query

# A sample dated so many days after its visit carries the date on which its result came.
RESULT_DELAY = 1
_UNPLANNED = "UNSCHEDULED"


def visit_queries(domains: Domains) -> list[Query]:
    """Questions about LB records against the visits of SV, one per subject, visit and date.

    The analysis uses the date of the sample and never the label, so a label alone changes no result. Asked is

    | label, its visit on | sample dated | another visit on | question                |
    |---------------------|--------------|------------------|-------------------------|
    | DAY 7, 17 Jan       | 18 Jan       |                  | P17-LB-RESULT-DATE      |
    | DAY 7, 17 Jan       | 23 Jan       | DAY 14, 24 Jan   | P17-LB-OTHER-VISIT      |
    | DAY 7, 17 Jan       | 19 Jan       | DAY 14, 24 Jan   |                         |
    | UNSCHEDULED         | 19 Jan       |                  |                         |
    """
    lb, sv = domains["LB"], domains["SV"]
    held = _by_visit(sv, "SVSTDTC").drop_duplicates(["USUBJID", "VISIT"])
    planned = ~held["VISIT"].str.upper().str.startswith(_UNPLANNED)
    held = held[planned].rename(columns={"DAY": "HELD"})
    taken = _by_visit(lb, "LBDTC").groupby(["USUBJID", "VISIT", "DAY"]).size().rename("RESULTS").reset_index()
    labelled = taken.merge(held, on=["USUBJID", "VISIT"])
    labelled["OFF"] = (labelled["DAY"] - labelled["HELD"]).dt.days
    others = labelled.merge(held, on="USUBJID", suffixes=("", "_OTHER"))
    others["OFF_OTHER"] = (others["DAY"] - others["HELD_OTHER"]).dt.days.abs()
    nearest = others.sort_values(["USUBJID", "VISIT", "DAY", "OFF_OTHER", "HELD_OTHER"], kind="stable")
    nearest = nearest.drop_duplicates(["USUBJID", "VISIT", "DAY"])
    elsewhere = nearest["OFF_OTHER"] < nearest["OFF"].abs()
    delayed = ~elsewhere & nearest["OFF"].eq(RESULT_DELAY)
    return [
        *_ask("P17-LB-OTHER-VISIT", nearest[elsewhere], "VISIT", "the visit of that date is {VISIT_OTHER}"),
        *_ask("P17-LB-RESULT-DATE", nearest[delayed], "LBDTC", "the visit was on {HELD:%Y-%m-%d}"),
    ]


def _by_visit(frame: pd.DataFrame, date: str) -> pd.DataFrame:
    """Records that name a visit and have a complete date: USUBJID VISIT DAY."""
    rows = pd.DataFrame({"USUBJID": frame["USUBJID"], "VISIT": frame["VISIT"], "DAY": complete_date(frame[date])})
    return rows.dropna()


def _ask(rule: str, rows: pd.DataFrame, field: str, words: str) -> list[Query]:
    records = [
        (row.USUBJID, f"VISIT={row.VISIT} {row.DAY:%Y-%m-%d}", f"{row.RESULTS} results dated {row.DAY:%Y-%m-%d}; "
         + words.format(**row._asdict()))
        for row in rows.itertuples(index=False)
    ]  # fmt: skip
    return ask(rule, "LB", records, field)

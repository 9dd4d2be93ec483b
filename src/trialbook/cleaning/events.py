"""Adverse events that contradict themselves or miss what counts them (P19, P20, P23, P24)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.rules import ask
from trialbook.dates import ONE_DAY, earliest_date, latest_date
from trialbook.domains import Domains
from trialbook.results.queries import Query

CRITERIA = ["AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE"]
RESOLVED = ("RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE", "FATAL")


def event_queries(domains: Domains) -> list[Query]:
    """Questions about AE records, at the cut; partial dates contradict only where every reading of them does."""
    ae = domains["AE"]
    dm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    death = latest_date(ae["USUBJID"].map(dm["DTHDTC"]).astype("str"))
    start, end = earliest_date(ae["AESTDTC"]), latest_date(ae["AEENDTC"])
    ongoing, fatal = ae["AEENRTPT"].eq("ONGOING"), ae["AEOUT"].eq("FATAL")
    criterion = ae[CRITERIA].eq("Y").any(axis=1)
    found = (
        ("P19-AE-END-BEFORE-START", end < start, "AEENDTC"),
        ("P19-AE-END-AFTER-DEATH", earliest_date(ae["AEENDTC"]) > death, "AEENDTC"),
        ("P19-AE-ONGOING-AT-DEATH", ongoing & death.notna() & ~fatal, "AEENRTPT"),
        ("P20-AE-ONGOING-WITH-END", ongoing & end.notna(), "AEENDTC"),
        ("P20-AE-RESOLVED-NO-END", ae["AEOUT"].isin(RESOLVED) & ~fatal & end.isna(), "AEENDTC"),
        ("P23-AE-RELATION-MISSING", ae["AEREL"].isna(), "AEREL"),
        ("P23-AE-SERIOUS-MISSING", ae["AESER"].isna(), "AESER"),
        ("P23-AE-SERIOUS-CRITERION", ae["AESER"].eq("N") & criterion, "AESER"),
    )
    queries = [query for rule, rows, field in found for query in _ask(rule, ae[rows], field)]
    return [*queries, *_near_duplicates(ae)]


def _near_duplicates(ae: pd.DataFrame) -> Iterator[Query]:
    """P24, §3.8: same subject and term, starts at most a day apart, overlapping, and not of one episode (AESPID)."""
    later = pd.Timestamp.max.normalize().as_unit("s")
    term = ae["AEDECOD"].fillna(ae["AETERM"])
    frame = ae.assign(
        TERM=term.str.upper(), START=earliest_date(ae["AESTDTC"]), END=latest_date(ae["AEENDTC"]).fillna(later)
    )
    frame = frame.dropna(subset=["START", "TERM"]).sort_values(["USUBJID", "TERM", "START", "AESEQ"], kind="stable")
    before = frame.groupby(["USUBJID", "TERM"])[["START", "END", "AESPID", "AESEQ"]].shift()
    close = (frame["START"] - before["START"] <= ONE_DAY) & (frame["START"] <= before["END"])
    episode = frame["AESPID"].notna() & frame["AESPID"].eq(before["AESPID"])
    near = frame[close & ~episode]
    other = "AESEQ=" + before.loc[near.index, "AESEQ"].astype("str")
    rows = zip(near["USUBJID"], record_keys("AE", near), other, strict=True)
    yield from ask("P24-AE-NEAR-DUPLICATE", "AE", rows, "AESTDTC")


def _ask(rule: str, rows: pd.DataFrame, field: str) -> list[Query]:
    if rows.empty:
        return []
    observed = rows[field].fillna("")
    return ask(rule, "AE", zip(rows["USUBJID"], record_keys("AE", rows), observed, strict=True), field)

"""Infusions: the first one must have a date (P11 STOP); dates, doses, times and weights must make sense (P11, P12)."""

from __future__ import annotations

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.problems import ask
from trialbook.core.dates import complete_date, earliest_date, latest_date, time_of_day
from trialbook.core.domains import Domains
from trialbook.core.errors import StopError
from trialbook.protocol.analysis import Analysis
from trialbook.queries.query_list import Query
from trialbook.subjects.dosing import same_bag
from trialbook.subjects.weights import last_on_or_before, weights


def check_first_infusions(domains: Domains, file: str) -> None:
    """Raises StopError (P11) where a treated subject's first infusion has no complete date: it is never imputed.

    The first infusion is the one with the lowest EXSEQ among those with EXDOSE > 0; where a later one lacks its date,
    the subject's day 0 is still known, and that is asked, not stopped.
    """
    given = domains["EX"].loc[domains["EX"]["EXDOSE"] > 0]
    first = given.sort_values(["USUBJID", "EXSEQ", "SRCROW"], kind="stable").drop_duplicates("USUBJID")
    undated = first[complete_date(first["EXSTDTC"]).isna()].sort_values("SRCROW")
    if len(undated):
        row = undated.iloc[0]
        raise StopError(
            f"the first infusion of the treated subject {row['USUBJID']} has no complete date",
            file=file, row=int(row["SRCROW"]), column="EXSTDTC",
            value=None if pd.isna(row["EXSTDTC"]) else row["EXSTDTC"], rule="P11-NO-FIRST-INFUSION-DATE",
            next_step="enter the date of the first infusion; it is never imputed",
        )  # fmt: skip


def check_treated_have_infusions(domains: Domains, levels: list[str], file: str) -> None:
    """Raises StopError (P11) for a subject whose actual arm is a dose level and who has no infusion record at all.

    An EX without any given dose is a trial that has not begun: then nobody is treated, and nothing stops. A dose of 0
    (planned, not given) is a record: that contradiction is asked about with the subject's dose level.
    """
    dm, ex = domains["DM"], domains["EX"]
    if not (ex["EXDOSE"] > 0).any():
        return
    without = dm[dm["ACTARMCD"].isin(levels) & ~dm["USUBJID"].isin(ex["USUBJID"])]
    if len(without):
        row = without.iloc[0]
        raise StopError(
            f"the subject {row['USUBJID']} is treated by its actual arm and has no infusion in EX", file=file,
            row=int(row["SRCROW"]), column="ACTARMCD", value=row["ACTARMCD"], rule="P11-NO-FIRST-INFUSION-DATE",
            next_step="deliver the infusions of the subject, or NOTTRT where none was given",
        )  # fmt: skip


def exposure_queries(domains: Domains, analysis: Analysis) -> list[Query]:
    """Questions about infusions: before consent, end before start, no time, one record twice, no date, dose or weight.

    Several records of one day are the bags of one infusion (A-160); only such as are the same in every value are asked
    about, since one bag may have been entered twice.
    """
    ex = domains["EX"]
    signed = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")["RFICDTC"]
    consent = latest_date(ex["USUBJID"].map(signed).astype("str"))
    given = ex["EXDOSE"] > 0
    start, day = complete_date(ex["EXSTDTC"]), earliest_date(ex["EXSTDTC"])
    ends = latest_date(ex["EXENDTC"])
    minutes = time_of_day(ex["EXENDTC"]) - time_of_day(ex["EXSTDTC"])
    dosed = ex.assign(EXSTDT=start)[given & start.notna()]
    twice = same_bag(dosed).reindex(ex.index, fill_value=False)
    found = {
        "P11-EX-BEFORE-CONSENT": given & (start < consent),
        "P11-EX-END-BEFORE-START": (ends < day) | ((ends == start) & (minutes < 0)),
        "P11-EX-NO-TIME": given & start.notna() & time_of_day(ex["EXSTDTC"]).isna(),
        "P11-EX-SAME-DAY": twice,
        "P11-EX-UNDATED": given & start.isna(),
    }
    queries = [q for rule, rows in found.items() for q in _ask(rule, ex[rows], "EXSTDTC")]
    queries += _ask("P12-EX-DOSE-MISSING", ex[ex["EXDOSE"].isna()], "EXDOSE")
    return [*queries, *_ask("P32-WEIGHT-MISSING", _unweighed(ex[given], domains, analysis), "EXDOSE")]


def _unweighed(given: pd.DataFrame, domains: Domains, analysis: Analysis) -> pd.DataFrame:
    """P32: infusions of cells without a body weight within `weight_window_days` before; none where VS is missing."""
    cells = given["EXDOSU"].fillna("").str.contains("cells", regex=False) & complete_date(given["EXSTDTC"]).notna()
    asked = given[cells]
    if not domains.delivered("VS"):
        return asked.iloc[:0]
    days = pd.DataFrame({"USUBJID": asked["USUBJID"], "DAY": complete_date(asked["EXSTDTC"])})
    return asked[last_on_or_before(days, weights(domains), analysis.weight_window_days)["VALUE"].isna()]


def _ask(rule: str, rows: pd.DataFrame, field: str) -> list[Query]:
    if rows.empty:
        return []
    observed = rows[field].astype("str").fillna("")
    return ask(rule, "EX", zip(rows["USUBJID"], record_keys("EX", rows), observed, strict=True), field)

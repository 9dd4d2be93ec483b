"""The adverse events that the DLT determination uses: candidates, the committee's answers, and questions (§4.1)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.safety.adjudication import adjudicated_dlt, contradicted, flags_without_event
from trialbook.safety.dlt_candidates import IN, NO_GRADE, OUT, UNRESOLVED, dlt_candidates, first_case

TEXTS = QueryTexts("queries/texts/dlt.yaml")
COLUMNS = [
    "USUBJID", "TRT01A", "AESEQ", "AEDECOD", "GRADE", "AEREL", "AESTDTC", "AEENDTC", "ONSETWIN", "ONSETDT",
    "DLTCAND", "DLTFL", "REASON", "ROLE", "KNOWNDT",
]  # fmt: skip
NO_ANSWER = "the committee's flag has no readable answer"
# What an event means for its subject, the strongest first; "" = nothing.
CONFIRMED, AWAITED, UNDATED, UNGRADED, OUTSIDE = "CONFIRMED", "AWAITED", "UNDATED", "UNGRADED", "OUTSIDE"
UNNAMED = "UNNAMED"
NO_EVENT = "event not in AE"


def dlt_events(adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """Events with a reason or a committee's flag, of treated subjects: one row each, sorted by USUBJID and AESEQ.

    DLTFL is the committee's flag (SUPPAE AEDLT, Y or N), the analysis value. ROLE, by the first case that fits:

    | ROLE      | rule                                                                                  |
    |-----------|---------------------------------------------------------------------------------------|
    | CONFIRMED | flag Y, onset in the window                                                           |
    | AWAITED   | candidate without a flag, onset in the window: counted as DLT until adjudicated (A-71);|
    |           | so is an event with a flag that is neither Y nor N: its answer is missing (A-138)      |
    | UNDATED   | flag Y or candidate without a flag, and a partial date decides in or out (A-65)       |
    | OUTSIDE   | flag Y, onset outside the window: not a DLT of the window, asked about                |
    | UNNAMED   | flag Y that names no record of AE: counted as DLT until the event is named (A-161)    |
    | UNGRADED  | related, in the window, without grade and flag: the window cannot be closed           |
    | blank     | flag N, or no candidate                                                               |

    KNOWNDT is the day from which the event could be known: its reporting date (AEDTC) where the export has one, else
    the earliest day of onset. When the committee decided is not in the data.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    ae = domains["AE"][domains["AE"]["USUBJID"].isin(treated["USUBJID"])]
    ae = ae.sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    found = dlt_candidates(ae, treated, domains, protocol, analysis)
    level = treated.set_index("USUBJID")["TRT01A"].reindex(ae["USUBJID"]).set_axis(ae.index)
    events = ae.assign(TRT01A=level, **found.drop(columns=["USUBJID", "AESEQ"]))
    events = events.assign(DLTFL=adjudicated_dlt(events, domains["SUPPAE"]))
    unread = _unread_flag(events, domains["SUPPAE"])
    possible = unread & events["DLTFL"].eq("") & events["DLTCAND"].eq("") & events["ONSETWIN"].ne(OUT)
    events = events.assign(
        DLTCAND=events["DLTCAND"].mask(possible, "Y"), REASON=events["REASON"].mask(possible, NO_ANSWER)
    )
    events = events.assign(KNOWNDT=_known_from(events))
    events = events.assign(ROLE=_roles(events), AEDECOD=events["AEDECOD"].fillna(events["AETERM"]))
    kept = events.loc[events["REASON"].ne("") | events["DLTFL"].ne(""), COLUMNS]
    unnamed = _unnamed(ae, treated, domains)
    # An empty part would change the types of the columns.
    parts = [part for part in (kept, unnamed) if len(part)]
    return pd.concat(parts, ignore_index=True) if len(unnamed) else kept.reset_index(drop=True)


def _unnamed(ae: pd.DataFrame, treated: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """Flags Y of treated subjects that no record of AE can be found for; known, at the earliest, from day 0."""
    lost = flags_without_event(ae, domains["SUPPAE"]).merge(treated[["USUBJID", "TRT01A", "TRTSDT"]], on="USUBJID")
    rows = lost.assign(
        AEDECOD=NO_EVENT, ONSETWIN=UNRESOLVED, DLTCAND="", DLTFL="Y", REASON="", ROLE=UNNAMED,
        KNOWNDT=lost["TRTSDT"].astype("datetime64[s]"),
    )  # fmt: skip
    return rows.reindex(columns=COLUMNS).astype({"AESEQ": "Int64", "GRADE": "Int64", "ONSETDT": "datetime64[s]"})


def _known_from(events: pd.DataFrame) -> pd.Series:
    first = events["FIRSTDT"]
    if "AEDTC" not in events.columns:
        return first
    reported = complete_date(events["AEDTC"])
    return first.mask(reported > first, reported).astype("datetime64[s]")


def dlt_event_queries(events: pd.DataFrame, domains: Domains) -> Iterator[Query]:
    """Questions about single events: flag missing, contradictory or outside the window; date or grade that decides."""
    both = {(subject, f"AESEQ={number}") for subject, number in contradicted_events(domains)}
    for row in events[events["ROLE"].ne(UNNAMED)].itertuples():
        record = f"AESEQ={row.AESEQ}"
        if (row.USUBJID, record) in both:
            yield TEXTS.query("DLT-FLAG-CONFLICT", row.USUBJID, record=record, observed="Y and N")
        if row.ROLE in QUESTIONS:
            yield TEXTS.query(QUESTIONS[row.ROLE], row.USUBJID, record=record, observed=_observed(row))


def _roles(events: pd.DataFrame) -> pd.Series:
    yes, open_ = events["DLTFL"].eq("Y"), events["DLTFL"].eq("")
    candidate = events["DLTCAND"].eq("Y") & open_
    window = events["ONSETWIN"]
    cases = [
        (yes & window.eq(IN), CONFIRMED),
        (candidate & window.eq(IN), AWAITED),
        ((yes | candidate) & window.eq(UNRESOLVED), UNDATED),
        (yes & window.eq(OUT), OUTSIDE),
        (events["REASON"].eq(NO_GRADE) & open_, UNGRADED),
    ]
    return first_case(cases)


QUESTIONS = {
    AWAITED: "A71-DLT-NOT-ADJUDICATED", UNDATED: "A65-DLT-ONSET-UNRESOLVED", OUTSIDE: "DLT-FLAG-OUTSIDE-WINDOW",
    UNGRADED: "DLT-GRADE-MISSING",
}  # fmt: skip


def _observed(row: object) -> object:
    """The value that raises the question: the onset as entered, or blank where a value is missing."""
    return getattr(row, "AESTDTC", "") if getattr(row, "ROLE", "") in (UNDATED, OUTSIDE) else ""


def _unread_flag(events: pd.DataFrame, suppae: pd.DataFrame) -> pd.Series:
    """Which events have a flag AEDLT that is neither Y nor N."""
    unread = suppae[suppae["QNAM"].str.upper().eq("AEDLT") & ~suppae["QVAL"].str.upper().str.strip().isin(["Y", "N"])]
    if unread.empty:
        return pd.Series(False, index=events.index)
    return adjudicated_dlt(events, unread.assign(QVAL=pd.Series("Y", index=unread.index, dtype="str"))).eq("Y")


def contradicted_events(domains: Domains) -> set[tuple[str, int]]:
    """USUBJID and AESEQ of the events that carry both flags, Y and N."""
    return domains.once(_contradicted_events)


def _contradicted_events(domains: Domains) -> set[tuple[str, int]]:
    ae = domains["AE"]
    torn = ae[contradicted(ae, domains["SUPPAE"])]
    return {(str(subject), int(number)) for subject, number in zip(torn["USUBJID"], torn["AESEQ"], strict=True)}

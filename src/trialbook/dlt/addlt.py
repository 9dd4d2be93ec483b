"""ADDLT: the DLT status of each treated subject at a cut (rulebook §4.2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.dlt.backfill import backfill_flags, backfill_queries
from trialbook.dlt.events import AWAITED, CONFIRMED, UNDATED, UNGRADED, UNNAMED, dlt_events
from trialbook.dlt.followup import dose_received, left_early, other_trial_drug
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.subjects.deaths import death_text
from trialbook.subjects.dlt_status import (
    COUNTED_AS_DLT,
    DLT,
    NO_DLT,
    NOT_EVALUABLE,
    PENDING,
    PENDING_ADJUDICATION,
    PENDING_DATA,
    UNRESOLVED,
)

TEXTS = QueryTexts("queries/texts/dlt.yaml")
COLUMNS = [
    "USUBJID", "SUBJID", "TRT01P", "TRT01A", "TRTSDT", "DLTSTAT", "REASON", "COUNTED", "REPLACE", "FUPFRAC",
    "DOSEFRAC", "WINENDT", "STATDT", "DLTDT", "DLTSEQ", "BACKFL", "ESCFL",
]  # fmt: skip
# Who is meant, the status, why, and the day from which the data give it.
Case = tuple[pd.Series, str, pd.Series | str, pd.Series]
# Statuses that one event decides, by the role of that event.
_BY_EVENT = {CONFIRMED: DLT, AWAITED: PENDING_ADJUDICATION, UNDATED: UNRESOLVED, UNNAMED: UNRESOLVED}


def derive_addlt(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADDLT, one row per subject of SAF, sorted by USUBJID. DLTSTAT is the first case that fits:

    | DLTSTAT      | case                                                                                       |
    |--------------|--------------------------------------------------------------------------------------------|
    | DLT          | an event flagged by the committee, onset in the window                                     |
    | PENDING-ADJ  | a candidate without the committee's flag, onset in the window: counted (A-71)              |
    | UNRESOLVED   | flagged or candidate, and a partial onset date decides in or out: counted (A-65); or a     |
    |              | flag Y that names no record of AE: counted until the event is named (A-161)                |
    | NOT-EVAL     | died, left, or began another trial's drug before the window ended; or received less than   |
    |              | `dlt_min_dose_frac` of the dose due: replaceable (§4.2)                                    |
    | PENDING      | the window is open at the cut                                                              |
    | PENDING-DATA | closed, but a dose or a grade is unknown, or no record proves contact to its end (A-74);   |
    |              | without DS a subject who left early is among these, never NO-DLT (§14.2)                         |
    | NO-DLT       | closed, followed to its last day, no DLT                                                   |

    There is no DLT form among the domains. A-74 is therefore read as: the window counts as documented when the
    subject was known alive on or after WINENDT (LSTALVDT) or died on or after it.
    FUPFRAC is the share of the window that was followed by the cut; DOSEFRAC the dose received over the dose due;
    STATDT is the day from which these data give the status: onset (or reporting date) of the deciding event, death,
    leaving, missed infusion, the end of the window; the infusion where it is open.
    COUNTED `Y` = counts as DLT in the advice; REPLACE `Y` = may be replaced; DLTDT the onset where its day is
    certain; DLTSEQ the AESEQ of the deciding event; BACKFL `Y` = backfill, ESCFL `Y` = counts for the escalation rule
    (`backfill.backfill_flags`).
    `adsl` needs USUBJID SUBJID TRT01P TRT01A TRTSDT SAFFL DTHDT LSTALVDT (and TRTSDTM). No rows where the trial has
    no DLT endpoint.
    """
    with_endpoint = adsl["SAFFL"].eq("Y") & study.protocol.has_endpoint("DLT")
    treated = adsl[with_endpoint].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    treated = through_the_window(treated.assign(CUTDT=study.cut_date), study)
    events = dlt_events(treated, study.domains, study.protocol, study.analysis)
    decided = _deciding_event(events, treated)
    status, reason, since = _first_fit(
        [
            *_cases_by_event(decided),
            *_cases_by_window(treated, decided["ROLE"], decided["WORDS"], study),
        ]
    )
    by_event = status.isin(COUNTED_AS_DLT)
    addlt = treated.assign(
        DLTSTAT=status,
        REASON=reason,
        COUNTED=_flag(by_event),
        REPLACE=_flag(status.eq(NOT_EVALUABLE)),
        STATDT=since.mask(since > study.cut_date, study.cut_date).astype("datetime64[s]"),
        DLTDT=decided["ONSETDT"].where(by_event).astype("datetime64[s]"),
        DLTSEQ=decided["AESEQ"].where(by_event).astype("Int64"),
    )
    flags = backfill_flags(treated, study.domains, study.protocol.level_ids, study.analysis.backfill_counts)
    return addlt.assign(**{name: flags[name] for name in flags})[COLUMNS]


def window_status(treated: pd.DataFrame, study: StudyData) -> pd.Series:
    """The status of each subject as if nothing had happened in the window: NO-DLT, NOT-EVAL, PENDING or PENDING-DATA.

    `treated`: `through_the_window`.
    """
    blank = pd.Series("", index=treated.index, dtype="str")
    return _first_fit([*_cases_by_window(treated, blank, blank, study)])[0]


def _first_fit(cases: list[Case]) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Status, reason and day of the first case that fits each subject."""
    index = cases[0][0].index
    fits = [true.to_numpy(dtype=bool) for true, *_ in cases]
    codes = np.select(fits, [code for _, code, *_ in cases], "")
    told = np.select(fits, [words if isinstance(words, str) else words.to_numpy(object) for *_, words, _ in cases], "")
    days = np.select(fits, [day.to_numpy("datetime64[s]") for *_, day in cases], np.datetime64("NaT", "s"))
    status, reason = (pd.Series(text, index=index, dtype="str") for text in (codes, told))
    return status, reason, pd.Series(days, index=index)


def dlt_subject_queries(addlt: pd.DataFrame, domains: Domains) -> Iterator[Query]:
    """Questions about subjects: a window closed without the data that would close it (A-74), backfill (A-210)."""
    for row in addlt[addlt["DLTSTAT"].eq(PENDING_DATA)].itertuples():
        end = f"{row.WINENDT:%Y-%m-%d}"
        yield TEXTS.query("A74-DLT-WINDOW-NOT-DOCUMENTED", row.USUBJID, observed=row.REASON, window_end=end)
    yield from backfill_queries(addlt, domains)


def through_the_window(treated: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Adds WINENDT, FUPDT (last day followed by the cut), FUPFRAC, and what `dose_received` finds."""
    first, last = study.analysis.dlt_window
    starts = treated["TRTSDT"].astype("datetime64[s]")
    ends = starts + pd.Timedelta(days=last)
    followed = treated["DTHDT"].astype("datetime64[s]").fillna(treated["LSTALVDT"].astype("datetime64[s]"))
    followed = followed.mask(followed > study.cut_date, study.cut_date)
    days = (followed - starts).dt.days - first
    share = (days / max(last - first, 1)).clip(0, 1).fillna(0.0).astype("float64")
    treated = treated.assign(TRTSDT=starts, WINENDT=ends, FUPDT=followed, FUPFRAC=share)
    dose = dose_received(treated, study)
    return treated.assign(**{name: dose[name] for name in ("DOSEFRAC", "DOSEKNOWN", "MISSEDDT")})


def _deciding_event(events: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """The strongest event of each treated subject: ROLE AESEQ ONSETDT KNOWNDT WORDS, blank where there is none."""
    rank = {role: k for k, role in enumerate((CONFIRMED, AWAITED, UNDATED, UNNAMED, UNGRADED))}
    events = events[events["ROLE"].isin(list(rank))]
    events = events.assign(RANK=events["ROLE"].map(rank).astype("int64"))
    order = events.sort_values(["USUBJID", "RANK", "ONSETDT", "AESEQ"], kind="stable", na_position="last")
    best = order.drop_duplicates("USUBJID").set_index("USUBJID").reindex(treated["USUBJID"]).set_axis(treated.index)
    number = ("AESEQ " + best["AESEQ"].astype("str") + ", ").where(best["AESEQ"].notna(), "")
    words = number + best["AEDECOD"].fillna("").astype("str")
    return best[["AESEQ", "ONSETDT", "KNOWNDT"]].assign(
        ROLE=best["ROLE"].fillna("").astype("str"), WORDS=words.astype("str")
    )


# What REASON says, which the dataset holds as English: for the catalogue of texts, so that it is read back.
REASON_PATTERNS = (
    "AESEQ {number}, {term}",
    "{event}: adjudicated as DLT",
    "{event}: candidate, not yet adjudicated, counted as DLT",
    "{event}: the committee's flag Y names no record of AE, counted as DLT",
    "{event}: partial onset date decides in or out of the window, counted as DLT",
    "{event}: no grade",
    "died on day {day} without a DLT",
    "died ({date}) without a DLT",
    "left the trial before the window ended, without a DLT",
    "began a drug of another trial, without a DLT",
    "received {n}% of the dose due, without a DLT",
    "window open to {date}",
    "the dose of an infusion cannot be told",
    "no record proves contact to the end of the window",
    "no record proves contact to the end of the window; disposition (DS) was not delivered",
)


def _cases_by_event(decided: pd.DataFrame) -> Iterator[Case]:
    says = {
        CONFIRMED: ": adjudicated as DLT",
        AWAITED: ": candidate, not yet adjudicated, counted as DLT",
        UNNAMED: ": the committee's flag Y names no record of AE, counted as DLT",
        UNDATED: ": partial onset date decides in or out of the window, counted as DLT",
    }
    for role, status in _BY_EVENT.items():
        yield decided["ROLE"].eq(role), status, decided["WORDS"] + says[role], decided["KNOWNDT"]


def _cases_by_window(
    treated: pd.DataFrame, role: pd.Series, words: pd.Series, study: StudyData
) -> Iterator[Case]:  # fmt: skip
    starts, ends = treated["TRTSDT"], treated["WINENDT"]
    died = treated["DTHDT"].astype("datetime64[s]")
    day = (died - starts).dt.days.astype("Int64").astype("str")
    exact = died.dt.strftime("%Y-%m-%d").fillna("")
    told = death_text(treated)
    when = ("died on day " + day).where(told.eq(exact), "died (" + told + ")")
    share = (100 * treated["DOSEFRAC"]).round().astype("Int64").astype("str")
    under = treated["DOSEFRAC"] < study.analysis.dlt_min_dose_frac
    left, other = left_early(treated, study.domains), other_trial_drug(treated, study.domains, study.analysis)
    yield died < ends, NOT_EVALUABLE, when + " without a DLT", died
    yield left.notna(), NOT_EVALUABLE, "left the trial before the window ended, without a DLT", left
    yield other.notna(), NOT_EVALUABLE, "began a drug of another trial, without a DLT", other
    underdosed = "received " + share + "% of the dose due, without a DLT"
    yield under, NOT_EVALUABLE, underdosed, treated["MISSEDDT"].fillna(ends)
    open_to = "window open to " + ends.dt.strftime("%Y-%m-%d").astype("str")
    yield ends > study.cut_date, PENDING, open_to, starts
    yield ~treated["DOSEKNOWN"], PENDING_DATA, "the dose of an infusion cannot be told", ends
    yield role.eq(UNGRADED), PENDING_DATA, words + ": no grade", ends
    unproved = "no record proves contact to the end of the window"
    unproved += "" if study.domains.delivered("DS") else "; disposition (DS) was not delivered"
    yield ~(treated["FUPDT"] >= ends), PENDING_DATA, unproved, ends
    followed = pd.Series(True, index=treated.index)
    yield followed, NO_DLT, msg("followed to the end of the window without a DLT"), ends


def _flag(true: pd.Series) -> pd.Series:
    return pd.Series("", index=true.index, dtype="str").mask(true, "Y")

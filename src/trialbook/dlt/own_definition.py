"""DLT statuses under a definition of one's own: a condition on adverse events in place of the protocol's definition."""

from __future__ import annotations

import pandas as pd

from trialbook.analyses.selection import Condition, select
from trialbook.dlt.addlt import through_the_window, window_status
from trialbook.protocol.study_data import StudyData
from trialbook.safety.dlt_candidates import IN, OUT, UNRESOLVED, event_moments, onset_in_window
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, DLT, NO_DLT, NOT_EVALUABLE, PENDING_DATA
from trialbook.subjects.dlt_status import UNRESOLVED as STATUS_UNRESOLVED

# What of ADDLT holds under any definition.
KEPT = [
    "USUBJID", "SUBJID", "TRT01P", "TRT01A", "TRTSDT", "FUPFRAC", "DOSEFRAC", "WINENDT", "BACKFL", "ESCFL",
]  # fmt: skip
OF_SUBJECT = ["TRTSDT", "TRTSDTM", "DTHDT"]


def addlt_under(
    condition: Condition, adae: pd.DataFrame, adsl: pd.DataFrame, addlt: pd.DataFrame, study: StudyData
) -> pd.DataFrame:  # fmt: skip
    """ADDLT as if a DLT were an event that `condition` selects in ADAE, with onset in `dlt_window`; by USUBJID.

    | DLTSTAT      | case                                                                                    |
    |--------------|-----------------------------------------------------------------------------------------|
    | DLT          | such an event began in the window                                                       |
    | UNRESOLVED   | such an event, and a partial date decides in or out (A-65): counted                     |
    | PENDING-DATA | the window would be closed without a DLT, but of an event in it the condition cannot say|
    | others       | as without any event: NO-DLT, NOT-EVAL, PENDING, PENDING-DATA (`addlt.window_status`)   |

    The committee's flag plays no part unless the condition asks for it (DLTFL). `adae`, `adsl`, `addlt`: of `study`.
    Raises UsageError for a condition that cannot be read. Never a published status.
    """
    treated = adsl[adsl["USUBJID"].isin(addlt["USUBJID"])].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    treated = through_the_window(treated.assign(CUTDT=study.cut_date), study)
    subject = adsl.set_index("USUBJID")[OF_SUBJECT].reindex(adae["USUBJID"]).set_axis(adae.index)
    subject = subject.assign(CUTDT=study.cut_date)
    place = onset_in_window(adae, subject, event_moments(adae, subject), list(study.analysis.dlt_window))
    chosen = select(adae, condition)
    status = window_status(treated, study)
    people = treated["USUBJID"]
    unsaid = people.isin(adae.loc[chosen.unknown & place.ne(OUT), "USUBJID"])
    status = status.mask(unsaid & status.eq(NO_DLT), PENDING_DATA)
    first = _first(adae[chosen.yes & place.eq(IN)], people)
    undated = _first(adae[chosen.yes & place.eq(UNRESOLVED)], people)
    status = status.mask(undated["AESEQ"].notna(), STATUS_UNRESOLVED).mask(first["AESEQ"].notna(), DLT)
    event = first.where(first["AESEQ"].notna(), undated)
    kept = addlt[KEPT].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    return kept.assign(
        DLTSTAT=status, EVENT=event["ADECOD"].astype("str").fillna(""), DLTSEQ=event["AESEQ"].astype("Int64"),
        DLTDT=event["ASTDT"].astype("datetime64[s]"),
        COUNTED=_flag(status.isin(COUNTED_AS_DLT)), REPLACE=_flag(status.eq(NOT_EVALUABLE)),
    )  # fmt: skip


def _first(events: pd.DataFrame, people: pd.Series) -> pd.DataFrame:
    """The first event of each subject: AESEQ ADECOD ASTDT, missing where there is none."""
    first = events.sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable").drop_duplicates("USUBJID")
    return first.set_index("USUBJID")[["AESEQ", "ADECOD", "ASTDT"]].reindex(people).reset_index(drop=True)


def _flag(true: pd.Series) -> pd.Series:
    return pd.Series("", index=true.index, dtype="str").mask(true, "Y")

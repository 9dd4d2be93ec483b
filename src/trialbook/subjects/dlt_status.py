"""The statuses of the DLT window (§4.2): one for each treated subject."""

from __future__ import annotations

from trialbook.core.messages import msg

DLT, NO_DLT, PENDING, NOT_EVALUABLE = "DLT", "NO-DLT", "PENDING", "NOT-EVAL"
PENDING_ADJUDICATION, PENDING_DATA, UNRESOLVED = "PENDING-ADJ", "PENDING-DATA", "UNRESOLVED"
STATUSES = (DLT, PENDING_ADJUDICATION, UNRESOLVED, NO_DLT, PENDING, PENDING_DATA, NOT_EVALUABLE)
COUNTED_AS_DLT = (DLT, PENDING_ADJUDICATION, UNRESOLVED)
EVALUABLE = (*COUNTED_AS_DLT, NO_DLT)
WAITING = (PENDING, PENDING_DATA)
# The status of a subject in a line of prose or a table.
STATUS_WORDS = {
    DLT: "DLT", PENDING_ADJUDICATION: msg("counted as DLT, not adjudicated"),
    UNRESOLVED: msg("counted as DLT, onset or event open"),
    NO_DLT: "no DLT", PENDING: msg("window still open"), PENDING_DATA: msg("window closed, data missing"),
    NOT_EVALUABLE: msg("not evaluable"),
}  # fmt: skip

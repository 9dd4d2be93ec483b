"""The transfer manifest (what was received) and the approved deletions: what a data manager has signed for."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping

import pandas as pd

from trialbook.core.errors import StopError, UsageError
from trialbook.core.files import read_input, sha256
from trialbook.protocol.models import TransferredFile, Trial
from trialbook.snapshot.tables import Snapshot

Transfer = Mapping[str, TransferredFile]
DELETION_COLUMNS = ["domain", "subject", "record", "reason"]
NEXT = "ask for the transfer again, or rewrite the cut file with `trialbook new-cut ... --replace`"


def check_content(file: str, content: bytes, transfer: Transfer | None) -> None:
    """Raises StopError when a file is not the one that was received; nothing is parsed before this has passed."""
    if not transfer:
        return
    if file not in transfer:
        raise StopError("the file is not in the transfer manifest", file=file, rule="TRANSFER", next_step=NEXT)
    expected = transfer[file]
    if len(content) != expected.bytes:
        raise StopError(
            f"{expected.bytes} bytes were received, the file has {len(content)}", file=file, rule="TRANSFER",
            next_step=NEXT,
        )  # fmt: skip
    if sha256(content) != expected.sha256:
        raise StopError(
            "the sha256 of the file is not the one that was received", file=file, rule="TRANSFER", next_step=NEXT
        )


def check_received(rows: Counter[str], transfer: Transfer | None) -> None:
    """Raises StopError when a file of the manifest is missing or holds another number of records than `rows` says."""
    for name in sorted(transfer or {}):
        expected = (transfer or {})[name]
        if name not in rows:
            raise StopError(
                "the file is in the transfer manifest and not here", file=name, rule="TRANSFER", next_step=NEXT
            )
        if expected.rows is not None and expected.rows != rows[name]:
            raise StopError(
                f"{expected.rows} records were received, the file has {rows[name]}", file=name, rule="TRANSFER",
                next_step=NEXT,
            )  # fmt: skip


def read_approved_deletions(trial: Trial) -> pd.DataFrame:
    """The records that are allowed to vanish since the previous cut: domain, subject, record, reason (P35).

    Empty where the cut names no such file; raises UsageError for a file that is not such a list.
    """
    name = trial.cut.approved_deletions
    if name is None:
        return pd.DataFrame(columns=DELETION_COLUMNS, dtype="str")
    try:
        text = read_input(trial.path(name), name).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the approved deletions cannot be read ({type(error).__name__})", file=name) from None
    if not rows or rows[0] != DELETION_COLUMNS:
        raise UsageError(f"the columns must be {', '.join(DELETION_COLUMNS)}", file=name, row=1)
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(DELETION_COLUMNS) or not row[3].strip():
            raise UsageError("each deletion needs a domain, a subject, a record and a reason", file=name, row=line)
    return pd.DataFrame(rows[1:], columns=DELETION_COLUMNS, dtype="str")


def rows_by_file(snapshot: Snapshot) -> Counter[str]:
    """Records by file; a file without records counts 0."""
    rows: Counter[str] = Counter()
    for table in snapshot.tables.values():
        for part in table.delivered:
            rows[part.file] += part.rows
    return rows

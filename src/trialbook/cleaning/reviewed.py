"""Records that a person has marked as reviewed at a cut, and what has changed in each since then.

A mark keeps a short hash of every value that the record had, so that it needs neither the values nor the build of that
cut later (`queries.marks`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.queries.marks import Mark

UNCHANGED, CHANGED, GONE = "unchanged", "changed", "gone"
REVIEWED_COLUMNS = ["domain", "subject", "record", "date", "by", "cut_date", "since", "columns"]


def values_of(record: Mapping[str, object]) -> dict[str, str]:
    """A short hash of every value of a record by variable; its row in the file is no value.

    >>> sorted(values_of({"AETERM": "Rash", "SRCROW": 7, "AETOXGR": None}))
    ['AETERM', 'AETOXGR']
    """
    return {
        name: hashlib.sha256(("" if pd.isna(value) else str(value)).encode()).hexdigest()[:8]
        for name, value in record.items()
        if name != "SRCROW"
    }


def mark_of_record(
    domains: Mapping[str, pd.DataFrame], domain: str, subject: str, record: str
) -> str | None:  # fmt: skip
    """The values of one record of the clean domains as a mark keeps them; None where there is no such record."""
    frame = domains.get(domain)
    if frame is None:
        return None
    # The keys of this subject's records alone: a list may mark many records of a large domain.
    own = frame[frame["USUBJID"].eq(subject)]
    found = own[record_keys(domain, own).eq(record)]
    return None if len(found) != 1 else json.dumps(values_of(found.iloc[0].to_dict()), sort_keys=True)


def reviewed_records(domains: Mapping[str, pd.DataFrame], marks: Sequence[Mark]) -> pd.DataFrame:
    """Every reviewed record with what has changed since its newest mark: columns `REVIEWED_COLUMNS`.

    `since`: unchanged, changed, or gone; `columns` the variables whose values are others than at the mark, those that
    came or went among them where they hold a value now.
    """
    newest = {(mark.domain, mark.subject, mark.record): mark for mark in marks}
    rows = []
    for mark in newest.values():
        now = mark_of_record(domains, mark.domain, mark.subject, mark.record)
        changed: list[str] = []
        if now is not None:
            then, today = json.loads(mark.values), json.loads(now)
            blank = values_of({"": None})[""]
            names = dict.fromkeys((*then, *today))
            changed = [name for name in names if then.get(name, blank) != today.get(name, blank)]
        since = GONE if now is None else CHANGED if changed else UNCHANGED
        rows.append((mark.domain, mark.subject, mark.record, mark.date, mark.by, mark.cut_date, since,
                     " ".join(changed)))  # fmt: skip
    frame = pd.DataFrame(rows, columns=REVIEWED_COLUMNS, dtype="str")
    return frame.sort_values(["domain", "subject", "record"], ignore_index=True)

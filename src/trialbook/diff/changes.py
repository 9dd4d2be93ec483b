"""What changed from one cut to another, as data: the content of `changes.html`, to be kept, shown or printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from trialbook.core.messages import msg
from trialbook.protocol.models import Cut

# Why an endpoint of a subject changed: what had been reported was changed, or time went on.
CHANGED, WENT_ON = "changed", "went on"
# How a signal differs from the earlier cut.
RAISED, GONE = msg("new"), msg("no longer raised")
# What is said of an event whose seriousness the site has not given.
UNKNOWN = "not known"


@dataclass(frozen=True)
class RecordChanges:
    """What changed in the records and subjects of two cuts; every frame is empty where nothing did, and holds text.

    `names`: the short id (SUBJID) of every subject (USUBJID); the frames hold USUBJID.
    `deleted`: domain, subject, record. `restated`: values that were reported and have changed, with the endpoints
    that they can move. `endpoints`: a subject's own result of an endpoint, then and now, whether a reported result was
    changed (`kind`), and the values of the subject that can have moved it. `new_subjects`: subjects of whom the old cut
    knew nothing. `statuses`: subject, status, then, now. `events`: serious events, events of grade 3 or more and DLTs
    that are new or changed. `counts`: records by domain. `values`: every changed value that is not restated.
    """

    names: Mapping[str, str]
    deleted: pd.DataFrame
    restated: pd.DataFrame
    endpoints: pd.DataFrame
    new_subjects: pd.DataFrame
    statuses: pd.DataFrame
    events: pd.DataFrame
    counts: pd.DataFrame
    values: pd.DataFrame

    def to_plain(self) -> dict[str, Any]:
        """The changes as plain data, so that they can be kept as JSON."""
        frames = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "names"}
        plain = {name: {"columns": list(frame), "rows": frame.to_numpy().tolist()} for name, frame in frames.items()}
        return {"names": dict(self.names), **plain}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> RecordChanges:
        """The changes from what `to_plain` made of them."""
        frames = {
            name: pd.DataFrame(found["rows"], columns=found["columns"], dtype=None if name == "counts" else "str")
            for name, found in plain.items()
            if name != "names"
        }
        return cls(names=plain["names"], **frames)


@dataclass(frozen=True)
class Changes:
    """What changed between two built cuts: records and subjects, headline numbers (name, then, now), ARD rows, and
    signals (subject, severity, sentence, news): those that are new, then those no longer raised.

    `signals` is None where the earlier build holds no list of them.
    """

    old: Cut
    new: Cut
    records: RecordChanges
    headlines: pd.DataFrame
    results: pd.DataFrame
    signals: pd.DataFrame | None = None

    @property
    def nothing(self) -> bool:
        """Whether the two cuts hold the same records and report the same results."""
        own = self.records
        frames = (own.deleted, own.restated, own.statuses, own.new_subjects, own.values, self.results)
        return all(frame.empty for frame in frames) and not own.counts["added"].any()

"""What changed between two built cuts, as frames; of all subjects or of one."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.changes import Changes
from trialbook.diff.compare_builds import added_records, changes_between
from trialbook.explore.given import subject_given
from trialbook.explore.names import public_names
from trialbook.explore.published import Published

FRAMES = {
    "subjects": "new subjects",
    "statuses": "changed statuses",
    "endpoints": "changed endpoints",
    "added": "new records",
    "values": "changed values",
    "deleted": "deleted records",
    "events": "new or changed events",
    "signals": "signals that are new or no longer raised",
    "records": "domains",
    "headlines": "changed headline numbers",
    "results": "changed results",
}


class Differences:
    """What changed from an earlier cut to a later one; each part is a frame that is empty where nothing changed.

    `subjects` whom the earlier cut did not hold, `statuses` and `endpoints` of subjects, changed `values` of records
    (`kind`: restated, filled in and so on), `added` and `deleted` records, `events` that a committee must hear of,
    `signals`, `records` by domain, `headlines`, and every number of the `results`. `subject("005")` narrows them to one
    subject.

    >>> import trialbook
    >>> changed = trialbook.cut("2025-09-30").compare("2025-06-30")
    >>> changed.statuses.columns.tolist()
    ['SUBJID', 'USUBJID', 'status', 'then', 'now']
    >>> changed.values.columns.tolist()[:7]
    ['SUBJID', 'domain', 'USUBJID', 'record', 'column', 'then', 'now']
    >>> len(changed.added) == changed.records["added"].sum(), len(changed.deleted)
    (np.True_, 0)
    """

    def __init__(self, changes: Changes, old: BuiltCut, new: BuiltCut, only: str = "") -> None:
        self._changes, self._old, self._new, self._only = changes, old, new, only

    @property
    def title(self) -> str:
        """Which two cuts these are, and of whom."""
        who = f", subject {self._changes.records.names[self._only]}" if self._only else ""
        return f"What changed from the cut {self._changes.old.cut_id} to {self._changes.new.cut_id}{who}"

    def subject(self, number: str | int) -> Differences:
        """The same of one subject, by number; raises UsageError that lists the subjects for another.

        >>> import trialbook
        >>> trialbook.cut("2025-09-30").compare("2025-06-30").subject("005").title
        'What changed from the cut 2025-06-30 to 2025-09-30, subject 005'
        """
        names = self._changes.records.names
        found = Differences(self._changes, self._old, self._new, subject_given(number, names))
        # The records are compared once.
        found.__dict__ |= {"_added": self._added}
        return found

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """Subjects whom the earlier cut did not hold, with their dose level."""
        return self._of(self._changes.records.new_subjects)

    @cached_property
    def statuses(self) -> pd.DataFrame:
        """Statuses of subjects then and now: set membership, dose level, DLT status, death."""
        return self._of(self._changes.records.statuses)

    @cached_property
    def endpoints(self) -> pd.DataFrame:
        """A subject's own result of an endpoint then and now, and the records that moved it."""
        return self._of(self._changes.records.endpoints)

    @cached_property
    def values(self) -> pd.DataFrame:
        """Changed values of records, those that had been reported first."""
        both = [frame for frame in (self._changes.records.restated, self._changes.records.values) if len(frame)]
        return self._of(pd.concat(both, ignore_index=True) if both else self._changes.records.values)

    @cached_property
    def added(self) -> pd.DataFrame:
        """Records that the earlier cut did not hold, those of new subjects too: domain, record."""
        return self._of(self._added)

    @cached_property
    def _added(self) -> pd.DataFrame:
        return added_records(self._old, self._new)

    @cached_property
    def deleted(self) -> pd.DataFrame:
        """Records that are no longer delivered."""
        return self._of(self._changes.records.deleted)

    @cached_property
    def events(self) -> pd.DataFrame:
        """Serious events, events of grade 3 or more, and DLTs that are new or changed."""
        return self._of(self._changes.records.events)

    @cached_property
    def signals(self) -> pd.DataFrame:
        """Signals that are new, then those no longer raised; empty where the earlier build has no list of them."""
        found = self._changes.signals
        if found is None:
            return pd.DataFrame(columns=["subject", "severity", "sentence", "news"], dtype="str")
        if not self._only:
            return found
        return found[found["subject"].eq(self._changes.records.names[self._only])].reset_index(drop=True)

    @cached_property
    def records(self) -> pd.DataFrame:
        """Records of each domain then and now; of one subject nothing."""
        return self._of(self._changes.records.counts)

    @cached_property
    def headlines(self) -> pd.DataFrame:
        """Headline numbers that differ; of one subject nothing."""
        return self._of(self._changes.headlines)

    @cached_property
    def results(self) -> pd.DataFrame:
        """Every number of the results that differs; of one subject nothing."""
        return self._of(self._changes.results)

    def _of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of the subjects, with their number first (SUBJID)."""
        if "subject" not in frame:
            return frame.head(0) if self._only else frame
        own = frame[frame["subject"].eq(self._only)] if self._only else frame
        numbered = own["subject"].map(dict(self._changes.records.names)).astype("str")
        found = own.rename(columns={"subject": "USUBJID", "old": "then", "new": "now"})
        found.insert(0, "SUBJID", numbered)
        return found.reset_index(drop=True)

    def __dir__(self) -> list[str]:
        return public_names(self)

    def __repr__(self) -> str:
        sizes = {name: len(getattr(self, name)) for name in FRAMES}
        return "\n".join([self.title, *(f"  .{name} ({FRAMES[name]}): {n}" for name, n in sizes.items() if n)])


def differences_between(one: Published, other: Published) -> Differences:
    """What changed between two published builds, the earlier first. Raises UsageError where they are of two studies."""
    mine, theirs = (build.trial.protocol.study.id for build in (one, other))
    if mine != theirs:
        raise UsageError(
            f"this is a cut of {mine}, and {other.cut_id} is one of {theirs}", next_step="compare two cuts of one study"
        )  # fmt: skip
    before, after = (build.compared for build in sorted((one, other), key=lambda build: build.cut_date))
    return Differences(changes_between(before, after), before, after)

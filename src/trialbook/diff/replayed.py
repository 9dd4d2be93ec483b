"""The advice of built cuts, replayed from the data of the last one: for the study page and `trialbook advice-on`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.headlines import headlines
from trialbook.dlt.replay import Published, Replayed, replay, replay_lines
from trialbook.results.ard import NOT_ESTIMABLE

# What a replay reads of ADDLT; builds of a version that did not write it are left out.
READ = frozenset(
    ["USUBJID", "SUBJID", "TRTSDT", "TRT01A", "DLTSTAT", "DLTDT", "STATDT", "FUPFRAC", "WINENDT", "DOSEFRAC", "REASON"]
)


def can_be_replayed(built: BuiltCut) -> bool:
    """Whether a build has a dose escalation whose statuses can be replayed."""
    if "addlt" not in built.datasets or not built.protocol.has_endpoint("DLT"):
        return False
    return set(built.datasets["addlt"].columns) >= READ


def replayed_cuts(builds: Sequence[BuiltCut]) -> list[Replayed]:
    """Each built cut of a study but the last, beside what the data of the last say of its date; none without a DLT
    endpoint. Raises StopError where a build cannot be read."""
    published = _published(builds)
    if len(published) < 2:
        return []
    last, latest = published[-1]
    return replay([one for _, one in published], latest, last.protocol, last.analysis)


def advice_on_lines(date: str, builds: Sequence[BuiltCut]) -> list[str]:
    """The state and the advice on a past date, as published then and from the data of the last build.

    Raises UsageError where no build has an escalation, StopError where one cannot be read.
    """
    published = _published(builds)
    if not published:
        raise UsageError(
            "no built cut has a dose escalation to replay", next_step="run `trialbook build` for the cuts first"
        )
    last, _ = published[-1]
    return replay_lines(pd.Timestamp(date), [one for _, one in published], last.protocol, last.analysis)


def _published(builds: Sequence[BuiltCut]) -> list[tuple[BuiltCut, Published]]:
    """What each build published of the escalation, in order of date."""
    found = []
    for built in builds:
        if not can_be_replayed(built):
            continue
        advised = headlines(built.ard, built.analysis)["advice"]
        code = "" if advised == NOT_ESTIMABLE else advised
        date = pd.Timestamp(built.cut.cut_date)
        found.append((built, Published(built.cut.cut_id, date, built.datasets["addlt"], code)))
    return sorted(found, key=lambda one: (one[1].date, one[1].cut))

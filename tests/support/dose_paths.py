"""Reads dose paths such as `1NNN 2NNT`: a level, then N (no DLT) or T (DLT) per subject."""

from __future__ import annotations

from trialbook.dlt.designs.design import History, Outcome


def history(path: str, levels: int) -> History:
    """The history of a path; the level of its last subject is the current one."""
    outcomes = tuple(Outcome(int(part[0]) - 1, mark == "T") for part in path.split() for mark in part[1:])
    ids = tuple(f"DL{k + 1}" for k in range(levels))
    return History(ids, outcomes, (), outcomes[-1].level if outcomes else None)

"""The state of the escalation and the advice on a past date: as published then, and from today's data (A-212)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import joined, msg
from trialbook.dlt.advice import plain_code, trial_history
from trialbook.dlt.decisions import advice_on, history_on
from trialbook.dlt.designs.design import History, Pending
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

LABELS = {
    "CUT": msg("Data cut"), "STATE": msg("DLTs of evaluable subjects then"), "ADVISED": msg("Advice then"),
    "TODAY": msg("DLTs by that day, from the data of today"), "ADVISES": msg("Advice for that day, from these data"),
    "SAME": msg("Same advice"),
}  # fmt: skip
BY_DATES = msg(
    "Then: as the build of that cut published it. Today: the data of the cut {cut} by their own dates, each DLT from "
    "its onset, also where it was reported later; a value that was corrected is the corrected one (A-212)."
)


@dataclass(frozen=True)
class Published:
    """What a build published of the escalation: its cut, date, ADDLT, and the advice code (blank where none)."""

    cut: str
    date: pd.Timestamp
    addlt: pd.DataFrame
    advice: str


@dataclass(frozen=True)
class Replayed:
    """One past date: the state and the advice code that were published then, and those from the data of today."""

    then: Published
    state: str
    today_state: str
    today: str

    @property
    def same(self) -> bool:
        """Whether the data of today advise what was advised then."""
        return self.today == self.then.advice


def replay(
    published: Sequence[Published], latest: Published, protocol: Protocol, analysis: Analysis
) -> list[Replayed]:  # fmt: skip
    """Each published cut beside what the ADDLT of the latest says of its date, in order of date; not the latest itself.

    `protocol` and `analysis` are those of the latest.
    """
    earlier = [one for one in published if one.cut != latest.cut and one.date <= latest.date]
    return [
        Replayed(
            one, state(*trial_history(one.addlt, protocol.level_ids)), state_on(one.date, latest.addlt, protocol),
            advice_on(one.date, latest.addlt, protocol, analysis),
        )
        for one in sorted(earlier, key=lambda one: (one.date, one.cut))
    ]  # fmt: skip


def state_on(date: pd.Timestamp, addlt: pd.DataFrame, protocol: Protocol) -> str:
    """The state of a past day from the data of today, where each DLT counts from its onset."""
    return state(*history_on(date, addlt, protocol.level_ids))


def state(past: History, pending: Sequence[Pending]) -> str:
    """DLTs of evaluable subjects of each level at which somebody was treated, with how many are pending.

    >>> from trialbook.dlt.designs.design import Outcome
    >>> str(state(History(("DL1", "DL2"), (Outcome(0, True), Outcome(0, False)), current=1), [Pending(1, 0.4)]))
    'DL1: 1 of 2, DL2: 0 of 0 and 1 pending'
    """
    said: list[str] = []
    for level in range(len(past.ids)):
        waiting = sum(one.level == level for one in pending)
        if past.n(level) or waiting:
            seen = past.says(level)
            said.append(msg("{seen} and {n} pending", seen=seen, n=waiting) if waiting else seen)
    return joined(said, ", ") or msg("nobody treated")


def replay_table(found: Sequence[Replayed], latest: str) -> pd.DataFrame:
    """The replayed dates for reading: one row per earlier cut."""
    rows = [
        {
            "CUT": one.then.cut,
            "STATE": one.state,
            "ADVISED": _words(one.then.advice),
            "TODAY": one.today_state,
            "ADVISES": _words(one.today),
            "SAME": msg("yes") if one.same else msg("no"),
        }
        for one in found
    ]
    table = pd.DataFrame(rows, columns=list(LABELS), dtype="object")
    return described(table, labels=LABELS, stub="CUT", notes=[msg(BY_DATES.msgid, cut=latest)])


def _words(code: str) -> str:
    return plain_code(code) if code else msg("nothing was advised")


def replay_lines(
    date: pd.Timestamp, published: Sequence[Published], protocol: Protocol, analysis: Analysis
) -> list[str]:  # fmt: skip
    """State and advice on a day: as the last build up to it published them, then from the data of the latest build."""
    known = [one for one in published if one.date <= date]
    latest = max(published, key=lambda one: (one.date, one.cut))
    day = f"{date:%Y-%m-%d}"
    lines: list[str] = [msg("Nothing had been published by {date}.", date=day)]
    if known:
        then = max(known, key=lambda one: (one.date, one.cut))
        lines = [
            msg("Known on {date}, as the cut {cut} published it: {state}", date=day, cut=then.cut,
                state=state(*trial_history(then.addlt, protocol.level_ids))),
            msg("Advice then: {advice}", advice=_words(then.advice)),
        ]  # fmt: skip
    if date > latest.date:
        return [
            *lines,
            msg("The data end on {date}: what has happened since is not in them.", date=f"{latest.date:%Y-%m-%d}"),
        ]
    today = advice_on(date, latest.addlt, protocol, analysis)
    return [
        *lines,
        msg("By that day, from the data of the cut {cut}: {state}", cut=latest.cut,
            state=state_on(date, latest.addlt, protocol)),
        msg("Advice for that day, from these data: {advice}", advice=_words(today)),
    ]  # fmt: skip

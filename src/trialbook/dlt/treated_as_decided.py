"""Treatments beside the committee's decisions: who was treated above the last one, and what opened each dose level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, msg, plural
from trialbook.dlt.decisions import NOTHING_RECORDED, TREATS, decided
from trialbook.protocol.decisions import WITHDRAW, Decision, replaced_by

# Decisions that open a dose level; the others go on at one that is open.
OPENS = ("start", "escalate")
LABELS = {
    "LEVEL": msg("Dose level"), "FIRST": msg("First infusion"), "SUBJECT": msg("Subject"),
    "DECISION": msg("First decision to treat there"), "REMARK": msg("Which came first"),
}  # fmt: skip


class Beyond(NamedTuple):
    """Subjects of one dose level whose first infusion was above the decision that held on its day.

    `rows`: their rows of ADDLT; `last`: that decision in words with its day; `opened`: the later meeting that opened
    the level, blank where none did.
    """

    level: str
    rows: pd.DataFrame
    last: str
    opened: str

    @property
    def subjects(self) -> str:
        """Their numbers, in order of first infusion."""
        return ", ".join(self.rows["SUBJID"].astype("str"))


def in_force(decisions: Sequence[Decision], day: str) -> list[Decision]:
    """The decisions of the last meeting up to a day (ISO), without those that were superseded or withdrawn by then."""
    known = [one for one in decisions if one.date <= day]
    gone = replaced_by(known)
    standing = [one for one in known if one not in gone and one.decision != WITHDRAW]
    last = max((one.date for one in standing), default="")
    return [one for one in standing if one.date == last]


def beyond_decisions(decisions: Sequence[Decision], addlt: pd.DataFrame, level_ids: Sequence[str]) -> list[Beyond]:
    """Who was first treated above the highest level of the decision in force on that day (A-262), by level.

    "wait" and "stop" treat nobody; a declared MTD is the highest level. Nobody is judged on a day before the first
    decision of the log, unless a later meeting opened the level. `addlt` needs SUBJID TRT01A TRTSDT.
    """
    found: dict[tuple[str, str], list[int]] = {}
    listed = addlt[addlt["TRT01A"].isin(level_ids)].sort_values(["TRTSDT", "USUBJID"], kind="stable")
    for place, row in enumerate(listed.itertuples()):
        day = f"{row.TRTSDT:%Y-%m-%d}"
        held = in_force(decisions, day)
        treats = [level_ids.index(one.level) for one in held if one.decision in (*TREATS, "declare MTD")]
        above = level_ids.index(row.TRT01A) > max(treats, default=-1)
        if (held and above) or (not held and day < _opened(decisions, row.TRT01A)):
            said = enumerated([msg("{decision}, {date}", decision=decided(one), date=one.date) for one in held], "; ")
            found.setdefault((row.TRT01A, str(said)), []).append(place)
    return [
        Beyond(level, listed.iloc[places], last, _opened(decisions, level)) for (level, last), places in found.items()
    ]


def opening_table(decisions: Sequence[Decision], addlt: pd.DataFrame, level_ids: Sequence[str]) -> pd.DataFrame:
    """Each treated dose level: its first infusion beside the first decision to treat there, and which came first."""
    first = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable").drop_duplicates("TRT01A").set_index("TRT01A")
    rows = []
    for level in [one for one in level_ids if one in first.index] if decisions else []:
        day = f"{first.at[level, 'TRTSDT']:%Y-%m-%d}"
        own = [one for one in decisions if one.level == level and one.decision in TREATS]
        said = msg("{decision}, {date}", decision=decided(own[0]), date=own[0].date) if own else msg("none on record")
        remark = _remark(day, own, decisions[0].date)
        rows.append((level, day, str(first.at[level, "SUBJID"]), said, remark))
    table = pd.DataFrame(rows, columns=list(LABELS), dtype="object")
    return described(table, labels=LABELS, stub="LEVEL", empty=NOTHING_RECORDED)


def _remark(day: str, own: Sequence[Decision], begins: str) -> str:
    if own and own[0].date <= day:
        return msg("the decision")
    if own and own[0].decision in OPENS:
        days = (pd.Timestamp(own[0].date) - pd.Timestamp(day)).days
        return plural(
            "the infusion, {n} day before the decision", "the infusion, {n} days before the decision", days
        )  # fmt: skip
    if day < begins:
        return msg("the infusion, before the first decision on record ({date})", date=begins)
    return msg("the infusion: no decision on record opened the level before it")


def _opened(decisions: Sequence[Decision], level: str) -> str:
    """The day of the first decision that opened a level; blank where none did."""
    return next((one.date for one in decisions if one.level == level and one.decision in OPENS), "")

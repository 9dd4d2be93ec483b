"""The committee's decisions beside the advice: what was advised then, and what the data of this cut say of that day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.dlt.advice import history_of, plain_code
from trialbook.dlt.designs.design import History, Pending, read_code
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.dlt.over_time import course_at, subjects_of
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.decisions import AT_A_LEVEL, WITHDRAW, Decision, replaced_by
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_ESTIMABLE
from trialbook.subjects.dlt_status import COUNTED_AS_DLT

# What an advice code permits: its move in the words of the log.
MOVES = {
    "START": "start", "ENROL": "enrol", "EXPAND": "expand", "ESCALATE": "escalate", "DE_ESCALATE": "de-escalate",
    "WAIT": "wait",
}  # fmt: skip
ENDS = {"MTD_DECLARED": "declare MTD", "MAX_TESTED_NOT_EXCEEDED": "stop", "CAP_REACHED": "stop", "NO_DOSE": "stop"}
# Decisions after which somebody is treated at the level that they name.
TREATS = ("start", "enrol", "expand", "escalate", "de-escalate")
AGREES, CAUTIOUS, BEYOND, OTHER, OPEN = "AGREES", "CAUTIOUS", "BEYOND", "OTHER", "OPEN"
VERDICTS = {
    AGREES: msg("as advised"), CAUTIOUS: msg("more cautious than advised"), BEYOND: msg("beyond the advice"),
    OTHER: msg("neither bolder nor more cautious, but not as advised"), OPEN: msg("nothing to compare with"),
}  # fmt: skip
CHOICES = {
    "start": msg("start at"), "enrol": msg("enrol at"), "expand": msg("expand"), "escalate": msg("escalate to"),
    "de-escalate": msg("go down to"), "wait": msg("wait"), "stop": msg("stop"),
    "declare MTD": msg("declare the maximum tolerated dose:"), WITHDRAW: msg("withdraw the decision of {date}"),
}  # fmt: skip
LABELS = {
    "DATE": msg("Meeting"), "CUT": msg("Data cut"), "DECIDED": msg("Decision"), "ADVISED": msg("Advice then"),
    "VERDICT": msg("Decision against advice"), "TODAY": msg("Advice for that day, from the data of this cut"),
    "SUPPORT": msg("Still supported"), "REASON": msg("Reason"), "BY": msg("By"), "MINUTES": msg("Minutes"),
}  # fmt: skip


@dataclass(frozen=True)
class Reviewed:
    """One decision, and what the data known today say of the day of its cut.

    `today` is the advice code for that day from this cut's data, by the dates of onset; blank where no rule is in
    force. `supported` is False where the decision treats at a level above what that advice permits and the advice of
    then does not say the same. `late`: the rows of ADDLT of subjects whose DLT began by that day and counts today,
    though it was not known then. `replaced`: the entry that superseded or withdrew it; `supported` is about those in
    force.
    """

    decision: Decision
    today: str
    supported: bool
    late: pd.DataFrame
    replaced: Decision | None = None

    @property
    def late_subjects(self) -> str:
        """These subjects with their dose levels: `009 (DL2)`; blank for none."""
        return ", ".join(f"{row.SUBJID} ({row.TRT01A})" for row in self.late.itertuples())


def review(
    decisions: Sequence[Decision], addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis
) -> list[Reviewed]:  # fmt: skip
    """Each decision against the data of this cut. `addlt` needs what `advice_over_time` needs, and DLTDT."""
    gone = replaced_by(decisions)
    return [_reviewed(one, gone.get(one), addlt, protocol, analysis) for one in decisions]


def _reviewed(
    one: Decision, replaced: Decision | None, addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis
) -> Reviewed:  # fmt: skip
    date = pd.Timestamp(one.cut_date)
    today = advice_on(date, addlt, protocol, analysis)
    levels = list(protocol.level_ids)
    beyond = _permits(one.decision, one.level, levels) > _permitted(today, levels)
    supported = bool(replaced) or not (today and beyond and today != one.advice)
    return Reviewed(one, today, supported, _late(addlt, date), replaced)


def advice_on(date: pd.Timestamp, addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> str:
    """The advice code for a past day from the data of this cut, where each DLT counts from its onset.

    Blank without a rule, or before the first infusion. `over_time.advice_over_time` takes the day on which a status
    became known instead.
    """
    if analysis.escalation_rule == NO_RULE:
        return ""
    past, pending = history_on(date, addlt, protocol.level_ids)
    if past.current is None and not past.replaced:
        return ""
    rule = make_rule(analysis.escalation_rule, analysis, len(protocol.level_ids))
    return rule.next_action(past, pending, date).code(past.ids)


def history_on(
    date: pd.Timestamp, addlt: pd.DataFrame, level_ids: list[str]
) -> tuple[History, tuple[Pending, ...]]:  # fmt: skip
    """The trial at the end of a past day from the data of this cut, where each DLT counts from its onset."""
    onset = addlt["DLTDT"].where(addlt["DLTSTAT"].isin(COUNTED_AS_DLT))
    seen = addlt.assign(STATDT=addlt["STATDT"].where(~(onset < addlt["STATDT"]), onset))
    return history_of([course_at(one, date) for one in subjects_of(seen) if one.treated <= date], level_ids)


def _late(addlt: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """Subjects whose DLT began by a day and whose status became known after it."""
    counted = addlt["DLTSTAT"].isin(COUNTED_AS_DLT)
    return addlt[counted & (addlt["DLTDT"] <= date) & (addlt["STATDT"] > date)]


def choice_of(code: str) -> tuple[str, str]:
    """What an advice code advises in the words of the log, and its level; blank for a code that says nothing.

    >>> choice_of("ONGOING(ESCALATE DL2)"), choice_of("MTD_DECLARED(DL1)"), choice_of("NO_DOSE"), choice_of("-")
    (('escalate', 'DL2'), ('declare MTD', 'DL1'), ('stop', ''), ('', ''))
    """
    outcome, move, level = read_code(code)
    choice = MOVES.get(move, "") or ENDS.get(outcome, "")
    return choice, level if choice in AT_A_LEVEL else ""


def against_advice(one: Decision) -> str:
    """Whether a decision was what was advised then: AGREES, CAUTIOUS, BEYOND, OTHER where it is none of these.

    OPEN where no advice is on record, or the entry withdraws a decision.

    >>> made = dict(cut="C", cut_date="2025-03-31", date="2025-04-04", reason="r", by="chair", minutes="m")
    >>> made["build"] = "0" * 64
    >>> against_advice(Decision(decision="escalate", level="DL2", advice="ONGOING(EXPAND DL1)", **made))
    'BEYOND'
    >>> against_advice(Decision(decision="wait", advice="ONGOING(ESCALATE DL2)", **made))
    'CAUTIOUS'
    """
    choice, level = choice_of(one.advice)
    if not choice or one.decision == WITHDRAW:
        return OPEN
    if (choice, level) == (one.decision, one.level):
        return AGREES
    # The ids of levels rise in the order of the protocol file; without it only the moves are compared.
    if one.decision in ("wait", "stop"):
        return CAUTIOUS
    if one.decision == "declare MTD":
        return OTHER if choice == "declare MTD" else BEYOND
    if choice in ("wait", "stop", "declare MTD"):
        return BEYOND
    rank = {"de-escalate": 0, "enrol": 1, "start": 1, "expand": 1, "escalate": 2}
    return BEYOND if rank[one.decision] > rank[choice] else CAUTIOUS if rank[one.decision] < rank[choice] else OTHER


def _permits(choice: str, level: str, levels: Sequence[str]) -> int:
    """The highest level at which somebody is treated after a decision, by its place; -1 where nobody is."""
    return levels.index(level) if choice in TREATS and level in levels else -1


def _permitted(code: str, levels: Sequence[str]) -> int:
    choice, level = choice_of(code)
    return _permits(choice, level, levels)


def decision_table(reviewed: Sequence[Reviewed]) -> pd.DataFrame:
    """The decisions for reading: one row per meeting."""
    rows = [
        {
            "DATE": one.decision.date,
            "CUT": one.decision.cut,
            "DECIDED": decided(one.decision, one.replaced),
            "ADVISED": plain_code(one.decision.advice) if one.decision.advice else msg("not on record"),
            "VERDICT": VERDICTS[against_advice(one.decision)],
            "TODAY": plain_code(one.today) if one.today else msg("no rule is in force"),
            "SUPPORT": _supported(one),
            "REASON": one.decision.reason,
            "BY": one.decision.by,
            "MINUTES": one.decision.minutes,
        }
        for one in reviewed
    ]
    table = pd.DataFrame(rows, columns=list(LABELS), dtype="object")
    return described(table, labels=LABELS, empty=NOTHING_RECORDED, notes=[ONSET])


NOTHING_RECORDED = msg("No decision on an earlier cut is on record.")
ONSET = msg(
    "The last advice takes the data of this cut by their own dates, each DLT from its onset, also where it was "
    "reported later."
)


def decided(one: Decision, replaced: Decision | None = None) -> str:
    """A decision in words, with the entry that replaced it, if one did.

    >>> made = dict(cut="C", cut_date="2025-03-31", date="2025-04-04", reason="r", by="chair", minutes="m")
    >>> made["build"] = "0" * 64
    >>> str(decided(Decision(decision="escalate", level="DL2", **made)))
    'escalate to DL2'
    >>> str(decided(Decision(decision="withdraw", supersedes="2025-04-01", **made)))
    'withdraw the decision of 2025-04-01'
    """
    if one.decision == WITHDRAW:
        return msg(CHOICES[WITHDRAW], date=one.supersedes)
    said = (
        msg("expand {level}", level=one.level)
        if one.level and one.decision == "expand"
        else msg("{decision} {level}", decision=CHOICES[one.decision], level=one.level)
        if one.level
        else CHOICES[one.decision]
    )
    if one.supersedes:
        said = msg("{decision}, in place of the decision of {date}", decision=said, date=one.supersedes)
    if replaced is None:
        return said
    if replaced.decision == WITHDRAW:
        return msg("{decision} (withdrawn on {date})", decision=said, date=replaced.date)
    return msg("{decision} (superseded on {date})", decision=said, date=replaced.date)


def _supported(one: Reviewed) -> str:
    if one.replaced or one.decision.decision == WITHDRAW:
        return NOT_ESTIMABLE
    return msg("yes") if one.supported else _no_longer(one)


def _no_longer(one: Reviewed) -> str:
    if one.late_subjects:
        return msg("no: a DLT that began by then was reported later, in {subjects}", subjects=one.late_subjects)
    return msg("no: the data of that time have changed")

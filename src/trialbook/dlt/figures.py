"""The frames that the figures of escalation draw: the diary with dates and DLTs (F16), the states of the rule (F20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import joined, msg, plural
from trialbook.dlt.advice import places_left, trial_history
from trialbook.dlt.designs.cohorts import IntervalRule
from trialbook.dlt.designs.design import (
    ESCALATE,
    NO_CAP,
    ONGOING,
    History,
    Outcome,
    Pending,
)
from trialbook.dlt.designs.interval import TiteBoin
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.dlt.designs.three_plus_three import ThreePlusThree
from trialbook.dlt.pathways import printed_letter
from trialbook.dlt.tables import DIARY_LABELS, OUTCOMES, escalation_diary
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.subjects.ranking import MOST_DRAWN, most_drawn_note

UP, MORE, DOWN, OUT = msg("escalate"), msg("treat more here"), msg("go down"), msg("too toxic, go down")
LETTERS = {"E": UP, "S": MORE, "D": DOWN, "DU": OUT}
# Evaluable subjects of a level that the figure has room for.
MOST_EVALUABLE = 12
# With a DLT, in the words beside the diary.
MOST_NAMED = 24
STATE_LABELS = {
    "EVALUABLE": msg("Evaluable subjects"),
    "DLTS": msg("Subjects with a DLT"),
    "SAYS": msg("What the rule says"),
    "HERE": msg("Levels in this state"),
    "REACH": msg("Within the cap"),
}
OUT_OF_REACH = msg("out of reach")


def level_heads(protocol: Protocol) -> dict[str, str]:
    """Each dose level with its dose: `DL2, 2 x 10^6/kg`."""
    return {
        level.id: f"{level.id}, {level.printed_dose}" if level.printed_dose else level.id
        for level in protocol.dose_levels
    }


def dated_diary(addlt: pd.DataFrame, events: pd.DataFrame, heads: Mapping[str, str]) -> pd.DataFrame:
    """F16: `tables.escalation_diary` with the date of the first infusion (DATE), the dose (HEAD) and the DLT (EVENT).

    `events`: `dlt.events.dlt_events`; `heads`: the levels as they are named on the axis.
    """
    diary = escalation_diary(addlt)
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable").reset_index(drop=True)
    key = pd.MultiIndex.from_frame(events[["USUBJID", "AESEQ"]].astype({"AESEQ": "Float64"}))
    terms = pd.Series(events["AEDECOD"].fillna("").astype("str").to_numpy(), index=key)
    terms = terms[~terms.index.duplicated()]
    asked = pd.MultiIndex.from_frame(listed[["USUBJID", "DLTSEQ"]].astype({"DLTSEQ": "Float64"}))
    counted = diary["outcome"].isin(OUTCOMES[:2])
    diary = diary.assign(
        DATE=listed["TRTSDT"].dt.strftime("%Y-%m-%d").astype("str"),
        HEAD=diary["level"].map(heads).fillna(diary["level"]).astype("str"),
        TERM=pd.Series(terms.reindex(asked).fillna("").to_numpy(), index=diary.index).where(counted, "").astype("str"),
    )
    n = diary["outcome"].value_counts()
    whole, diary = diary, _last_and_at_risk(diary)
    said = [
        plural("{n} DLT", "{n} DLTs", int(n.reindex(list(OUTCOMES[:2])).fillna(0).sum())),
        plural("{n} subject pending", "{n} subjects pending", int(n.get("pending", 0))),
    ]
    who = whole[counted]
    named = [
        msg("{subject} at {level} ({event})", subject=row.subject, level=row.level, event=row.TERM or row.outcome)
        for row in who.head(MOST_NAMED).itertuples()
    ]
    named += [msg("{n} more", n=len(who) - MOST_NAMED)] * (len(who) > MOST_NAMED)
    summary = msg(
        "{n} subjects in order of their first infusion against dose level. With a DLT: {dlts}.",
        n=len(whole), dlts=joined(named, ", ") or msg("none"),
    )  # fmt: skip
    labels = DIARY_LABELS | {"DATE": msg("First infusion"), "HEAD": msg("Dose"), "TERM": msg("Event term")}
    return described(
        diary, labels=labels, finding=joined(said, ", "), summary=summary,
        notes=most_drawn_note(len(diary), len(whole)),
    )  # fmt: skip


def _last_and_at_risk(diary: pd.DataFrame) -> pd.DataFrame:
    """The subjects that the diary has room for: those with a DLT and those pending, then the last enrolled."""
    at_risk = diary["outcome"].isin((*OUTCOMES[:2], "pending"))
    first = diary.assign(_at_risk=at_risk).sort_values(["_at_risk", "order"], ascending=False, kind="stable")
    return diary.loc[first.index[:MOST_DRAWN].sort_values()]


def level_states(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """F20: what the rule in force says of a level by its evaluable subjects and DLTs, and where each level is.

    Columns EVALUABLE (1 to 6, or to MOST_EVALUABLE) DLTS SAYS HERE (the levels in this state, with how many are
    pending) REACH (OUT_OF_REACH where no level can come to the state with the places that the cap leaves). 3+3 is asked
    about a level between two others, without a cap. Empty where another rule is in force that reads more than the
    counts of one level: its own tables say what it decides on.
    """
    rows: list[tuple[int, int, str, str, str]] = []
    past, pending = trial_history(addlt, protocol.level_ids)
    has_rule = analysis.escalation_rule != NO_RULE
    rule = make_rule(analysis.escalation_rule, analysis, len(protocol.level_ids)) if has_rule else None
    places = places_left(analysis, past, pending)
    here: dict[tuple[int, int], list[str]] = {}
    for level, name in enumerate(past.ids):
        waiting = sum(one.level == level for one in pending)
        if past.n(level) or waiting:
            said = msg("{level}, {n} pending", level=name, n=waiting) if waiting else name
            here.setdefault((past.n(level), past.dlts(level)), []).append(said)
    says: Callable[[int, int], str] | None = None
    most = 6
    if isinstance(rule, ThreePlusThree):
        says = partial(_says, replace(rule, cap=NO_CAP))
    elif isinstance(rule, IntervalRule | TiteBoin):
        says, most = partial(_letter_says, rule), min(analysis.n_cap, MOST_EVALUABLE)
    if says is not None:
        for n in range(most + 1):
            for dlts in range(n + 1):
                if n or (0, 0) in here:
                    reach = "" if _can_come_to(n, dlts, past, pending, places) else OUT_OF_REACH
                    rows.append((n, dlts, says(n, dlts), joined(here.get((n, dlts), []), "; "), reach))
    states = pd.DataFrame(rows, columns=list(STATE_LABELS)).astype({"SAYS": "str", "HERE": "str", "REACH": "str"})
    placed = [
        msg("{level} {dlts} of {n}", level=name, dlts=past.dlts(level), n=past.n(level))
        for level, name in enumerate(past.ids)
        if past.n(level)
    ]
    return described(
        states, labels=STATE_LABELS,
        empty=msg("The rule in force reads more than the counts of one level: what it decides on is in the tables."),
        finding=joined(placed, ", "),
        summary=msg(
            "What the rule in force says for each number of evaluable subjects and DLTs of a level. DLTs of evaluable "
            "subjects: {levels}.",
            levels=joined(placed, ", ") or msg("none"),
        ),
        notes=[CAP_NOTE, plural(
            "{n} of {cap} places is left.", "{n} of {cap} places are left.", places, cap=analysis.n_cap
        )],
    )  # fmt: skip


CAP_NOTE = msg(
    "What the rule says of a state leaves the cap aside. A pale state is out of reach: with who is pending and the "
    "places that are left no level can come to it."
)


def _can_come_to(n: int, dlts: int, past: History, pending: tuple[Pending, ...], places: int) -> bool:
    """Whether some level is, or can still come, to so many evaluable subjects and DLTs."""
    for level in range(len(past.ids)):
        more, seen = n - past.n(level), dlts - past.dlts(level)
        if 0 <= seen <= more <= sum(one.level == level for one in pending) + places:
            return True
    return False


def _says(rule: ThreePlusThree, n: int, dlts: int) -> str:
    """What the rule says of the middle one of three levels, the lowest of which was tolerated by six."""
    outcomes = [Outcome(0, False)] * 6 + [Outcome(1, k < dlts) for k in range(n)]
    action = rule.next_action(History(("1", "2", "3"), tuple(outcomes), current=1 if n else 0), (), pd.Timestamp(0))
    if action.outcome == ONGOING and action.level == 1:
        return MORE
    return UP if action.outcome == ONGOING and action.move == ESCALATE else OUT


def _letter_says(rule: IntervalRule | TiteBoin, n: int, dlts: int) -> str:
    return LETTERS.get(printed_letter(rule, dlts, n), MORE) if n else MORE

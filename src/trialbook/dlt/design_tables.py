"""The decision table of the whole design for printing: what each number of DLTs leads to, from the first subject on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.errors import UsageError
from trialbook.core.messages import joined, msg
from trialbook.dlt.advice import plain_code
from trialbook.dlt.designs.cohorts import IntervalRule
from trialbook.dlt.designs.design import DE_ESCALATE, ENROL, ESCALATE, ONGOING
from trialbook.dlt.designs.interval import TiteBoin
from trialbook.dlt.designs.own_table import OwnTable
from trialbook.dlt.designs.registry import NO_RULE, make_rule, rules_beside
from trialbook.dlt.pathways import DOWN, DOWN_AND_EXCLUDE, STAY, UP, decision_table, printed_letter
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol

# Numbers of evaluable subjects that a printed table has room for, and states of a trial that a page waits for.
MOST_EVALUABLE, MOST_STATES = 24, 600
LETTERS = msg(
    "E: go up one level, from the highest stay. S: stay. D: go down one level, from the lowest stay. DU: go down, and "
    "nobody is treated at this level or above it again; at the lowest level: stop."
)
COHORTS = msg(
    "The rule decides when the cohort at a level is complete and nobody is pending; what is seen at other levels does "
    "not change a decision."
)
FULL = msg(
    "This is the decision table of the protocol file (A-209). With the subjects of its last column a level has its "
    "full number: to stay there then declares it the maximum tolerated dose."
)
OTHERS_DECIDE = msg(
    "Whole cohorts, nobody pending (A-200). The table has the counts that a trial within its cap can reach, and what "
    "the rule says of them however few places are left. Of two answers in one cell the counts at other levels decide."
)
LABELS = {"LEVEL": msg("Dose level"), "DLTS": msg("Subjects with a DLT")}


def design_tables(protocol: Protocol, analysis: Analysis) -> list[tuple[str, pd.DataFrame]]:
    """The title and the table of the rule in force, then of every other rule with `show_alternative_rules`."""
    name = analysis.escalation_rule
    if name == NO_RULE or not protocol.has_endpoint("DLT"):
        return [(msg("Decision table"), design_table(name, protocol, analysis))]
    shown: list[tuple[str, pd.DataFrame]] = [
        (msg("Decision table of the rule {rule}", rule=name), design_table(name, protocol, analysis))
    ]
    if analysis.show_alternative_rules:
        shown += [
            (msg("Decision table of the rule {rule} (not in force)", rule=one), design_table(one, protocol, analysis))
            for one in rules_beside(analysis, len(protocol.level_ids))
        ]  # fmt: skip
    return shown


def design_table(name: str, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The decisions of one rule: a row per number of DLTs (DLTS), a column per number of evaluable subjects.

    Where the counts of a level alone decide, one letter per cell (E S D DU) for every level alike; else the decision in
    words, with a row group per dose level. Empty, with the reason, where there is no rule or too much to list.
    """
    if not protocol.has_endpoint("DLT"):
        return _empty(msg("DLT is not an endpoint of this trial."))
    if name == NO_RULE:
        return _empty(msg("No escalation rule is in force."))
    ids = protocol.level_ids
    rule = make_rule(name, analysis, len(ids))
    if isinstance(rule, IntervalRule | TiteBoin):
        return _letters(rule, analysis.n_cap)
    try:
        return _words(decision_table(rule, ids, most=MOST_STATES))
    except UsageError:
        return _empty(msg("With {n} subjects the trial has too many states for a table.", n=analysis.n_cap))


def _empty(reason: str) -> pd.DataFrame:
    return described(pd.DataFrame(columns=list(LABELS), dtype="str"), labels=LABELS, empty=reason)


def _letters(rule: IntervalRule | TiteBoin, cap: int) -> pd.DataFrame:
    asked = range(1, min(cap, MOST_EVALUABLE) + 1)
    numbers = [n for n in asked if printed_letter(rule, 0, n)]
    rows = [[str(x), *(printed_letter(rule, x, n) if x <= n else "" for n in numbers)] for x in range(max(numbers) + 1)]
    notes = [LETTERS, COHORTS, *([FULL] if isinstance(rule, OwnTable) else [])]
    return _described(pd.DataFrame(rows, columns=["DLTS", *map(str, numbers)], dtype="str"), numbers, notes)


def _words(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of `pathways.decision_table` with a column per number of evaluable subjects."""
    numbers = sorted(set(found["n"]))
    said: dict[tuple[str, int, int], list[str]] = {}
    for row in found.itertuples():
        said.setdefault((row.level, row.dlts, row.n), []).append(_decision(row.decision, row.level, row.next_level))
    places = list(dict.fromkeys(zip(found["level"], found["dlts"], strict=True)))
    rows = [
        [level, str(dlts), *(joined(dict.fromkeys(said.get((level, dlts, n), [])), " / ") for n in numbers)]
        for level, dlts in sorted(places, key=lambda place: (list(found["level"]).index(place[0]), place[1]))
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["LEVEL", "DLTS", *map(str, numbers)], dtype="object")
    return _described(table, numbers, [OTHERS_DECIDE], group="LEVEL")


def _described(table: pd.DataFrame, numbers: Sequence[int], notes: Sequence[str], **look: str) -> pd.DataFrame:
    heads = {str(n): msg("{n} evaluable", n=n) for n in numbers}
    return described(table, labels=LABELS | heads, stub="DLTS", notes=list(notes), **look)


def _decision(decision: str, level: str, goal: str) -> str:
    if decision == DOWN_AND_EXCLUDE:
        return msg("exclude {level}, go down to {lower}", level=level, lower=goal)
    moves = {UP: ESCALATE, STAY: ENROL, DOWN: DE_ESCALATE}
    return plain_code(f"{ONGOING}({moves[decision]} {goal})" if decision in moves else decision)

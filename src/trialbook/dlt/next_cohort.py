"""What the next cohort leads to: the advice of the rule in force after each number of DLTs in it (§4.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, msg, places
from trialbook.dlt.advice import trial_history
from trialbook.dlt.designs.design import ONGOING, WAIT, Action, History, Outcome, Pending, Rule, read_code
from trialbook.dlt.designs.own_table import OWN_TABLE
from trialbook.dlt.designs.registry import NO_RULE, RULE_NAMES, make_rule, rules_beside
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.dlt_status import WAITING

DLT_NEXT = "DLT_NEXT"
IN_FORCE, ALTERNATIVE = "in_force", "alternative"
# Advice codes that depend on which of the pending subjects has the DLT.
OR = " / "


@dataclass(frozen=True)
class NextCohort:
    """The next cohort under one rule: its level, how many are pending and how many are still to be treated in it.

    `codes` holds the advice code after 0, 1, ... DLTs among these; several joined by `OR` where it depends on who has
    them. `now` is the rule's action at the cut; empty codes: the trial has ended, or no rule is in force.
    """

    rule: str
    now: Action | None
    level: str
    pending: int
    to_treat: int
    codes: tuple[str, ...]
    subjects: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many outcomes the next decision rests on."""
        return self.pending + self.to_treat


def next_cohort(
    addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp, rule: str | None = None
) -> NextCohort:
    """The next cohort from ADDLT under `rule` (default: the one in force).

    While the rule waits, the next outcomes are those of the pending subjects, whatever their level. Else subjects are
    added at the level that it advises for as long as it advises to treat there, all of them pending; the cohort are
    these and who is pending there already. Subjects pending at other levels are taken with and without a DLT.
    `subjects`: the numbers of the pending subjects among them. Raises UsageError where the rule cannot be made.
    """
    name = rule or analysis.escalation_rule
    if name == NO_RULE or not protocol.has_endpoint("DLT"):
        return NextCohort(name, None, "", 0, 0, ())
    engine = make_rule(name, analysis, len(protocol.level_ids))
    past, pending = trial_history(addlt, protocol.level_ids)
    now = engine.next_action(past, pending, cut_date)
    if now.outcome != ONGOING or now.level is None:
        return NextCohort(name, now, "", 0, 0, ())
    waits = now.move == WAIT
    awaited = [p for p in pending if p.level < now.excluded_from]
    own = [p for p in awaited if waits or p.level == now.level]
    others = tuple(p for p in awaited if not (waits or p.level == now.level))
    added = 0 if waits else _open_places(engine, past, pending, now.level, cut_date)
    cohort = [*own, *(Pending(now.level, 0.0) for _ in range(added))]
    left = tuple(p for p in pending if p.level >= now.excluded_from)
    codes = tuple(
        OR.join(_codes(engine, past, cohort, others, left, count, cut_date)) for count in range(len(cohort) + 1)
    )
    listed = addlt.sort_values(["TRTSDT", "USUBJID"], kind="stable")
    levels = {protocol.level_ids[p.level] for p in own}
    waiting = listed[listed["DLTSTAT"].isin(WAITING) & listed["TRT01A"].isin(levels)]
    return NextCohort(
        name, now, past.ids[now.level], len(own), added, codes if cohort else (), tuple(waiting["SUBJID"].astype("str"))
    )


def _open_places(engine: Rule, past: History, pending: tuple[Pending, ...], level: int, as_of: pd.Timestamp) -> int:
    """How many more subjects the rule would have treated at a level before it waits for them."""
    added = 0
    # A level never holds more subjects than the largest cohort of any rule: the bound only ends a rule without a cap.
    while added < 2 * len(past.ids) * 6:
        action = engine.next_action(
            replace(past, current=level, known=()) if added else past,
            (*pending, *(Pending(level, 0.0) for _ in range(added))), as_of,
        )  # fmt: skip
        if action.outcome != ONGOING or action.move == WAIT or action.level != level:
            break
        added += 1
    return added


def _codes(
    engine: Rule, past: History, cohort: list[Pending], others: tuple[Pending, ...], left: tuple[Pending, ...],
    dlts: int, as_of: pd.Timestamp,
) -> list[str]:  # fmt: skip
    """The distinct advice codes after so many DLTs in the cohort, over who has them."""
    sizes = {level: sum(p.level == level for p in cohort) for level in sorted({p.level for p in cohort})}
    found: list[str] = []
    for counts in product(*(range(size + 1) for size in sizes.values())):
        if sum(counts) != dlts:
            continue
        outcomes = [
            Outcome(level, k < count)
            for (level, size), count in zip(sizes.items(), counts, strict=True)
            for k in range(size)
        ]
        for other in (False, True) if others else (False,):
            then = replace(
                past, outcomes=(*past.outcomes, *outcomes, *(Outcome(p.level, other) for p in others)), known=(),
                current=max(sizes) if sizes else past.current,
            )  # fmt: skip
            found.append(engine.next_action(then, left, as_of).code(past.ids))
    return list(dict.fromkeys(found))


def next_rows(
    addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> list[ArdRow]:  # fmt: skip
    """DLT_NEXT: variable = rule id, variable_level = `k of m`, stat_text = the advice code.

    Context `in_force`; with `show_alternative_rules` the other rules too, as `alternative`. No rows where the trial has
    ended under the rule, or no rule is in force.
    """
    if not protocol.has_endpoint("DLT") or analysis.escalation_rule == NO_RULE:
        return []
    rules: list[tuple[str, str]] = [(analysis.escalation_rule, IN_FORCE)]
    if analysis.show_alternative_rules:
        rules += [(name, ALTERNATIVE) for name in rules_beside(analysis, len(protocol.level_ids))]
    rows: list[ArdRow] = []
    for name, context in rules:
        found = next_cohort(addlt, protocol, analysis, cut_date, name)
        rows += [
            ard_row(
                DLT_NEXT, TOTAL, name.lower(), "advice", None, variable_level=f"{k} of {found.size}", context=context,
                stat_text=code, stat_label="Advice",
            )
            for k, code in enumerate(found.codes)
        ]  # fmt: skip
    return rows


NEXT_LABELS = {
    "RULE": msg("Rule"),
    "OUTCOME": msg("Subjects with a DLT"),
    "DECISION": msg("What the rule then advises"),
}


def next_table(results: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The DLT_NEXT rows for reading: one row per number of DLTs in the next cohort, RULE OUTCOME DECISION."""
    if not protocol.has_endpoint("DLT"):
        nothing = msg("DLT is not an endpoint of this trial.")
    elif analysis.escalation_rule == NO_RULE:
        nothing = msg("No escalation rule is in force.")
    else:
        nothing = msg("The trial has ended under the rule in force: no further outcome changes its advice.")
    rows = results[results["analysis_id"].eq(DLT_NEXT)]
    names = {name.lower(): name for name in (*RULE_NAMES, OWN_TABLE)}
    table = pd.DataFrame(
        {
            "RULE": [
                names[row.variable] if row.context == IN_FORCE
                else msg("{rule} (not in force)", rule=names[row.variable])
                for row in rows.itertuples()
            ],
            "OUTCOME": rows["variable_level"].astype("object"),
            "DECISION": [plain_decision(code, analysis.n_cap) for code in rows["stat_text"]],
        },
        columns=list(NEXT_LABELS), dtype="object",
    )  # fmt: skip
    shown = table if table["RULE"].nunique() > 1 else table.drop(columns="RULE")
    return described(shown.reset_index(drop=True), labels=NEXT_LABELS, empty=nothing)


def plain_decision(code: str, cap: int) -> str:
    """An advice code as a sentence for the first page.

    >>> plain_decision("CAP_REACHED(DL2)", 12)
    'The cap of 12 is reached; no MTD can be named'
    >>> plain_decision("ONGOING(ESCALATE DL2)", 12)
    'Escalate to DL2'
    """
    if OR in code:
        ways = enumerated([plain_decision(one, cap) for one in code.split(OR)], " or ")
        return msg("{ways}, depending on who has it", ways=ways)
    outcome, move, level = read_code(code)
    if move:
        return msg(_MOVES[move], level=level)
    return msg(_ENDS[outcome], **{place: {"level": level, "cap": cap}[place] for place in places(_ENDS[outcome])})


_MOVES = {
    "START": "Start at {level}", "ENROL": "Enrol the next subject at {level}",
    "EXPAND": "Enrol up to 6 subjects at {level}", "ESCALATE": "Escalate to {level}",
    "DE_ESCALATE": "Go down to {level}", "WAIT": "Wait at {level}; no dose decision yet",
}  # fmt: skip
_ENDS = {
    "MTD_DECLARED": "{level} is the maximum tolerated dose (MTD)",
    "MAX_TESTED_NOT_EXCEEDED": "{level}, the highest dose, is tolerated; the MTD was not reached",
    "CAP_REACHED": "The cap of {cap} is reached; no MTD can be named",
    "NO_DOSE": "No dose is tolerable: the lowest level exceeds the MTD",
}  # fmt: skip

"""How a trial may go on from its present state: every pathway of the rule in force to its end, as table and figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import as_text, joined, msg, plural
from trialbook.dlt.advice import places_left, plain_code, trial_history
from trialbook.dlt.designs.design import MTD_DECLARED, ONGOING, WAIT, History, Pending, Rule
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.dlt.pathways import ANY_DAY, Design, Node, first_nodes, pathways, timeless
from trialbook.escalation_simulation.remaining import fitting_scenarios
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row

PATHWAY = "DLT_PATHWAY"
# Pathways that somebody reads in a table, and states that have room in a figure.
MOST_ROWS, MOST_NODES = 120, 60
UP, MORE, DOWN, WAITS = msg("escalate"), msg("treat more here"), msg("go down"), msg("wait for the pending")
DECLARED, WITHOUT = msg("ends with an MTD"), msg("ends without an MTD")
HOW = msg(
    "Whole cohorts, treated and awaited one after the other, nobody replaced (A-200); subjects pending now are awaited "
    "first (A-208). The order of subjects within a cohort does not matter."
)
CHANCES = msg(
    "The probabilities hold if the true DLT rates of the dose levels were these: {rates}. They are assumed; none of "
    "them is an estimate. A pending subject has the risk of the rest of its window."
)
MARKS = msg(
    "Of each state the dose level treated last, with DLTs of evaluable subjects; > and the level that is treated next; "
    "... where the rule waits for pending subjects; "
    "MTD and the dose that is declared; \u00d7 the trial ends without one. Pathways to the same counts meet."
)
NODE_LABELS = {
    "COHORT": msg("Cohort"), "LEVEL": msg("Dose level"), "SEEN": msg("DLT / evaluable"), "NEXT": msg("What follows"),
    "KIND": msg("What follows, in short"), "MARK": msg("In the figure"),
}  # fmt: skip


@dataclass(frozen=True)
class Courses:
    """The pathways from the present state: one row per pathway in `ways`, the columns of `pathways`.

    `chances`: by assumed scenario the probability of each row; `cohorts`: how many cohorts are looked ahead, None where
    each pathway is followed to its end; `first`: how many of the first cohorts are subjects pending now; `nothing`: why
    there is no pathway, blank where there is one. `design` and `start` are the rule and the nodes that come first.
    """

    ways: pd.DataFrame
    chances: dict[str, list[float]]
    cohorts: int | None
    first: int
    nothing: str
    design: Design | None = None
    start: tuple[Node, ...] = ()


def courses(addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> Courses:
    """The pathways of the rule in force from ADDLT on; as many cohorts ahead as MOST_ROWS rows hold."""
    nothing = _nothing(protocol, analysis)
    if nothing:
        return Courses(pd.DataFrame(), {}, None, 0, nothing)
    ids = protocol.level_ids
    rule = make_rule(analysis.escalation_rule, analysis, len(ids))
    past, pending = trial_history(addlt, ids)
    design = Design(rule, ids)
    start = tuple(first_nodes(design, past, pending))
    if not start:
        ended = msg("The trial has ended under the rule in force: no further outcome changes its advice.")
        return Courses(pd.DataFrame(), {}, None, 0, ended)
    first = len({p.level for p in pending})
    ahead, ways = _as_far_as_read(rule, ids, past, pending)
    chances = {
        name: _ends(pathways(rule, ids, past, ahead, rates, pending), ahead)["probability"].tolist()
        for name, rates in fitting_scenarios(protocol, analysis).items()
    }
    return Courses(ways, chances, ahead, first, "", design, start)


def _nothing(protocol: Protocol, analysis: Analysis) -> str:
    if not protocol.has_endpoint("DLT"):
        return msg("DLT is not an endpoint of this trial.")
    return msg("No escalation rule is in force.") if analysis.escalation_rule == NO_RULE else ""


def _as_far_as_read(
    rule: Rule, ids: Sequence[str], past: History, pending: Sequence[Pending]
) -> tuple[int | None, pd.DataFrame]:  # fmt: skip
    """How many cohorts are looked ahead (None: to the end), and the pathways to there."""
    shown, cohorts = pd.DataFrame(), len({p.level for p in pending}) or 1
    while True:
        ways = _ends(pathways(rule, ids, past, cohorts, pending=pending), cohorts)
        if len(ways) > MOST_ROWS and len(shown):
            return cohorts - 1, shown
        if ways["ending"].ne("").all():
            return None, ways
        shown, cohorts = ways, cohorts + 1


def _ends(ways: pd.DataFrame, cohorts: int | None) -> pd.DataFrame:
    """The last row of each pathway."""
    return ways[ways["ending"].ne("") | ways["cohort"].eq(cohorts or 0)].reset_index(drop=True)


def course_rows(found: Courses) -> Iterator[ArdRow]:
    """DLT_PATHWAY: variable = the pathway, variable_level = the assumed rates by name; its exact probability."""
    for name, chances in found.chances.items():
        for path, chance in zip(found.ways["path"], chances, strict=True):
            yield ard_row(PATHWAY, TOTAL, path, "estimate", chance, variable_level=name, context="exact")


WORD = re.compile(r"([0-9]+)([TN]+)")


def course_table(found: Courses, results: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> pd.DataFrame:
    """The pathways for reading: the cohorts one after the other, how each ends, its probability by assumed rates."""
    ids, rows = protocol.level_ids, results[results["analysis_id"].eq(PATHWAY)]
    text = {(row.variable_level, row.variable): row.stat_text for row in rows.itertuples()}
    listed: list[dict[str, str]] = []
    numbers: dict[tuple[int, str], tuple[str, ...]] = {}
    for place, way in enumerate(found.ways.itertuples()):
        seen = [f"{ids[int(level) - 1]} {each.count('T')}/{len(each)}" for level, each in WORD.findall(way.path)]
        line: dict[str, str] = {"PENDING": joined(seen[: found.first], ", ")} if found.first else {}
        line |= {f"C{k}": said for k, said in enumerate(seen[found.first :], 1)}
        line["END"] = plain_code(way.ending) if way.ending else msg("goes on at {level}", level=way.next_level)
        line |= {name: text[name, way.path] for name in found.chances}
        listed.append(line)
        numbers |= {(place, name): (PATHWAY, TOTAL, way.path, name, "exact") for name in found.chances}
    steps = max((len(line) for line in listed), default=0)
    columns = ["PENDING"] * bool(found.first) + [
        f"C{k}" for k in range(1, steps + 1) if any(f"C{k}" in line for line in listed)
    ]
    table = pd.DataFrame(listed, columns=[*columns, "END", *found.chances], dtype="object").fillna("")
    labels = {f"C{k}": msg("Cohort {k}", k=k) for k in range(1, steps + 1)}
    labels |= {"PENDING": msg("Pending now"), "END": msg("How it ends")}
    labels |= {name: as_text(name) for name in found.chances}
    return described(
        table, labels=labels, right=list(found.chances), numbers=numbers, empty=found.nothing,
        notes=[HOW, *_notes(found, protocol, analysis)],
    )  # fmt: skip


def _notes(found: Courses, protocol: Protocol, analysis: Analysis) -> list[str]:
    said: list[str] = []
    if found.cohorts is not None:
        said.append(plural("{n} cohort from now on is shown.", "{n} cohorts from now on are shown.", found.cohorts))
    rates = fitting_scenarios(protocol, analysis)
    if found.chances:
        named = [msg("{name}: {rates}", name=name, rates=" / ".join(f"{100 * rate:g}%" for rate in rates[name]))
                 for name in found.chances]  # fmt: skip
        said.append(msg(CHANCES.msgid, rates=joined(named, "; ")))
    return said


# ----------------------------------------------------------------------------------------------------


def course_graph(
    found: Courses, addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """F28: the states that the trial may come to, cohort by cohort, and which follows which.

    The first frame has a row per state (`NODE_LABELS`), COHORT 0 being the present one; pathways that come to the same
    counts meet. The second has COHORT, FROM and TO: the positions of two states within the cohort before and in it.
    As many cohorts as MOST_NODES states hold.
    """
    rows: list[tuple[object, ...]] = []
    edges: list[tuple[int, int, int]] = []
    cut_short = False
    if found.design is not None:
        past, pending = trial_history(addlt, protocol.level_ids)
        now = found.design.rule.next_action(past, timeless(pending), ANY_DAY)
        rows.append(_node_row(Node(past, now, now), 0, protocol.level_ids))
        layer, number = _merged(found.design, [(0, node) for node in found.start]), 1
        while layer:
            if len(rows) + len(layer) > MOST_NODES and number > 1:
                cut_short = True
                break
            rows += [_node_row(node, number, protocol.level_ids) for node, _ in layer]
            edges += [(number, origin, place) for place, (_, origins) in enumerate(layer) for origin in sorted(origins)]
            coming = [(k, child) for k, (node, _) in enumerate(layer) for child in found.design.children(node)]
            layer, number = _merged(found.design, coming), number + 1
    nodes = pd.DataFrame(rows, columns=list(NODE_LABELS), dtype="object")
    summary = msg(
        "The states that the trial may come to from now on, cohort by cohort, under the rule in force: {n} states.",
        n=len(nodes),
    )  # fmt: skip
    places = places_left(analysis, *trial_history(addlt, protocol.level_ids))
    left = plural(
        "The pathways keep to the cap of {cap}: {n} place is left.",
        "The pathways keep to the cap of {cap}: {n} places are left.", places, cap=analysis.n_cap,
    )  # fmt: skip
    notes = [MARKS, left, *([msg("Only the first cohorts have room in the figure.")] if cut_short else [])]
    ends = nodes["KIND"].isin([DECLARED, WITHOUT])
    finding = msg(
        "{n} possible ends, {without} without an MTD", n=int(ends.sum()), without=int((nodes["KIND"] == WITHOUT).sum())
    )
    described(nodes, labels=NODE_LABELS, empty=found.nothing, finding=finding, summary=summary, notes=notes)
    return nodes, pd.DataFrame(edges, columns=["COHORT", "FROM", "TO"]).astype("int64")


def _merged(design: Design, coming: Sequence[tuple[int, Node]]) -> list[tuple[Node, set[int]]]:
    """The distinct states, by level and DLTs, each with the positions of those before it."""
    found: dict[tuple[object, ...], tuple[Node, set[int]]] = {}
    for origin, node in coming:
        ended = node.action.outcome != ONGOING
        # Of an ended trial only the last level and the ending are in the figure.
        key = (_current(node), *_seen(node), node.action.code(design.ids)) if ended else design.state(node.history)
        found.setdefault(key, (node, set()))[1].add(origin)
    return sorted(found.values(), key=lambda one: (_current(one[0]), one[0].history.dlts(_current(one[0]))))


def _current(node: Node) -> int:
    return node.history.current or 0


def _seen(node: Node) -> tuple[int, int]:
    """DLTs and evaluable subjects at the level treated last."""
    return node.history.dlts(_current(node)), node.history.n(_current(node))


def _node_row(node: Node, number: int, ids: Sequence[str]) -> tuple[object, ...]:
    level, action = _current(node), node.action
    seen = "{}/{}".format(*_seen(node))
    goal = "" if action.level is None else ids[action.level]
    if action.outcome != ONGOING or action.level is None:
        kind, mark = (DECLARED, f"MTD {goal}") if action.outcome == MTD_DECLARED else (WITHOUT, "\u00d7")
    elif action.move == WAIT:
        kind, mark = WAITS, "..."
    else:
        kind, mark = (UP if action.level > level else DOWN if action.level < level else MORE), f"> {goal}"
    return number, ids[level], seen, plain_code(action.code(tuple(ids))), kind, mark

"""What a dose-escalation design does in every trial that can happen: decision table, pathways to the end, endings.

Whole cohorts are treated and awaited one after the other (A-200): nobody is pending when the rule is asked, and nobody
is replaced. Subjects who are pending at the start are awaited first, as cohorts of their own (A-208). Yap et al.,
Clin Cancer Res 2017;23:7440-7447 (dose transition pathways).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.dlt.designs.cohorts import CohortRule, IntervalRule, too_toxic
from trialbook.dlt.designs.design import MTD_DECLARED, NO_CAP, ONGOING, WAIT, Action, History, Outcome, Pending, Rule
from trialbook.dlt.designs.interval import TiteBoin
from trialbook.statistics import added

# More pathways than this are no table that anybody reads.
MOST_PATHWAYS = 20_000
# Subjects of a cohort where the rule names no size of its own: 3+3 and rolling six decide from three on.
COHORT = 3
# No decision of a rule depends on the calendar date when nobody is pending.
ANY_DAY = pd.Timestamp("2000-01-01")
STAY, UP, DOWN, DOWN_AND_EXCLUDE = "S", "E", "D", "DU"


def chance_still(rate: float, followed: float) -> float:
    """The chance of a DLT in the rest of a window of which a share was followed without one (any day alike).

    >>> chance_still(0.3, 0.0), round(chance_still(0.3, 0.5), 4), chance_still(0.3, 1.0)
    (0.3, 0.1765, 0.0)
    """
    return rate * (1 - followed) / (1 - rate * followed) if rate * followed < 1 else 0.0


def chance_of(dlts: int, risks: Sequence[float]) -> float:
    """The probability of so many DLTs among subjects of whom each has a risk of its own.

    >>> round(chance_of(1, [0.1, 0.2]), 2)
    0.26
    """
    chances = [1.0]
    for risk in risks:
        chances = [
            (chances[k] * (1 - risk) if k < len(chances) else 0.0) + (chances[k - 1] * risk if k else 0.0)
            for k in range(len(chances) + 1)
        ]
    return chances[dlts]


def timeless(pending: Sequence[Pending]) -> tuple[Pending, ...]:
    """Pending subjects without the day on which their window closes: no pathway has dates.

    >>> timeless([Pending(0, 0.5, ANY_DAY)])
    (Pending(level=0, weight=0.5, due=None),)
    """
    return tuple(p._replace(due=None) for p in pending)


class Cohort(NamedTuple):
    """Subjects treated together: index of the level, DLTs among them, their number."""

    level: int
    dlts: int
    size: int

    def word(self) -> str:
        """`2TNN`: the level by its place from 1, one T per DLT, one N per subject without.

        >>> Cohort(1, 1, 3).word()
        '2TNN'
        """
        return f"{self.level + 1}{'T' * self.dlts}{'N' * (self.size - self.dlts)}"


@dataclass(frozen=True)
class Node:
    """A trial after some cohorts. `decision` is what the counts say, as if the cap left places; `action` heeds it."""

    history: History
    decision: Action
    action: Action
    cohorts: tuple[Cohort, ...] = ()
    probability: float = 1.0

    @property
    def next_level(self) -> int | None:
        """Where the counts lead; None where they end the trial."""
        return self.decision.level if self.decision.outcome == ONGOING else None


def _known_to_be(node: Node, level: int, dlts: int, size: int, risks: Sequence[float] | None) -> Node:
    """A trial after so many DLTs among the pending subjects of a level; the rule has not been asked yet."""
    outcomes = tuple(Outcome(level, k < dlts) for k in range(size))
    after = replace(node.history, outcomes=(*node.history.outcomes, *outcomes), known=())
    chance = 1.0 if risks is None else chance_of(dlts, risks)
    cohorts = (*node.cohorts, Cohort(level, dlts, size))
    return replace(node, history=after, cohorts=cohorts, probability=node.probability * chance)


class Design:
    """A rule with its dose levels: asks the rule about each state once.

    >>> from trialbook.dlt.designs.design import Cap
    >>> from trialbook.dlt.designs.interval import Boin
    >>> design = Design(Boin(0.30, cap=Cap(12)), ["DL1", "DL2", "DL3"])
    >>> [(node.cohorts[-1].dlts, node.next_level) for node in design.children(design.start())]
    [(0, 1), (1, 0), (2, 0), (3, None)]
    """

    def __init__(self, rule: Rule, ids: Sequence[str]) -> None:
        self.rule, self.ids = rule, tuple(ids)
        # Every rule of `designs` is a frozen dataclass with a cap.
        self._capped = cast("Any", rule)
        self._without_cap: Rule = replace(self._capped, cap=NO_CAP)
        self._known: dict[tuple[object, ...], tuple[Action, Action]] = {}

    def start(self, history: History | None = None) -> Node:
        """The node of a trial so far; without one, of a trial that has treated nobody."""
        return self._node(history or History(self.ids))

    def awaited(
        self, history: History, pending: Sequence[Pending], rates: Sequence[float] | None = None
    ) -> list[Node]:  # fmt: skip
        """The nodes of a trial so far once the pending subjects are known: one per number of DLTs among them by level.

        None where the trial has ended whatever they bring. A pending subject has the risk of the rest of its window.
        """
        now = self.rule.next_action(history, timeless(pending), ANY_DAY)
        if now.outcome != ONGOING:
            return []
        # What the rule says of the known ones alone does not matter: it is asked when all are known.
        nodes = [Node(history, now, now)]
        for level in sorted({p.level for p in pending}):
            own = [p for p in pending if p.level == level]
            risks = None if rates is None else [chance_still(rates[level], p.weight) for p in own]
            nodes = [_known_to_be(node, level, dlts, len(own), risks) for node in nodes for dlts in range(len(own) + 1)]
        known = [(node, self._node(node.history)) for node in nodes]
        return [replace(node, decision=asked.decision, action=asked.action) for node, asked in known]

    def children(self, node: Node, rates: Sequence[float] | None = None) -> list[Node]:
        """The nodes after the next cohort, by the number of its DLTs; none where the trial has ended.

        `probability` is that of the pathway under the true DLT rates `rates` of the levels.
        """
        if node.action.outcome != ONGOING or node.action.level is None:
            return []
        level, size = node.action.level, self._size(node)
        found = []
        for dlts in range(size + 1):
            chance = 1.0 if rates is None else chance_of(dlts, [rates[level]] * size)
            outcomes = tuple(Outcome(level, k < dlts) for k in range(size))
            after = replace(node.history, outcomes=(*node.history.outcomes, *outcomes), current=level, known=())
            cohorts = (*node.cohorts, Cohort(level, dlts, size))
            found.append(replace(self._node(after), cohorts=cohorts, probability=node.probability * chance))
        return found

    def state(self, history: History) -> tuple[object, ...]:
        """What the rule can tell trials apart by."""
        levels, current = range(len(self.ids)), history.current
        counts = tuple((history.n(k), history.dlts(k), history.replaced.count(k)) for k in levels)
        kept = self.rule.reads.last_cohort
        return counts, current, history.last_cohort((), current, kept) if kept and current is not None else ()

    def reached(self, start: Node, rates: Sequence[float] | None = None) -> Iterator[Node]:
        """Every state that a trial can come to, cohort by cohort; nodes of one state are merged into one.

        `probability` is then that of all pathways to it, and `cohorts` those of the first of them.
        """
        layer = [start]
        while layer:
            yield from layer
            following: dict[tuple[object, ...], Node] = {}
            for node in layer:
                for child in self.children(node, rates):
                    if rates is not None and child.probability == 0:
                        continue
                    key = self.state(child.history)
                    same = following.get(key)
                    gained = same.probability if same else 0.0
                    following[key] = replace(same or child, probability=gained + child.probability)
            layer = list(following.values())

    def _node(self, history: History) -> Node:
        key = self.state(history)
        if key not in self._known:
            asked = (self._without_cap.next_action(history, (), ANY_DAY), self.rule.next_action(history, (), ANY_DAY))
            if any(action.move == WAIT for action in asked):
                raise RuntimeError("the rule waits although nobody is pending")
            self._known[key] = asked
        return Node(history, *self._known[key])

    def _size(self, node: Node) -> int:
        """Subjects of the next cohort: the open places at the level, as far as the cap and the rule let them in."""
        history, level = node.history, cast("int", node.action.level)
        most = min(COHORT, self._capped.cap.places(history, ()))
        if isinstance(self.rule, CohortRule):
            return min(self.rule.open_places(history, (), level) or self.rule.cohort, self.rule.cap.places(history, ()))
        size = 1
        while size < most:
            pending = (Pending(level, 0.0),) * size
            action = self.rule.next_action(replace(history, current=level, known=()), pending, ANY_DAY)
            if action.outcome != ONGOING or action.move == WAIT or action.level != level:
                break
            size += 1
        return size


def pathways(
    rule: Rule, ids: Sequence[str], start: History | None = None, cohorts: int | None = None,
    rates: Sequence[float] | None = None, pending: Sequence[Pending] = (),
) -> pd.DataFrame:  # fmt: skip
    """Every pathway of a design, one row after each cohort of each of them, a pathway followed to its end at once.

    | column      | content                                                                                     |
    |-------------|---------------------------------------------------------------------------------------------|
    | path        | the cohorts treated: `1NNN 2TNN` (`Cohort.word`)                                             |
    | cohort      | how many they are, from `start` on                                                          |
    | level, n, dlts | level id of the last cohort, its subjects, its DLTs                                      |
    | next_level  | level id for the next cohort by what was seen, whatever the cap; blank: no dose or decided  |
    | eliminated  | level ids excluded, separated by `;`                                                        |
    | ending      | outcome of A-78 where the trial ends here, else blank                                       |
    | probability | of the pathway so far under the true DLT rates `rates`; missing without them                |

    `start` is the trial so far (default: nobody treated), `pending` its subjects whose windows are open, `cohorts` the
    most cohorts to look ahead (default: to the end). Raises UsageError for more than MOST_PATHWAYS rows.

    >>> from trialbook.dlt.designs.design import Cap
    >>> from trialbook.dlt.designs.interval import Boin
    >>> table = pathways(Boin(0.30, cap=Cap(12)), ["DL1", "DL2", "DL3"], cohorts=1)
    >>> table[["path", "next_level"]].to_records(index=False).tolist()
    [('1NNN', 'DL2'), ('1TNN', 'DL1'), ('1TTN', 'DL1'), ('1TTT', '')]
    """
    design = Design(rule, ids)
    rows: list[tuple[object, ...]] = []
    waiting = first_nodes(design, start, pending, rates)[::-1] if cohorts is None or cohorts > 0 else []
    while waiting:
        node = waiting.pop()
        rows.append(_row(node, design.ids, rates is not None))
        if len(rows) > MOST_PATHWAYS:
            raise UsageError(
                f"the design has more than {MOST_PATHWAYS} pathways", column="cohorts", value=cohorts,
                next_step="look fewer cohorts ahead",
            )  # fmt: skip
        if cohorts is None or len(node.cohorts) < cohorts:
            waiting += design.children(node, rates)[::-1]
    columns = ["path", "cohort", "level", "n", "dlts", "next_level", "eliminated", "ending", "probability"]
    texts = dict.fromkeys(("path", "level", "next_level", "eliminated", "ending"), "str")
    numbers = {"cohort": "int64", "n": "int64", "dlts": "int64", "probability": "float64"}
    return pd.DataFrame(rows, columns=columns).astype({**texts, **numbers})


def first_nodes(
    design: Design, start: History | None, pending: Sequence[Pending] = (), rates: Sequence[float] | None = None
) -> list[Node]:  # fmt: skip
    """The nodes after the first cohort, or after those who are pending; none where the trial has ended."""
    if pending and start is not None:
        return design.awaited(start, pending, rates)
    return design.children(design.start(start), rates)


def decision_table(
    rule: Rule, ids: Sequence[str], start: History | None = None, most: int = MOST_PATHWAYS
) -> pd.DataFrame:  # fmt: skip
    """What 0 to n DLTs of n evaluable subjects at a level lead to, for all counts that a trial can come to.

    One row per level, n and dlts and decision: `decision` is E (go up), S (stay), D (go down), DU (go down, this
    level excluded) or the outcome of A-78 that ends the trial, by what was seen and whatever the cap; `next_level` its
    level id, `eliminated` the level ids excluded. `alone` is False where the counts of other levels, or the last
    cohort, matter as well: then there are several rows. Sorted by level, n and dlts.

    >>> from trialbook.dlt.designs.design import Cap
    >>> from trialbook.dlt.designs.three_plus_three import ThreePlusThree
    >>> table = decision_table(ThreePlusThree(Cap(12)), ["DL1", "DL2", "DL3"])
    >>> first = table[table["level"].eq("DL1") & table["n"].eq(3) & table["alone"]]
    >>> first[["dlts", "decision", "next_level"]].to_records(index=False).tolist()
    [(0, 'E', 'DL2'), (1, 'S', 'DL1'), (2, 'NO_DOSE', ''), (3, 'NO_DOSE', '')]
    """
    design = Design(rule, ids)
    found: set[tuple[int, int, int, str, str, str]] = set()
    for number, node in enumerate(design.reached(design.start(start))):
        if number > most:
            raise UsageError(f"the design has more than {most} states", value=rule, next_step="look at its pathways")
        level = node.history.current
        if level is None:
            continue
        goal = "" if node.next_level is None else design.ids[node.next_level]
        counts = (level, node.history.n(level), node.history.dlts(level))
        found.add((*counts, _decision(node, level, design.ids), goal, _eliminated(node, design.ids)))
    columns = ["level", "n", "dlts", "decision", "next_level", "eliminated"]
    table = pd.DataFrame(sorted(found), columns=columns)
    # What is excluded elsewhere does not make it another decision.
    different = table.groupby(["level", "n", "dlts"])[["decision", "next_level"]].transform("nunique")
    table["alone"] = different.eq(1).all(axis=1)
    texts = dict.fromkeys(("level", "decision", "next_level", "eliminated"), "str")
    return table.assign(level=[design.ids[k] for k in table["level"]]).astype(texts)


def interval_table(rule: CohortRule, n_max: int) -> pd.DataFrame:
    """The printed table of a rule that reads the counts of the current level alone (as CRAN BOIN prints it).

    One row per number n of evaluable subjects, 1 to n_max: go up with at most `escalate_if_at_most` DLTs, down with at
    least `deescalate_if_at_least`, and exclude the level with at least `eliminate_if_at_least`; missing where no
    number does. `extrasafe_offset`, which belongs to the lowest level alone, is not in it. TITE-BOIN: as with nobody
    pending. Raises UsageError for other rules.

    >>> from trialbook.dlt.designs.interval import Boin
    >>> interval_table(Boin(0.30), 6).iloc[[2, 5]].to_records(index=False).tolist()
    [(3, 0, 2, 3), (6, 1, 3, 4)]
    """
    if not isinstance(rule, IntervalRule | TiteBoin):
        raise UsageError(
            "this rule has no table of the counts of one level alone", value=rule.name,
            next_step="ask for its decision table or its pathways",
        )  # fmt: skip
    rows = []
    for n in range(1, n_max + 1):
        letters = [printed_letter(rule, x, n) for x in range(n + 1)]
        up = max((x for x in range(n + 1) if letters[x] == UP), default=None)
        down = next((x for x in range(n + 1) if letters[x] in (DOWN, DOWN_AND_EXCLUDE)), None)
        out = next((x for x in range(n + 1) if letters[x] == DOWN_AND_EXCLUDE), None)
        rows.append((n, up, down, out))
    columns = ["n", "escalate_if_at_most", "deescalate_if_at_least", "eliminate_if_at_least"]
    return pd.DataFrame(rows, columns=columns).astype("Int64")


def ending_probabilities(
    rule: Rule, ids: Sequence[str], rates: Sequence[float], start: History | None = None
) -> dict[str, float]:  # fmt: skip
    """The exact probability of each ending (outcome of A-78) when `rates` are the true DLT rates of the levels.

    Raises UsageError when there is not one rate in [0, 1] per level.

    >>> from trialbook.dlt.designs.design import Cap
    >>> from trialbook.dlt.designs.three_plus_three import ThreePlusThree
    >>> found = ending_probabilities(ThreePlusThree(Cap(12)), ["DL1", "DL2", "DL3"], [0.05, 0.10, 0.20])
    >>> round(found["MTD_DECLARED(DL3)"], 3), round(found["NO_DOSE"], 3)
    (0.41, 0.027)
    """
    if len(rates) != len(ids) or not all(0 <= rate <= 1 for rate in rates):
        raise UsageError(
            "there must be one true DLT rate between 0 and 1 per dose level", column="rates", value=list(rates),
            next_step=f"give {len(ids)} rates",
        )  # fmt: skip
    design = Design(rule, ids)
    found: dict[str, float] = {}
    for node in design.reached(design.start(start), rates):
        if node.action.outcome != ONGOING:
            code = node.action.code(design.ids)
            found[code] = found.get(code, 0.0) + node.probability
    return found


def probability_without_mtd(
    rule: Rule, ids: Sequence[str], rates: Sequence[float], start: History | None = None
) -> float:  # fmt: skip
    """The exact probability that a trial ends without a declared MTD, for whatever reason; see ending_probabilities.

    >>> from trialbook.dlt.designs.design import Cap
    >>> from trialbook.dlt.designs.three_plus_three import ThreePlusThree
    >>> round(probability_without_mtd(ThreePlusThree(Cap(12)), ["DL1", "DL2", "DL3"], [0.05, 0.10, 0.20]), 2)
    0.42
    """
    endings = ending_probabilities(rule, ids, rates, start)
    return added(chance for code, chance in endings.items() if not code.startswith(MTD_DECLARED))


def _row(node: Node, ids: tuple[str, ...], weighed: bool) -> tuple[object, ...]:
    last = node.cohorts[-1]
    goal = "" if node.next_level is None else ids[node.next_level]
    ending = "" if node.action.outcome == ONGOING else node.action.code(ids)
    path = " ".join(cohort.word() for cohort in node.cohorts)
    chance = node.probability if weighed else None
    return (
        path, len(node.cohorts), ids[last.level], last.size, last.dlts, goal, _eliminated(node, ids), ending, chance,
    )  # fmt: skip


def _eliminated(node: Node, ids: tuple[str, ...]) -> str:
    return ";".join(ids[node.decision.excluded_from :])


def _decision(node: Node, level: int, ids: tuple[str, ...]) -> str:
    goal = node.next_level
    if goal is None:
        return node.decision.code(ids)
    if goal >= level:
        return UP if goal > level else STAY
    return DOWN_AND_EXCLUDE if level >= node.decision.excluded_from else DOWN


def printed_letter(rule: IntervalRule | TiteBoin, x: int, n: int) -> str:
    """E, S, D or DU for x DLTs of n evaluable subjects of a level, nobody pending.

    >>> from trialbook.dlt.designs.interval import Boin
    >>> printed_letter(Boin(0.30), 3, 3)
    'DU'
    """
    if isinstance(rule, IntervalRule):
        return rule.decision(x, n)
    toxic = too_toxic(x, n, rule.target, rule.certainty, rule.smallest)
    return DOWN_AND_EXCLUDE if toxic else rule.letter(x, n, ())

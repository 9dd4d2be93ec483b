"""The 3+3 written a second time, as a table over (evaluable, DLTs) of one level and a walk down from the top (§4.4).

It shares no line with `trialbook.dlt.designs.three_plus_three`: tests hold the two together on every state that can
be reached. Default variant: cap on treated subjects, expansion of the top and of the level below an excluded one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# (evaluable, DLTs) of a level that is not excluded: how many it is to have in the end, and whether it then passes.
TABLE = {
    (0, 0): ("open", 3), (1, 0): ("open", 3), (2, 0): ("open", 3), (1, 1): ("open", 3), (2, 1): ("open", 3),
    (3, 0): ("pass3", 3), (3, 1): ("open", 6), (4, 0): ("open", 6), (4, 1): ("open", 6),
    (5, 0): ("open", 6), (5, 1): ("open", 6), (6, 0): ("pass6", 6), (6, 1): ("pass6", 6),
}  # fmt: skip


class Counts(NamedTuple):
    """A trial: evaluable, DLTs and pending subjects of each level, and the level treated last (-1 = none)."""

    evaluable: tuple[int, ...]
    dlts: tuple[int, ...]
    pending: tuple[int, ...]
    current: int

    @property
    def treated(self) -> int:
        """Everybody who was given the product."""
        return sum(self.evaluable) + sum(self.pending)

    def after(self, level: int, *, dlt: bool) -> Counts:
        """A pending subject of this level has ended with, or without, a DLT."""
        return self._replace(
            evaluable=_plus(self.evaluable, level, 1), dlts=_plus(self.dlts, level, int(dlt)),
            pending=_plus(self.pending, level, -1),
        )  # fmt: skip

    def settled(self, *, dlt: bool) -> Counts:
        """Every pending subject has."""
        counts = self
        for level, waiting in enumerate(self.pending):
            for _ in range(waiting):
                counts = counts.after(level, dlt=dlt)
        return counts

    def with_one_more(self, level: int) -> Counts:
        """One more subject is treated."""
        return self._replace(pending=_plus(self.pending, level, 1), current=level)


def nobody(levels: int) -> Counts:
    """The trial before its first subject."""
    zero = (0,) * levels
    return Counts(zero, zero, zero, -1)


def advised(counts: Counts, cap: int) -> str:
    """The advice as a code: `ESCALATE DL2`, `WAIT DL1`, `MTD_DECLARED(DL1)`, `CAP_REACHED(none)`, `NO_DOSE`."""
    verdicts = [TABLE.get(pair, ("exceeds", 0)) for pair in zip(counts.evaluable, counts.dlts, strict=True)]
    names = [name for name, _ in verdicts]
    barred = names.index("exceeds") if "exceeds" in names else len(names)
    if barred == 0:
        return "NO_DOSE"
    seen = [n + p > 0 for n, p in zip(counts.evaluable, counts.pending, strict=True)]
    at = max((k for k in range(barred) if seen[k]), default=barred - 1 if barred < len(names) else 0)
    name, size = verdicts[at]
    last = at == barred - 1
    if name == "pass3" and last:
        # Nothing above is open: at the top, or below an excluded level, three more are asked for.
        name, size = "open", 6
    below_waits = any(counts.pending[: at + 1])
    if name == "open" and counts.evaluable[at] + counts.pending[at] < size:
        goal, move = at, "EXPAND" if size == 6 else "ENROL"
    elif below_waits:
        return f"WAIT DL{at + 1}"
    elif last:
        return f"MTD_DECLARED(DL{at + 1})"
    else:
        goal, move = at + 1, "ESCALATE"
    if counts.treated >= cap:
        if any(counts.pending[:barred]):
            return f"WAIT DL{max(k for k in range(barred) if counts.pending[k]) + 1}"
        confirmed = [k for k in range(barred) if names[k] == "pass6"]
        return f"CAP_REACHED({f'DL{confirmed[-1] + 1}' if confirmed else 'none'})"
    if counts.current < 0:
        return "START DL1"
    return f"{'DE_ESCALATE' if counts.current > goal else move} DL{goal + 1}"


def reachable(levels: int, cap: int) -> Iterator[Counts]:
    """Every state that following the advice can lead to: subjects come one by one, windows close in any order."""
    start = nobody(levels)
    met, todo = {start}, [start]
    while todo:
        counts = todo.pop()
        yield counts
        following = [counts.after(k, dlt=dlt) for k in range(levels) if counts.pending[k] for dlt in (False, True)]
        code = advised(counts, cap)
        if code.split(" ")[0] in ("START", "ENROL", "EXPAND", "ESCALATE", "DE_ESCALATE"):
            following.append(counts.with_one_more(int(code[-1]) - 1))
        for one in following:
            if one not in met:
                met.add(one)
                todo.append(one)


def endings(rates: tuple[float, ...], cap: int) -> dict[str, float]:
    """The probability of each ending of a trial under true DLT rates, one subject awaited after the other."""
    found: dict[str, float] = {}
    layer = {nobody(len(rates)): 1.0}
    while layer:
        following: dict[Counts, float] = {}
        for counts, chance in layer.items():
            move, _, level = advised(counts, cap).partition(" ")
            if not level:
                found[move] = found.get(move, 0.0) + chance
                continue
            at = int(level[2:]) - 1
            asked = counts.with_one_more(at)
            for dlt, share in ((True, rates[at]), (False, 1 - rates[at])):
                after = asked.after(at, dlt=dlt)
                following[after] = following.get(after, 0.0) + chance * share
        layer = following
    return found


def _plus(values: tuple[int, ...], position: int, more: int) -> tuple[int, ...]:
    return (*values[:position], values[position] + more, *values[position + 1 :])

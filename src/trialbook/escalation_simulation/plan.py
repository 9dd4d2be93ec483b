"""What is simulated: a rule, assumed true DLT rates, the cap, and how subjects arrive (plain data, picklable)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trialbook.core.errors import UsageError
from trialbook.dlt.designs.design import CAP_REACHED, MAX_TESTED_NOT_EXCEEDED, MTD_DECLARED, NO_DOSE, Cap, Rule
from trialbook.dlt.designs.registry import NO_RULE, make_rule
from trialbook.protocol.analysis import Analysis

OUTCOMES = (MTD_DECLARED, MAX_TESTED_NOT_EXCEEDED, CAP_REACHED, NO_DOSE)
MOST_SUBJECTS = 500


@dataclass(frozen=True)
class Plan:
    """One cell of a grid of designs.

    `rates` are the assumed true DLT rates of the levels `ids`; `window` the last day of the DLT window (0 = day of
    infusion). A DLT begins on any day of the window with the same chance. Without a DLT a subject is not evaluable
    with chance `not_evaluable` and leaves on any day before the last.

    Suitable patients come at random, one every `accrual_days` on average (0 = as many as are wanted, at once). While
    the rule waits, who comes is treated elsewhere (`arrivals` lost) or waits for a place (queue). `stagger_days` is
    the shortest time between two first infusions: above `window` nobody is ever pending when the next is treated.
    """

    rule_name: str
    rule: Rule
    ids: tuple[str, ...]
    rates: tuple[float, ...]
    cap: Cap
    target: float
    window: int = 28
    accrual_days: float = 21.0
    arrivals: Literal["lost", "queue"] = "lost"
    stagger_days: int = 0
    not_evaluable: float = 0.0

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.ids) or not self.rates:
            raise UsageError(
                "there must be one true DLT rate per dose level", column="rates", value=list(self.rates),
                next_step=f"give {len(self.ids)} rates",
            )  # fmt: skip
        wrong = [rate for rate in (*self.rates, self.not_evaluable, self.target) if not 0 <= rate <= 1]
        if wrong:
            raise UsageError("a rate lies between 0 and 1", value=wrong[0], next_step="give a share, such as 0.15")
        if not 1 <= self.cap.limit <= MOST_SUBJECTS:
            raise UsageError(
                "the cap must leave a trial of a size that can be simulated", column="cap", value=self.cap.limit,
                next_step=f"choose 1 to {MOST_SUBJECTS} subjects",
            )  # fmt: skip
        if self.accrual_days < 0 or self.stagger_days < 0 or self.window < 0:
            raise UsageError("a number of days is not below 0", value=min(self.accrual_days, self.stagger_days))
        if self.cap.counts == "evaluable" and self.not_evaluable == 1:
            raise UsageError("with nobody evaluable a cap on evaluable subjects is never reached", column="cap")

    @property
    def scenario(self) -> str:
        """The true rates as text: `0.05/0.15/0.30`."""
        return "/".join(f"{rate:.2f}" if round(rate, 2) == rate else f"{rate:g}" for rate in self.rates)

    def without_course(self) -> Plan:
        """The plan with nothing but what the rule's answers depend on."""
        zero = tuple(0.0 for _ in self.ids)
        return replace(self, rates=zero, accrual_days=0.0, arrivals="lost", stagger_days=0, not_evaluable=0.0)

    @property
    def codes(self) -> list[str]:
        """Every way a trial can end, in the vocabulary A-78; the position is the code of an ending."""
        named = [f"{outcome}({name})" for outcome in OUTCOMES[:-1] for name in ("none", *self.ids)]
        return [*named, NO_DOSE]

    def ending(self, outcome: str, level: int | None) -> int:
        """The position in `codes` of an outcome and the level that it names."""
        if outcome == NO_DOSE:
            return (len(OUTCOMES) - 1) * (len(self.ids) + 1)
        return OUTCOMES.index(outcome) * (len(self.ids) + 1) + (0 if level is None else level + 1)


def make_plan(rule_name: str, rates: tuple[float, ...], analysis: Analysis, **how: object) -> Plan:
    """The plan of a rule with the values in force; levels are named DL1, DL2, ... unless `ids` is given.

    `how` sets any field of `Plan` but the rule. Raises UsageError when rule and rates do not fit.
    """
    ids = tuple(f"DL{k + 1}" for k in range(len(rates)))
    fields: dict[str, object] = {
        "ids": ids, "cap": Cap(analysis.n_cap, analysis.cap_counts), "target": analysis.dlt_target,
        "window": analysis.dlt_window[1], "accrual_days": analysis.oc_accrual_days,
        "not_evaluable": analysis.oc_not_evaluable, **how,
    }  # fmt: skip
    rule = make_rule(rule_name, analysis, len(rates))
    return Plan(rule_name=rule_name, rule=rule, rates=rates, **fields)  # type: ignore[arg-type]


def plans_of(
    analysis: Analysis, rules: Sequence[str], rates: Sequence[str], skeleton: str | None = None,
    levels: Sequence[str] = (), **how: object,
) -> list[Plan]:  # fmt: skip
    """One plan per rule and set of rates (`0.05,0.15,0.30`); the protocol's `oc_scenarios` where none is given.

    `levels`: the ids of the protocol's dose levels, which name as many rates; of the protocol's own sets those with one
    rate per level are taken. `how` sets fields of `Plan`; a cap is a number of subjects. Raises UsageError where they
    cannot be read, and where no set of the protocol fits its levels.
    """
    names = list(rules) or [analysis.escalation_rule]
    if names == [NO_RULE]:
        raise UsageError("the protocol has no escalation rule", column="rule", next_step="name one with --rule")
    if skeleton is not None:
        analysis = analysis.model_copy(update={"crm_skeleton": list(numbers(skeleton, "skeleton"))})
    if how.get("cap") is not None:
        analysis = analysis.model_copy(update={"n_cap": how["cap"]})
    scenarios = [numbers(text, "rates") for text in rates] or _own_scenarios(analysis, levels)
    given = {key: value for key, value in how.items() if key != "cap" and value is not None}
    cap = Cap(analysis.n_cap, analysis.cap_counts)
    named = {len(levels): {"ids": tuple(levels)}} if levels else {}
    return [
        make_plan(name, one, analysis, cap=cap, **named.get(len(one), {}), **given)
        for one in scenarios
        for name in names
    ]


def _own_scenarios(analysis: Analysis, levels: Sequence[str]) -> list[tuple[float, ...]]:
    """The sets of `oc_scenarios` with one rate per level; all of them where the levels are not known."""
    fitting = [tuple(one) for one in analysis.oc_scenarios.values() if not levels or len(one) == len(levels)]
    if not fitting:
        lengths = ", ".join(f"{name}: {len(one)}" for name, one in analysis.oc_scenarios.items()) or "none"
        raise UsageError(
            f"no set of true DLT rates in oc_scenarios ({lengths} rates) has one per dose level ({len(levels)})",
            column="oc_scenarios", next_step="give rates, one per level, or set oc_scenarios in the protocol file",
        )  # fmt: skip
    return fitting


def numbers(text: str, what: str) -> tuple[float, ...]:
    """The numbers of `0.05,0.15,0.30`. Raises UsageError.

    >>> numbers("0.05, 0.15", "rates")
    (0.05, 0.15)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            "these are not numbers divided by commas", column=what, value=text, next_step="write 0.05,0.15,0.30"
        ) from None

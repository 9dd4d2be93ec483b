"""Safety stopping rules, as data: which event is watched, in which window, and how often it may come (A-201)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialbook.protocol.analysis import AesiRule
from trialbook.protocol.conduct import Sourced

Probability = Annotated[float, Field(gt=0, lt=1)]
# The methods, each with the numbers of its own that it needs (statistics.stopping_rules, stopping_rules_survival).
BINARY: dict[str, frozenset[str]] = {
    "beta-binomial": frozenset({"prior"}), "Geller": frozenset({"weight"}), "Pocock": frozenset(),
    "O'Brien-Fleming": frozenset(), "Wang-Tsiatis": frozenset({"delta"}),
    "Chen-Chaloner": frozenset({"prior", "p1", "nu"}), "SPRT": frozenset({"p1"}), "MaxSPRT": frozenset(),
}  # fmt: skip
TIME_TO_EVENT: dict[str, frozenset[str]] = {
    "Pocock": frozenset(), "O'Brien-Fleming": frozenset(), "Wang-Tsiatis": frozenset({"delta"}),
    "Gamma-Poisson": frozenset({"shape", "exposure"}), "SPRT": frozenset({"p1"}), "MaxSPRT": frozenset(),
}  # fmt: skip
OWN_NUMBERS = ("prior", "weight", "delta", "p1", "nu", "shape", "exposure")


class MonitoringRule(Sourced):
    """One event that may stop the trial when it is seen too often.

    `window`: first and last day after the first infusion on which it counts. The rule stops with probability `alpha`
    where the event truly comes with probability `p0`. `events`: the search of adverse events, where `event` is one.
    `n_max`: the most subjects it looks at; by default the planned number, or all treated where these are more.
    `time_to_event`: the rule reads the follow-up at each event instead of the number of subjects.
    """

    name: Annotated[str, Field(min_length=1)]
    name_zh: str = ""
    event: Literal["death", "adverse event", "relapse"]
    events: AesiRule | None = None
    window: Annotated[list[int], Field(min_length=2, max_length=2)]
    p0: Probability
    alpha: Probability = 0.10
    method: str = "Geller"
    time_to_event: bool = False
    n_max: Annotated[int, Field(ge=1, le=1000)] | None = None
    prior: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2, max_length=2)] | None = None
    weight: Annotated[float, Field(gt=0)] | None = None
    delta: Annotated[float, Field(ge=0, le=0.5)] | None = None
    p1: Probability | None = None
    nu: Probability | None = None
    shape: Annotated[float, Field(gt=0)] | None = None
    exposure: Annotated[float, Field(gt=0)] | None = None
    assumption: str = "A-201"

    @model_validator(mode="after")
    def _fits_together(self) -> MonitoringRule:
        if not 0 <= self.window[0] <= self.window[1]:
            raise ValueError(f"the window {self.window} does not run from a first to a last day after the infusion")
        if (self.events is not None) != (self.event == "adverse event"):
            raise ValueError("a search (events) belongs to an adverse event, and an adverse event needs one")
        methods = TIME_TO_EVENT if self.time_to_event else BINARY
        if self.method not in methods:
            raise ValueError(f"the method {self.method} is not one of {', '.join(methods)}")
        given = {name for name in OWN_NUMBERS if getattr(self, name) is not None}
        if given != methods[self.method]:
            needs = ", ".join(sorted(methods[self.method])) or "no numbers of its own"
            raise ValueError(f"the method {self.method} needs {needs}, not {', '.join(sorted(given)) or 'none'}")
        if self.p1 is not None and self.p1 <= self.p0:
            raise ValueError(f"the alternative p1 = {self.p1} must exceed p0 = {self.p0}")
        return self

    @property
    def own_numbers(self) -> dict[str, float | tuple[float, ...]]:
        """The numbers that only this method has, as its class takes them."""
        found = {name: getattr(self, name) for name in OWN_NUMBERS if getattr(self, name) is not None}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}

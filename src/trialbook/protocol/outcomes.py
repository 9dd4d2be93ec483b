"""Outcomes that a trial of cells reports beside its endpoints, as data: late events, product, antibodies, viruses."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trialbook.protocol.conduct import Days, Sourced

Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
Window = Annotated[list[Days], Field(min_length=2, max_length=2)]
# What is known of an infusion beside its dose; the numbers among them may have limits.
LOT, PASSAGE, VIABILITY, THAW = "LOT", "PASSAGE", "VIAB", "THAWMIN"
NUMBERS = (PASSAGE, VIABILITY, THAW)


def _in_order(window: list[int], what: str) -> None:
    if window[0] > window[1]:
        raise ValueError(f"the window of {what} starts after it ends")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LateEvents(Sourced):
    """Events without an end date: code of the outcome and the category of special interest (`aesi`) that it counts."""

    events: dict[Code, str] = Field(default_factory=dict)
    assumption: str = "A-213"


class FollowUpVisit(_Model):
    """A time of long-term follow-up: its day after the first infusion, and the days on which contact counts for it."""

    name: Annotated[str, Field(min_length=1)]
    day: Days
    window: Window

    @model_validator(mode="after")
    def _window_in_order(self) -> FollowUpVisit:
        _in_order(self.window, self.name)
        return self


class FollowUp(Sourced):
    """The times of long-term follow-up, by the code of each."""

    visits: dict[Code, FollowUpVisit] = Field(default_factory=dict)
    assumption: str = "A-213"


class ProductValue(_Model):
    """A value of an infusion: the variables of EX, names of SUPPEX and test codes of DA that hold it, and its limits.

    `moments` (thaw-to-infusion only): names that hold date and time of the thaw instead of the minutes.
    """

    names: list[str] = []
    moments: list[str] = []
    unit: str = ""
    lowest: float | None = None
    highest: float | None = None


class Product(Sourced):
    """What the product of each infusion was: lot, passage, viability, minutes from thaw to infusion."""

    values: dict[Code, ProductValue] = Field(default_factory=dict)
    assumption: str = "A-214"

    @model_validator(mode="after")
    def _known_values(self) -> Product:
        for code, value in self.values.items():
            if code not in (LOT, *NUMBERS):
                raise ValueError(f"{code} is none of {', '.join((LOT, *NUMBERS))}")
            if code == LOT and (value.lowest is not None or value.highest is not None):
                raise ValueError("a lot has no limits")
        return self

    @property
    def names(self) -> frozenset[str]:
        """Every name under which a value may be delivered, in capitals."""
        every = (name for value in self.values.values() for name in (*value.names, *value.moments))
        return frozenset(name.strip().upper() for name in every)


class Antibodies(Sourced):
    """Donor-specific antibodies: test codes in IS and LB; a number is positive from `threshold` on."""

    tests: list[str] = Field(default_factory=list)
    threshold: Annotated[float, Field(gt=0)] | None = None
    assumption: str = "A-215"


class Virus(_Model):
    """One virus: words of adverse events, test codes of its nucleic acid (LB, MB), and the load that counts."""

    name: Annotated[str, Field(min_length=1)]
    terms: list[str] = []
    tests: list[str] = []
    threshold: Annotated[float, Field(ge=0)] = 0


class Viruses(Sourced):
    """Viral reactivation by virus, in the days `window` after the first infusion; `units` of a load as limits are."""

    window: Window = Field(default_factory=lambda: [0, 180])
    units: list[str] = Field(default_factory=list)
    by_code: dict[Code, Virus] = Field(default_factory=dict)
    assumption: str = "A-216"

    @model_validator(mode="after")
    def _window_in_order(self) -> Viruses:
        _in_order(self.window, "viral reactivation")
        return self


class ChronicGvhd(Sourced):
    """Words that name chronic GVHD in CE and AE."""

    terms: list[str] = Field(default_factory=list)
    assumption: str = "A-217"


class EarlyResponse(Sourced):
    """The response at an earlier day: its window and the days after which a subject is mature for it."""

    day: Days
    window: Window
    maturity: Days
    assumption: str = "A-218"

    @model_validator(mode="after")
    def _fits_together(self) -> EarlyResponse:
        _in_order(self.window, f"day {self.day}")
        if self.maturity < self.window[1]:
            raise ValueError(f"maturity {self.maturity} comes before the end of the window of day {self.day}")
        return self


class RiskGroups(Sourced):
    """Whether the Minnesota risk is derived from the organ stages at baseline."""

    minnesota: bool = False
    assumption: str = "A-219"


class Outcomes(_Model):
    """The outcomes of a trial of cells; a trial that leaves one out does not report it."""

    late_events: LateEvents = LateEvents()
    follow_up: FollowUp = FollowUp()
    product: Product = Product()
    antibodies: Antibodies = Antibodies()
    viruses: Viruses = Viruses()
    chronic_gvhd: ChronicGvhd = ChronicGvhd()
    day14: EarlyResponse | None = None
    risk: RiskGroups = RiskGroups()

    @model_validator(mode="after")
    def _each_code_once(self) -> Outcomes:
        codes = [*self.late_events.events, *self.follow_up.visits, *self.product.values, *self.viruses.by_code]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"the code {twice[0]} names two outcomes")
        return self

"""The steps of a build and how they depend on each other: the six notebooks, in the order of the story."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepSpec:
    """One notebook: what must be built before it, and the datasets it leaves."""

    name: str
    title: str
    needs: tuple[str, ...]
    datasets: tuple[str, ...]

    @property
    def notebook(self) -> str:
        """File name of the notebook."""
        return f"{self.name}.ipynb"


STEPS = (
    StepSpec("01_cleaning", "Cleaning and data cut", (), ()),
    StepSpec("02_eligibility", "Eligibility audit", ("01_cleaning",), ("adsl", "adie")),
    StepSpec("03_safety", "Safety", ("02_eligibility",), ("adae", "adlb")),
    StepSpec("04_dlt", "DLT and dose escalation", ("02_eligibility",), ("addlt",)),
    StepSpec("05_orr", "Response at day 28", ("02_eligibility",), ("adrs",)),
    StepSpec("06_os", "Overall survival", ("02_eligibility",), ("adtte",)),
)
STEP_NAMES = tuple(spec.name for spec in STEPS)


def ready(done: set[str], started: set[str]) -> list[StepSpec]:
    """Steps whose needs are built and which have not been started, in the order of the story."""
    return [spec for spec in STEPS if spec.name not in started and set(spec.needs) <= done]

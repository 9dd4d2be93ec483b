"""The steps of a build and the pieces they are made in: six notebooks in the order of the story, their contracts,
their pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from trialbook.runner.schedule import Piece

RAW_CONTRACTS = "raw.contracts"
RESULTS_CONTRACTS = "results.contracts"
PROFILES = "profiles"


@dataclass(frozen=True)
class StepSpec:
    """One notebook: what must be built before it, the datasets it leaves, what their contracts compare them with, and
    whether it takes long.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    datasets: tuple[str, ...]
    compared: tuple[str, ...] = ()
    long: bool = False

    @property
    def notebook(self) -> str:
        """File name of the notebook."""
        return f"{self.name}.ipynb"

    @property
    def contracts(self) -> str:
        """Name of the piece that checks what this step leaves."""
        return f"{self.name}.contracts"

    @property
    def page(self) -> str:
        """Name of the piece that is the content of its page."""
        return f"{self.name}.page"


STEPS = (
    StepSpec("01_cleaning", "Cleaning and data cut", (), ()),
    StepSpec(
        "02_eligibility", "Eligibility audit", ("01_cleaning",), ("adsl", "adie", "addlt", "adrsp28"), ("clean/dm",)
    ),
    StepSpec("03_safety", "Safety", ("02_eligibility",), ("adae", "adlb"), ("adsl", "clean/ae", "clean/lb"), long=True),
    StepSpec("04_dlt", "DLT and dose escalation", ("02_eligibility",), ()),
    StepSpec("05_orr", "Response at day 28", ("02_eligibility",), ("adrs",), ("adsl", "adrsp28"), long=True),
    StepSpec(
        "06_os",
        "Overall survival",
        ("02_eligibility",),
        ("adtte",),
        ("adsl", "adrsp28", "clean/ce", "clean/cm"),
        long=True,
    ),
)
STEP_NAMES = tuple(spec.name for spec in STEPS)
# The steps whose reported numbers are compared with the datasets.
COMPARED = ("02_eligibility", "04_dlt", "05_orr", "06_os")
STEP = {spec.name: spec for spec in STEPS}
# The notebook that writes each derived dataset, and where the numbers are reported that are compared with them.
LEFT_BY = {f"analysis/{name}": f"notebooks/{spec.notebook}" for spec in STEPS for name in spec.datasets} | {
    "results/ard": "the notebook that reports this number"
}


def _pieces() -> list[Piece]:
    """Every piece, in the order of the story.

    Contracts are checked beside the next notebook: it may start on data that are about to be refused, but nothing is
    published before every contract has been judged. Both start when a notebook has left its datasets, which need not be
    its end.
    """
    pieces = [Piece(RAW_CONTRACTS, "contracts", "raw")]
    for spec in STEPS:
        checks = (RAW_CONTRACTS, *(STEP[name].contracts for name in _before(spec)))
        pieces += [
            Piece(spec.name, "notebook", spec.name, spec.needs, checks, spec.long, early=True),
            *(
                [Piece(spec.contracts, "contracts", spec.name, (spec.name,), checks, early=True)]
                if _leaves(spec)
                else []
            ),
            Piece(spec.page, "page", spec.name, (spec.name,)),
        ]
    before = tuple(STEP[name].contracts for name in COMPARED if _leaves(STEP[name]))
    pieces.append(Piece(RESULTS_CONTRACTS, "contracts", "results", COMPARED, before))
    return [*pieces, Piece(PROFILES, "page", PROFILES, STEP_NAMES)]


def _leaves(spec: StepSpec) -> bool:
    """Whether a step leaves datasets of its own: clean domains or analysis datasets."""
    return bool(spec.datasets) or spec is STEPS[0]


def _before(spec: StepSpec) -> list[str]:
    return [name for need in spec.needs for name in [*_before(STEP[need]), need]]


PIECES = tuple(_pieces())
# What the pieces have left, put together; the profile pages may still be drawn meanwhile.
GATHERED = Piece("results", "results", "results", tuple(p.name for p in PIECES if p.kind != "page"))

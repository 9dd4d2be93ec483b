"""The steps of a build and the pieces they are made in; `workbook.step_metadata` reads them from the notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

Kind = Literal["notebook", "contracts", "dataset", "page", "results"]


@dataclass(frozen=True)
class Piece:
    """One piece of a build: what must be there before it is made.

    `rests_on` are checks that run beside it. When it fails and one of these does, the check is the cause: a notebook
    may stumble over data that a contract refuses a second later. A `long` one starts before others that could start;
    an `early` one as soon as its inputs have been written, even by tasks that are still running.
    """

    name: str
    kind: Kind
    step: str
    needs: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    long: bool = False
    early: bool = False


FOLDER = "notebooks"
RAW_CONTRACTS = "raw.contracts"
RESULTS_CONTRACTS = "results.contracts"
PROFILES = "profiles"
# Protocol deviations and signals: derived by the workbook itself when every notebook has ended.
SIGNALS = "signals"
SIGNALS_CONTRACTS = f"{SIGNALS}.contracts"
OWN_DATASETS = ("addv",)
# The committee's decisions on earlier cuts, as a build reads them; a file of the build.
DECISIONS = "decisions.json"
# What people have answered to questions on this cut and on earlier ones, as a build reads it.
ANSWERS = ".steps/answers.json"
REVIEWED = ".steps/reviewed.json"
# Deaths and serious events after the cut (`cleaning.recorded_after_cut`), a file of the cleaning step.
AFTER_CUT = "after_cut.json"
# What was delivered, where the process that began the build has read it already.
DELIVERY = ".steps/delivery.pickle"
CHANGES = "changes"
# The datasets behind the profile pages (`profiles.profile.DATASETS`), and what reported counts are compared with.
PROFILED = ("adsl", "adae", "adlb", "addlt", "adrs", "adtte")
COUNTED_FROM = ("adsl", "addlt", "adrs", "adtte")


@dataclass(frozen=True)
class StepSpec:
    """One notebook: what must be built before it, the datasets it writes (`clean`: also the clean domains), what their
    contracts compare them with, whether its counts are compared with the datasets, and whether it takes long.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    datasets: tuple[str, ...]
    compared: tuple[str, ...] = ()
    clean: bool = False
    counts_compared: bool = True
    long: bool = False

    @property
    def notebook(self) -> str:
        """File name of the notebook."""
        return f"{self.name}.ipynb"

    @property
    def file(self) -> str:
        """The notebook as messages name it."""
        return f"{FOLDER}/{self.notebook}"

    @property
    def contracts(self) -> str:
        """Name of the task that checks the outputs of this step."""
        return f"{self.name}.contracts"

    @property
    def page(self) -> str:
        """Name of the piece that is the content of its page."""
        return f"{self.name}.page"

    @property
    def checked(self) -> bool:
        """Whether it writes datasets of its own: clean domains or analysis datasets."""
        return self.clean or bool(self.datasets)

    def left(self, name: str) -> bool:
        """Whether a file of a build (`data/adsl.parquet`) is a dataset that this step writes for later ones."""
        if self.clean and name.startswith("data/clean/"):
            return True
        return name in {f"data/{dataset}.parquet" for dataset in self.datasets}


@dataclass(frozen=True)
class Graph:
    """The steps of a project in the order of the story; `others`: the notebooks that are none, one line each."""

    steps: tuple[StepSpec, ...]
    others: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the steps."""
        return [spec.name for spec in self.steps]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def step(self, name: str) -> StepSpec:
        """The step of this name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, StepSpec]:
        return {spec.name: spec for spec in self.steps}

    @cached_property
    def cleaning(self) -> StepSpec:
        """The step that writes the clean domains."""
        return next(spec for spec in self.steps if spec.clean)

    def before(self, name: str) -> list[str]:
        """The steps whose data a step may read: its needs, and theirs."""
        needs = self.step(name).needs
        return list(dict.fromkeys(step for need in needs for step in [*self.before(need), need]))

    def leaving(self, name: str) -> StepSpec | None:
        """The step that writes a file of a build; None where none does."""
        return next((spec for spec in self.steps if spec.left(name)), None)

    @cached_property
    def counted(self) -> list[str]:
        """The steps whose reported numbers of subjects are compared with the datasets."""
        return [spec.name for spec in self.steps if spec.counts_compared]

    @cached_property
    def counted_from(self) -> list[str]:
        """The datasets that these are compared with."""
        return [name for name in COUNTED_FROM if self.leaving(f"data/{name}.parquet")]

    @cached_property
    def left_by(self) -> dict[str, str]:
        """The notebook that writes each derived dataset, and where the numbers are reported that are compared."""
        datasets = {f"analysis/{name}": spec.file for spec in self.steps for name in spec.datasets}
        return datasets | {"results/ard": "the notebook that reports this number"}

    def said_of(self, step: str) -> Any:
        """What the contracts of a step depend on besides data: what it says of itself; likewise for the results."""
        return asdict(self.step(step)) if step in self else [self.counted, self.counted_from]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Every piece, in the order of the story.

        Contracts are checked beside the next notebook: it may start on data that are about to be refused, but nothing
        is published before every contract has been judged. Both start once a notebook has written its datasets,
        before its end.
        """
        return (Piece(RAW_CONTRACTS, "contracts", "raw"), *self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        for spec in self.steps:
            checks = (RAW_CONTRACTS, *self._contracts(self.before(spec.name)))
            yield Piece(spec.name, "notebook", spec.name, spec.needs, checks, spec.long, early=True)
            if spec.checked:
                yield Piece(spec.contracts, "contracts", spec.name, (spec.name,), checks, early=True)
            yield Piece(spec.page, "page", spec.name, (spec.name,))
        leaving = [spec.name for spec in self.steps if {*spec.datasets} & {*self.counted_from}]
        needs = tuple(name for name in self.names if name in {*self.counted, *leaving})
        yield Piece(RESULTS_CONTRACTS, "contracts", "results", needs, tuple(self._contracts(needs)))
        yield Piece(SIGNALS, "dataset", SIGNALS, tuple(self.names), tuple(self._contracts(self.names)))
        yield Piece(SIGNALS_CONTRACTS, "contracts", SIGNALS, (SIGNALS,), tuple(self._contracts(self.names)))
        yield Piece(PROFILES, "page", PROFILES, tuple(self.names))
        yield Piece(CHANGES, "page", CHANGES, tuple(self.names))

    def _contracts(self, names: list[str] | tuple[str, ...]) -> list[str]:
        return [self.step(name).contracts for name in names if self.step(name).checked]

    @cached_property
    def gathered(self) -> Piece:
        """The outputs of the tasks, put together; the profile pages may still be drawn meanwhile."""
        return Piece("results", "results", "results", tuple(p.name for p in self.pieces if p.kind != "page"))

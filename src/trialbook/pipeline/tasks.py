"""Makes the pieces of one build: runs a notebook, checks contracts, renders the content of a page, or takes what is
kept of it when none of its inputs has changed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from trialbook.contracts.gate import Gate, stop_if_critical
from trialbook.contracts.gx_engine import Failure, Verdict
from trialbook.contracts.odcs import load_contracts
from trialbook.core.errors import StopError
from trialbook.core.files import done_with, keep_json, only_recorded, read_input
from trialbook.kernels.environment import TUNING
from trialbook.kernels.fork_client import KernelServer
from trialbook.kernels.run_notebook import NotebookError, notebook_text, run_notebook
from trialbook.kernels.worker import Aside, Result
from trialbook.pipeline.artifact_cache import Store
from trialbook.pipeline.change_page import CONTENT as CHANGED
from trialbook.pipeline.change_page import make_changes
from trialbook.pipeline.contract_checks import check, look_for
from trialbook.pipeline.dependencies import Ingredients, file_sha256
from trialbook.pipeline.pages import render_content
from trialbook.pipeline.profile_pages import CONTENT, make_profiles
from trialbook.pipeline.progress import Progress
from trialbook.pipeline.seal import Seal
from trialbook.pipeline.signal_files import ADDV, FIRST_PAGE, left_datasets, make_signals, previous_build
from trialbook.protocol.models import Trial
from trialbook.workbook.import_closure import notebook_imports, reachable_files
from trialbook.workbook.steps import CHANGES, PROFILES, RAW_CONTRACTS, Graph, Piece, StepSpec
from trialbook.workbook.string_storage import LARGE_BYTES, snapshot_bytes

# Kinds of background work, each in a process of its own.
CONTRACTS = "checks contracts"
PAGES = "makes pages"
# Kept beside the outputs of a notebook; the memory it took differs from run to run and is not an output.
USAGE = "usage.json"


@dataclass
class Making:
    """One build while it runs: its folders, its inputs, and the outcome of each task."""

    trial: Trial
    root: Path
    builds: Path
    scratch: Path
    home: Path
    server: KernelServer | None
    charts: Literal["live", "static"]
    ingredients: Ingredients
    store: Store
    force: bool
    progress: Progress
    seal: Seal
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)
    _early: dict[str, str] = field(default_factory=dict)
    _asides: dict[str, Aside] = field(default_factory=dict)

    def make(self, piece: Piece, left: Callable[[], None]) -> None:
        """Makes one piece, or restores it; then judges it. Raises what made it fail.

        `left` is called when the datasets of a notebook are there, before its end. The pieces of a large trial take
        turns: side by side they would need more memory than a laptop has.
        """
        with self._turn:
            self._make(piece, left)

    @property
    def graph(self) -> Graph:
        """The steps of this project."""
        return self.ingredients.graph

    @cached_property
    def _turn(self) -> AbstractContextManager[Any]:
        return threading.Lock() if self._large else nullcontext()

    @cached_property
    def _large(self) -> bool:
        return snapshot_bytes(self.trial) >= LARGE_BYTES

    def _make(self, piece: Piece, left: Callable[[], None]) -> None:
        began = time.monotonic()
        kept = None if self.force else self.store.find(piece.name, self.ingredients.value, self._always(piece))
        if kept is not None:
            kept.restore(self.scratch)
            self._seal(piece.name, kept.files)
            self.reused.append(piece.name)
        else:
            self.progress.tell(piece.name, "running")
            try:
                self._make_anew(piece, left)
            except Exception:
                self.progress.tell(piece.name, "stopped")
                raise
        if piece.kind == "contracts":
            self._judge(piece)
        self.seconds[piece.name] = round(time.monotonic() - began, 2)
        self.progress.tell(piece.name, "reused" if kept else "done")

    def _make_anew(self, piece: Piece, left: Callable[[], None]) -> None:
        if piece.kind == "notebook":
            names, files = self._run(piece, left)
        else:
            work = {"contracts": self._check, "dataset": self._derive}.get(piece.kind, self._render)
            names, files = work(piece)
        made_of = self.ingredients.values([*names, *self._environment])
        self.seal.plain(files)
        self._seal(piece.name, self.store.keep(piece.name, made_of, self.scratch, files))

    def _seal(self, piece: str, hashes: Mapping[str, str]) -> None:
        """Takes note of the outputs of a finished task."""
        self.seal.add(piece, hashes)
        self.ingredients.left.update(hashes)

    def _run(self, piece: Piece, left: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Runs a notebook; its ingredients are what it says it has read, and the code that it can reach."""
        spec = self.graph.step(piece.step)
        source, content = self.root / "notebooks" / spec.notebook, self.ingredients.notebook(spec.notebook)
        run = run_notebook(
            source, self.trial.cut.model_dump(mode="json"), self.scratch, self.builds, self.trial.root,
            self.home / f"{self.graph.names.index(spec.name) + 1:02}", self.server,
            look=partial(self._look, spec, left), content=content, recorded=self._recorded(),
        )  # fmt: skip
        again = [name for name, then in dict(self._early).items() if file_sha256(self.scratch / name) != then]
        if again:
            raise StopError("it was written again after other steps had begun with it", file=again[0])
        self._stop_if_broken(spec.name)
        own = self.scratch / ".steps" / spec.name
        (own / "notebook.ipynb").write_text(notebook_text(run.notebook), encoding="utf-8", newline="\n")
        keep_json(own / "receipt.json", run.receipt | {"nonce": "left out"})
        keep_json(own / "warnings.json", run.warnings)
        self.peaks[piece.name] = json.loads((own / USAGE).read_text(encoding="utf-8"))["peak_mib"]
        (own / USAGE).unlink()
        names = [f"notebook {spec.notebook}", *_code(notebook_imports(content))]
        reads: list[str] = json.loads((own / "reads.json").read_text(encoding="utf-8"))
        self._stop_if_not_needed(spec, reads)
        self.ingredients.stop_if_anything_changed()
        names += self._cut
        names += self._expanded(reads)
        return names, [*self._left_by(spec.name), *_files_below(self.scratch, f".steps/{spec.name}")]

    def _stop_if_not_needed(self, spec: StepSpec, reads: list[str]) -> None:
        """Raises NotebookError when a step read a dataset of a step outside its needs: it is there by chance only."""
        before = {*self.graph.before(spec.name), spec.name}
        for name in reads:
            other = self.graph.leaving(name.removeprefix("data ")) if name.startswith("data ") else None
            if other is not None and other.name not in before:
                problem = (
                    f"it read {name.removeprefix('data ')}, but {other.name}, which writes it, is not among its needs"
                )
                raise NotebookError(spec.name, problem, next_step=f"add {other.name} to the needs in its metadata")

    def _stop_if_broken(self, step: str) -> None:
        """Raises NotebookError when, while this notebook ran, an output of others was altered, when it wrote
        what it did not declare, or when its receipt says something else.
        """
        try:
            self.seal.check()
            self.seal.plain(self._left_by(step))
            self.seal.check_receipt(step)
        except StopError as error:
            problem = f"{error.file}: {error.problem}, while the last code cell ran"
            raise NotebookError(step, problem, next_step=error.next_step) from None

    def _look(self, spec: StepSpec, left: Callable[[], None]) -> None:
        """Between the cells of a notebook: the outputs of others must be unchanged; when all datasets are there, other
        steps may begin with them.
        """
        self.seal.check()
        names = [f"data/{name}.parquet" for name in spec.datasets]
        if names and names[0] not in self._early and all((self.scratch / name).is_file() for name in names):
            found = {name: file_sha256(self.scratch / name) for name in names}
            self._early.update(found)
            self.ingredients.left.update(found)
            left()

    def _left_by(self, step: str) -> list[str]:
        spec = self.graph.step(step)
        for name in spec.datasets:
            if not (self.scratch / "data" / f"{name}.parquet").is_file():
                raise StopError(f"the step wrote no dataset {name}", file=spec.file)
        own = [f"data/{name}.parquet" for name in spec.datasets]
        return [*own, *(_files_below(self.scratch, "data/clean") if spec.clean else [])]

    def _expanded(self, reads: list[str]) -> list[str]:
        """A step that reads the snapshot depends on each file of it."""
        inputs = [f"input {name}" for name in self.ingredients.inputs] if "inputs" in reads else []
        return [*reads, *inputs]

    def _check(self, piece: Piece) -> tuple[list[str], list[str]]:
        """Checks the outputs of a step (or the snapshot) against its contracts."""
        look, names = look_for(piece, self.trial, self.gate.contracts, self.ingredients, self.scratch)
        names += [
            "code pipeline/contract_checks.py",
            *_code(["trialbook.pipeline.contract_checks"]),
            *(self._cut if piece.name == RAW_CONTRACTS else []),
        ]
        found = self.aside(CONTRACTS, check, look)
        target = f".steps/{piece.name}/verdicts.json"
        plain = {"files": found.files, "verdicts": [asdict(verdict) for verdict in found.verdicts]}
        keep_json(self.scratch / target, plain)
        return names, [target]

    def _judge(self, piece: Piece) -> None:
        """Raises StopError when a contract of severity critical does not hold."""
        with only_recorded(self._recorded()):
            found = json.loads(read_input(self.scratch / ".steps" / piece.name / "verdicts.json"))
        verdicts = [Verdict(**v | {"failures": [Failure(**f) for f in v["failures"]]}) for v in found["verdicts"]]
        self.verdicts[piece.name] = verdicts
        stop_if_critical(verdicts, found["files"], self.graph.left_by)

    def _derive(self, piece: Piece) -> tuple[list[str], list[str]]:
        """Derives the protocol deviations and the signals from the datasets of the steps."""
        steps = [(spec.name, spec.title) for spec in self.graph.steps]
        previous = previous_build(self.trial, self.builds)
        read = self.aside(PAGES, make_signals, self.trial, self.scratch, steps, left_datasets(self.graph), previous)
        names = [*read, *(f"step {name}" for name, _ in steps), *_code(["trialbook.pipeline.signal_files"])]
        return names, [ADDV, FIRST_PAGE]

    def _render(self, piece: Piece) -> tuple[list[str], list[str]]:
        """Makes the content of a page of the executed notebook, of the profile pages, or of the changes."""
        if piece.name == PROFILES:
            read = self.aside(PAGES, make_profiles, self.trial, self.scratch)
            return [*read, *_code(["trialbook.pipeline.profile_pages"])], [CONTENT]
        if piece.name == CHANGES:
            read = self.aside(PAGES, make_changes, self.trial, self.scratch, self.builds)
            return [*read, *_code(["trialbook.pipeline.change_page"])], [CHANGED]
        source, target = f".steps/{piece.step}/notebook.ipynb", f".steps/{piece.name}/page.json"
        known = [*self.graph.before(piece.step), piece.step]
        datasets = [name for step in known for name in self.graph.step(step).datasets]
        dropped, opened = self.aside(
            PAGES, render_content, piece.step, self.scratch / source, self.scratch / target, self.charts,
            self.scratch / "data", datasets, self.graph.step(piece.step).datasets,
        )  # fmt: skip
        if dropped:
            raise StopError(
                f"the page would leave out an output: cell {dropped[0].cell}: {dropped[0].reason}",
                file=self.graph.step(piece.step).file,
            )
        read = [f"data data/{name}.parquet" for name in opened]
        code = _code(["trialbook.display.page", "trialbook.display.number_records"])
        return [f"data {source}", *read, "charts", "code pipeline/pages.py", *code], [target]

    @cached_property
    def gate(self) -> Gate:
        """The contracts of this trial."""
        with only_recorded(self._recorded()):
            contracts = load_contracts(self.root / "data_contracts")
        return Gate(contracts, list(self.trial.protocol.study.endpoints))

    def aside(self, does: str, function: Callable[..., Result], *arguments: object) -> Result:
        """The result of the function, worked out in the background; in this process where the system cannot fork."""
        recorded = self._recorded()
        if self.server is None:
            return done_with(recorded, function, *arguments)
        aside = self._asides.setdefault(does, Aside(self.server, self.home / does.split()[-1], does))
        try:
            return aside.do(done_with, recorded, function, *arguments)
        finally:
            if self._large:
                aside.close()

    def _recorded(self) -> dict[str, str]:
        """What may be read from now on, and what it holds."""
        return self.ingredients.recorded(self.scratch)

    def _always(self, piece: Piece) -> list[str]:
        """Ingredients that a piece has whatever it reads."""
        own = {
            "notebook": [f"notebook {piece.step}.ipynb", *self._cut],
            "contracts": ["protocol.study.endpoints", *([] if piece.name == RAW_CONTRACTS else [f"step {piece.step}"])],
        }
        return [*own.get(piece.kind, []), *self._environment]

    @cached_property
    def _environment(self) -> list[str]:
        tuning = [f"environment {name}" for name in TUNING]
        return ["lock", "python", *tuning, *(f"package {name}" for name in self.ingredients.installed)]

    @cached_property
    def _cut(self) -> list[str]:
        return [f"cut.{name}" for name in type(self.trial.cut).model_fields]


def look_ahead(ingredients: Ingredients) -> None:
    """Does beside the first notebooks what every build needs later: which code is reached, what the query list is
    written with.

    Only imports and fills caches.
    """
    with suppress(Exception):
        for spec in ingredients.graph.steps:
            _code(notebook_imports(ingredients.notebook(spec.notebook)))
        _code(["trialbook.pipeline.contract_checks", "trialbook.display.page"])


def _code(modules: list[str]) -> list[str]:
    return [f"code {name}" for name in reachable_files(modules)]


def _files_below(folder: Path, name: str) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in (folder / name).rglob("*") if p.is_file())

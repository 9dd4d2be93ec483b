"""Builds one data cut: what has changed is rebuilt, put together in a scratch folder, and published in one step."""

from __future__ import annotations

import importlib
import re
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trialbook.core.errors import StopError
from trialbook.core.fast_imports import import_when_used, only_what_is_used
from trialbook.core.file_marks import stop_if_library_changed
from trialbook.core.files import keep_json, naming, only_recorded, write_json
from trialbook.kernels.fork_client import KernelServer, kernel_server
from trialbook.pipeline.artifact_cache import Store
from trialbook.pipeline.dependencies import Ingredients, file_sha256
from trialbook.pipeline.manifest import fingerprint, is_current, sources, write_manifest
from trialbook.pipeline.progress import Progress
from trialbook.pipeline.publish import (
    CACHE,
    KEPT,
    LOCKS,
    STOPPED,
    kernel_folder,
    one_builder,
    publish,
    restore_replaced,
    scratch_folder,
)
from trialbook.pipeline.scheduler import run_pieces
from trialbook.pipeline.study_page import refresh_study_page
from trialbook.pipeline.superseded import keep_superseded, named_seal, other_cut, published_manifest, told
from trialbook.protocol.models import Trial
from trialbook.workbook.steps import ANSWERS, DECISIONS, DELIVERY, REVIEWED, Piece

if TYPE_CHECKING:
    # Imported only when something has changed: a build that has nothing to do takes a fraction of a second.
    import nbformat
    import pandas as pd

    from trialbook.contracts.gx_engine import Verdict
    from trialbook.pipeline.tasks import Making
    from trialbook.snapshot.delivery import Delivery


@dataclass
class Options:
    """How to build: where to, how many notebooks side by side, live charts or not, everything again or not."""

    out: Path
    jobs: int = 2
    charts: Literal["live", "static"] = "live"
    force: bool = False
    supersede: bool = False
    # The seal of the build that this one supersedes, where that is known already: a rebuild for comparison.
    supersedes: str | None = None
    # Whether the page over all cuts of the folder is written: not for a rebuild that is thrown away.
    study_page: bool = True

    def __post_init__(self) -> None:
        # Kernels run in another folder, so that a relative path would mean another place there.
        self.out = self.out.resolve()


def build_cut(trial: Trial, root: Path, options: Options, tell: Callable[[str], None] = lambda line: None) -> Path:
    """Builds one cut and returns its folder; raises a TrialbookError and leaves the last complete build as it is.

    A build with exactly the inputs of today, whose every file is unchanged, stays untouched. One
    that was made from another snapshot is replaced only with `supersede`; without it a ChangedError says what differs.
    `tell` hears of notebooks that are no steps and, after a replacement, which headline numbers moved.
    """
    cut_id = trial.cut.cut_id
    final = options.out / cut_id
    began = datetime.now(UTC)
    with (
        one_builder(options.out, cut_id) as mask,
        Progress(cut_id) as progress,
        kernel_folder(options.out, cut_id) as home,
        ExitStack() as opened,
    ):
        # First of all, since it imports for more than a second; where nothing has changed it ends unused.
        server = opened.enter_context(kernel_server(home / "server"))
        restore_replaced(final)
        standing = published_manifest(final)
        ingredients = Ingredients(trial, root, options.out, options.charts)
        made_of = sources(trial, root, options.out, ingredients)
        for line in ingredients.graph.others:
            tell(line)
        if not options.force and is_current(final, made_of):
            progress.tell("build", "nothing has changed")
            _study_page(options, mask, tell, root)
            return final
        stop_if_library_changed()
        other = other_cut(standing.get("sources") or {}, made_of) if standing else []
        seal = _superseded(standing, other, options)
        with scratch_folder(options.out, cut_id) as place:
            try:
                scratch = place / "build"
                scratch.mkdir()
                store = step_store(options.out, cut_id)
                made = make_pieces(
                    trial, root, options, scratch, home, server, ingredients, progress, opened.close, store
                )
                _finish(*made, made_of, began, seal)
                said = _replaced(trial, final, scratch, standing, other, options) if standing else []
                publish(scratch, final, mask)
            except Exception as error:
                _keep_stopped(options.out, cut_id, began, error, place / "build")
                raise
        shutil.rmtree(options.out / STOPPED / cut_id, ignore_errors=True)
        _study_page(options, mask, tell, root)
    for line in said:
        tell(line)
    return final


def _study_page(options: Options, mask: int, tell: Callable[[str], None], root: Path) -> None:
    if options.study_page:
        refresh_study_page(options.out, options.out / LOCKS, mask, tell, root)


def _superseded(standing: dict[str, Any] | None, other: list[str], options: Options) -> str | None:
    """The seal of the build that the new one supersedes: the published one, or the one that it superseded itself."""
    if standing is None:
        return options.supersedes
    named = standing.get("seal" if other else "supersedes")
    return named if isinstance(named, str) else None


def _replaced(
    trial: Trial, final: Path, scratch: Path, standing: dict[str, Any], other: list[str], options: Options
) -> list[str]:  # fmt: skip
    """Keeps what the finished build must not destroy of the published one; returns what is said of the replacement.

    Raises ChangedError when that was made from something else, and nobody asked to supersede it.
    """
    from trialbook.pipeline.changed_results import changed_error, moved_headlines
    from trialbook.pipeline.manifest_check import standing_differences

    if other and not options.supersede:
        raise changed_error(trial.cut.cut_id, other, final, scratch, trial)
    # What a person has put into the folder, or changed there, is nowhere else.
    touched = standing_differences(final)
    kept = keep_superseded(options.out, final, named_seal(standing), touched) if other or touched else None
    return list(told(moved_headlines(final, scratch, trial), kept, touched))


def step_store(out: Path, cut_id: str) -> Store:
    """Where the finished pieces of a cut are kept."""
    return Store(out / KEPT / cut_id)


def make_pieces(
    trial: Trial, root: Path, options: Options, scratch: Path, home: Path, server: KernelServer | None,
    ingredients: Ingredients, progress: Progress, abandon: Callable[[], None], store: Store,
    pages: bool = True, delivery: Delivery | None = None,
) -> tuple[Making, Gathered]:  # fmt: skip
    """Makes every piece (without `pages`, all others) and puts them together; `abandon` ends server and kernels.

    `delivery`: what was delivered, where the caller has read it; without it each piece that needs it reads it.
    """
    # While the server imports what notebooks need, this process imports what it needs itself: now, and not before it
    # is known that something has changed.
    with only_what_is_used():
        # Intervals are computed by notebooks; the pages only repeat them.
        import_when_used("scipy.special")
        from trialbook.kernels.run_notebook import stop_if_any_refused
        from trialbook.pipeline.seal import Seal
        from trialbook.pipeline.tasks import Making, look_ahead
        from trialbook.workbook.string_storage import choose_text_storage

        importlib.import_module("trialbook.kernels.engine")
    graph = ingredients.graph
    stop_if_any_refused({spec.name: ingredients.notebook(spec.notebook) for spec in graph.steps}, progress.tell)
    choose_text_storage(trial)
    store.sweep()
    # The cleaning notebook reads the same files again and stops when they are no longer these.
    keep_json(scratch / ".steps" / "inputs.json", ingredients.inputs)
    write_json(scratch / DECISIONS, ingredients.decisions)
    keep_json(scratch / ANSWERS, ingredients.answers)
    keep_json(scratch / REVIEWED, ingredients.reviewed)
    if delivery is not None:
        delivery.hand_over(scratch / DELIVERY)
    for name in (DECISIONS, ANSWERS, REVIEWED, *([] if delivery is None else [DELIVERY])):
        ingredients.left[name] = file_sha256(scratch / name)
    work = Making(
        trial, root, options.out, scratch, home, server, options.charts, ingredients, store, options.force, progress,
        Seal(scratch, graph),
    )  # fmt: skip
    threading.Thread(target=look_ahead, args=[ingredients], name="look-ahead").start()
    gathered: list[Gathered] = []

    def make(piece: Piece, left: Callable[[], None]) -> None:
        if piece is graph.gathered:
            gathered.append(_gather(work))
        else:
            work.make(piece, left)

    wanted = [piece for piece in graph.pieces if pages or piece.kind != "page"]
    run_pieces([*wanted, graph.gathered], make, options.jobs, abandon)
    return work, gathered[0]


@dataclass(frozen=True)
class Gathered:
    """The outputs of the tasks of a build, put together: numbers, questions, verdicts by step, the previous build."""

    ard: pd.DataFrame
    queries: pd.DataFrame
    reviewed: pd.DataFrame
    verdicts: dict[str, list[Verdict]]
    previous: Path | None


def _gather(work: Making) -> Gathered:
    """Puts the pieces together: results, queries, change log, verdicts, notebooks."""
    from trialbook.pipeline import collect
    from trialbook.pipeline.signal_files import previous_build

    scratch, trial, graph = work.scratch, work.trial, work.graph
    # Every notebook has ended: the outputs of the tasks are put together now, byte for byte.
    work.seal.check(hash_all=True)
    # In the order of the story, not in the order in which pieces that are made side by side happened to end.
    verdicts = {piece.step: work.verdicts[piece.name] for piece in graph.pieces if piece.kind == "contracts"}
    every = [verdict for found in verdicts.values() for verdict in found]
    ard = collect.assemble_results(scratch, graph)
    collect.write_verdicts(scratch, every)
    previous = previous_build(trial, work.builds)
    with only_recorded(work.ingredients.recorded(scratch)):
        queries = collect.assemble_queries(scratch, graph, trial, work.gate.queries(every), previous)
        reviewed = collect.assemble_reviewed(scratch)
    collect.assemble_changelog(scratch, graph)
    (scratch / "notebooks").mkdir()
    for spec in graph.steps:
        with naming(scratch / "notebooks" / spec.notebook):
            shutil.copyfile(scratch / ".steps" / spec.name / "notebook.ipynb", scratch / "notebooks" / spec.notebook)
    return Gathered(ard, queries, reviewed, verdicts, previous)


def _finish(work: Making, gathered: Gathered, made_of: dict[str, Any], began: datetime, supersedes: str | None) -> None:
    """Writes the pages, and the manifest last."""
    import json

    from trialbook.pipeline.pages import PageSources, write_pages
    from trialbook.pipeline.tasks import PAGES

    scratch, trial = work.scratch, work.trial
    work.seal.check(only_left=True)
    work.progress.tell("pages", "writing")
    mark = fingerprint(made_of, scratch / "results" / "ard.parquet")
    pages = PageSources(
        trial, work.graph.steps, bool(made_of["synthetic"]), gathered.verdicts, work.gate.contracts, gathered.ard,
        gathered.queries, gathered.reviewed, gathered.previous, work.builds, mark, made_of["charts"], supersedes,
    )  # fmt: skip
    work.aside(PAGES, write_pages, pages, scratch, work.builds / CACHE)
    receipts = [
        json.loads((scratch / ".steps" / spec.name / "receipt.json").read_text(encoding="utf-8"))
        | {"title": spec.title, "needs": list(spec.needs)}
        for spec in work.graph.steps
    ]
    details = _run_details(work, began)
    shutil.rmtree(scratch / ".steps")
    write_json(scratch / "run.json", details)
    write_manifest(scratch, trial, made_of, mark, receipts, supersedes)
    _stop_if_unsound(scratch, trial.cut.cut_id)
    work.ingredients.stop_if_anything_changed()
    stop_if_library_changed()
    work.progress.tell("pages", "done")


def _stop_if_unsound(scratch: Path, cut_id: str) -> None:
    """Raises StopError when `verify --quick` would not agree with what is about to be published."""
    from trialbook.pipeline.manifest_check import standing_differences

    lines = standing_differences(scratch, cut_id)
    if lines:
        raise StopError(f"the finished build does not fit together: {lines[0]}", next_step="build again with --force")


def _run_details(work: Making, began: datetime) -> dict[str, Any]:
    import json

    warnings = {
        spec.name: json.loads((work.scratch / ".steps" / spec.name / "warnings.json").read_text(encoding="utf-8"))
        for spec in work.graph.steps
    }
    return {
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": dict(sorted(work.seconds.items())),
        "peak_mib": dict(sorted(work.peaks.items())),
        "reused": sorted(work.reused),
        "status": "built",
        "warnings": {name: found for name, found in warnings.items() if found},
    }


def _keep_stopped(out: Path, cut_id: str, began: datetime, error: Exception, scratch: Path) -> None:
    """Writes what is known of a stopped build beside the builds: when, why, the notebook as far as it ran, and datasets
    that have no contract yet.
    """
    from trialbook.kernels.run_notebook import OWN_ERRORS, NotebookError, notebook_text
    from trialbook.pipeline.contract_checks import NoContractError

    folder = out / STOPPED / cut_id
    shutil.rmtree(folder, ignore_errors=True)
    if isinstance(error, NotebookError) and error.notebook is not None:
        kept = folder / Path(str(error.file)).name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shown = without_messages(error.notebook, frozenset(OWN_ERRORS))
        kept.write_text(notebook_text(shown), encoding="utf-8", newline="\n")
        error.say_next(f"open {kept}, the notebook as far as it ran")
    if isinstance(error, NoContractError):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for name in ("adsl", *error.datasets):
            shutil.copyfile(scratch / "data" / f"{name}.parquet", folder / "data" / f"{name}.parquet")
    details = {"began": began.isoformat(timespec="seconds"), "status": "stopped", "message": str(error)}
    write_json(folder / "run.json", details | {"ended": datetime.now(UTC).isoformat(timespec="seconds")})


# ----------------------------------------------------------------------------------------------------
# What is kept of a notebook that stopped: where it failed, without words that may quote a record.


WITHHELD = "(the message is withheld: it may quote a record. Run the notebook in JupyterLab to see it)"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The places of a traceback; between them are code and the messages.
_PLACE = re.compile(r"^(?:File |Cell In\[)")


def without_messages(notebook: nbformat.NotebookNode, own: frozenset[str]) -> nbformat.NotebookNode:
    """The notebook with the message of every error withheld, but for those kinds (`own`) whose messages quote nothing.

    The kind of error and the places of its traceback stay.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.ename not in own:
                lines = _COLOUR.sub("", "\n".join(output.traceback)).splitlines()
                places = [line for line in lines if _PLACE.match(line)]
                output.evalue = WITHHELD
                output.traceback = [*places, f"{output.ename}: {WITHHELD}"]
    return notebook

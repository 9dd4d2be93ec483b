"""Builds one data cut: raw contracts, six notebooks with contracts between them, results, pages, manifest."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from trialbook.contracts.gate import Gate, stop_if_critical
from trialbook.contracts.odcs import load_contracts
from trialbook.contracts.verdicts import Verdict
from trialbook.datasets import read_dataset
from trialbook.errors import StopError
from trialbook.protocol.models import Trial
from trialbook.runner import assemble
from trialbook.runner.graph import STEP_NAMES, STEPS, StepSpec, ready
from trialbook.runner.manifest import fingerprint, sha256, sources, write_json, write_manifest
from trialbook.runner.notebooks import NotebookError, NotebookRun, notebook_text, run_notebook
from trialbook.runner.pages import PageSources, is_synthetic, write_pages
from trialbook.runner.preloaded import KernelServer, kernel_server
from trialbook.runner.progress import Progress
from trialbook.runner.publish import CACHE, STOPPED, one_builder, publish, restore_replaced, scratch_folder
from trialbook.snapshot import Snapshot, read_snapshot


@dataclass
class Options:
    """How to build: where to, how many notebooks side by side, and whether charts are live."""

    out: Path
    jobs: int = 2
    charts: Literal["live", "static"] = "live"

    def __post_init__(self) -> None:
        # Kernels run in another folder, so that a relative path would mean another place there.
        self.out = self.out.resolve()


@dataclass
class Work:
    """The state of one build while it runs."""

    trial: Trial
    root: Path
    scratch: Path
    options: Options
    gate: Gate
    progress: Progress
    snapshot: Snapshot
    home: Path
    server: KernelServer | None
    runs: dict[str, NotebookRun] = field(default_factory=dict)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def build_cut(trial: Trial, root: Path, options: Options) -> Path:
    """Builds one cut and returns its folder; raises a TrialbookError and leaves the last complete build as it is."""
    cut_id = trial.cut.cut_id
    final = options.out / cut_id
    began = datetime.now(UTC)
    with one_builder(options.out, cut_id):
        restore_replaced(final)
        _import_great_expectations()
        with (
            scratch_folder(options.out, cut_id) as place,
            # Unix sockets need a short path, which a project's folder may not have.
            tempfile.TemporaryDirectory(prefix="tb-") as home,
            kernel_server(Path(home) / "server") as server,
            Progress(cut_id) as progress,
        ):
            scratch = place / "build"
            scratch.mkdir()
            try:
                _build_in(trial, root, options, scratch, Path(home), server, progress, began)
                publish(scratch, final)
            except Exception as error:
                _keep_stopped(options.out, cut_id, began, error)
                raise
        shutil.rmtree(options.out / STOPPED / cut_id, ignore_errors=True)
    return final


def _import_great_expectations() -> None:
    """Starts the slowest import of a build at once, beside the first kernel."""
    threading.Thread(target=__import__, args=("great_expectations",), daemon=True).start()


def _build_in(
    trial: Trial, root: Path, options: Options, scratch: Path, home: Path, server: KernelServer | None,
    progress: Progress, began: datetime,
) -> None:  # fmt: skip
    progress.tell("snapshot", "reading")
    snapshot = read_snapshot(trial)
    gate = Gate(load_contracts(root / "data_contracts"), list(trial.protocol.study.endpoints))
    work = Work(trial, root, scratch, options, gate, progress, snapshot, home, server)
    hashes = {table.file: table.sha256 for table in snapshot.tables.values()}
    # The cleaning notebook reads the same files again and stops when they are no longer these.
    write_json(scratch / ".steps" / "inputs.json", hashes)
    _check_raw(work)
    _run_steps(work)
    # In the order of the story, not in the order in which notebooks that run side by side happened to end.
    work.verdicts = {name: work.verdicts[name] for name in ("raw", *STEP_NAMES)}
    ard = assemble.assemble_results(scratch)
    every = [verdict for verdicts in work.verdicts.values() for verdict in verdicts]
    assemble.write_verdicts(scratch, every)
    previous = _previous_build(work)
    queries = assemble.assemble_queries(scratch, trial, gate.queries(every), previous)
    assemble.assemble_changelog(scratch)
    _write_notebooks(work)
    made_of = sources(trial, root, hashes)
    made_of["charts"] = options.charts
    made_of["synthetic"] = is_synthetic(trial.path(trial.cut.snapshot))
    made_of["previous_build"] = sha256((previous / "manifest.json").read_bytes()) if previous else None
    mark = fingerprint(made_of, scratch / "results" / "ard.parquet")
    progress.tell("pages", "rendering")
    pages = PageSources(
        trial, bool(made_of["synthetic"]), work.runs, work.verdicts, ard, queries, previous, mark, options.charts
    )
    write_pages(pages, scratch, options.out / CACHE)
    steps = [work.runs[spec.name].receipt | {"nonce": "left out"} for spec in STEPS]
    shutil.rmtree(scratch / ".steps")
    write_json(scratch / "run.json", _run_details(work, began))
    write_manifest(scratch, trial, made_of, mark, steps)
    progress.tell("pages", "done")


def _check_raw(work: Work) -> None:
    raw = {code.lower(): table.frame for code, table in work.snapshot.tables.items()}
    verdicts = work.gate.check("raw", raw)
    work.verdicts["raw"] = verdicts
    stop_if_critical(verdicts, {f"raw/{c.lower()}": t.file for c, t in work.snapshot.tables.items()})
    work.progress.tell("raw contracts", "done")


def _run_steps(work: Work) -> None:
    """Runs the notebooks in dependency order, independent ones side by side, each followed by its contracts."""
    done: set[str] = set()
    started: set[str] = set()
    running: dict[Future[None], StepSpec] = {}
    with ThreadPoolExecutor(max_workers=max(1, work.options.jobs)) as pool:
        while len(done) < len(STEPS):
            for spec in ready(done, started):
                started.add(spec.name)
                running[pool.submit(_run_step, work, spec)] = spec
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                spec = running.pop(future)
                future.result()
                done.add(spec.name)


def _run_step(work: Work, spec: StepSpec) -> None:
    began = time.monotonic()
    work.progress.tell(spec.name, "running")
    try:
        work.runs[spec.name] = run_notebook(
            work.root / "notebooks" / spec.notebook,
            work.trial.cut.model_dump(mode="json"),
            work.scratch,
            work.options.out.resolve(),
            work.trial.root,
            work.home / spec.name[:2],
            work.server,
        )
        work.verdicts[spec.name] = _check_step(work, spec)
        stop_if_critical(work.verdicts[spec.name])
    except Exception:
        work.progress.tell(spec.name, "stopped")
        raise
    work.seconds[spec.name] = round(time.monotonic() - began, 2)
    work.progress.tell(spec.name, "done")


def _check_step(work: Work, spec: StepSpec) -> list[Verdict]:
    data = work.scratch / "data"
    if spec.name == "01_cleaning":
        clean = {p.stem: read_dataset(p) for p in sorted((data / "clean").glob("*.parquet"))}
        return work.gate.check("clean", clean)
    missing = [name for name in spec.datasets if not (data / f"{name}.parquet").is_file()]
    if missing:
        raise StopError(f"the step left no dataset {missing[0]}", file=f"notebooks/{spec.notebook}")
    names = ["adsl", *(name for name in spec.datasets if name != "adsl")]
    frames: dict[str, pd.DataFrame] = {name: read_dataset(data / f"{name}.parquet") for name in names}
    return work.gate.check("analysis", frames, spec.datasets)


def _previous_build(work: Work) -> Path | None:
    previous = work.trial.cut.previous_cut
    folder = work.options.out / previous if previous else None
    return folder if folder and (folder / "manifest.json").is_file() else None


def _write_notebooks(work: Work) -> None:
    folder = work.scratch / "notebooks"
    folder.mkdir()
    for spec in STEPS:
        text = notebook_text(work.runs[spec.name].notebook)
        (folder / spec.notebook).write_text(text, encoding="utf-8", newline="\n")


def _run_details(work: Work, began: datetime) -> dict[str, Any]:
    return {
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": dict(sorted(work.seconds.items())),
        "status": "built",
        "warnings": {name: run.warnings for name, run in sorted(work.runs.items()) if run.warnings},
    }


def _keep_stopped(out: Path, cut_id: str, began: datetime, error: Exception) -> None:
    """Leaves what is known of a stopped build beside the builds: when, why, and the notebook as far as it ran."""
    folder = out / STOPPED / cut_id
    shutil.rmtree(folder, ignore_errors=True)
    if isinstance(error, NotebookError) and error.notebook is not None:
        kept = folder / Path(str(error.file)).name
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(notebook_text(error.notebook), encoding="utf-8", newline="\n")
        error.say_next(f"open {kept}, the notebook as far as it ran")
    details = {"began": began.isoformat(timespec="seconds"), "status": "stopped", "message": str(error)}
    write_json(folder / "run.json", details | {"ended": datetime.now(UTC).isoformat(timespec="seconds")})

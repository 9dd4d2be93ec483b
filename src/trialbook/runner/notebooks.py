"""Runs one notebook with papermill, proves that it ran to its end, and leaves out all that varies from run to run."""

from __future__ import annotations

import errno
import json
import logging
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat

from trialbook.display.kernel import without_addresses
from trialbook.environment_variables import BUILD, CONTRACTS, NONCE, RECORDED, ROOT, WORKSPACE
from trialbook.errors import StopError, TrialbookError, UsageError
from trialbook.runner.beside import FOUND, PLACE, found_beside
from trialbook.runner.held import CHANGES
from trialbook.runner.json_files import keep_json
from trialbook.runner.kernels import SterileKernelManager, sterile_manager
from trialbook.runner.limits import GIB, MEMORY_LIMIT, TIME_LIMIT, Limits, machine_memory
from trialbook.runner.magics import plain_notebook
from trialbook.runner.preloaded import KernelServer
from trialbook.runner.step_metadata import ENTRY
from trialbook.runner.typed_text import typed_person
from trialbook.runner.vetting import refusal
from trialbook.runner.watch import Watch

OWN_ERRORS = {kind.__name__: kind for kind in (StopError, UsageError, TrialbookError)}


@dataclass(frozen=True)
class NotebookRun:
    """An executed notebook, what it left (`receipt`), and what it wrote to stderr, which no page shows."""

    notebook: nbformat.NotebookNode
    receipt: dict[str, Any]
    warnings: list[str]


class NotebookError(StopError):
    """A notebook did not run to its end; carries what was executed of it, for the person who looks for the cause."""

    def __init__(self, step: str, problem: str, notebook: nbformat.NotebookNode | None = None, **place: Any) -> None:
        super().__init__(problem, file=f"notebooks/{step}.ipynb", **place)
        self.notebook = notebook


def run_notebook(
    source: Path,
    parameters: Mapping[str, Any],
    workspace: Path,
    builds: Path,
    root: Path,
    home: Path,
    server: KernelServer | None = None,
    limits: Limits | None = None,
    look: Callable[[], None] = lambda: None,
    content: bytes | None = None,
    recorded: Mapping[str, str] | None = None,
) -> NotebookRun:
    """Executes the notebook at `source` in a sterile kernel, forked from the preloaded server when there is one.

    The parameters come from the typed cut model, never from a file. `content` are the bytes of the notebook as the
    build has hashed them, and `recorded` what its kernel may read (see `trialbook.inputs`). `look` is called before
    each cell. Raises NotebookError unless it is proved that every cell ran, in order and without error, within the
    limits, that the last one left a receipt with this run's nonce, and that what finished steps had left is as it was:
    an exit status proves nothing (a cell may call `sys.exit(0)`). No process of the kernel is left afterwards.
    """
    step, limits = source.stem, limits or Limits.from_environment()
    content = source.read_bytes() if content is None else content
    stop_if_refused(step, content)
    earlier = left_by_others(workspace, step)
    nonce = secrets.token_hex(16)
    contracts = source.parents[1] / "data_contracts"
    extra = {WORKSPACE: str(workspace), NONCE: nonce, BUILD: str(builds), CONTRACTS: str(contracts)}
    extra |= {ROOT: str(root), RECORDED: str(home / "recorded.json"), PLACE: str(home / FOUND)}
    manager = sterile_manager(home, extra, server, limits.memory)
    keep_json(home / "recorded.json", dict(recorded or {}))
    # What is run are the bytes that were hashed, whatever becomes of the file; without magics that measure.
    copy = home / f"{step}.source.ipynb"
    copy.write_bytes(plain_notebook(content))
    try:
        executed = _execute(copy, home / f"{step}.ipynb", parameters, manager, Watch(limits, manager.kill, look))
    finally:
        manager.end()
    receipt_file = workspace / ".steps" / step / "receipt.json"
    prove_complete(step, executed, receipt_file, nonce)
    _stop_if_beside(step, home / FOUND, getattr(manager.process, "left", 0), executed)
    warnings = take_stderr(executed)
    if any("Traceback (most recent call last)" in text for text in warnings):
        # An exception in a thread or a background task leaves every cell "completed".
        raise NotebookError(step, "something failed beside the cells", executed)
    changed = sorted(name for name, mark in earlier.items() if _mark(workspace / name) != mark)
    if changed:
        raise NotebookError(step, f"the notebook changed {changed[0]}, which another step had left", executed)
    receipt = json.loads(receipt_file.read_text(encoding="utf-8"))
    return NotebookRun(without_run_details(executed), receipt, warnings)


def stop_if_refused(step: str, content: bytes) -> None:
    """Raises NotebookError when the notebook of a step (its bytes) holds what no build may run."""
    refused = _refused(content, refusal)
    if refused:
        raise NotebookError(step, refused, next_step="change the cell")
    personal = _refused(content, typed_person)
    if personal:
        raise NotebookError(step, personal, next_step="take it out of the notebook")


@lru_cache(maxsize=32)
def _refused(content: bytes, vet: Callable[[nbformat.NotebookNode], str | None]) -> str | None:
    """What `vet` says of these bytes: asked for all notebooks before the first runs, and for each before it runs."""
    return vet(_notebook(content))


def stop_if_any_refused(contents: Mapping[str, bytes], tell: Callable[[str, str], None]) -> None:
    """`stop_if_refused` for every notebook that is there, before the first of them runs; `tell` hears which stopped."""
    for step, content in contents.items():
        try:
            if content:
                stop_if_refused(step, content)
        except NotebookError:
            tell(step, "stopped")
            raise


def _stop_if_beside(step: str, place: Path, processes: int, executed: nbformat.NotebookNode) -> None:
    """Raises NotebookError when something that a cell started has failed, or had not ended with the notebook."""
    found = found_beside(place)
    if processes:
        found.append("a process that a cell started was still running when the notebook had ended")
    if found:
        raise NotebookError(step, found[0], executed, next_step="let each cell end what it begins")


def _execute(
    source: Path, output: Path, parameters: Mapping[str, Any], manager: SterileKernelManager, watch: Watch
) -> Any:
    """The executed notebook; raises NotebookError, or our own error that a cell raised."""
    import papermill

    from trialbook.runner import engine

    logging.getLogger("papermill").setLevel(logging.ERROR)
    with watch:
        try:
            return papermill.execute_notebook(
                _literal(source), _literal(output), parameters=dict(parameters), progress_bar=False, log_output=False,
                request_save_on_cell_execute=False, engine_name=engine.NAME, km=manager, watch=watch,
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            raise _cell_error(output.stem, error, _read(output), watch.limits) from None
        except Exception as error:
            raise _run_error(output.stem, error, watch, manager) from error


def _literal(path: Path) -> str:
    """A path for papermill, which would take braces in it for the names of parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _read(path: Path) -> Any:
    return _notebook(path.read_bytes()) if path.is_file() else None


def _notebook(content: bytes) -> Any:
    return nbformat.reads(content.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def _cell_error(step: str, error: Any, notebook: nbformat.NotebookNode | None, limits: Limits) -> TrialbookError:
    """The user's message when a cell stopped with one of our errors; else the kind of error and its cell."""
    where = f"code cell {error.exec_count}"
    if error.ename in OWN_ERRORS:
        place = f"notebooks/{step}.ipynb, {where}: " if error.evalue.startswith(CHANGES) else ""
        return OWN_ERRORS[error.ename](f"{place}{error.evalue}")
    if error.ename.endswith("MemoryError"):
        problem = f"{where} needed more memory than its limit of {limits.memory / GIB:g} GiB"
        return NotebookError(step, problem, notebook, next_step=f"set {MEMORY_LIMIT} to more GiB, or use less")
    if f"[Errno {errno.ENOSPC}]" in error.evalue or f"[Errno {errno.EDQUOT}]" in error.evalue:
        return NotebookError(step, f"the disk is full: {where} could not write", notebook, next_step="make room")
    return NotebookError(step, f"{where} ended with {error.ename}", notebook)


def _run_error(step: str, error: Exception, watch: Watch, manager: SterileKernelManager) -> NotebookError:
    """The user's message when the kernel was ended by its limits, by somebody else or by itself, or did not start."""
    if watch.breach:
        longer = f"correct the cell, or set {TIME_LIMIT} to more seconds" if " s, the time" in watch.breach else None
        return NotebookError(step, watch.breach, watch.notebook, next_step=longer)
    # A timeout is an OSError for Python, but says nothing of files.
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        raise error
    status = manager.process.poll() if manager.process is not None else None
    if status is None:
        return NotebookError(step, f"its kernel failed ({type(error).__name__}: {error})", watch.notebook)
    if not watch.began and watch.limits.memory < machine_memory():
        return NotebookError(
            step, f"its kernel could not start within the memory limit of {watch.limits.memory / GIB:g} GiB",
            watch.notebook, next_step=f"set {MEMORY_LIMIT} or --memory-limit to more GiB; a kernel needs about 2",
        )  # fmt: skip
    if status >= 0:
        return NotebookError(step, f"the kernel ended by itself while {watch.where()} ran", watch.notebook)
    return NotebookError(
        step, f"the kernel was killed ({signal.Signals(-status).name}) while {watch.where()} ran", watch.notebook,
        next_step="if nobody killed it, the machine ran out of memory: use fewer --jobs, or a larger machine",
    )  # fmt: skip


def left_by_others(workspace: Path, step: str) -> dict[str, tuple[int, ...]]:
    """The files that finished steps have left in this build, each with a mark that changes when it is written again."""
    names = [".steps/inputs.json"]
    for receipt in sorted(workspace.glob(".steps/*/receipt.json")):
        if receipt.parent.name != step:
            names += [f"data/{name}.parquet" for name in _written(receipt)]
            names += [f".steps/{receipt.parent.name}/{name}" for name in ("ard.json", "queries.json")]
    marks = {name: _mark(workspace / name) for name in names}
    return {name: mark for name, mark in marks.items() if mark}


def _written(receipt: Path) -> list[str]:
    """The datasets of a finished step; none when a step beside this one is just writing its receipt."""
    try:
        return list(json.loads(receipt.read_text(encoding="utf-8"))["written"])
    except ValueError:
        return []


def _mark(path: Path) -> tuple[int, ...]:
    """Empty when there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def prove_complete(step: str, notebook: nbformat.NotebookNode, receipt: Path, nonce: str) -> None:
    """Raises NotebookError unless every code cell completed in order, none failed, and this run's receipt is there."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for position, cell in enumerate(cells, start=1):
        if cell.metadata.get("papermill", {}).get("status") != "completed" or cell.execution_count != position:
            raise NotebookError(step, f"code cell {position} of {len(cells)} did not run", notebook)
        if any(output.output_type == "error" for output in cell.outputs):
            raise NotebookError(step, f"code cell {position} ended with an error", notebook)
    if notebook.metadata.get("papermill", {}).get("exception"):
        raise NotebookError(step, "papermill recorded an exception", notebook)
    if not receipt.is_file() or json.loads(receipt.read_text(encoding="utf-8"))["nonce"] != nonce:
        raise NotebookError(step, "the last cell left no receipt", notebook)


def take_stderr(notebook: nbformat.NotebookNode) -> list[str]:
    """Removes stderr from the outputs and returns it: warnings name temporary paths and belong in the log."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts += [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
    return texts


def without_run_details(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without times, paths, versions, addresses and random ids: the same on every run."""
    notebook.metadata = nbformat.NotebookNode(  # type: ignore[no-untyped-call]
        kernelspec=notebook.metadata.kernelspec, language_info={"name": "python"},
        **{name: entry for name, entry in notebook.metadata.items() if name == ENTRY},
    )  # fmt: skip
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})  # type: ignore[no-untyped-call]
        if "injected-parameters" in tags:
            cell.id = "injected-parameters"
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = without_addresses(output.text)
    return notebook


def notebook_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as JSON text with sorted keys."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

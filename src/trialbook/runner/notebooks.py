"""Runs one notebook with papermill, proves that it ran to its end, and leaves out all that varies from run to run."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from trialbook.errors import StopError, TrialbookError, UsageError
from trialbook.runner.kernels import sterile_manager
from trialbook.runner.preloaded import KernelServer
from trialbook.runner.step import BUILD, NONCE, WORKSPACE
from trialbook.runner.vetting import refusal

CELL_TIMEOUT = 600
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
) -> NotebookRun:
    """Executes the notebook at `source` in a sterile kernel, forked from the preloaded server when there is one.

    The parameters come from the typed cut model, never from a file. Raises NotebookError unless it is proved that
    every cell ran, in order and without error, and that the last one left a receipt with this run's nonce: an exit
    status proves nothing (a cell may call `sys.exit(0)`).
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    step = source.stem
    refused = refusal(_read(source))
    if refused:
        raise NotebookError(step, refused, next_step="change the cell")
    nonce = secrets.token_hex(16)
    extra = {WORKSPACE: str(workspace), NONCE: nonce, BUILD: str(builds), "TRIALBOOK_ROOT": str(root)}
    manager = sterile_manager(home, extra, server)
    output = home / f"{step}.ipynb"
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=dict(parameters),
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            km=manager,
            shutdown_kernel="immediate",
            execution_timeout=CELL_TIMEOUT,
        )
    except papermill.PapermillExecutionError as error:
        raise _own_error(step, error, _read(output)) from None
    except Exception as error:
        raise NotebookError(step, f"{type(error).__name__} while it ran", _read(output)) from error
    finally:
        if getattr(manager, "provisioner", None) is not None:
            manager.cleanup_ipc_files()
    executed = _read(output)
    receipt_file = workspace / ".steps" / step / "receipt.json"
    prove_complete(step, executed, receipt_file, nonce)
    warnings = take_stderr(executed)
    if any("Traceback (most recent call last)" in text for text in warnings):
        # An exception in a thread or a background task leaves every cell "completed".
        raise NotebookError(step, "something failed beside the cells", executed)
    receipt = json.loads(receipt_file.read_text(encoding="utf-8"))
    return NotebookRun(without_run_details(executed), receipt, warnings)


def _read(path: Path) -> Any:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4) if path.is_file() else None  # type: ignore[no-untyped-call]


def _own_error(step: str, error: Any, notebook: nbformat.NotebookNode | None) -> TrialbookError:
    """The user's message when a cell stopped with one of our errors; else the kind of error and its cell."""
    if error.ename in OWN_ERRORS:
        return OWN_ERRORS[error.ename](error.evalue)
    return NotebookError(step, f"cell {error.exec_count} ended with {error.ename}", notebook)


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
    """The notebook without times, paths, versions and random ids: what is left is the same on every run."""
    notebook.metadata = nbformat.NotebookNode(  # type: ignore[no-untyped-call]
        kernelspec=notebook.metadata.kernelspec, language_info={"name": "python"}
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})  # type: ignore[no-untyped-call]
        if "injected-parameters" in tags:
            cell.id = "injected-parameters"
    return notebook


def notebook_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as JSON text with sorted keys."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

"""Runs one notebook with papermill, proves that it ran to its end, and leaves out all that varies from run to run."""

from __future__ import annotations

import ast
import errno
import io
import json
import logging
import re
import secrets
import signal
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat

from trialbook.core.environment_variables import (
    BACKGROUND,
    BUILD,
    CONTRACTS,
    MEMORY_LIMIT,
    NONCE,
    RECORDED,
    ROOT,
    TIME_LIMIT,
    WORKSPACE,
)
from trialbook.core.errors import ParameterError, StopError, TrialbookError, UsageError, error_of_line
from trialbook.core.files import keep_json
from trialbook.core.privacy import masked
from trialbook.core.syntax import syntax_tree
from trialbook.display.cell_outputs import without_addresses
from trialbook.kernels.background_work import FOUND, found_beside
from trialbook.kernels.engine import Watch
from trialbook.kernels.environment import GIB, Limits, machine_memory
from trialbook.kernels.fork_client import KernelServer
from trialbook.kernels.manager import SterileKernelManager, sterile_manager
from trialbook.workbook.frozen_parameters import CHANGES
from trialbook.workbook.magics import HARMLESS, plain_notebook, plain_source, refused_magic
from trialbook.workbook.step_metadata import ENTRY
from trialbook.workbook.steps import ANSWERS, DECISIONS, DELIVERY, REVIEWED

# ----------------------------------------------------------------------------------------------------
# Refuses notebooks whose cells could end a run unseen: shell escapes, most magics, quitting, work beside the cells.


# Calls that end the kernel, or start another program whose failure nobody sees, by whatever object they are called.
ENDING = {
    "exit", "quit", "_exit", "abort", "system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile",
    *(f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(f"spawn{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    # Imports past this check.
    "import_module",
}  # fmt: skip
# Calls that could hide any of these from this check, or wait for a person.
HIDING = {"exec", "eval", "compile", "__import__", "get_ipython", "input", "breakpoint"}
# A failure in a thread, a task or another process does not show in the state of a cell.
BESIDE = {
    "asyncio", "threading", "_thread", "multiprocessing", "concurrent", "subprocess", "pty", "sched",
    "importlib", "runpy", "ctypes", "builtins",
}  # fmt: skip


def refusal(notebook: nbformat.NotebookNode) -> str | None:
    """Why this notebook may not be run as a step of a build, or None.

    Each of these has been seen to end with status 0 and every cell "completed": `quit()` and `!false` in the middle of
    a notebook, and a failing cell that is tagged as allowed to fail.
    """
    for position, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], start=1):
        if "raises-exception" in cell.metadata.get("tags", []):
            return f"code cell {position} is allowed to fail"
        source = plain_source(cell.source)
        try:
            tree = syntax_tree(source)
        except SyntaxError:
            magic = refused_magic(source)
            if magic is None:
                return f"code cell {position} is not valid Python"
            allowed = ", ".join(HARMLESS)
            return f"code cell {position} uses {magic}; of magics a build allows {allowed}, each whole in its line"
        for node in ast.walk(tree):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            beside = [module for module in modules if module.split(".")[0] in BESIDE]
            if beside:
                return f"code cell {position} imports {beside[0]}"
            name = _called(node)
            if name:
                return f"code cell {position} calls {name}()"
    return None


def _called(node: ast.AST) -> str | None:
    """The name of a refused function that is called here."""
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name if name in ENDING or (isinstance(node.func, ast.Name) and name in HIDING) else None


# ----------------------------------------------------------------------------------------------------
# What analysts type into a notebook is published as it is, so nothing in it may identify a person (P37).
#
# Words are looked at, not numbers that happen to follow each other: Markdown line by line, and of code its texts,
# comments and single numbers. Records never come in this way: they are masked when they are read.


# The numbers of an article or a page are nobody's.
_REFERENCE = re.compile(r"(?:https?://|doi:\s*|10\.\d{4,9}/)[^\s<>\"')\]]+", re.IGNORECASE)
# An f-string is one text in Python 3.11, later the pieces between its braces.
_TYPED = {
    tokenize.STRING, tokenize.COMMENT, tokenize.NUMBER,
    *([tokenize.FSTRING_MIDDLE] if hasattr(tokenize, "FSTRING_MIDDLE") else []),
}  # fmt: skip


def typed_person(notebook: nbformat.NotebookNode) -> str | None:
    """Where a notebook holds text that identifies a person, in words without that text; None where it does not."""
    for place, typed in _typed(notebook):
        text = _REFERENCE.sub("", typed)
        if masked(text) != text:
            return f"{place} holds text that identifies a person (it is withheld), and would be published as it is"
    return None


def _typed(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Each piece of text of a notebook that is published, with its place."""
    yield from ((f"the entry {ENTRY} of the metadata", text) for text in _texts(notebook.metadata.get(ENTRY)))
    for position, cell in enumerate(notebook.cells, start=1):
        place = f"cell {position} ({'code' if cell.cell_type == 'code' else cell.cell_type.capitalize()})"
        pieces = _code_pieces(cell.source) if cell.cell_type == "code" else enumerate(cell.source.splitlines(), start=1)
        yield from ((f"line {line} of {place}", text) for line, text in pieces)


def _code_pieces(source: str) -> Iterator[tuple[int, str]]:
    """Texts, comments and numbers of code with their lines; all lines of what Python cannot read, such as a magic."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        yield from enumerate(source.splitlines(), start=1)
        return
    for token in tokens:
        if token.type in _TYPED:
            yield from enumerate(token.string.splitlines(), start=token.start[0])


def _texts(entry: object) -> Iterator[str]:
    """Every text and number in an entry of the metadata."""
    if entry is not None:
        yield from json.dumps(entry, ensure_ascii=False, indent=0, default=str).splitlines()


# ----------------------------------------------------------------------------------------------------

OWN_ERRORS = {kind.__name__: kind for kind in (StopError, UsageError, ParameterError, TrialbookError)}


@dataclass(frozen=True)
class NotebookRun:
    """An executed notebook, what it wrote (`receipt`), and what it wrote to stderr, which no page shows."""

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
    build has hashed them, and `recorded` what its kernel may read (see `trialbook.core.files`). `look` is called before
    each cell. Raises NotebookError unless it is proved that every cell ran, in order and without error, within the
    limits, that the last one wrote a receipt with this run's nonce, and that outputs of finished steps are unchanged:
    an exit status proves nothing (a cell may call `sys.exit(0)`). No process of the kernel is left afterwards.
    """
    step, limits = source.stem, limits or Limits.from_environment()
    content = source.read_bytes() if content is None else content
    stop_if_refused(step, content)
    earlier = left_by_others(workspace, step)
    nonce = secrets.token_hex(16)
    contracts = source.parents[1] / "data_contracts"
    extra = {WORKSPACE: str(workspace), NONCE: nonce, BUILD: str(builds), CONTRACTS: str(contracts)}
    extra |= {ROOT: str(root), RECORDED: str(home / "recorded.json"), BACKGROUND: str(home / FOUND)}
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
        # An exception in a thread or a background task does not show in the state of a cell.
        raise NotebookError(step, "something failed beside the cells", executed)
    changed = sorted(name for name, mark in earlier.items() if _mark(workspace / name) != mark)
    if changed:
        raise NotebookError(step, f"the notebook changed {changed[0]}, which another step had written", executed)
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

    from trialbook.kernels import engine

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
        return error_of_line(OWN_ERRORS[error.ename], f"{place}{error.evalue}")
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
    """The files of finished steps of this build, each with a mark that changes when it is written again."""
    names = [".steps/inputs.json", DECISIONS, ANSWERS, REVIEWED, DELIVERY]
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
        raise NotebookError(step, "the last cell wrote no receipt", notebook)


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

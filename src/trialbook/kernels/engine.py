"""The papermill engine of the workbook: papermill's own, with a watch on the kernel, and the kernel ended after it.

Imported only when a notebook is run: papermill is slow to import.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from trialbook.core.errors import StopError
from trialbook.kernels.environment import MIB, Limits

# ----------------------------------------------------------------------------------------------------
# Watches over one notebook while it runs: ends its kernel when the step takes too long or writes too much.


class Watch:
    """Keeps a step within its limits, and knows how far the notebook has come. Use as a context manager.

    `look` is called before each cell: the cells before it have done what they do. A StopError of it ends the step.
    """

    def __init__(
        self, limits: Limits, end_kernel: Callable[[], None], look: Callable[[], None] = lambda: None
    ) -> None:  # fmt: skip
        self.limits, self._end_kernel, self._look = limits, end_kernel, look
        self._written = 0
        self._timer = threading.Timer(limits.seconds, self._too_long)
        self._timer.daemon = True
        self.notebook: Any = None
        self._cell: Any = None
        self.breach: str | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def follow(self, notebook: Any) -> None:
        """Takes note of the notebook that is being executed, as far as it has come."""
        self.notebook = notebook

    def swallows(self, message: Mapping[str, Any]) -> bool:
        """Whether a message of the kernel is not to be kept, since the step has written more than it may."""
        self._written += _size(message.get("content"))
        if self._written > self.limits.output:
            self._stop(f"wrote more than {self.limits.output / MIB:g} MiB of output")
        return self.breach is not None

    def at(self, cell: Any, cell_index: int) -> None:
        """Takes note of the cell that is sent to the kernel; the clock starts with the first, not with the kernel."""
        before = self.where()
        if self._cell is None:
            self._timer.start()
        self._cell = cell
        try:
            self._look()
        except StopError as error:
            # What was done wrong was done by the cell before this one.
            self._end(f"{error.file}: {error.problem}, while {before} ran")

    @property
    def began(self) -> bool:
        """Whether any cell was sent to the kernel."""
        return self._cell is not None

    def where(self) -> str:
        """The code cell that runs, as `code cell 3 of 14`."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"] if self.notebook else []
        position = next((k for k, cell in enumerate(cells, start=1) if cell is self._cell), 0)
        return f"code cell {position} of {len(cells)}" if position else "no cell yet"

    def _too_long(self) -> None:
        self._stop(f"was still running after {self.limits.seconds:g} s, the time limit of a step")

    def _stop(self, what: str) -> None:
        self._end(f"{self.where()} {what}")

    def _end(self, breach: str) -> None:
        if self.breach is None:
            self.breach = breach
            self._end_kernel()


def _size(content: Any) -> int:
    """Characters of text in the content of a message."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        return sum(_size(part) for part in content.values())
    return sum(_size(part) for part in content) if isinstance(content, list) else 0


# ----------------------------------------------------------------------------------------------------

NAME = "trialbook"
# How long the outputs of a cell may be on their way after its end. papermill's own 4 s are too short for a page of
# tables on a busy machine; the time limit of the step holds besides.
OUTPUT_SECONDS = 300


class WatchedClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client; what the kernel writes passes the watch first."""

    watch: Watch

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Keeps one message of the kernel, unless the step has written too much."""
        return None if self.watch.swallows(msg) else super().process_message(msg, cell, cell_index)


class WatchedEngine(Engine):  # type: ignore[misc]
    """Runs a notebook in the kernel of the given manager."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, watch: Watch, km: Any, start_timeout: int, **ignored: Any
    ) -> None:
        """Executes the notebook; whatever happens, its kernel has ended afterwards."""
        log = logging.getLogger("trialbook.kernel")
        # A failure is reported once, by our own message.
        log.setLevel(logging.CRITICAL)
        client = WatchedClient(
            nb_man, km=km, kernel_name=kernel_name, log=log, startup_timeout=start_timeout, timeout=None,
            shutdown_kernel="immediate", on_cell_execute=watch.at, iopub_timeout=OUTPUT_SECONDS,
        )  # fmt: skip
        client.watch = watch
        watch.follow(nb_man.nb)
        client.execute(cleanup_kc=True)


papermill_engines.register(NAME, WatchedEngine)

"""The papermill engine of the workbook: papermill's own, with a watch on the kernel, and the kernel ended after it.

Imported only when a notebook is run: papermill is slow to import.
"""

from __future__ import annotations

import logging
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from trialbook.runner.watch import Watch

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
        # What goes wrong is told once, by our own message.
        log.setLevel(logging.CRITICAL)
        client = WatchedClient(
            nb_man, km=km, kernel_name=kernel_name, log=log, startup_timeout=start_timeout, timeout=None,
            shutdown_kernel="immediate", on_cell_execute=watch.at, iopub_timeout=OUTPUT_SECONDS,
        )  # fmt: skip
        client.watch = watch
        watch.follow(nb_man.nb)
        client.execute(cleanup_kc=True)


papermill_engines.register(NAME, WatchedEngine)

"""Work that goes on beside the cells of a notebook: tasks, threads and processes whose failure no cell would show.

Watched inside the kernel of a build. A process is refused when it is started, so that its cell ends with an error; a
task or a thread that failed, or that still runs when the last cell has ended, is written down with the cell that
started it, and the runner stops the step.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from trialbook.core.environment_variables import BACKGROUND
from trialbook.workbook.tracked_reads import note_opened_files

# In the kernel's own folder.
FOUND = "beside.json"
STARTING = {
    "subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.exec", "os.startfile",
    "pty.spawn",
}  # fmt: skip
# How the kernel names the files that it compiles cells as.
CELL = re.compile(r"ipykernel_[0-9]+[/\\]")


class ProcessRefused(RuntimeError):
    """A cell may start no process: nobody would see it fail."""


class Beside:
    """What the cells of one kernel have started."""

    def __init__(self, place: Path) -> None:
        self._place, self._cell = place, 0
        self._tasks: list[tuple[asyncio.Task[Any], int]] = []
        self._threads: list[tuple[threading.Thread, int]] = []
        self._failed: list[str] = []
        self._written: list[str] = []

    def watch(self, shell: Any) -> None:
        """Watches from now on, until the end of the kernel."""
        start = threading.Thread.start

        def started(thread: threading.Thread) -> None:
            if _below_a_cell():
                self._threads.append((thread, self._cell))
                setattr(thread, "run", self._told(thread.run, self._cell))  # noqa: B010 - a method of this thread alone
            start(thread)

        setattr(threading.Thread, "start", started)  # noqa: B010 - a method of the standard library
        sys.addaudithook(_refuse)
        note_opened_files()
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def _told(self, run: Callable[[], None], cell: int) -> Callable[[], None]:
        """What a thread runs, with its failure written down."""

        def told() -> None:
            try:
                run()
            except BaseException as error:
                self._failed.append(f"a thread that code cell {cell} started failed ({type(error).__name__})")
                raise

        return told

    def _before(self, info: Any) -> None:
        self._cell += 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop.get_task_factory() is None:
            factory: Any = self._task
            loop.set_task_factory(factory)
            loop.set_exception_handler(self._call_failed)

    def _task(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        if _below_a_cell():
            self._tasks.append((task, self._cell))
        return task

    def _call_failed(self, loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        kind = type(told.get("exception")).__name__
        self._failed.append(f"a call that code cell {self._cell}, or one before it, put off failed ({kind})")
        loop.default_exception_handler(told)

    def _after(self, result: Any) -> None:
        for task, cell in self._tasks:
            # Tasks that ended with an error which no cell has looked at; asking for it counts as looking.
            if task.done() and not task.cancelled() and getattr(task, "_log_traceback", True) and task.exception():
                self._failed.append(f"a task that code cell {cell} started failed ({type(task.exception()).__name__})")
        self._tasks = [(task, cell) for task, cell in self._tasks if not task.done()]
        found = [*self._failed, *self._running()]
        if found != self._written:
            self._place.write_text(json.dumps(found), encoding="utf-8")
            self._written = found

    def _running(self) -> list[str]:
        ends = "was still running when the notebook had ended"
        tasks = [f"a task that code cell {cell} started {ends}" for task, cell in self._tasks]
        threads = [f"a thread that code cell {cell} started {ends}" for one, cell in self._threads if one.is_alive()]
        return [*tasks, *threads, *(f"a call that a cell put off {ends}" for _ in range(_put_off()))]


def watch() -> None:
    """Watches the kernel of this process; called by the kernel before its first cell."""
    place = os.environ.get(BACKGROUND)
    if place:
        from IPython.core.getipython import get_ipython

        Beside(Path(place)).watch(get_ipython())


def found_beside(place: Path) -> list[str]:
    """What a kernel wrote down, the failures first; empty where every cell was alone."""
    return list(json.loads(place.read_text(encoding="utf-8"))) if place.is_file() else []


def _refuse(event: str, arguments: Any) -> None:
    if event in STARTING:
        raise ProcessRefused("a cell of a build may start no other process")


def _below_a_cell() -> bool:
    """Whether the code of a cell is what called."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if CELL.search(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    return False


def _put_off() -> int:
    """Calls of functions of cells that the event loop has still to make."""
    try:
        loop: Any = asyncio.get_running_loop()
    except RuntimeError:
        return 0
    waiting = [*getattr(loop, "_scheduled", ()), *getattr(loop, "_ready", ())]
    return sum(_is_of_cell(handle) for handle in waiting if not handle.cancelled())


def _is_of_cell(handle: Any) -> bool:
    function: Callable[..., Any] | None = getattr(handle, "_callback", None)
    return bool(CELL.search(str(getattr(getattr(function, "__code__", None), "co_filename", ""))))


# The option with which a kernel calls `watch` before its first cell; no name is left in the notebook's.
OPTION = (
    "--IPKernelApp.exec_lines=[\"__import__('trialbook.kernels.background_work').kernels.background_work.watch()\"]"
)

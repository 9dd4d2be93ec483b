"""A process with the slow imports done, from which each notebook's kernel is forked: a fresh namespace in a tenth of
a second instead of seconds.

Started by `trialbook.kernels.fork_client` as `python -m trialbook.kernels.fork_server FD`; speaks JSON lines over the
inherited socket. It runs no thread and opens no other socket before a fork, so that a child shares nothing but memory
that was imported. It does not outlive its build and cleans up:  when the runner's end of the socket closes,
however that came about, every kernel is killed with all that it started. POSIX only.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import random
import signal
import socket
import sys
import time
import warnings
from typing import Any

from trialbook.core.fast_imports import only_what_is_used
from trialbook.core.file_marks import AT_START, PACKAGE, digest
from trialbook.kernels import process_tree

# What notebooks import, slowest first; a module that is missing here only costs its import in the kernel.
PRELOADED = (
    "ipykernel.kernelapp", "ipykernel.debugger", "pandas", "pyarrow.parquet", "scipy.special", "altair", "psutil",
    "pydantic", "yaml",
)  # fmt: skip
# These would pull Great Expectations, papermill, nbconvert, writers of documents or the command line into every kernel.
NOT_PRELOADED = (
    "trialbook.kernels", "trialbook.pipeline", "trialbook.provenance", "trialbook.interactive", "trialbook.diff",
    "trialbook.commands", "trialbook.contracts", "trialbook.cli", "trialbook.lab", "trialbook.documents",
)  # fmt: skip


# Objects made before a kernel looks for garbage among them: a notebook makes many small ones and few circles.
YOUNG = 50_000
# Address space only: nothing is held in memory for it.
RESERVE_BYTES = 128 * 2**20


def preload() -> None:
    """Imports what notebooks need, our own library included."""

    with only_what_is_used():
        for name in PRELOADED:
            importlib.import_module(name)
        for path in sorted(PACKAGE.rglob("*.py")):
            name = ".".join(["trialbook", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
            if not name.startswith(NOT_PRELOADED):
                importlib.import_module(name)
        importlib.import_module("trialbook.workbook.step")
        importlib.import_module("trialbook.kernels.background_work")
        # What is there after this stays for good: no kernel need look through it for garbage, which would copy its
        # memory too.
        _make_ahead()
    gc.set_threshold(YOUNG)


def _make_ahead() -> None:
    """Makes a chart that fills the caches and is thrown away.

    From then on charts are not checked against the schema of Vega-Lite, a tenth of the time of all notebooks: a test
    checks each chart of the demo builds, and a kernel that an analyst starts checks as ever.
    """
    import altair as alt
    import pandas as pd
    from altair.utils import schemapi

    from trialbook.display.figures import figure
    from trialbook.display.theme import INK

    data = pd.DataFrame({"count": [1, 2], "name": ["a", "b"]})
    layer = alt.Chart(data).encode(
        x=alt.X("count:Q", title="count", axis=alt.Axis(tickMinStep=1)), y=alt.Y("name:N", sort=None),
        color=alt.Color("name:N", scale=alt.Scale(range=[INK]), legend=alt.Legend(title=None)), tooltip=["count:Q"],
    )  # fmt: skip
    figure(alt.layer(layer.mark_bar(), layer.mark_text()).properties(width=300), data, "Ahead of time")
    schemapi.disable_debug_mode()


def serve(channel: socket.socket, library: str) -> None:
    """Answers `start`, `poll` and `end` until the runner closes its end; then every remaining process is killed.

    `library` is the digest of the library's files as they were before any of them was imported.
    """
    process_tree.adopt_orphans()
    alive: set[int] = set()
    # A runner that is killed while it asks sends half a line, or takes no answer.
    with contextlib.suppress(OSError, ValueError), channel.makefile("rw", encoding="utf-8") as lines:
        _say(lines, {"ready": os.getpid(), "library": library})
        for line in lines:
            _say(lines, _answer(json.loads(line), channel, alive))
    for pid in sorted(alive):
        _end(pid, alive)


def _say(lines: Any, answer: dict[str, Any]) -> None:
    lines.write(json.dumps(answer) + "\n")
    lines.flush()


def _answer(request: dict[str, Any], channel: socket.socket, alive: set[int]) -> dict[str, Any]:
    if request["do"] == "start":
        return _start(request, channel, alive)
    return _poll(request["pid"], alive) if request["do"] == "poll" else _end(request["pid"], alive)


def _start(request: dict[str, Any], channel: socket.socket, alive: set[int]) -> dict[str, Any]:
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads. Those of this process are of numeric libraries, which rest between
        # calls: it calls none of them, and holds no lock, while it forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        server, pid = os.getpid(), os.fork()
    if pid == 0:
        _become(request, channel, server)
    alive.add(pid)
    return {"pid": pid}


def _poll(pid: int, alive: set[int]) -> dict[str, Any]:
    """The exit status of a kernel, as `subprocess` states it, or None while it runs."""
    if pid not in alive:
        return {"status": 0}
    found, status = os.waitpid(pid, os.WNOHANG)
    if found == 0:
        return {"status": None}
    alive.discard(pid)
    return {"status": os.waitstatus_to_exitcode(status)}


def _end(pid: int, alive: set[int]) -> dict[str, Any]:
    """Kills a kernel, what it started, and processes that they had started in turn; returns its status and how
    many such processes there were (`left`).
    """
    status: dict[str, Any] = {"status": None, "left": 0}
    below: set[int] = set()
    if pid in alive:
        # The kernel is suspended first, so that it starts nothing more while its processes are looked for.
        os.kill(pid, signal.SIGSTOP)
        below = process_tree.descendants([pid])
        started = len(below | process_tree.strays(alive))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        status = {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "left": started}
        alive.discard(pid)
    for _ in range(process_tree.ROUNDS):
        left = below | process_tree.strays(alive)
        if not left:
            break
        process_tree.end_all(left)
        below = set()
        time.sleep(process_tree.PAUSE_SECONDS)
    return status


def _become(request: dict[str, Any], channel: socket.socket, server: int) -> None:
    """Turns this forked child into the kernel of one notebook, or a background worker; never returns."""
    status = 1
    try:
        os.setsid()
        process_tree.end_with_parent(server)
        # Not `channel.close()`, which waits for its readers: the runner must see at once when the server ends.
        os.close(channel.fileno())
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        # A child must not continue the parent's random numbers, nor two children share theirs.
        random.seed()
        sys.modules["numpy"].random.seed()
        sys.argv = request["cmd"]
        if request["what"] == "aside":
            from trialbook.kernels import worker

            worker.serve(request["cmd"][0])
            os._exit(0)
        # Where the system does not kill a kernel with its parent, the kernel watches its parent itself.
        watch = [] if sys.platform == "linux" else [f"--IPKernelApp.parent_handle={server}"]
        _run_kernel([*request["cmd"], *watch])
        status = 0
    finally:
        os._exit(status)


def _run_kernel(arguments: list[str]) -> None:
    """A kernel with some memory in reserve, so that it can still say so when a cell has taken all the rest."""
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize(arguments)
    with contextlib.suppress(OSError):  # a limit so small that there is none left
        reserve = mmap.mmap(-1, RESERVE_BYTES)
        app.shell.set_custom_exc((MemoryError,), _told_from(reserve))
    app.start()


def _told_from(reserve: mmap.mmap) -> Any:
    """What IPython calls when a cell was refused memory: gives the reserve back, then shows the error as ever."""

    def tell(shell: Any, kind: Any, error: Any, trace: Any, tb_offset: int | None = None) -> None:
        reserve.close()
        shell.set_custom_exc((), None)
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)

    return tell


if __name__ == "__main__":
    _channel = socket.socket(fileno=int(sys.argv[1]))
    _library = digest(AT_START)
    preload()
    serve(_channel, _library)
    # The runner waits for the end: what has been imported is not taken apart first.
    os._exit(0)

"""A process with the slow imports done, from which each notebook's kernel is forked: a fresh namespace in a tenth of
a second instead of seconds.

Started by `trialbook.runner.preloaded` as `python -m trialbook.runner.kernel_server FD`; speaks JSON lines over the
inherited socket. It runs no thread and opens no other socket before a fork, so that a child shares nothing but memory
that was imported. POSIX only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import random
import signal
import socket
import sys
from typing import Any

# What notebooks import, slowest first; a module that is missing here only costs its import in the kernel.
PRELOADED = (
    "ipykernel.kernelapp", "pandas", "pyarrow.parquet", "scipy.stats", "altair", "great_tables", "pydantic", "yaml",
)  # fmt: skip
# These would pull Great Expectations, papermill or the command line into every kernel.
NOT_PRELOADED = ("trialbook.runner", "trialbook.contracts", "trialbook.cli", "trialbook.simulate", "trialbook.pilot")


def preload() -> None:
    """Imports what notebooks need, our own library included."""
    import trialbook

    for name in PRELOADED:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(trialbook.__path__, "trialbook."):
        if not module.name.startswith(NOT_PRELOADED):
            importlib.import_module(module.name)
    importlib.import_module("trialbook.runner.step")


def serve(channel: socket.socket) -> None:
    """Answers `start` and `poll` until the runner closes its end; then every kernel left is killed."""
    alive: set[int] = set()
    with channel.makefile("rw", encoding="utf-8") as lines:
        lines.write(json.dumps({"ready": os.getpid()}) + "\n")
        lines.flush()
        for line in lines:
            request = json.loads(line)
            answer = _start(request, channel, alive) if request["do"] == "start" else _poll(request["pid"], alive)
            lines.write(json.dumps(answer) + "\n")
            lines.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _start(request: dict[str, Any], channel: socket.socket, alive: set[int]) -> dict[str, Any]:
    pid = os.fork()
    if pid == 0:
        _become_kernel(request, channel)
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


def _become_kernel(request: dict[str, Any], channel: socket.socket) -> None:
    """Turns this forked child into the kernel of one notebook; never returns."""
    status = 1
    try:
        os.setsid()
        channel.close()
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
        from ipykernel.kernelapp import IPKernelApp

        IPKernelApp.launch_instance(argv=request["cmd"])
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _channel = socket.socket(fileno=int(sys.argv[1]))
    preload()
    # A build that stopped while the imports ran has closed its end: nothing is left to serve.
    with contextlib.suppress(BrokenPipeError):
        serve(_channel)

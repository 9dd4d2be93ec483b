"""The runner's side of the preloaded kernels: starts the server and hands out kernels forked from it.

Imports nothing slow: the server is the first thing that a build starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any

from trialbook.core.environment_variables import KERNELS
from trialbook.core.file_marks import AT_START, digest, library_changed
from trialbook.kernels import process_tree
from trialbook.kernels.environment import sterile_environment

POLL_SECONDS = 0.05
# Imports on a busy machine take many seconds; a server that is silent for longer than this is stuck.
SILENCE_SECONDS = 300
# A killed server is gone a moment after the processes that it had forked.
SECONDS_TO_BE_SEEN = 0.2


class ServerEnded(RuntimeError):
    """The kernel server has ended, or does not answer."""


class KernelServer:
    """The preloaded process of one build; it imports while the runner does other work. Use as a context manager."""

    running: list[KernelServer] = []  # noqa: RUF012 - those of this process, so that a signal can end their kernels

    def __init__(self, home: Path) -> None:
        self._home, self._lock, self._ready, self._abandoned = home, threading.Lock(), False, False
        self._same_library = True
        self._kernels: list[ForkedProcess] = []

    def __enter__(self) -> KernelServer:
        ours, theirs = socket.socketpair()
        ours.settimeout(SILENCE_SECONDS)
        self._home.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trialbook.kernels.fork_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=sterile_environment(self._home, {KERNELS: str(self._home)}),
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for the runner, which ends its kernels in order.
            start_new_session=True,
        )
        theirs.close()
        self._socket, self._lines = ours, ours.makefile("rw", encoding="utf-8")
        self.running.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandoned = True
        self.running.remove(self)
        with contextlib.suppress(OSError):
            # Wakes a thread that waits for an answer; what was written and not sent is of no use any more.
            self._socket.shutdown(socket.SHUT_RDWR)
            self._lines.close()
        self._socket.close()
        if not self._ready:
            # It is still importing, and has forked nothing.
            self._process.kill()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._ready and self._process.returncode != 0:
            # It could not clear up behind itself. One that was still importing has started nothing.
            process_tree.end_marked(f"{KERNELS}={self._home}")

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the server is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=SECONDS_TO_BE_SEEN)
        return self._process.returncode is not None

    def start(
        self, arguments: list[str], environment: dict[str, str], folder: str, what: str = "kernel"
    ) -> ForkedProcess:
        """Forks one kernel, or a background worker (`what` is aside).

        Raises ServerEnded when there is no server any more, or the build is being given up.
        """
        marked = environment | {KERNELS: str(self._home)}
        answer = self.ask(do="start", what=what, cmd=arguments, env=marked, cwd=folder)
        kernel = ForkedProcess(self, answer["pid"])
        self._kernels.append(kernel)
        if self._abandoned:
            kernel.kill()
        return kernel

    def abandon(self) -> None:
        """Kills every kernel and starts none any more: the notebooks that run fail within a second.

        Takes no lock and may be called from a signal handler.
        """
        self._abandoned = True
        for kernel in list(self._kernels):
            kernel.kill()

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request and its answer; raises ServerEnded when the server has ended."""
        if self._abandoned and request["do"] == "start":
            raise ServerEnded("the build is being given up")
        try:
            with self._lock:
                if not self._ready:
                    ready = self._lines.readline()
                    self._ready = bool(ready)
                    self._same_library = self._ready and json.loads(ready)["library"] == digest(AT_START)
                if self._ready and not self._same_library:
                    raise library_changed("")
                self._lines.write(json.dumps(request) + "\n")
                self._lines.flush()
                answer = self._lines.readline()
        except (OSError, ValueError):
            answer = ""
        if not answer:
            raise ServerEnded("the kernel server has ended")
        return dict(json.loads(answer))


def kernel_server(home: Path) -> AbstractContextManager[KernelServer | None]:
    """The preloaded server where the system can fork; elsewhere none, and kernels start the ordinary way."""
    return KernelServer(home) if hasattr(os, "fork") else nullcontext()


class ForkedProcess:
    """A kernel that the server forked, with the few methods of `subprocess.Popen` that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, server: KernelServer, pid: int) -> None:
        self._server, self.pid = server, pid
        # How many processes that it had started were still there at its end.
        self.left = 0
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or None while it runs; a kernel does not outlive its server."""
        if self.returncode is None:
            try:
                self.returncode = self._server.ask(do="poll", pid=self.pid)["status"]
            except ServerEnded:
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit status."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(POLL_SECONDS)
        return status

    def send_signal(self, number: int) -> None:
        """Sends a signal to the kernel and its process group, if it has not been seen to end."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
                return
            # It may not lead a group of its own yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the kernel."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Kills the kernel, if it still runs, and everything it started, also what left its session."""
        with contextlib.suppress(ServerEnded):
            answer = self._server.ask(do="end", pid=self.pid)
            status, self.left = answer["status"], self.left + answer["left"]
            self.returncode = status if self.returncode is None else self.returncode

"""The runner's side of the preloaded kernels: starts the server and hands out kernels forked from it."""

from __future__ import annotations

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

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from trialbook.runner.kernels import sterile_environment

POLL_SECONDS = 0.05


class KernelServer:
    """The preloaded process of one build; it imports while the runner does other work. Use as a context manager."""

    def __init__(self, home: Path) -> None:
        self._home, self._lock, self._ready = home, threading.Lock(), False

    def __enter__(self) -> KernelServer:
        ours, theirs = socket.socketpair()
        self._home.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trialbook.runner.kernel_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=sterile_environment(self._home, {}),
            cwd=self._home,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._socket, self._lines = ours, ours.makefile("rw", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request and its answer; raises RuntimeError when the server has ended."""
        with self._lock:
            if not self._ready:
                self._ready = bool(self._lines.readline())
            self._lines.write(json.dumps(request) + "\n")
            self._lines.flush()
            answer = self._lines.readline()
        if not answer:
            raise RuntimeError("the kernel server has ended")
        return dict(json.loads(answer))


def kernel_server(home: Path) -> AbstractContextManager[KernelServer | None]:
    """The preloaded server where the system can fork; elsewhere none, and kernels start the ordinary way."""
    return KernelServer(home) if hasattr(os, "fork") else nullcontext()


class ForkedProcess:
    """A kernel that the server forked, with the few methods of `subprocess.Popen` that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, server: KernelServer, pid: int) -> None:
        self._server, self.pid, self.returncode = server, pid, None

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask(do="poll", pid=self.pid)["status"]
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
        """Sends a signal, if the kernel still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the kernel."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks the kernel to end."""
        self.send_signal(signal.SIGTERM)


class PreloadedProvisioner(LocalProvisioner):
    """Launches kernels by forking the server instead of starting Python anew."""

    server: KernelServer

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Forks one kernel; `cmd` is the ordinary command line, of which the arguments of the kernel are used."""
        arguments = cmd[cmd.index("-f") :]
        answer = self.server.ask(do="start", cmd=arguments, env=dict(options["env"]), cwd=options["cwd"])
        process: Any = ForkedProcess(self.server, answer["pid"])
        self.process = process
        self.pid = self.pgid = answer["pid"]
        return self.connection_info

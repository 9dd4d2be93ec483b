"""Kernels that see nothing of the machine but the build: own surroundings, unix sockets, no kernel of the user's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, Int, Unicode

from trialbook.kernels.background_work import OPTION
from trialbook.kernels.environment import machine_memory, sterile_environment
from trialbook.kernels.fork_client import ForkedProcess, KernelServer

# A socket tries again to reach a kernel that is not there yet after this long; of itself it waits 100.
RECONNECT_MILLISECONDS = 10
# How long a kernel may take to answer, and then to say so to those who listen, before it is asked again.
ANSWER_SECONDS = 1.0
LISTEN_SECONDS = 0.2


class PromptClient(AsyncKernelClient):
    """Jupyter's client, without the fifth of a second for which it listens to silence before every notebook."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.reconnect_ivl = RECONNECT_MILLISECONDS
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Returns when the kernel has answered a question on both channels; raises RuntimeError when it does not.

        Whatever it said before then has been read, so that it is not taken for the output of a cell.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        asked: set[str] = set()
        while not await self._answers(asked):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answers(self, asked: set[str]) -> bool:
        """Asks who the kernel is; true when it has answered this or an earlier question. Listeners hear the answer."""
        asked.add(self.kernel_info())
        try:
            while True:
                answer = await self._async_get_shell_msg(timeout=ANSWER_SECONDS)
                if answer["parent_header"].get("msg_id") in asked:
                    break
            while True:
                said = await self._async_get_iopub_msg(timeout=LISTEN_SECONDS)
                idle = said["msg_type"] == "status" and said["content"]["execution_state"] == "idle"
                if idle and said["parent_header"].get("msg_id") in asked:
                    break
        except Empty:
            # The kernel is not up yet, or answered before this client was listening.
            return False
        self._handle_kernel_info_reply(answer)
        return True


class SterileKernelManager(AsyncKernelManager):
    """Starts one kernel in a given environment and empty folder, over a unix socket where the system has them."""

    environment = Dict()
    folder = Unicode()
    memory = Int(help="bytes of address space that the kernel may use")
    process: Any = None

    async def _async_start_kernel(self, **options: Any) -> None:
        await super()._async_start_kernel(**{**options, "env": dict(self.environment), "cwd": self.folder})
        # Jupyter forgets the process when it has ended; its status is asked for after that.
        self.process = getattr(self.provisioner, "process", None)
        _limit_memory(self.process.pid, self.memory)

    start_kernel = _async_start_kernel

    def kill(self) -> None:
        """Kills the kernel at once, from any thread."""
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        """Makes sure that nothing of the kernel is left: the process, what it started, its sockets."""
        if isinstance(self.process, subprocess.Popen):
            _end_group(self.process)
        elif self.process is not None:
            self.process.end()
        if self.provisioner is not None:
            self.cleanup_ipc_files()


class PreloadedProvisioner(LocalProvisioner):
    """Launches kernels by forking the server instead of starting Python again."""

    server: KernelServer

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Forks one kernel; `cmd` is the ordinary command line, of which the arguments of the kernel are used."""
        arguments = cmd[cmd.index("-f") :]
        process: Any = self.server.start(arguments, dict(options["env"]), options["cwd"])
        self.process = process
        self.pid = self.pgid = process.pid
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kills the kernel and has its end at once; of itself Jupyter looks after a tenth of a second."""
        forked: ForkedProcess | None = getattr(self, "process", None)
        if forked is not None:
            forked.end()


def _limit_memory(pid: int, size: int) -> None:
    """Limits the address space of a process that has just started; Linux can do this to another process."""
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


def sterile_manager(
    home: Path, extra: dict[str, str], server: KernelServer | None = None, memory: int | None = None
) -> SterileKernelManager:
    """A manager for one notebook; `home` must be an empty folder with a short path (unix sockets: 107 characters).

    With a `server` the kernel is forked from it; without one it is an ordinary process, slower, with the same results.
    """
    home.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "environment": sterile_environment(home, extra), "folder": str(home), "memory": memory or machine_memory()
    }  # fmt: skip
    if sys.platform != "win32":
        # Without a path of its own, two kernels share socket names and reject each other's messages.
        settings |= {"transport": "ipc", "ip": str(home / "k")}
    manager = SterileKernelManager(
        kernel_name="python3", connection_file=str(home / "connection.json"), client_factory=PromptClient, **settings
    )  # fmt: skip
    # Not the machine's: a `python3` among the user's kernels may be another Python, or another program.
    manager._kernel_spec = KernelSpec(
        # Nobody asks for the history of a batch run; each cell would write to a database on the disk.
        argv=[
            sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False",
            OPTION,
        ]
    )  # fmt: skip
    if server is not None:
        manager.kernel_id = str(uuid.uuid4())
        manager.provisioner = PreloadedProvisioner(
            kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager
        )
        manager.provisioner.server = server
    return manager

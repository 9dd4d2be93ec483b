"""Kernels that see nothing of the machine but the build: own folders, own settings, no network.

What is kept out, each seen to change results (trust notes §2.5): a start-up file in the user's IPython profile, a
`pandas.py` beside the data, the user's locale and time zone, a random hash seed, loopback TCP, a kernel of the user's
that is called `python3`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Dict, Int, Unicode

from trialbook.runner.limits import machine_memory

if TYPE_CHECKING:
    from trialbook.runner.preloaded import KernelServer

# Passed through where set: where programs and shared libraries are found, and how the numeric library is tuned to
# the processor. Nothing else of the user's environment reaches a kernel.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def sterile_environment(home: Path, extra: dict[str, str]) -> dict[str, str]:
    """The whole environment of a kernel; `home` is an empty folder of this build."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {
        **passed,
        "HOME": str(home),
        "TMPDIR": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "JUPYTER_NO_CONFIG": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GX_ANALYTICS_ENABLED": "false",
        # The debugger of the kernels says at its import that it cannot see into frozen modules.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **extra,
    }


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
    manager = SterileKernelManager(kernel_name="python3", connection_file=str(home / "connection.json"), **settings)
    # Not the machine's: a `python3` among the user's kernels may be another Python, or another program.
    manager._kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    if server is not None:
        from trialbook.runner.preloaded import PreloadedProvisioner

        manager.kernel_id = str(uuid.uuid4())
        manager.provisioner = PreloadedProvisioner(
            kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager
        )
        manager.provisioner.server = server
    return manager

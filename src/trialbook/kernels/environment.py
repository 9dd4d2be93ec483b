"""The environment and the limits of a process of a build: it sees only the parts of the machine that it needs.

What is kept out, each seen to change results: a start-up file in the user's IPython profile, a
`pandas.py` beside the data, the user's locale and time zone, a random hash seed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trialbook.core.environment_variables import MEMORY_LIMIT, OUTPUT_LIMIT, TIME_LIMIT
from trialbook.core.errors import UsageError

# ----------------------------------------------------------------------------------------------------
# How long a step may take, how much memory its kernel may use and how much it may write; no result depends on them.


# They travel in the environment, so that they reach every process that runs notebooks, on this machine or another.
GIB, MIB = 2**30, 2**20


def machine_memory() -> int:
    """The memory of this machine in bytes, and at least what a kernel needs to start comfortably."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 16 * GIB
    return max(4 * GIB, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


@dataclass(frozen=True)
class Limits:
    """The limits of one step: seconds for the whole of it, bytes of address space of its kernel, bytes of output.

    They only protect the machine: a step that goes beyond one is stopped, never cut short. Memory is limited where the
    system can do it for another process (Linux); by default to as much as the machine has.
    """

    seconds: float = 600
    memory: int = field(default_factory=machine_memory)
    output: int = 64 * MIB

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The limits in force: seconds, GiB and MiB in the environment, else the defaults; raises UsageError."""
        return cls(
            seconds=_number(environment, TIME_LIMIT, cls.seconds),
            memory=int(_number(environment, MEMORY_LIMIT, machine_memory() / GIB) * GIB),
            output=int(_number(environment, OUTPUT_LIMIT, cls.output / MIB) * MIB),
        )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise UsageError("is not a number above 0", column=name, value=text, next_step="correct or remove it")
    return number


# ----------------------------------------------------------------------------------------------------

# How the numeric library is tuned to the processor, where set: results may differ in their last digits, so that these
# are ingredients of every piece.
TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# Passed through where set; the others say where programs and shared libraries are found. Nothing else of the user's
# environment reaches a kernel.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT", *TUNING)


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
        # Each thread of a kernel would reserve 64 MB of address space of its own, which the limit of a step counts.
        "MALLOC_ARENA_MAX": "2",
        # The debugger of the kernels says at its import that it cannot see into frozen modules.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **extra,
    }

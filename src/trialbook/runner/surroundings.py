"""The surroundings of a process of a build: it sees nothing of the machine but what a build needs.

What is kept out, each seen to change results (trust notes §2.5): a start-up file in the user's IPython profile, a
`pandas.py` beside the data, the user's locale and time zone, a random hash seed.
"""

from __future__ import annotations

import os
from pathlib import Path

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

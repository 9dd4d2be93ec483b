"""Surroundings that are hostile to a build: planted files, and an environment that points at them."""

from __future__ import annotations

import os
from pathlib import Path

PLANTED = "raise SystemExit('a planted file was run')\n"
HOSTILE = {
    "PYTHONPATH": "path", "PYTHONUSERBASE": "user", "PYTHONSTARTUP": "home/.pythonrc.py", "PYTHONHASHSEED": "77",
    "PYTHONWARNINGS": "error::DeprecationWarning:nothing", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "latin-1", "IPYTHONDIR": "home/.ipython", "JUPYTER_CONFIG_DIR": "home/.jupyter",
    "JUPYTER_PATH": "home/.local/share/jupyter", "JUPYTER_CONFIG_PATH": "home/.jupyter", "JPY_PARENT_PID": "1",
    "LC_ALL": "zh_CN.GB18030", "LANG": "tr_TR.ISO-8859-9", "LC_NUMERIC": "de_DE.UTF-8", "TZ": "Asia/Shanghai",
    "MPLBACKEND": "module://none", "TERM": "dumb", "COLUMNS": "20", "USER": "somebody", "LOGNAME": "somebody",
    "NUMEXPR_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PAPERMILL_REQUEST": "x", "DEBUG": "1", "NO_COLOR": "1", "SOURCE_DATE_EPOCH": "1",
}  # fmt: skip


def plant(folder: Path) -> None:
    """Files that Python, IPython, Jupyter or a library would run or read if it looked here."""
    places = {
        "home/.ipython/profile_default/startup/00.py": PLANTED,
        "home/.ipython/profile_default/ipython_config.py": PLANTED,
        "home/.ipython/profile_default/ipython_kernel_config.py": PLANTED,
        "home/.jupyter/jupyter_config.py": PLANTED,
        "home/.jupyter/jupyter_client_config.py": PLANTED,
        "home/.jupyter/migrated": "x",
        "home/.local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "language": "x"}',
        "home/.config/matplotlib/matplotlibrc": "backend: none",
        "home/.pythonrc.py": PLANTED,
        "user/lib/python3.11/site-packages/usercustomize.py": PLANTED,
        "user/lib/python3.12/site-packages/usercustomize.py": PLANTED,
        "user/lib/python3.13/site-packages/usercustomize.py": PLANTED,
    }
    for name in ("pandas", "altair", "papermill", "pyarrow", "great_expectations", "nbformat", "ipykernel_launcher"):
        for place in ("cwd", "path", "user/lib/python3.11/site-packages", "project/snapshot"):
            places[f"{place}/{name}.py"] = PLANTED
    places |= {
        f"cwd/{name}": PLANTED for name in ("sitecustomize.py", "trialbook.py", "jupyter_config.py", "conftest.py")
    }
    for name, text in places.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def hostile_environment(folder: Path, home: str = "home") -> dict[str, str]:
    """The environment of this process made hostile: it points at what was planted in `folder`."""
    paths = {name: str(folder / value) for name, value in HOSTILE.items() if (folder / value).exists()}
    return {**os.environ, **HOSTILE, **paths, "HOME": str(folder / home)}

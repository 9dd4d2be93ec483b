"""What lies about on a machine, in the environment or beside the data, changes nothing in a build."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import SmallProject

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform == "win32", reason="uses umask and closed files")]
PLANTED = "raise SystemExit('a planted file was run')\n"
NOT_COMPARED = ("run.json",)


def outputs(project: SmallProject) -> dict[str, str]:
    """The files of the build, without the one that differs from run to run."""
    return {name: mark for name, mark in project.standing.items() if name not in NOT_COMPARED}


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


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, root: Path) -> tuple[SmallProject, dict[str, str], str]:
    """A small project and the outputs of its build in ordinary surroundings."""
    project = SmallProject(tmp_path_factory.mktemp("sterile") / "project", root)
    plant(project.folder.parent)
    project.hold()
    done = project.build()
    assert done.process.returncode == 0, done.said
    return project, outputs(project), (project.out / "case" / "manifest.json").read_text(encoding="utf-8")


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


@pytest.mark.parametrize(("mask", "home"), [(0o077, "nowhere"), (0o000, "home")])
def test_hostile_surroundings_give_the_same_bytes(
    plain: tuple[SmallProject, dict[str, str], str], tmp_path: Path, mask: int, home: str
) -> None:
    """All at once: planted files, another folder, environment, locale, zone, umask, a closed stdin, no home."""
    project, expected, manifest = plain
    plant(tmp_path)
    # As the installed command: a script in a folder of its own.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "trialbook").write_text("from trialbook.cli import main\nmain()\n")
    paths = {k: str(tmp_path / v) for k, v in HOSTILE.items() if (tmp_path / v).exists()}
    environment = {
        **os.environ, **HOSTILE, **paths, "HOME": str(tmp_path / home), "TRIALBOOK_ROOT": str(project.folder),
    }  # fmt: skip
    words = ["build", "case", "--force", "--out", str(project.out), "--charts", "static", "--jobs", "1"]
    script = f'umask {mask:03o}; exec "$0" "$@" <&-'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, str(tmp_path / "bin" / "trialbook"), *words],
        cwd=tmp_path / "cwd",
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert b"planted" not in done.stdout + done.stderr
    found = outputs(project)
    assert (project.out / "case" / "manifest.json").read_text(encoding="utf-8").splitlines() == manifest.splitlines()
    assert found == expected
    assert not (tmp_path / "nowhere").exists()
    for name in ("ae.csv", "dm.csv", "ex.csv"):
        assert (project.snapshot / name).is_file()

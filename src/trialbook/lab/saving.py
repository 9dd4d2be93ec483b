"""After a notebook was saved in JupyterLab: tells git that it has not changed, where only its outputs have.

Outputs stay in the file and never enter git (`.gitattributes`, `trialbook.kernels.strip_outputs`). But git takes a
file of another size for a changed one without looking into it, so that `git status` would name every notebook that
was run.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from threading import Thread
from typing import Any

SECONDS = 60
# So long another command of git is waited for, asking again after each pause.
PATIENCE, PAUSE = 20.0, 0.2


def refresh_after_save(model: dict[str, Any], os_path: str, **_: Any) -> None:
    """The hook that JupyterLab calls after each save; saving does not wait for git."""
    if model.get("type") == "notebook":
        Thread(target=refresh_index, args=[Path(os_path)], name="refresh-index").start()


def refresh_index(notebook: Path) -> bool:
    """Brings what git remembers of the file up to date where its content, as git would take it, is what git has.

    Nothing is ever staged: an edited cell stays a change. False where nothing was done: the notebook differs, git does
    not know it, or there is no git.
    """
    known = _git(notebook, "ls-files", "--stage", "--full-name", "--", notebook.name)
    lines = (known or "").splitlines()
    if len(lines) != 1:
        return False
    about, _, name = lines[0].partition("\t")
    mode, blob, stage = about.split(" ")
    if stage != "0" or _git(notebook, "hash-object", "--", notebook.name) != blob:
        return False
    done = _written(notebook, "--", notebook.name)
    now = _git(notebook, "ls-files", "--stage", "--", notebook.name)
    if now is not None and blob not in now:
        # Saved again in between, with an edited cell.
        _written(notebook, "--cacheinfo", f"{mode},{blob},{name}", top=True)
        return False
    return done


def _written(notebook: Path, *words: str, top: bool = False) -> bool:
    """Writes the index, as soon as no other command of git does: one that shows the status writes it as well."""
    end = time.monotonic() + PATIENCE
    while _git(notebook, "update-index", *words, top=top) is None:
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def _git(notebook: Path, *words: str, top: bool = False) -> str | None:
    """What git says beside the notebook (`top`: in the folder of the clone), or None when it fails."""
    folder = notebook.parent
    if top:
        folder = Path(_git(notebook, "rev-parse", "--show-toplevel") or folder)
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

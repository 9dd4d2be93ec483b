"""Runs the code cells of a notebook as a person would, in this process: the imports are warm, no kernel starts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

DATA = ("data", "requirements.lock")


def copied_project(folder: Path, root: Path, demo: Path, *cuts: str) -> Path:
    """A project to change: notebooks, parameters and contracts are copies, the data a link, the builds copies."""
    for name in ("notebooks", "params", "data_contracts"):
        shutil.copytree(root / name, folder / name)
    for name in DATA:
        (folder / name).symlink_to(root / name)
    for cut in cuts:
        shutil.copytree(demo / cut, folder / "build" / cut)
    return folder


class ByHand:
    """A project whose notebooks are run by hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("TRIALBOOK_ROOT", str(folder))
        monkeypatch.delenv("TRIALBOOK_BUILD", raising=False)
        monkeypatch.chdir(folder)

    def run(self, step: str, edit: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
        """What the names of the notebook hold after all its cells; `given` as papermill would give parameters.

        `edit` replaces text in the cells, as an analyst types it.
        """
        cells = json.loads((self.folder / "notebooks" / f"{step}.ipynb").read_text(encoding="utf-8"))["cells"]
        names: dict[str, Any] = {"__name__": "__main__"}
        for cell in cells:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])
            for old, new in (edit or {}).items():
                source = source.replace(old, new)
            *head, last = source.rpartition("\n")
            keep_last = last.startswith(("step.close(", "display."))
            text = f"{''.join(head)}shown = {last}" if keep_last else source
            exec(compile(text, f"{step} {cell['id']}", "exec"), names)  # noqa: S102 - as a kernel does
            if "parameters" in cell["metadata"].get("tags", []):
                names.update(given)
        return names

    def said(self, names: dict[str, Any]) -> str:
        """What the notebook said it reads, when it began."""
        return str(names["step"]._desk.said()[0])

"""A copy of the workbook's own files, so that a benchmark may edit a notebook and build without touching the clone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("notebooks", "params", "data_contracts", "data")
LAST_CUT = "2025-09-30"


class ProjectCopy:
    """The notebooks, parameters, contracts and data of the workbook in another folder, and a folder for builds."""

    def __init__(self, folder: Path) -> None:
        self.root, self.out = folder / "project", folder / "build"
        for name in COPIED:
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        shutil.copy(ROOT / "requirements.lock", self.root)

    @property
    def env(self) -> dict[str, str]:
        """What tells commands and single notebooks to work on this copy; `build` takes its folder by --out."""
        return {"TRIALBOOK_ROOT": str(self.root), "TRIALBOOK_BUILD": str(self.out), "PYTHONUTF8": "1"}

    def without_builds(self) -> None:
        """Removes every build and everything kept for the next one."""
        shutil.rmtree(self.out, ignore_errors=True)

    def edit(self, notebook: str, remark: str) -> None:
        """Adds a comment to the last but one code cell of a notebook, as somebody would who works on it."""
        path = self.root / "notebooks" / notebook
        content = json.loads(path.read_text(encoding="utf-8"))
        cell = [cell for cell in content["cells"] if cell["cell_type"] == "code"][-2]
        source = "".join(cell["source"])
        cell["source"] = f"{source}\n# {remark}"
        path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")

"""Puts notebooks and lock into the wheel; notebooks without outputs: what a run left may hold patient data."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "trialbook_project"
FILTER = Path("src/trialbook/kernels/strip_outputs.py")


class ProjectFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for each wheel; one that points into the clone (editable) carries nothing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds a clean copy of each notebook, and the lock."""
        if version != "standard":
            return
        self._folder = tempfile.TemporaryDirectory()
        root = Path(self.root)
        # By its file: the package itself needs packages that are not here while a wheel is built.
        spec = importlib.util.spec_from_file_location("strip_outputs", root / FILTER)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for path in sorted((root / "notebooks").glob("*.ipynb")):
            clean = Path(self._folder.name) / path.name
            clean.write_bytes(module.clean_bytes(path.read_bytes()))
            build_data["force_include"][str(clean)] = f"{INSIDE}/notebooks/{path.name}"
        build_data["force_include"][str(root / "requirements.lock")] = f"{INSIDE}/requirements.lock"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the copies."""
        if version == "standard":
            self._folder.cleanup()

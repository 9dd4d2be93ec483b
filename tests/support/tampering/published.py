"""A published build and its project, for tests that tamper with either."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialbook.core.datasets import read_dataset, write_dataset
from trialbook.core.files import write_json
from trialbook.pipeline import manifest
from trialbook.pipeline.manifest import fingerprint, write_manifest
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.provenance.verify import look

CUT, PREVIOUS = "2025-09-30", "2025-06-30"


@dataclass
class Standing:
    """A build in a folder of its own, the previous one beside it, and its project."""

    builds: Path
    root: Path

    @property
    def folder(self) -> Path:
        return self.builds / CUT

    def trial(self, cut: str = CUT) -> Trial:
        return load_trial(self.root / "params" / "cuts" / f"{cut}.yaml", self.root)

    def look(self, cut: str = CUT) -> list[str]:
        """What is found without a rebuild."""
        own, sources = look(self.trial(cut), self.root, self.builds / cut)
        return own + sources

    def write(self, name: str, content: bytes) -> None:
        """Rewrites a file; the other copies of the build share the old one by a hard link."""
        path = self.builds / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        old = (self.builds / name).read_bytes()
        new = change(old)
        assert new != old, "the tampering must change something"
        self.write(name, new)

    def source(self, name: str, change: Callable[[str], str]) -> None:
        """Changes a file of the project."""
        path = self.root / name
        old = path.read_bytes().decode("utf-8")
        new = change(old)
        assert new != old, "the tampering must change something"
        path.write_bytes(new.encode("utf-8"))

    def dataset(self, name: str, change: Callable[[Any], Any]) -> None:
        path = self.folder / name
        frame = change(read_dataset(path))
        path.unlink()
        write_dataset(frame, path)

    def forge(self) -> None:
        """Rewrites manifest and crate, so that every hash fits its file, and the pages show its fingerprint."""
        said = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        mark = fingerprint(said["sources"], self.folder / "results" / "ard.parquet")
        for page in sorted(self.folder.rglob("*.html")):
            text = page.read_text(encoding="utf-8")
            if said["fingerprint"] in text and mark != said["fingerprint"]:
                place = page.relative_to(self.folder).as_posix()
                self.write(f"{CUT}/{place}", text.replace(said["fingerprint"], mark).encode())
        for name in ("manifest.json", "ro-crate-metadata.json"):
            (self.folder / name).unlink()
        write_manifest(self.folder, self.trial(), said["sources"], mark, said["steps"])

    def manifest(self, change: Callable[[dict[str, Any]], object], *, sealed: bool = False) -> None:
        """Changes the manifest, with its seal made to fit when asked to."""
        path = self.folder / "manifest.json"
        said = json.loads(path.read_text(encoding="utf-8"))
        change(said)
        if sealed:
            said["seal"] = manifest.seal(said)
        path.unlink()
        write_json(path, said)

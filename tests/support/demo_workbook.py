"""Small workbooks for tests: a copy of a demo snapshot with something changed, its cut file, and how to build it."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import yaml

from trialbook.pipeline.build import Options, build_cut
from trialbook.protocol.load import load_trial

Rows = list[dict[str, str]]


class Workbook:
    """One data cut in a folder of its own, made from a demo snapshot."""

    def __init__(self, folder: Path, root: Path, source: str = "2025-09-30") -> None:
        self.folder, self.root = folder, root
        self.snapshot = folder / "snapshot"
        self.out = folder / "build"
        self.cut: dict[str, Any] = {
            "cut_id": "case", "cut_date": source, "snapshot": "snapshot", "protocol": str(root / "params/protocol.yaml")
        }  # fmt: skip
        (folder / "params" / "cuts").mkdir(parents=True)
        shutil.copytree(root / "data" / "demo" / source, self.snapshot)

    def read(self, domain: str) -> Rows:
        """The records of a domain as delivered."""
        text = (self.snapshot / f"{domain}.csv").read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text)))

    def write(self, domain: str, rows: Rows, columns: list[str] | None = None) -> None:
        """Replaces a domain; the columns are those of the rows, or of the file as it is when there are none."""
        names = columns or (list(rows[0]) if rows else list(self._header(domain)))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        (self.snapshot / f"{domain}.csv").write_text(text.getvalue(), encoding="utf-8")

    def _header(self, domain: str) -> list[str]:
        return (self.snapshot / f"{domain}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")

    def keep(self, wanted: Callable[[dict[str, str]], bool], *domains: str) -> None:
        """Keeps only the records that are wanted, in the named domains (default: all)."""
        for path in sorted(self.snapshot.glob("*.csv")):
            if not domains or path.stem in domains:
                self.write(path.stem, [row for row in self.read(path.stem) if wanted(row)])

    def cut_file(self, **changes: Any) -> Path:
        """Writes the cut file, with changes, and returns its path."""
        path = self.folder / "params" / "cuts" / "case.yaml"
        path.write_text(yaml.safe_dump({**self.cut, **changes}), encoding="utf-8")
        return path

    def build(self, *, charts: Literal["live", "static"] = "live", **changes: Any) -> Path:
        """Builds the cut and returns its folder; raises what the build raises."""
        trial = load_trial(self.cut_file(**changes), self.root)
        return build_cut(trial, self.root, Options(self.out, jobs=2, charts=charts, supersede=True))

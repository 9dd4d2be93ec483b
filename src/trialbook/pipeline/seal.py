"""Seals the outputs of the steps of a build: nothing may be altered, replaced by a link, added or removed afterwards.

Each file is hashed once, when its piece is done; later a look at its mark (`trialbook.core.file_marks`) tells whether
it was touched, and only then it is hashed again.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trialbook.core.errors import StopError
from trialbook.core.file_marks import Mark, link_mark
from trialbook.pipeline.dependencies import file_sha256
from trialbook.workbook.steps import ANSWERS, DECISIONS, DELIVERY, OWN_DATASETS, REVIEWED, SIGNALS, Graph

# The runner's own, and a file that the store is just putting in place.
OWN = (".steps/inputs.json", DECISIONS, ANSWERS, REVIEWED, DELIVERY)
COMING = re.compile(r"(.*/)\.(.*)\.coming")
NEXT = "let a notebook write only what it hands to its step"


def owner_of(name: str, graph: Graph) -> str | None:
    """The task that may write a file of this name in the scratch folder of a build; None where no task may."""
    parts = COMING.sub(r"\1\2", name).split("/")
    if parts[:2] == ["data", "clean"] and len(parts) == 3 and parts[2].endswith(".parquet"):
        return graph.cleaning.name
    if parts[0] == "data" and len(parts) == 2:
        if parts[1] in {f"{name}.parquet" for name in OWN_DATASETS}:
            return SIGNALS
        spec = graph.leaving("/".join(parts))
        return spec.name if spec else None
    if parts[0] == ".steps" and len(parts) == 3:
        return parts[1] if parts[1] in {piece.name for piece in graph.pieces} else None
    return None


class Seal:
    """The outputs of the finished tasks of one build in its scratch folder."""

    def __init__(self, scratch: Path, graph: Graph) -> None:
        self._scratch, self._graph, self._lock = scratch, graph, threading.Lock()
        self._left: dict[str, str] = {}
        self._marks: dict[str, Mark] = {}
        self._finished: set[str] = set()

    def plain(self, names: list[str]) -> None:
        """Raises StopError when one of these is not a plain file: a link in its place shows what lies elsewhere."""
        for name in names:
            if link_mark(self._scratch / name) == ():
                raise _broken(name, "is a link or not a plain file, where a step writes a file")

    def add(self, piece: str, hashes: Mapping[str, str]) -> None:
        """Seals the files of a finished piece."""
        with self._lock:
            self._left |= hashes
            self._marks |= {name: link_mark(self._scratch / name) for name in hashes}
            self._finished.add(piece)

    def check(self, *, hash_all: bool = False, only_left: bool = False) -> None:
        """Raises StopError when anything differs from what the tasks wrote, or was written by none of them.

        `hash_all` hashes every file again, whatever its mark says; `only_left` looks at no other files.
        """
        with self._lock:
            left, marks, finished = dict(self._left), dict(self._marks), set(self._finished)
        base = str(self._scratch)
        for name, then in left.items():
            now = link_mark(f"{base}/{name}")
            if now == marks[name] and not hash_all:
                continue
            if now == () and not os.path.lexists(f"{base}/{name}"):
                raise _broken(name, "was removed after its step had written it")
            self.plain([name])
            if file_sha256(self._scratch / name) != then:
                raise _broken(name, "was altered after its step had written it")
        for name in () if only_left else _entries(self._scratch):
            owner = None if name in OWN else owner_of(name, self._graph)
            if name not in left and name not in OWN and (owner is None or owner in finished):
                raise _broken(name, "was written by no step that declares it")

    def check_receipt(self, step: str) -> None:
        """Raises StopError when the receipt of a step names other datasets or numbers of rows than it has written."""
        receipt = json.loads((self._scratch / ".steps" / step / "receipt.json").read_text(encoding="utf-8"))
        written = {str(name): rows for name, rows in receipt["written"].items()}
        spec = self._graph.step(step)
        mine = [f"data/{name}.parquet" for name in spec.datasets]
        if spec.clean:
            mine += [f"data/clean/{path.name}" for path in sorted((self._scratch / "data" / "clean").glob("*.parquet"))]
        for name in mine:
            rows, found = written.get(name[len("data/") : -len(".parquet")]), _rows(self._scratch / name)
            if rows is None:
                raise _broken(name, f"is not in the receipt of the step {step}")
            if rows != found:
                raise _broken(name, f"has {found} records, the receipt of the step {step} says {rows}")


def _rows(path: Path) -> int | str:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return "no readable"


def _entries(folder: Path) -> Iterator[str]:
    """Everything below a folder but its folders, links not followed; a link to a folder counts as a file."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with suppress(FileNotFoundError), os.scandir(folder / inside) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{inside}{entry.name}/")
                else:
                    yield f"{inside}{entry.name}"


def _broken(name: str, how: str) -> StopError:
    return StopError(f"this file of the build {how}", file=name, next_step=NEXT)

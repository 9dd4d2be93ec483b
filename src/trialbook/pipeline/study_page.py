"""Writes `build/index.html`, the page over all built cuts: replaced whole, under a lock of its own, by every build."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.core.errors import StopError
from trialbook.pipeline.superseded import MANIFEST

PAGE = "index.html"
LOCK = ".study-page"
# A build that holds the lock is reading every cut: seconds at most.
LOCK_SECONDS = 20
SEAL = re.compile(rb'^ "seal": "([0-9a-f]{64})",$', re.MULTILINE)
MARKS = re.compile(rb'<meta name="builds" content="([^"]*)">')


def refresh_study_page(out: Path, locks: Path, mask: int, tell: Callable[[str], None]) -> None:
    """Rewrites the page when it does not describe the builds that are there; says so where that cannot be done.

    The builds are in place whatever becomes of this page: nothing is raised.
    """
    place = out / PAGE
    try:
        with FileLock(locks / f"{LOCK}.lock", timeout=LOCK_SECONDS):
            marks = _marks(out)
            if _described(place) != marks:
                _write(place, _page(out, marks), mask)
    except (OSError, Timeout, StopError) as error:
        tell(f"the builds are in place, but the page over all cuts could not be written ({error}): {place}")


def built_folders(out: Path) -> list[Path]:
    """The folders below `out` that hold a complete build."""
    folders = (path for path in sorted(out.iterdir()) if not path.name.startswith(".") and not path.is_symlink())
    return [path for path in folders if (path / MANIFEST).is_file()]


def _marks(out: Path) -> str:
    """Which builds there are, by folder and seal. A change of the code makes other builds, and so another page."""
    return " ".join(f"{folder.name}={_seal(folder)}" for folder in built_folders(out))


def _seal(folder: Path) -> str:
    found = SEAL.search((folder / MANIFEST).read_bytes())
    return found[1].decode() if found else "none"


def _described(place: Path) -> str | None:
    with suppress(OSError):
        found = MARKS.search(place.read_bytes())
        return found[1].decode() if found else None
    return None


def _page(out: Path, marks: str) -> str:
    # What shows pages is imported only when there is one to write: a build of which nothing changed has none.
    from trialbook.diff.built_cut import BuiltCut
    from trialbook.diff.headlines import headlines
    from trialbook.display.study import CutLine, StudyCuts, render_study
    from trialbook.pipeline.pages import SYNTHETIC

    studies: dict[str, StudyCuts] = {}
    unreadable = []
    for folder in built_folders(out):
        try:
            found = BuiltCut.at(folder)
            if found is None:
                continue
            numbers = headlines(found.ard, found.analysis)
        except StopError as error:
            unreadable.append(str(error))
            continue
        study = found.protocol.study
        line = CutLine(found.cut, numbers, found.seal, found.synthetic)
        studies.setdefault(study.registry_id, StudyCuts(study)).cuts.append(line)
    for cuts in studies.values():
        cuts.cuts.sort(key=lambda line: (line.cut.cut_date, line.cut.cut_id))
    return render_study(list(studies.values()), unreadable, marks, SYNTHETIC)


def _write(place: Path, page: str, mask: int) -> None:
    half = place.with_name(f".{place.name}.half")
    half.write_text(page, encoding="utf-8", newline="\n")
    os.chmod(half, 0o666 & ~mask)
    os.replace(half, place)

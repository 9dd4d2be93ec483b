"""Writes `build/index.html`, the page over all built cuts: replaced whole, under a lock of its own, by every build."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock, Timeout

from trialbook.core.errors import StopError, TrialbookError
from trialbook.pipeline.issued_register import REGISTER, read_numbers, read_register
from trialbook.pipeline.superseded import MANIFEST
from trialbook.protocol.decisions import DEFAULT_LOG, Decision, read_decisions
from trialbook.protocol.models import Cut

if TYPE_CHECKING:
    from trialbook.diff.built_cut import BuiltCut

Read = TypeVar("Read")
PAGE = "index.html"
# An earlier version wrote the Chinese page as a file of its own, which nothing would bring up to date.
FORMER_PAGE = "index.zh.html"
LOCK = ".study-page"
# A build that holds the lock is reading every cut: seconds at most.
LOCK_SECONDS = 20
SEAL = re.compile(rb'^ "seal": "([0-9a-f]{64})",$', re.MULTILINE)
# The log of decisions that the cut file of a build names.
LOG = re.compile(rb'^ +"decisions": "([^"\\]+)"', re.MULTILINE)
MARKS = re.compile(rb'<meta name="builds" content="([^"]*)">')


def refresh_study_page(out: Path, locks: Path, mask: int, tell: Callable[[str], None], root: Path) -> None:
    """Rewrites the page when it does not describe the builds that are there; says so where that cannot be done.

    `root`: the project, whose register of issued documents and decisions are on the page too.

    The builds are in place whatever becomes of this page: nothing is raised.
    """
    place = out / PAGE
    try:
        locks.mkdir(exist_ok=True)
        with FileLock(locks / f"{LOCK}.lock", timeout=LOCK_SECONDS):
            marks = _marks(out, root)
            if _described(place) != marks:
                _write(place, _page(out, marks, root), mask)
            if _described(out / FORMER_PAGE) is not None:
                (out / FORMER_PAGE).unlink()
    except (OSError, Timeout, StopError) as error:
        tell(f"the builds are in place, but the page over all cuts could not be written ({error}): {place}")


def built_folders(out: Path) -> list[Path]:
    """The folders below `out` that hold a complete build."""
    folders = (path for path in sorted(out.iterdir()) if not path.name.startswith(".") and not path.is_symlink())
    return [path for path in folders if (path / MANIFEST).is_file()]


def _marks(out: Path, root: Path) -> str:
    """Which builds there are, by folder and seal, and which records of people are beside them.

    A change of the code makes other builds, and so another page.
    """
    builds = [f"{folder.name}={_seal(folder)}" for folder in built_folders(out)]
    manifests = [(folder / MANIFEST).read_bytes() for folder in built_folders(out)]
    named = {name.decode() for manifest in manifests for name in LOG.findall(manifest)}
    kept = [REGISTER.as_posix(), *sorted({DEFAULT_LOG, *named})]
    return " ".join([*builds, *(f"{Path(name).name}={_digest(root / name)}" for name in kept)])


def _digest(path: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return "none"


def _seal(folder: Path) -> str:
    found = SEAL.search((folder / MANIFEST).read_bytes())
    return found[1].decode() if found else "none"


def _described(place: Path) -> str | None:
    with suppress(OSError):
        found = MARKS.search(place.read_bytes())
        return found[1].decode() if found else None
    return None


def _page(out: Path, marks: str, root: Path) -> str:
    # What shows pages is imported only when there is one to write: a build of which nothing changed has none.
    from trialbook.core.translations import languages
    from trialbook.diff.built_cut import BuiltCut
    from trialbook.diff.headlines import STATUS, headlines
    from trialbook.diff.issued import errata, result_errata, result_numbers
    from trialbook.diff.replayed import replayed_cuts
    from trialbook.display.study import CutLine, StudyCuts, render_study
    from trialbook.dlt.escalation_status import reported_headline
    from trialbook.pipeline.pages import SYNTHETIC

    studies: dict[str, StudyCuts] = {}
    builds: dict[str, list[BuiltCut]] = {}
    unreadable: list[str] = []
    issued = _readable(lambda: read_register(root), unreadable)
    for folder in built_folders(out):
        try:
            found = BuiltCut.at(folder)
            if found is None:
                continue
            numbers = headlines(found.ard, found.analysis)
            told = numbers | {STATUS: reported_headline(found.ard, found.analysis)}
        except StopError as error:
            unreadable.append(str(error))
            continue
        study = found.protocol.study
        decided = [one for one in _decisions(found.cut, root, unreadable) if one.cut == found.cut.cut_id]
        line = CutLine(found.cut, told, found.fingerprint, found.synthetic, decided)
        cuts = studies.setdefault(study.registry_id, StudyCuts(study))
        cuts.cuts.append(line)
        builds.setdefault(study.registry_id, []).append(found)
        cuts.errata.extend(errata(issued, study.id, found.cut.cut_id, numbers))
        of_cut = [one for one in issued if (one.study, one.cut) == (study.id, found.cut.cut_id)]
        # Of a document of this very build nothing has changed.
        shown = [(one, read_numbers(root, one.sha256)) for one in of_cut if one.build != found.seal]
        today = result_numbers(found.ard) if any(numbers for _, numbers in shown) else {}
        cuts.errata.extend(each for one, numbers in shown if numbers for each in result_errata(one, numbers, today))
    for name, cuts in studies.items():
        cuts.replayed.extend(_readable(partial(replayed_cuts, builds[name]), unreadable))
        cuts.cuts.sort(key=lambda line: (line.cut.cut_date, line.cut.cut_id))
        cuts.issued.extend(line for line in issued if line.study == cuts.study.id)
    return render_study(list(studies.values()), unreadable, marks, SYNTHETIC, languages())


def _decisions(cut: Cut, root: Path, unreadable: list[str]) -> list[Decision]:
    """The decisions that the log of a cut holds."""
    return _readable(lambda: read_decisions(root / (cut.decisions or DEFAULT_LOG)), unreadable)


def _readable(read: Callable[[], list[Read]], unreadable: list[str]) -> list[Read]:
    """What people keep, or nothing where it is damaged: the page says so and shows the rest."""
    try:
        return read()
    except TrialbookError as error:
        if str(error) not in unreadable:
            unreadable.append(str(error))
        return []


def _write(place: Path, page: str, mask: int) -> None:
    half = place.with_name(f".{place.name}.half")
    half.write_text(page, encoding="utf-8", newline="\n")
    os.chmod(half, 0o666 & ~mask)
    os.replace(half, place)

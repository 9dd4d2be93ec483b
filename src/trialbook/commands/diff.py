"""`trialbook diff`: what changed between any two built cuts, as lines for a terminal or as a page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from trialbook.core.errors import UsageError, not_built
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.changes import Changes
from trialbook.diff.compare_builds import changes_between
from trialbook.display.changes import render_changes, summary, terminal_tables
from trialbook.display.page import Frame
from trialbook.pipeline.pages import SYNTHETIC


def built(name: str, out: Path) -> BuiltCut:
    """The complete build that a person names by its cut id or its folder.

    Raises UsageError where there is none, StopError where it cannot be read.
    """
    folder = Path(name) if "/" in name else out / name
    found = BuiltCut.at(folder)
    if found is None:
        raise not_built(folder)
    return found


def compare(old: BuiltCut, new: BuiltCut) -> Changes:
    """The changes between two builds of one study. Raises UsageError for two studies."""
    one, two = old.protocol.study.registry_id, new.protocol.study.registry_id
    if one != two:
        raise UsageError(
            f"these are builds of two studies ({one} and {two})", next_step="name two cuts of one study"
        )  # fmt: skip
    return changes_between(old, new)


def diff_lines(changes: Changes, most: int) -> Iterator[str]:
    """The changes as lines: sentences, then a table for each kind with at most `most` rows."""
    yield from summary(changes)
    for title, frame in terminal_tables(changes):
        yield f"\n{title}: {len(frame)}"
        if len(frame):
            yield frame.head(most).to_string(index=False)
        if len(frame) > most:
            yield f"and {len(frame) - most} more (--most {len(frame)} shows all)"


def write_diff_page(old: BuiltCut, new: BuiltCut, changes: Changes, file: Path) -> None:
    """Writes the page of the changes, as a whole or not at all; it opens anywhere and leads nowhere."""
    frame = Frame(
        study=new.protocol.study, cut=new.cut, navigation=[],
        fingerprint=f"{old.fingerprint[:12]} against {new.fingerprint[:12]}",
        banner=SYNTHETIC if old.synthetic or new.synthetic else "",
    )  # fmt: skip
    half = file.with_name(f".{file.name}.half")
    try:
        half.write_text(render_changes(changes, frame), encoding="utf-8", newline="\n")
        os.replace(half, file)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise UsageError(f"the page cannot be written ({error.strerror})", file=str(file)) from None

"""The page of what changed since the previous cut: its content beside the last notebooks, then the page around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from trialbook.core.files import keep_json, read_input
from trialbook.core.messages import Language, msg
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.changes import RecordChanges
from trialbook.diff.compare_builds import changes_between, record_changes
from trialbook.display.changes import render_changes
from trialbook.display.page import Frame
from trialbook.protocol.models import Trial
from trialbook.workbook.steps import CHANGES
from trialbook.workbook.string_storage import choose_text_storage

CONTENT = f".steps/{CHANGES}/records.json"
READS = ("cut.cut_id", "cut.cut_date", "cut.previous_cut", "protocol.study.endpoints", "data data/clean/", "previous/ ")


def make_changes(trial: Trial, scratch: Path, builds: Path) -> list[str]:
    """Leaves in `CONTENT` what changed in the records since the previous cut; returns what it has read."""
    choose_text_storage(trial)
    read = set(READS)
    before = _previous(trial, builds, read)
    if before is not None:
        read.add("previous manifest.json")
        now = BuiltCut(
            scratch, trial.cut, trial.protocol, trial.analysis, note=lambda name: read.add(f"data {name}")
        )  # fmt: skip
        keep_json(scratch / CONTENT, record_changes(before, now).to_plain())
    else:
        keep_json(scratch / CONTENT, None)
    return sorted(read)


def changes_pages(
    trial: Trial, scratch: Path, builds: Path, frames: Sequence[tuple[Frame, Language]], linked: set[str]
) -> list[str]:
    """The page in each language, from what `make_changes` left and the results of both cuts."""
    plain = json.loads(read_input(scratch / CONTENT))
    before = _previous(trial, builds, set())
    if trial.cut.previous_cut is None:
        why = msg("This is the first cut: there is none to compare it with.")
        return [render_changes(None, frame, why_none=why, language=language) for frame, language in frames]
    if plain is None or before is None:
        why = msg(
            "The previous cut {previous_cut} has not been built: build it, then this one again.",
            previous_cut=trial.cut.previous_cut,
        )
        return [render_changes(None, frame, why_none=why, language=language) for frame, language in frames]
    now = BuiltCut(scratch, trial.cut, trial.protocol, trial.analysis)
    found = changes_between(before, now, RecordChanges.from_plain(plain))
    return [render_changes(found, frame, linked, language=language) for frame, language in frames]


def _previous(trial: Trial, builds: Path, read: set[str]) -> BuiltCut | None:
    if trial.cut.previous_cut is None:
        return None
    return BuiltCut.at(builds / trial.cut.previous_cut, lambda name: read.add(f"previous {name}"))

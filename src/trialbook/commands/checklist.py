"""`trialbook checklist`: the reporting checklists for dose-finding trials, filled from a built cut, as one page."""

from __future__ import annotations

import json
import os
from pathlib import Path

from trialbook.commands.diff import built
from trialbook.core.errors import UsageError
from trialbook.core.files import is_inside, write_whole
from trialbook.core.translations import language_of
from trialbook.display.checklists import LISTS, Facts, checklist, missing_sentence, render_checklists
from trialbook.display.page import Frame
from trialbook.pipeline.pages import SYNTHETIC


def write_checklists(cut: str, out: Path, file: Path, tag: str) -> list[str]:
    """Writes the page of both checklists to a file outside the builds; returns what it says in a line for each list.

    Raises UsageError for a cut that is not built, an unknown language, or a place among the builds.
    """
    language, build = language_of(tag), built(cut, out)
    if is_inside(file, out, build.folder):
        raise UsageError(
            "a build holds what its manifest names, and nothing else", file=str(file), next_step="--html FILE"
        )
    # A build of a version that kept no decisions has no such file.
    log = build.folder / "decisions.json"
    facts = Facts(build, json.loads(log.read_text(encoding="utf-8")) if log.is_file() else [])
    frame = Frame(
        study=build.protocol.study, cut=build.cut, navigation=[], fingerprint=build.fingerprint[:12],
        banner=SYNTHETIC if build.synthetic else "",
    )  # fmt: skip
    pages = build.folder / "zh" if tag == "zh" else build.folder
    to_build = Path(os.path.relpath(pages.resolve(), file.resolve().parent)).as_posix() + "/"
    write_whole(file, render_checklists(facts, frame, to_build, language))
    return [f"{name}: {language.say(missing_sentence(checklist(items, facts)))}" for name, _, items in LISTS]

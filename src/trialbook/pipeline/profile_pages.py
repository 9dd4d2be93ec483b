"""The profile pages of a build: their content from the datasets of the steps, and the pages around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from trialbook.core.datasets import LazyFrames, read_dataset
from trialbook.core.domains import Domains
from trialbook.core.files import keep_json, naming, read_input
from trialbook.core.messages import ENGLISH, Language, msg
from trialbook.core.translations import languages
from trialbook.display.page import Frame, Link
from trialbook.display.profile import ProfileContent, profile_content, profile_page
from trialbook.profiles.profile import DATASETS, profiles
from trialbook.profiles.subjects import FOLDER, profile_file
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData
from trialbook.workbook.steps import PROFILES
from trialbook.workbook.string_storage import choose_text_storage
from trialbook.workbook.tracked_reads import noting_trial

# The contents of all profiles in each language, by its tag.
CONTENT = f".steps/{PROFILES}/profiles.json"


def make_profiles(trial: Trial, scratch: Path) -> list[str]:
    """Writes the content of every profile page to `CONTENT`; returns what it has read."""
    choose_text_storage(trial)
    read: set[str] = {"cut.cut_date", "data data/clean/"}
    noting = noting_trial(trial, read.add)

    def dataset(name: str) -> pd.DataFrame:
        read.add(f"data data/{name}.parquet")
        return read_dataset(scratch / "data" / f"{name}.parquet")

    clean = [path.stem.upper() for path in sorted((scratch / "data" / "clean").glob("*.parquet"))]
    domains = Domains(LazyFrames(clean, lambda code: dataset(f"clean/{code.lower()}")))
    data = LazyFrames(list(DATASETS), dataset)
    found = profiles(data, StudyData(domains, noting.protocol, noting.analysis, trial.cut_date))
    keep_json(
        scratch / CONTENT,
        {language.tag: [asdict(profile_content(one, language)) for one in found] for language in languages()},
    )
    return sorted(read)


def write_profiles(
    scratch: Path, place: Path, frame: Frame, signals: Sequence[Mapping[str, Any]] = (), language: Language = ENGLISH
) -> dict[str, str]:
    """Writes the profile pages into `place`; `signals`: those of the cut, each shown in the profile of its subject.

    Returns the subjects that have one, in the order of risk, each with its risk where the page is brief, else blank.
    """
    plain = json.loads(read_input(scratch / CONTENT))[language.tag]
    contents = [ProfileContent.from_plain(entry) for entry in plain]
    subjects = [content.subject for content in contents]
    own: dict[str, list[Mapping[str, Any]]] = {}
    for one in signals:
        own.setdefault(one["subject"], []).append(one)
    for position, content in enumerate(contents):
        around = [
            Link(profile_file(subjects[other]), subjects[other], word)
            for other, word in ((position - 1, msg("Previous:")), (position + 1, msg("Next:")))
            if 0 <= other < len(subjects)
        ]
        path = place / FOLDER / profile_file(content.subject)
        path.parent.mkdir(parents=True, exist_ok=True)
        with naming(path):
            page = profile_page(content, frame, around, own.get(content.subject, []), language)
            path.write_text(page, encoding="utf-8", newline="\n")
    return {content.subject: content.brief for content in contents}

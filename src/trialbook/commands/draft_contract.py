"""`trialbook draft-contract`: finds a dataset that a notebook wrote, and drafts its contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trialbook.contracts.draft import draft_contract
from trialbook.contracts.lookups import protocol_lists
from trialbook.contracts.odcs import load_contracts
from trialbook.core.datasets import read_dataset
from trialbook.core.errors import UsageError
from trialbook.core.files import naming
from trialbook.interactive.desk import FOLDER as INTERACTIVE
from trialbook.pipeline.publish import STOPPED
from trialbook.protocol.load import find_cut_file, load_trial
from trialbook.workbook.step_metadata import DATASET_NAME, DATASET_RULE, read_graph


@dataclass(frozen=True)
class Source:
    """A dataset written for a cut: by a notebook run by hand, by a build that stopped, or by a published one."""

    path: Path
    cut_id: str
    words: str


def write_draft(name: str, root: Path, builds: Path) -> list[str]:
    """Writes `data_contracts/analysis/<name>.yaml` from the newest dataset of this name; returns what to say.

    Raises UsageError where there is a contract already, and where no run wrote such a dataset.
    """
    if not DATASET_NAME.fullmatch(name):
        raise UsageError(
            DATASET_RULE, value=name,
            next_step="give the name under which the notebook writes it, as in adbm",
        )  # fmt: skip
    target = root / "data_contracts" / "analysis" / f"{name}.yaml"
    if target.exists():
        raise UsageError(
            f"the dataset {name} has a contract already", file=str(target), next_step="edit it, or move it away first"
        )
    source = _newest(name, builds)
    frame = read_dataset(source.path)
    contracts, steps = load_contracts(root / "data_contracts"), read_graph(root)
    leaving = steps.leaving(f"data/{name}.parquet")
    datasets = protocol_lists(load_trial(find_cut_file(source.cut_id, root), root).protocol)
    adsl = _of_cut("adsl", source.cut_id, builds)
    datasets |= {"adsl": read_dataset(adsl)} if adsl else {}
    text = draft_contract(name, frame, leaving.title if leaving else name.upper(), contracts, datasets)
    target.parent.mkdir(parents=True, exist_ok=True)
    with naming(target), target.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    drafted = f"drafted from what {source.words} wrote: {source.path} ({len(frame)} records)"
    return [drafted, str(target), *_next(name, frame, leaving is not None)]


def _next(name: str, frame: pd.DataFrame, is_left: bool) -> Iterator[str]:
    """What a person does now."""
    if frame.empty:
        yield "The dataset holds no records: nothing can be said of missing values, codes and key."
    yield "Next: describe its columns, check key, code lists and classification, and set its status to active."
    if not is_left:
        yield f'No step names {name} yet: add it to "datasets" in the metadata of the notebook that writes it.'


def _newest(name: str, builds: Path) -> Source:
    found = [
        Source(path, path.parent.parent.name, words)
        for pattern, words in (
            (f"{INTERACTIVE}/*", "a notebook run by hand"),
            (f"{STOPPED}/*", "a build that stopped"),
            ("[!.]*", "a published build"),
        )
        for path in builds.glob(f"{pattern}/data/{name}.parquet")
    ]
    if not found:
        raise UsageError(
            f"no run has written a dataset {name}", file=str(builds),
            next_step="run the notebook that writes it, or build a cut: the build stops and keeps the dataset",
        )  # fmt: skip
    return max(found, key=lambda source: (source.path.stat().st_mtime_ns, str(source.path)))


def _of_cut(name: str, cut_id: str, builds: Path) -> Path | None:
    """A dataset of a cut: of the run by hand, of the stopped build, or as published."""
    places = (builds / INTERACTIVE / cut_id, builds / STOPPED / cut_id, builds / cut_id)
    return next((path for place in places if (path := place / "data" / f"{name}.parquet").is_file()), None)

"""`trialbook fragility`: the fewest changes of records that would turn a conclusion of a built cut."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trialbook.core.datasets import read_dataset
from trialbook.core.described import look_of
from trialbook.core.domains import Domains
from trialbook.core.errors import not_built
from trialbook.core.messages import plural
from trialbook.monitoring.fragility import flip_table, fragility, ranked_queries, tried_table
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData


def fragility_lines(trial: Trial, out: Path) -> list[str]:
    """What would turn each conclusion, and what was tried, as lines for a terminal.

    Raises UsageError for a cut that is not built.
    """
    build = out / trial.cut.cut_id
    clean = sorted((build / "data" / "clean").glob("*.parquet"))
    if not clean or not (build / "manifest.json").is_file():
        raise not_built(build)
    domains = Domains({path.stem.upper(): read_dataset(path) for path in clean})
    study = StudyData(domains, trial.protocol, trial.analysis, trial.cut_date)
    queries = pd.read_csv(build / "queries.csv", dtype="str", keep_default_na=False)
    found = fragility(study)
    tables = [flip_table(found, queries, study), ranked_queries(found, queries, study)]
    tried = plural("{n} single change was tried", "{n} single changes were tried", found.singles)
    pairs = plural("{n} pair of changes in two subjects", "{n} pairs of changes in two subjects", found.pairs)
    shown = [line for table in tables for line in [*_text(table), ""]]
    return [*shown, f"{tried}, and {pairs}:", *_text(tried_table(study))]


def _text(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return [str(look_of(table)["empty"])]
    labels = look_of(table)["labels"]
    return table.rename(columns=labels).astype("str").to_string(index=False, justify="left").splitlines()

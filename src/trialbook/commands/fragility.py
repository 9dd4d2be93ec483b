"""`trialbook fragility`: the fewest changes of records that would turn a conclusion of a built cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from trialbook.core.datasets import read_dataset
from trialbook.core.described import look_of
from trialbook.core.domains import Domains
from trialbook.core.errors import not_built
from trialbook.core.messages import plural
from trialbook.monitoring.fragility import flip_table, fragility, kept_sentences, ranked_queries, tried_table
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData

# Columns of a terminal that is not wide, and the narrowest column of a table in it.
WIDTH, NARROWEST = 100, 8


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
    kept = [line for said in kept_sentences(found, study) for line in textwrap.wrap(str(said), WIDTH)]
    return [*shown, *kept, *([""] if kept else []), f"{tried}, and {pairs}:", *_text(tried_table(study))]


def _text(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return [str(look_of(table)["empty"])]
    labels = look_of(table)["labels"]
    rows = [[str(labels[name]) for name in table.columns], *table.astype("str").to_numpy().tolist()]
    return list(in_columns(rows))


def in_columns(rows: Sequence[Sequence[str]], width: int = WIDTH) -> Iterator[str]:
    """Rows of a table as lines of at most `width` characters: the widest columns are wrapped.

    >>> print("\\n".join(in_columns([["Who", "What"], ["S01", "a reason of some words"]], width=18)))
    Who  What
    S01  a reason of
         some words
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    gaps = 2 * (len(widths) - 1)
    while sum(widths) + gaps > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    for row in rows:
        wrapped = [textwrap.wrap(cell, room) or [""] for cell, room in zip(row, widths, strict=True)]
        for parts in zip_longest(*wrapped, fillvalue=""):
            yield "  ".join(part.ljust(room) for part, room in zip(parts, widths, strict=True)).rstrip()

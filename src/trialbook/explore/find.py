"""Where something is: tables, figures, columns, results and analysis keys of a cut that a word names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from trialbook.contracts.allow_list import contracts_folder
from trialbook.contracts.odcs import load_contracts
from trialbook.core.errors import TrialbookError
from trialbook.display.columns import LABELS
from trialbook.protocol.models import Trial

if TYPE_CHECKING:
    from trialbook.explore.cut import Cut

COLUMNS = ("kind", "name", "title")
Row = tuple[str, str, str]


def found_in(cut: Cut, words: str) -> pd.DataFrame:
    """What a cut has under these words: kind, name (as it is asked for) and title; each word is in one of these.

    Those that have them as whole words come first.
    """
    wanted = words.lower().split()
    rows = [row for row in _everything(cut) if all(word in _text(row) for word in wanted)]
    rows.sort(key=lambda row: not {*wanted} <= {*re.findall(r"\w+", _text(row))})
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def _text(row: Row) -> str:
    return f"{row[1]} {row[2]}".lower()


def keys_of(trial: Trial) -> pd.DataFrame:
    """The analysis keys by name: value in force, `default` of the protocol file, meaning."""
    entries = trial.protocol.analysis
    now = trial.analysis.model_dump(mode="json")
    rows = {name: (now.get(name), entry.default, entry.meaning) for name, entry in entries.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "default", "meaning"]).rename_axis("key")


def _everything(cut: Cut) -> Iterator[Row]:
    # Under other keys there are no pages to show.
    if not cut._keys:
        for what, shown in (("table", cut.tables), ("figure", cut.figures)):
            for name, title in shown.titles.items():
                yield what, name, title
    said = _descriptions()
    for name, frame in cut.datasets.items():
        yield "dataset", name, said.get((name, ""), "")
        for column in map(str, frame):
            label = LABELS.get(column, "")
            yield "column", f"{name}.{column}", said.get((name, column)) or label
    ard = cut._published.ard.drop_duplicates(["analysis_id", "variable"])
    for analysis, variable in ard[["analysis_id", "variable"]].fillna("").itertuples(index=False):
        yield "result", f"{analysis} / {variable}" if variable else analysis, ""
    for name, entry in cut.trial.protocol.analysis.items():
        yield "key", name, entry.meaning


def _descriptions() -> dict[tuple[str, str], str]:
    """What the contracts say of each dataset, and of each of its columns; nothing where there are no contracts."""
    try:
        contracts = load_contracts(contracts_folder(), ["analysis"])
    except TrialbookError:
        return {}
    found = {}
    for contract in contracts.values():
        dataset = contract.dataset
        found[dataset.name, ""] = dataset.description
        found |= {(dataset.name, column.name): column.description for column in dataset.properties}
    return found

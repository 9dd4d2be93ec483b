"""Puts the outputs of the steps together: one results table, one query list, one change log, the verdicts."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pandas as pd

from trialbook.cleaning.reviewed import reviewed_records
from trialbook.contracts.gx_engine import Verdict
from trialbook.core.datasets import read_dataset, write_dataset
from trialbook.core.files import read_input, write_json, write_rows
from trialbook.protocol.models import Trial
from trialbook.queries import query_list as query_module
from trialbook.queries.answers import Answer
from trialbook.queries.files import read_csv_list, write_csv
from trialbook.queries.life import query_history
from trialbook.queries.marks import Mark
from trialbook.queries.query_files import FOR_EDC, HISTORY_FILE, QUERIES, for_edc, sites_of, write_query_workbook
from trialbook.queries.query_list import Query, query_list
from trialbook.results.ard import COLUMNS, ArdRow, to_ard
from trialbook.workbook.steps import ANSWERS, REVIEWED, Graph

CHANGELOG = ["file", "sheet", "row", "column", "raw", "new", "rule"]


def assemble_results(scratch: Path, graph: Graph) -> pd.DataFrame:
    """Writes `results/ard.parquet` and `.json` from the rows that the steps reported, in the order of the steps."""
    rows = [row for step in graph.names for row in _left(scratch, step, "ard.json")]
    ard = to_ard(cast("list[ArdRow]", rows))
    (scratch / "results").mkdir(exist_ok=True)
    write_dataset(ard, scratch / "results" / "ard.parquet")
    plain = ard[COLUMNS].astype("object").where(ard[COLUMNS].notna(), None)
    records = zip(*(plain[column].tolist() for column in COLUMNS), strict=True)
    write_rows(scratch / "results" / "ard.json", [dict(zip(COLUMNS, record, strict=True)) for record in records])
    return ard


def assemble_queries(
    scratch: Path, graph: Graph, trial: Trial, from_contracts: list[Query], previous: Path | None
) -> pd.DataFrame:  # fmt: skip
    """Writes the query list (`queries.csv`, `.xlsx`), its file for an EDC and its history.

    Issues known at the previous cut keep their first-seen date; what people have answered decides their state.
    """
    asked: list[Any] = [row for step in graph.names for row in _left(scratch, step, "queries.json")]
    answers = answers_left(scratch)
    listed = query_list(
        [*asked, *from_contracts], trial.cut.cut_date, _list_of(previous, QUERIES), answers=answers,
        sites=sites_of(read_dataset(scratch / "data" / "clean" / "dm.parquet")),
        due_days=trial.protocol.queries.due_days,
    )  # fmt: skip
    write_csv(listed[query_module.COLUMNS], scratch / QUERIES)
    write_query_workbook(listed[query_module.COLUMNS], scratch / "queries.xlsx", trial.cut.cut_date)
    write_csv(for_edc(listed, trial.protocol.study.registry_id), scratch / FOR_EDC)
    write_csv(query_history(listed, answers, _list_of(previous, HISTORY_FILE)), scratch / HISTORY_FILE)
    return listed


def assemble_reviewed(scratch: Path) -> pd.DataFrame:
    """The reviewed records with what has changed since (`reviewed_records`); also as `reviewed.csv` where there are
    marks.
    """
    marks = [Mark(**entry) for entry in json.loads(read_input(scratch / REVIEWED))]
    names = sorted({mark.domain for mark in marks})
    files = {name: scratch / "data" / "clean" / f"{name.lower()}.parquet" for name in names}
    found = reviewed_records({name: read_dataset(path) for name, path in files.items() if path.is_file()}, marks)
    if marks:
        write_csv(found, scratch / "reviewed.csv")
    return found


def answers_left(scratch: Path) -> list[Answer]:
    """What people have answered, as the build has read it."""
    return [Answer(**entry) for entry in json.loads(read_input(scratch / ANSWERS))]


def _list_of(previous: Path | None, name: str) -> pd.DataFrame | None:
    """A list of the previous build; None where there is none."""
    if previous is None or not (previous / name).is_file():
        return None
    return read_csv_list(BytesIO(read_input(previous / name)))


def assemble_changelog(scratch: Path, graph: Graph) -> int:
    """Puts the change log of the cleaning step in place; returns its number of rows."""
    source = scratch / ".steps" / graph.cleaning.name / "changelog.csv"
    changes = pd.read_csv(source, dtype="str", keep_default_na=False) if source.is_file() else pd.DataFrame()
    write_csv(changes.reindex(columns=CHANGELOG), scratch / "changelog.csv")
    return len(changes)


def write_verdicts(scratch: Path, verdicts: list[Verdict]) -> None:
    """Writes one file per contract under `contracts/`."""
    for verdict in verdicts:
        write_json(scratch / "contracts" / f"{verdict.dataset.replace('/', '.')}.json", verdict.as_json())


def _left(scratch: Path, step: str, name: str) -> list[dict[str, Any]]:
    path = scratch / ".steps" / step / name
    return list(json.loads(path.read_text(encoding="utf-8")))

"""The data manager's quick look: reads the snapshot and runs the raw contracts, and leaves nothing in a build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import load_contracts
from trialbook.contracts.verdicts import Verdict
from trialbook.protocol.models import Trial
from trialbook.results.queries import query_list
from trialbook.runner.query_files import write_csv, write_xlsx
from trialbook.snapshot import read_snapshot, reading_lines


def check_snapshot(
    trial: Trial, root: Path, tell: Callable[[str], None] = lambda line: None
) -> tuple[list[Verdict], pd.DataFrame, dict[str, str]]:
    """Verdicts of the raw contracts, the queries they raise, and the file of each raw dataset.

    `tell` is given what came in, line by line, before the contracts run.
    """
    snapshot = read_snapshot(trial)
    for line in reading_lines(snapshot):
        tell(line)
    gate = Gate(load_contracts(root / "data_contracts"), list(trial.protocol.study.endpoints))
    verdicts = gate.check("raw", {code.lower(): table.frame for code, table in snapshot.tables.items()})
    listed = query_list(gate.queries(verdicts), trial.cut.cut_date)
    files = {f"raw/{code.lower()}": table.file for code, table in snapshot.tables.items()}
    return verdicts, listed, files


def write_query_list(listed: pd.DataFrame, path: Path, cut_date: str) -> None:
    """Writes a query list as XLSX where the name ends so, else as CSV."""
    if path.suffix.lower() == ".xlsx":
        write_xlsx(listed, path, cut_date)
    else:
        write_csv(listed, path)

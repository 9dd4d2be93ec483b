"""Very many laboratory rows are read, cleaned, contracted and logged; memory grows no faster than the rows."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import raw_export as raw

# Every day 40,000 rows; 100,000 with make soak.
SIZES = [(8_000, 40_000), pytest.param((20_000, 100_000), marks=pytest.mark.soak)]
SUBJECTS = 40
TESTS = ("ALT", "AST", "BILI", "CREAT", "HGB", "PLAT", "NEUT", "K")
ODD = ("20", "2１", "1,234.5", "<0.1", "12,3", "12.3 g/L", "阴性", "haemolysed", "", "7.50")
COLUMNS = ("USUBJID", "LBSEQ", "LBTESTCD", "LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBDTC", "VISIT")
UNITS = ("U/L", "u/l", "×10⁹/L")

# Run in a process of its own: the peak memory of a process never falls again.
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from support import raw_export as raw
from trialbook.cleaning import apply_cut, clean_snapshot, consistency_queries, whole_change_log
from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import load_contracts
from trialbook.queries.query_list import query_list
from trialbook.snapshot import read_snapshot

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)

trial = raw.trial_of(Path(sys.argv[1]))
contracts = load_contracts(Path(sys.argv[2]))
import great_expectations  # part of what every build has, however many rows
gate = Gate(contracts, list(trial.protocol.study.endpoints))
base, began = peak(), time.process_time()
snapshot = read_snapshot(trial)
raw_verdicts = gate.check("raw", {code.lower(): table.frame for code, table in snapshot.tables.items()})
cleaned = clean_snapshot(snapshot, trial)
cut = apply_cut(cleaned.domains, trial.cut_date)
clean_verdicts = gate.check("clean", {code.lower(): cut.domains[code] for code in cut.domains})
log = whole_change_log(cleaned, cut)
queries = [*cleaned.queries, *cut.queries, *gate.queries(raw_verdicts)]
queries += consistency_queries(cut.domains, trial.analysis)
print(json.dumps({
    "base": base, "peak": peak(), "seconds": time.process_time() - began, "rows": snapshot.tables["LB"].rows,
    "clean": len(cut.domains["LB"]), "changes": len(log), "listed": len(query_list(queries, trial.cut.cut_date)),
    "records": max(len(f.records) for v in (*raw_verdicts, *clean_verdicts) for f in (*v.failures,)),
}))
"""


def export(folder: Path, rows: int) -> Path:
    """Laboratory rows of 40 subjects in which two of three cells of some columns have to be put right."""
    subjects = [f"iMSC-{k:03d}" for k in range(1, SUBJECTS + 1)]
    raw.export(
        folder,
        dm=raw.rows(raw.DM, *[{"USUBJID": s, "SUBJID": s[-3:]} for s in subjects]),
        ex=raw.rows(raw.EX, *[{"USUBJID": s} for s in subjects]),
    )
    with (folder / "lb.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for k in range(rows):
            visit = k // (SUBJECTS * len(TESTS))
            day = visit % 28 + 1
            written = (f"2025-02-{day:02d}T08:00", f"2025/2/{day}", str(45688 + day))[k % 3]
            result = ODD[k * 7 % len(ODD)] if k % 3 == 0 else str(10 + k % 90)
            writer.writerow([
                subjects[k % SUBJECTS], k // SUBJECTS + 1, TESTS[k // SUBJECTS % len(TESTS)], result, UNITS[k % 3], 5,
                ("40", "４０")[k % 2], written, f"VISIT {visit}",
            ])  # fmt: skip
    return folder


def measured(folder: Path, rows: int, root: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(export(folder, rows)), str(root / "data_contracts")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(root / "tests"), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True)
class Runs:
    """How many rows, and what was measured."""

    rows: tuple[int, int]
    few: dict[str, float]
    many: dict[str, float]


@pytest.fixture(scope="module", params=SIZES)
def runs(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    place = tmp_path_factory.mktemp("rows")
    few, many = request.param
    return Runs(request.param, measured(place / "few", few, root), measured(place / "many", many, root))


def test_every_row_is_cleaned_and_every_change_logged(runs: Runs) -> None:
    for run, rows in zip((runs.few, runs.many), runs.rows, strict=True):
        assert run["rows"] == run["clean"] == rows
        assert run["changes"] > 2 * rows


def test_memory_grows_no_faster_than_the_rows(runs: Runs) -> None:
    few, many = (run["peak"] - run["base"] for run in (runs.few, runs.many))
    # 5 times the rows; the rest is what the first contract of a process costs.
    assert many <= 5.5 * few + 40, f"{few:.0f} MB and {many:.0f} MB for {runs.rows} rows"


def test_time_grows_no_faster_than_the_rows(runs: Runs) -> None:
    """Time of the processor, which other work on the machine does not lengthen much."""
    assert runs.many["seconds"] <= 5.5 * runs.few["seconds"] + 5


def test_one_cause_is_one_line_and_a_verdict_names_few_records(runs: Runs) -> None:
    assert runs.many["records"] <= 20
    assert runs.many["listed"] <= 2 * runs.few["listed"] + 10

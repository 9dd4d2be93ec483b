"""Verdicts of the raw contracts as tables for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from trialbook.contracts.gate import Gate
from trialbook.contracts.gx_engine import Verdict
from trialbook.contracts.odcs import Contract
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.snapshot.tables import Snapshot

WORDS = {
    "pass": msg("kept"),
    "empty": msg("no records"),
    "info": "remarks",
    "warning": msg("questions asked"),
    "critical": "broken",
}
SHOWN_RECORDS = 3


def raw_verdicts(contracts: Mapping[str, Contract], snapshot: Snapshot, endpoints: Sequence[str]) -> list[Verdict]:
    """The verdict of each delivered file, in the order of the snapshot."""
    gate = Gate(contracts, list(endpoints), evaluate_quickly)
    return gate.check("raw", {code.lower(): table.frame for code, table in snapshot.tables.items()})


def verdict_table(verdicts: Sequence[Verdict], snapshot: Snapshot) -> pd.DataFrame:
    """One row per delivered domain: domain, file, records, rules, broken, verdict; without a contract, in words."""
    known = {verdict.dataset.removeprefix("raw/").upper(): verdict for verdict in verdicts}
    rows = []
    for code, table in snapshot.tables.items():
        verdict = known.get(code)
        counts = (len(verdict.evaluated), len(verdict.failures)) if verdict else (0, 0)
        rows.append((code, table.file, table.rows, *counts, WORDS[verdict.worst] if verdict else "not used"))
    labels = {
        "domain": msg("Domain"), "file": msg("File"), "records": msg("Records"), "rules": msg("Rules"),
        "broken": msg("Broken rules"), "verdict": msg("Verdict"),
    }  # fmt: skip
    return described(pd.DataFrame(rows, columns=list(labels)), labels=labels, stub="domain")


def broken_rules(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """The rules that do not hold: dataset, rule, severity, what must hold, records, and the first of them by row."""
    rows = [
        (
            verdict.dataset.removeprefix("raw/").upper(), failure.rule, failure.severity, failure.description,
            failure.count, ", ".join(str(r["ROW"]) for r in failure.records[:SHOWN_RECORDS] if "ROW" in r),
        )
        for verdict in verdicts
        for failure in verdict.failures
    ]  # fmt: skip
    labels = {
        "domain": msg("Domain"), "rule": msg("Rule"), "severity": msg("Severity"), "meaning": msg("What must hold"),
        "records": msg("Records"), "rows": msg("First rows"),
    }  # fmt: skip
    return described(pd.DataFrame(rows, columns=list(labels)), labels=labels, empty=msg("No contract is broken."))

"""Writes synthetic snapshots: one CSV per domain, and the three snapshots of the demo trial."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from trialbook.core.errors import UsageError
from trialbook.protocol.synthetic import write_declaration
from trialbook_demo.casebook import COLUMNS
from trialbook_demo.scenario import SCENARIOS
from trialbook_demo.trial import FOREVER, SEED, SUBJECTS, SimulatedTrial, simulate_trial

# Cut dates of the demo trial; the subjects whose records were entered some days beyond the cut when it was taken.
DEMO_CUTS: dict[str, dict[str, int]] = {"2025-03-31": {}, "2025-06-30": {"T09": 2}, "2025-09-30": {"T11": 2}}
NOTICE = "SYNTHETIC DATA: made by `trialbook simulate` from a random seed. No line describes a person."


def write_snapshot(out: Path, seed: int = SEED, subjects: int = SUBJECTS, as_of: str | None = None) -> None:
    """Writes a synthetic snapshot into a folder: every domain as CSV, a manifest and a README that declare it.

    `as_of` (ISO date) leaves out what was not yet known at the end of that day; without it the whole trial is written.
    Raises UsageError where the date is not one.
    """
    trial = simulate_trial(seed, subjects)
    _write_domains(out, trial, _day(as_of), {})
    told = f"Seed {seed}, {subjects} treated subjects, " + (f"as of {as_of}." if as_of else "the whole trial.")
    write_declaration(out, seed=seed, subjects=subjects)
    (out / "README.md").write_text(f"# Synthetic snapshot\n\n{NOTICE}\n\n{told}\n", encoding="utf-8", newline="\n")


def write_demo(root: Path, seed: int = SEED) -> None:
    """Writes the snapshots of the demo trial, one folder per cut date below `root`, and their README."""
    trial = simulate_trial(seed, SUBJECTS)
    for cut, ahead in DEMO_CUTS.items():
        _write_domains(root / cut, trial, date.fromisoformat(cut), ahead)
        write_declaration(root / cut, seed=seed, subjects=SUBJECTS)
    (root / "README.md").write_text(_demo_readme(trial), encoding="utf-8", newline="\n")


def _day(as_of: str | None) -> date:
    if as_of is None:
        return FOREVER
    try:
        return date.fromisoformat(as_of)
    except ValueError as error:
        raise UsageError("is not a date", column="as_of", value=as_of, next_step="write it as YYYY-MM-DD") from error


def _write_domains(out: Path, trial: SimulatedTrial, as_of: date, ahead: Mapping[str, int]) -> None:
    """One CSV per domain, with a header where it has no record; rows go to disk as they are made."""
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        writers = {}
        for domain, names in COLUMNS.items():
            file = stack.enter_context((out / f"{domain.lower()}.csv").open("w", encoding="utf-8", newline=""))
            writers[domain] = csv.writer(file, lineterminator="\n")
            writers[domain].writerow(names)
        for domain, row in trial.rows(as_of, ahead):
            writers[domain].writerow(row)


def _demo_readme(trial: SimulatedTrial) -> str:
    lines = [
        "# Demo snapshots",
        "",
        NOTICE,
        "",
        f"Three snapshots of one synthetic trial (seed {trial.seed}), taken at its cut dates. Each repeats the one",
        "before it, with new and corrected records; one record is deleted between the first and the second. Some",
        "records are dated after the cut date, as in a real export. `write_demo` in `trialbook_demo` makes them.",
        "",
        "| subject | role | plays |",
        "|---|---|---|",
    ]
    rows = sorted((trial.usubjid(s.role), s.role, s.what) for s in SCENARIOS)
    lines += [f"| {subject} | {role} | {what} |" for subject, role, what in rows]
    return "\n".join(lines) + "\n"

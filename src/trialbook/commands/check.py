"""The data manager's look at an export: what came in, the contracts, the questions, how its shape has changed.

It writes nothing into a build. The whole look asks what a build would ask, since it makes what a build makes, but its
pages. The quick look reads the snapshot and evaluates the contracts of the delivered files, without Great Expectations,
whose import would take longer than all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from trialbook import cleaning, reconciliation
from trialbook.cleaning.schema_drift import drift_sentence, export_drift
from trialbook.contracts.allow_list import allow_list
from trialbook.contracts.gate import Gate
from trialbook.contracts.gx_engine import Verdict
from trialbook.contracts.lookups import protocol_lists
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.errors import StopError, TrialbookError
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial
from trialbook.queries.files import write_csv
from trialbook.queries.life import STATES
from trialbook.queries.query_files import write_query_workbook
from trialbook.queries.query_list import OPEN, SEVERITIES, Query, query_list
from trialbook.queries.rule_texts import RECIPIENTS
from trialbook.snapshot import Snapshot, read_snapshot, reading_lines
from trialbook.snapshot.delivery import Delivery
from trialbook.snapshot.external import ExternalTables
from trialbook.workbook.string_storage import choose_text_storage

SHOWN_KEYS = 3


@dataclass(frozen=True)
class Found:
    """What a look found.

    `verdicts`: raw contracts, then the others that were evaluated; `stop`: what stops a build, None where nothing does;
    `listed` is None where only the delivered files were looked at; `drift` is empty where there is no previous export
    (`previous` is None then).
    """

    verdicts: list[Verdict]
    listed: pd.DataFrame | None
    files: dict[str, str]
    stop: TrialbookError | None
    drift: pd.DataFrame
    previous: str | None


def quick_look(trial: Trial, root: Path, tell: Callable[[str], None] = lambda line: None) -> Found:
    """Reads the snapshot and evaluates the raw contracts; `tell` is given what came in, line by line.

    Raises StopError where the snapshot cannot be read, UsageError where a criterion names a check that does not exist.
    """
    return _quick(trial, root, tell)[0]


def _quick(trial: Trial, root: Path, tell: Callable[[str], None]) -> tuple[Found, Snapshot]:
    """`quick_look`, and the snapshot that was read."""
    # Imported here: nobody else in this process may need it.
    from trialbook.eligibility.registry import stop_if_no_check

    stop_if_no_check(trial.protocol)
    contracts = load_contracts(root / "data_contracts")
    choose_text_storage(trial)
    snapshot = read_snapshot(trial, allow_list(contracts, trial.protocol))
    for line in [*reading_lines(snapshot), *required_lines(snapshot, trial)]:
        tell(line)
    gate = Gate(contracts, list(trial.protocol.study.endpoints), evaluate_quickly)
    raw = {code.lower(): frame for code, frame in _by_code(snapshot).items()}
    before = _previous_export(trial, root, contracts)
    found = Found(
        verdicts=gate.check("raw", raw | protocol_lists(trial.protocol)),
        listed=None,
        files={f"raw/{code.lower()}": table.file for code, table in snapshot.tables.items()},
        stop=None,
        drift=export_drift(_by_code(before), _by_code(snapshot)) if before else export_drift({}, {}),
        previous=trial.cut.previous_cut if before else None,
    )
    return found, snapshot


def required_lines(snapshot: Snapshot, trial: Trial) -> list[str]:
    """Whether the required columns are there; each table that lacks some, with all of them and who must act."""
    found = cleaning.missing_columns(snapshot, trial.protocol)
    blank = cleaning.blank_columns(snapshot, trial.protocol)
    if not found and not blank:
        return ["required columns: all are there"]
    lines = ["required columns that are missing:"] if found else []
    lines += [
        f"  {table.domain:7} {', '.join(names)}  ({cleaning.who_adds(table)} must add them)" for table, names in found
    ]
    lines += ["required columns without a source (a blank constant):"] if blank else []
    lines += [
        f"  {table.domain:7} {', '.join(names)}  ({cleaning.who_adds(table)} must name one, if it was collected)"
        for table, names in blank
    ]
    return lines


def whole_look(trial: Trial, root: Path, builds: Path, tell: Callable[[str], None] = lambda line: None) -> Found:
    """As `quick_look`, and everything that a build of the cut would find in these data; nothing is published.

    Where the build would stop, the questions are those that cleaning has raised by then.
    """
    from trialbook.pipeline.derive_cut import derive_cut

    quick, snapshot = _quick(trial, root, tell)
    external: ExternalTables | None = None
    try:
        external = reconciliation.read_external(trial)
        gathered = derive_cut(trial, root, builds, Delivery(snapshot, external))
    except StopError as error:
        return replace(quick, stop=error, listed=asked_by_cleaning(snapshot, trial, external))
    tell(removed_line(gathered.ard))
    verdicts = [verdict for found in gathered.verdicts.values() for verdict in found]
    return replace(quick, verdicts=verdicts, listed=gathered.queries)


def removed_line(results: pd.DataFrame) -> str:
    """How many records of each domain are not in the analysis since they are dated after the cut, from the results."""
    rows = results[results["analysis_id"].eq("CLEANING") & results["context"].eq("removed")]
    gone = [f"{row.variable} {int(row.stat)}" for row in rows.itertuples() if row.stat]
    return f"records dated after the cut, not in the analysis: {', '.join(gone) or 'none'}"


def asked_by_cleaning(snapshot: Snapshot, trial: Trial, external: ExternalTables | None = None) -> pd.DataFrame:
    """The questions of cleaning, as far as it gets; what stops it is for the caller to say.

    `external`: the files of others, where they have been read.
    """
    asked: list[Query] = []
    with suppress(StopError):
        external = external or reconciliation.read_external(trial)
        cleaned = cleaning.clean_snapshot(snapshot, trial, external)
        asked = list(cleaned.queries)
        cut = cleaning.apply_cut(cleaned.domains, trial.cut_date)
        asked += [*cut.queries, *cleaning.consistency_queries(cut.domains, trial.analysis)]
        asked += cleaning.comparison_queries(cut, external, trial)
    return query_list(asked, trial.cut.cut_date, due_days=trial.protocol.queries.due_days)


def report_lines(look: Found) -> Iterator[str]:
    """What the look found, for a terminal: contracts, questions by severity with their first records, shape, next."""
    yield from _contract_lines(look)
    if look.listed is not None:
        yield from _question_lines(look.listed)
    yield ""
    yield drift_sentence(look.drift, look.previous, known=look.previous is not None)
    for row in look.drift.itertuples():
        change = f"{row.before} -> {row.now}" if row.before and row.now else row.before or row.now
        yield f"  {row.change}: {row.domain} {row.column} {change}".rstrip()
    yield ""
    yield f"Next: {_next_step(look)}"


def write_query_list(listed: pd.DataFrame, path: Path, cut_date: str) -> None:
    """Writes a query list as XLSX where the name ends so, else as CSV."""
    if path.suffix.lower() == ".xlsx":
        write_query_workbook(listed, path, cut_date)
    else:
        write_csv(listed, path)


def _by_code(snapshot: Snapshot) -> dict[str, pd.DataFrame]:
    return {code: table.frame for code, table in snapshot.tables.items()}


def _previous_export(trial: Trial, root: Path, contracts: Mapping[str, Contract]) -> Snapshot | None:
    """The export of the previous cut, where its cut file and files are still there and can be read."""
    if trial.cut.previous_cut is None:
        return None
    for base in (trial.root, root):
        file = base / "params" / "cuts" / f"{trial.cut.previous_cut}.yaml"
        if file.is_file():
            try:
                earlier = load_trial(file, root)
                return read_snapshot(earlier, allow_list(contracts, earlier.protocol))
            except TrialbookError:
                return None  # said by the drift sentence: there is nothing to compare with
    return None


def _contract_lines(look: Found) -> Iterator[str]:
    rules = sum(len(verdict.evaluated) for verdict in look.verdicts)
    broken = [(verdict, failure) for verdict in look.verdicts for failure in verdict.failures]
    yield ""
    yield f"contracts: {len(look.verdicts)} evaluated with {rules} rules, {len(broken) or 'none'} broken"
    for verdict, failure in broken:
        place = look.files.get(verdict.dataset, verdict.dataset)
        where = "; ".join(
            " ".join(f"{key} {value}" for key, value in record.items()) for record in failure.records[:SHOWN_KEYS]
        )
        yield f"  {failure.severity:8} {place}: {failure.description} ({failure.count}{': ' if where else ''}{where})"


def _question_lines(listed: pd.DataFrame) -> Iterator[str]:
    yield ""
    asked, done = listed[listed["status"].eq(OPEN)], listed[listed["status"].ne(OPEN)]
    counts = ", ".join(f"{(asked['severity'] == name).sum()} {name}" for name in SEVERITIES)
    # What was confirmed, waived or corrected needs nobody any more.
    states = ", ".join(f"{n} {state}" for state in STATES if (n := int(done["state"].eq(state).sum())))
    yield f"questions: {len(asked)} ({counts})" + (f"; needing nobody any more: {states}" if states else "")
    for (_, rule, domain), group in _by_rule(asked):
        first = group.iloc[0]
        keys = [" ".join(filter(None, key)) for key in group[["subject", "record"]].itertuples(index=False, name=None)]
        more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
        where = f": {'; '.join(filter(None, keys[:SHOWN_KEYS]))}{more}" if any(keys) else ""
        yield f"  {first['severity']:6} {domain} {rule}: {first['message_en']} {len(group)}{where}"


def _by_rule(listed: pd.DataFrame) -> Iterator[tuple[tuple[int, str, str], pd.DataFrame]]:
    rank = listed["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    yield from listed.assign(rank=rank).groupby(["rank", "rule", "domain"], sort=True)


def _next_step(look: Found) -> str:
    """What a data manager does now."""
    critical = [f for verdict in look.verdicts for f in verdict.failures if f.severity == "critical"]
    if look.stop or critical:
        return "correct what stops the build (the message below), then check again"
    lost = look.drift["change"].isin(["lost column", "renamed column", "lost domain", "other kind of values"])
    if lost.any():
        return "ask the exporter why the shape has changed before the cut is built"
    if look.listed is None:
        return "run `trialbook check` without --raw for the questions to the site"
    asked = look.listed[look.listed["status"].eq(OPEN)]
    if len(asked):
        who = [(name, int(asked["recipient"].eq(name).sum())) for name in RECIPIENTS]
        to_whom = ", ".join(f"{n} to the {name}" for name, n in who if n)
        return f"write the questions with --out queries.xlsx and send them ({to_whom}); the cut can be built meanwhile"
    return "the cut can be built"

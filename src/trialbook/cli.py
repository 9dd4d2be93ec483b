"""The command line: parses, calls the commands, and turns errors into one message and an exit status."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from trialbook.commands.process import Ended, end_in_order, leave, stand_alone
from trialbook.core.environment_variables import MEMORY_LIMIT, TIME_LIMIT
from trialbook.core.errors import StopError, TrialbookError, UsageError, unknown_error
from trialbook.core.privacy import masked_argument
from trialbook.core.terminal import terminal, wrong_usage
from trialbook.kernels.environment import Limits

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="Builds and checks the data cuts of the trial workbook.",
)  # fmt: skip
PROTOCOL = Path("params/protocol.yaml")
# The exit status of a digest with signals that are new: a nightly job sends its mail on this.
NEW_SIGNALS = 5
console = terminal()
Cut = Annotated[str, typer.Argument(help="A cut file, or the id of one in params/cuts/")]
Out = Annotated[Path, typer.Option("--out", help="Folder that holds the builds")]


@app.command()
def build(
    cuts: Annotated[
        list[str] | None, typer.Argument(metavar="CUT...", help="Cut files, or ids of params/cuts/", show_default=False)
    ] = None,
    out: Out = Path("build"),
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks that run side by side")] = 2,
    force: Annotated[bool, typer.Option("--force", help="Rebuild every step")] = False,
    charts: Annotated[Literal["live", "static"], typer.Option(help="static: pages without any script")] = "live",
    supersede: Annotated[bool, typer.Option("--supersede", help="Replace a build of other data, and keep it")] = False,
    grid: Annotated[Path | None, typer.Option("--grid", help="Grid file: cuts under many parameters")] = None,
    dask: Annotated[str | None, typer.Option("--dask", help="Scheduler of a cluster to build on, tcp://...")] = None,
    dask_wait: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for scheduler and workers")] = 30,
    time_limit: Annotated[float | None, typer.Option(help="Seconds that a notebook may take (default 600)")] = None,
    memory_limit: Annotated[float | None, typer.Option(help="GiB that a kernel may use (default: all)")] = None,
) -> None:
    """Build data cuts. Status: 0 built, 1 stopped, 2 wrong usage, 3 cut is being built, 4 its snapshot changed."""
    from trialbook.commands import build
    from trialbook.commands.init import values_left
    from trialbook.protocol.load import find_cut_file, load_trial, project_root

    if bool(cuts) == bool(grid):
        raise UsageError("name cuts to build, or a grid file", next_step="trialbook build CUT..., or --grid FILE")
    _limit(time_limit, memory_limit)
    root = project_root()
    options = build.Options(out, jobs, charts, force, dask, dask_wait, supersede)
    if grid:
        status = build.build_grid(grid, root, options, console)
    else:
        trials = [load_trial(find_cut_file(cut, root), root) for cut in cuts or []]
        for line in dict.fromkeys(line for trial in trials for line in values_left(trial)):
            console.print(line, markup=False, soft_wrap=True)
        status = build.build_cuts(trials, root, options, console)
    if status:
        raise typer.Exit(status)


@app.command()
def check(
    cut: Cut,
    out: Annotated[Path | None, typer.Option("--out", help="Write the query list to this file (.csv or .xlsx)")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Only read the snapshot and run the raw contracts")] = False,
) -> None:
    """Derive every dataset of a cut and list the queries that its build would raise; builds nothing."""
    from trialbook.commands.check import quick_look, report_lines, whole_look, write_query_list
    from trialbook.commands.init import values_left
    from trialbook.contracts.gate import stop_if_critical
    from trialbook.protocol.load import find_cut_file, load_trial, project_root

    if raw and out is not None:
        raise UsageError("--raw lists no queries to write", next_step="leave out --raw, or --out")
    root = project_root()
    trial = load_trial(find_cut_file(cut, root), root)
    tell = partial(console.print, markup=False)
    for line in values_left(trial):
        tell(line)
    found = quick_look(trial, root, tell) if raw else whole_look(trial, root, Path("build").resolve(), tell)
    for line in report_lines(found):
        tell(line)
    if out is not None and found.listed is not None:
        write_query_list(found.listed, out, trial.cut.cut_date)
        tell(f"{len(found.listed)} queries written to {out}")
    if found.stop is not None:
        raise found.stop
    stop_if_critical(found.verdicts, found.files)


@app.command()
def status(
    cut: Cut,
    out: Out = Path("build"),
    charts: Annotated[Literal["live", "static"], typer.Option()] = "live",
    as_digest: Annotated[bool, typer.Option("--digest", help="The signals of the build, as text for a mail")] = False,
    since: Annotated[str, typer.Option(help="With --digest: the build that signals are new against")] = "",
) -> None:
    """Say what a build would rebuild, and why; builds nothing. With --digest: what the build found; status 5: new."""
    from trialbook.commands.status import digest, is_up_to_date, pieces_status
    from trialbook.pipeline.build import step_store
    from trialbook.protocol.load import find_cut_file, load_trial, project_root
    from trialbook.workbook.step_metadata import read_graph

    root = project_root()
    trial = load_trial(find_cut_file(cut, root), root)
    if as_digest:
        found_now = digest(out, trial.cut.cut_id, since)
        for line in found_now.lines:
            console.print(line, markup=False)
        if found_now.new:
            raise typer.Exit(NEW_SIGNALS)
        return
    if since:
        raise UsageError("--since goes with --digest", next_step="add --digest, or leave --since out")
    for line in read_graph(root).others:
        console.print(line, markup=False)
    if is_up_to_date(trial, root, out.resolve(), charts):
        console.print(f"{trial.cut.cut_id}: nothing has changed since it was built", markup=False)
        return
    found = pieces_status(trial, root, out.resolve(), charts, step_store(out.resolve(), trial.cut.cut_id))
    for piece in found:
        console.print(f"{piece.state:14} {piece.name}", markup=False)
        for line in piece.why:
            console.print(f"               {line}", markup=False)
    anew = sum(piece.state != "kept" for piece in found)
    console.print(
        f"{trial.cut.cut_id}: {len(found) - anew} of {len(found)} pieces are kept; pages are put together again"
    )


@app.command()
def verify(
    cut: Cut,
    out: Out = Path("build"),
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks that run side by side")] = 2,
    quick: Annotated[bool, typer.Option("--quick", help="Look at files and sources only, build nothing again")] = False,
) -> None:
    """Prove a build: its files against its manifest, its sources against today, every byte against a rebuild."""
    from trialbook.protocol.load import project_root
    from trialbook.provenance.verify import trial_of, verify_build

    root = project_root()
    trial = trial_of(cut, root, out)
    proof = verify_build(trial, root, out, jobs, quick=quick)
    for title, lines in proof.parts.items():
        for line in [f"\n{title}", *lines] if lines else []:
            console.print(line, markup=False)
    if proof.differences:
        raise StopError(f"the build {trial.cut.cut_id} could not be proved", next_step="look at the places above")
    said = "every byte agrees with the rebuild" if proof.rebuilt else "files and sources agree; nothing was built again"
    console.print(f"{trial.cut.cut_id}: {said}", markup=False)


@app.command()
def diff(
    old: str,
    new: str,
    out: Out = Path("build"),
    most: Annotated[int, typer.Option(min=1, help="Rows of each table that are shown")] = 60,
    html: Annotated[Path | None, typer.Option("--html", help="Write the comparison as a page to this file")] = None,
) -> None:
    """What changed between two built cuts (ids, or build folders): records and values first, then results."""
    from trialbook.commands.diff import built, compare, diff_lines, write_diff_page

    one, two = built(old, out), built(new, out)
    changes = compare(one, two)
    if html is not None:
        write_diff_page(one, two, changes, html)
        console.print(str(html.resolve()), markup=False)
        return
    for line in diff_lines(changes, most):
        console.print(line, markup=False)


@app.command()
def export(
    cut: Annotated[str, typer.Argument(help="The id of a built cut, its cut file, or the folder of its build")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write the documents to")],
    formats: Annotated[
        str, typer.Option("--as", help="What to make, with commas: pdf, docx, pptx, rtf, narratives, html, zip")
    ] = "pdf,docx",
    lang: Annotated[str, typer.Option("--lang", help="Languages, with commas: en, zh")] = "en",
    audience: Annotated[str, typer.Option("--audience", help="line, or aggregate (no single subjects)")] = "line",
    out: Out = Path("build"),
) -> None:
    """Make documents of a built cut from its results and datasets: the report, the slides."""
    from trialbook.commands.export import issue, told
    from trialbook.protocol.load import project_root

    listed = [[part.strip() for part in text.split(",") if part.strip()] for text in (formats, lang)]
    tell = partial(console.print, markup=False, soft_wrap=True)
    made = issue(cut, out, to, project_root(), listed[0], listed[1], audience, tell)
    for line in told(made, to):
        console.print(line, markup=False, soft_wrap=True)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder")],
    example: Annotated[bool, typer.Option("--example", help="As the worked example: a published trial")] = False,
) -> None:
    """Lay out a working folder for a trial: notebooks, parameters and contracts; overwrites nothing."""
    from trialbook.commands.init import carried_project, lay_out

    files = {}
    if example:
        from trialbook_demo import example_files

        files = example_files(carried_project())
    console.print("\n".join(lay_out(folder, files)), markup=False, soft_wrap=True)


@app.command("new-cut")
def new_cut(
    cut_id: Annotated[str, typer.Argument(metavar="ID")],
    snapshot: Annotated[Path, typer.Option("--snapshot", help="Folder or workbook that was received")],
    date: Annotated[str, typer.Option("--date", help="Data cut-off date, YYYY-MM-DD")],
    mapping: Annotated[str | None, typer.Option("--mapping", help="Mapping file of a site export")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Rewrite a cut file after a new delivery")] = False,
) -> None:
    """Write a new cut file, with what was received, to params/cuts/."""
    from trialbook.commands.new_cut import write_cut_file
    from trialbook.protocol.load import project_root

    lines = write_cut_file(cut_id, snapshot, date, project_root(), mapping, replace=replace)
    console.print("\n".join(lines), markup=False)


@app.command()
def decide(
    cut: Cut,
    date: Annotated[str, typer.Option(help="Day of the meeting, YYYY-MM-DD")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence")],
    by: Annotated[str, typer.Option(help="Who decided: a role, never a name")],
    minutes: Annotated[str, typer.Option(help="Where the minutes are kept")],
    decision: Annotated[
        str, typer.Option(help="start, enrol, expand, escalate, de-escalate, wait, stop, declare MTD")
    ] = "",
    level: Annotated[str, typer.Option(help="The dose level decided on; none for wait and stop")] = "",
    supersedes: Annotated[
        str, typer.Option(help="Day of the earlier meeting whose decision on this cut is replaced")
    ] = "",
    withdraw: Annotated[
        str, typer.Option(help="Day of the earlier meeting whose decision on this cut is taken back")
    ] = "",
    out: Out = Path("build"),
) -> None:
    """Record what the committee decided on a built cut, beside what was advised.

    A second decision on a cut supersedes or withdraws the earlier one, with its reason; the earlier one is kept.
    """
    from trialbook.commands.decide import write_decision
    from trialbook.protocol.load import find_cut_file, load_trial, project_root

    root = project_root()
    trial = load_trial(find_cut_file(cut, root), root)
    given = {
        "date": date, "decision": decision, "level": level, "reason": reason, "by": by, "minutes": minutes,
        "supersedes": supersedes,
    }  # fmt: skip
    if withdraw and (decision or supersedes):
        raise UsageError(
            "this takes a decision back and decides nothing else", column="--withdraw", value=withdraw,
            next_step="leave --decision and --supersedes out, or record the new decision with --supersedes",
        )  # fmt: skip
    if withdraw:
        given |= {"decision": "withdraw", "supersedes": withdraw}
    for line in write_decision(trial, out.resolve(), given):
        console.print(line, markup=False)


@app.command()
def answers(
    cut: Cut,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The returned queries.xlsx, or a CSV of answers")],
    by: Annotated[str, typer.Option("--by", help="Who answered")],
    out: Out = Path("build"),
) -> None:
    """Take in the answers to the queries of a built cut: confirmed, corrected, waived or reopened, with a reason."""
    from trialbook.commands.answers import take_answers
    from trialbook.protocol.load import find_cut_file, load_trial, project_root

    root = project_root()
    trial = load_trial(find_cut_file(cut, root), root)
    take_answers(trial, file, by, out.resolve(), partial(console.print, markup=False, soft_wrap=True))


@app.command("advice-on")
def advice_on(
    date: Annotated[str, typer.Argument(metavar="DATE", help="A past day, YYYY-MM-DD")],
    out: Out = Path("build"),
) -> None:
    """The state and the advice on a past day: as published then, and from the data of the last built cut."""
    from trialbook.commands.decide import replayed
    from trialbook.protocol.load import project_root

    for line in replayed(date, out.resolve(), project_root()):
        console.print(line, markup=False, soft_wrap=True)


@app.command()
def fragility(cut: Cut, out: Out = Path("build")) -> None:
    """Find the fewest changes of records that would turn the advice, the response conclusion or a stop."""
    from trialbook.commands.fragility import fragility_lines
    from trialbook.protocol.load import find_cut_file, load_trial, project_root

    root = project_root()
    trial = load_trial(find_cut_file(cut, root), root)
    tell = partial(console.print, markup=False)
    for line in fragility_lines(trial, out.resolve()):
        tell(line)


@app.command()
def checklist(
    cut: Annotated[str, typer.Argument(help="The id of a built cut, or the folder of its build")],
    html: Annotated[Path, typer.Option("--html", help="Write the checklists as a page to this file")],
    lang: Annotated[str, typer.Option("--lang", help="Language: en or zh")] = "en",
    out: Out = Path("build"),
) -> None:
    """Fill the reporting checklists CONSORT-DEFINE and SPIRIT-DEFINE from a built cut, and name what is missing."""
    from trialbook.commands.checklist import write_checklists

    for line in write_checklists(cut, out, html, lang):
        console.print(line, markup=False, soft_wrap=True)
    console.print(str(html.resolve()), markup=False, soft_wrap=True)


@app.command("draft-contract")
def draft_contract(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset that a notebook writes")],
    out: Out = Path("build"),
) -> None:
    """Draft a first contract for a dataset from the one that a run wrote; overwrites nothing."""
    from trialbook.commands.draft_contract import write_draft
    from trialbook.protocol.load import project_root

    console.print("\n".join(write_draft(dataset, project_root(), out)), markup=False)


@app.command("draft-mapping")
def draft_mapping(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="Folder or file of a foreign export")],
    to: Annotated[Path, typer.Option("--to", help="The mapping file to write; it must not exist")],
) -> None:
    """Draft a first mapping file for an export that is not SDTM, with what it could not place as comments."""
    from trialbook.commands.draft_mapping import write_draft_mapping
    from trialbook.protocol.load import load_protocol, project_root

    lines = write_draft_mapping(export, to, load_protocol(project_root() / PROTOCOL))
    console.print("\n".join(lines), markup=False, soft_wrap=True)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder to write the snapshot to")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same trial")] = 20240321,
    subjects: Annotated[int, typer.Option(min=0, help="Treated subjects")] = 12,
) -> None:
    """Write the snapshot of a synthetic trial."""
    from trialbook_demo import write_snapshot

    write_snapshot(out, seed, subjects)
    console.print(str(out), markup=False)


@app.command("design-oc")
def design_oc(
    rule: Annotated[list[str] | None, typer.Option(help="A rule; again for more")] = None,
    rates: Annotated[list[str] | None, typer.Option(help="True DLT rates, 0.05,0.15,0.30; again for more")] = None,
    cap: Annotated[int | None, typer.Option(help="Subjects at most (default: the protocol's)")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Simulated trials of each plan")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same trials")] = 20240321,
    accrual: Annotated[float | None, typer.Option(help="Days between suitable patients; 0 = all at once")] = None,
    pending: Annotated[
        Literal["lost", "queue"], typer.Option(help="What happens to patients who come while the rule waits")
    ] = "lost",
    stagger: Annotated[int, typer.Option(min=0, help="Days between two first infusions, at least")] = 0,
    not_evaluable: Annotated[float | None, typer.Option(help="Share of subjects who leave early without a DLT")] = None,
    skeleton: Annotated[str | None, typer.Option(help="Prior DLT rates of the CRM")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Enumerate all outcomes instead, cohorts treated whole")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; their number changes no digit")] = 1,
    dask: Annotated[str | None, typer.Option("--dask", help="Scheduler of a cluster to simulate on, tcp://...")] = None,
    dask_wait: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for scheduler and workers")] = 30,
    out: Annotated[Path | None, typer.Option("--out", help="Write every measure to this CSV file")] = None,
    protocol: Annotated[Path, typer.Option("--protocol", help="Protocol file, for all other values")] = PROTOCOL,
) -> None:
    """Operating characteristics of escalation rules under assumed true DLT rates."""
    from trialbook.commands import design_oc as run
    from trialbook.protocol.load import analysis_values, load_protocol, project_root

    root = project_root()
    trial = load_protocol(root / protocol)
    plans = run.plans_of(
        analysis_values(trial, {}, str(protocol)), rule or [], rates or [], skeleton, trial.level_ids, cap=cap,
        accrual_days=accrual, arrivals=pending, stagger_days=stagger, not_evaluable=not_evaluable,
    )  # fmt: skip
    if exact:
        table = run.run_exactly(plans)
    elif dask:
        table = run.run_on_cluster(plans, trials, seed, dask, root, dask_wait)
    else:
        table = run.run_plans(plans, trials, seed, jobs)
    console.print(run.short_table(table).to_string(index=False), markup=False)
    if out is not None:
        run.write_table(table, out)
        console.print(f"{len(table)} rows written to {out}", markup=False)
    console.print(run.closing_words(), markup=False)


def _limit(seconds: float | None, gib: float | None) -> None:
    """Puts the limits of this command where every process that runs notebooks finds them; raises UsageError."""
    os.environ |= {name: str(n) for name, n in ((TIME_LIMIT, seconds), (MEMORY_LIMIT, gib)) if n is not None}
    Limits.from_environment()


def main() -> None:
    """Entry point: runs the command, and ends the process with its exit status."""
    ended: list[int] = []
    # Registered first, so called last.
    atexit.register(leave, ended)
    ended.append(run())
    sys.exit(ended[0])


def run() -> int:
    """Runs the command; our errors become one line on stderr (a STOP also one in Chinese) and their exit status."""
    try:
        stand_alone()
        end_in_order()
        status = app(standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TrialbookError as error:
        _say(error)
        if error.rule:
            from trialbook.pipeline.cut_queue import in_chinese

            if chinese := in_chinese(error):
                _say(chinese)
        return error.exit_status
    except Ended as end:
        _say(f"ended by {end.name}; an unfinished build has published nothing, the last complete one is unchanged")
        return end.exit_status
    except OSError as error:
        what = f"{error.filename}: cannot be read or" if error.filename else "the output could not be"
        _say(f"{what} written ({error.strerror or type(error).__name__})")
        return 1
    except Exception as error:
        wrong = wrong_usage(error)
        _say(unknown_error(error) if wrong is None else wrong)
        return 1 if wrong is None else 2
    return status if isinstance(status, int) else 0


def _say(message: object) -> None:
    if message == "":
        return
    with contextlib.suppress(OSError):
        terminal(stderr=True).print(masked_argument(f"trialbook: {message}"), markup=False)

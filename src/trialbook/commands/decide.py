"""`trialbook decide` writes a decision on a built cut and checks it; `trialbook advice-on` replays a past day."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import yaml
from pydantic import ValidationError

from trialbook.core.errors import UsageError, not_built
from trialbook.core.files import write_whole
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.replayed import advice_on_lines, can_be_replayed
from trialbook.dlt.advice import plain_code
from trialbook.dlt.decisions import VERDICTS, against_advice, decided
from trialbook.dlt.escalation_status import reported_headline
from trialbook.pipeline.study_page import built_folders
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.decisions import (
    DEFAULT_LOG,
    WITHDRAW,
    Choice,
    Decision,
    DecisionLog,
    decision_log,
    read_decisions,
    replaced_by,
)
from trialbook.protocol.models import Trial, calendar_date
from trialbook.protocol.yaml_file import parsed, validated

HEAD = (
    "# What the committee decided: one entry per meeting and dose level, written by `trialbook decide`.\n"
    "# Roles and subject numbers only, no names of people. A build reads the decisions on earlier cuts.\n"
)


def write_decision(trial: Trial, out: Path, given: Mapping[str, str]) -> list[str]:
    """Adds an entry to the log and says what was advised, what was decided, and where it was written.

    `given`: date, decision, level, reason, by, minutes, supersedes. Cut date, build and advice come from the published
    build. Raises UsageError for a cut that is not built, for an entry that cannot be read, for one that is there
    already, and for a second decision on the cut that does not say which one it supersedes or withdraws.
    """
    folder = out / trial.cut.cut_id
    manifest, advice, status = published(folder, trial.analysis)
    if manifest["sources"]["cut"].get("cut_date") != trial.cut.cut_date:
        raise UsageError(
            f"the build of {trial.cut.cut_id} was made for another date", file=str(folder),
            next_step=f"run `trialbook build {trial.cut.cut_id}` first",
        )  # fmt: skip
    log = decision_log(trial)
    entry = _entry(
        {"cut": trial.cut.cut_id, "cut_date": trial.cut.cut_date, **given, "build": manifest["fingerprint"], **advice}
    )
    if entry.level and entry.level not in trial.protocol.level_ids:
        raise OptionError(
            f"the protocol has no dose level {entry.level}", column="--level", value=entry.level,
            next_step=f"name one of {', '.join(trial.protocol.level_ids)}",
        )  # fmt: skip
    _stop_at_names_and_the_future(entry)
    _stop_at_a_second_decision(entry, read_decisions(log, trial.protocol.level_ids), log)
    text = log.read_text(encoding="utf-8") if log.is_file() else f"{HEAD}decisions:\n"
    added = _with_entry(text, entry, str(log))
    write_whole(log, added)
    return [
        *([f"Status of the escalation at {entry.cut_date}: {status}"] if status else []),
        f"Advice of rule {entry.rule} at {entry.cut_date}: {plain_code(entry.advice)}"
        if entry.advice
        else "No rule is in force: nothing was advised",
        f"Decision of {entry.date}: {decided(entry)}{_verdict(entry)}",
        f"It rests on the build with the fingerprint {entry.build[:12]}",
        f"Written to {log}",
        "The build of this cut stays as it is; builds of later cuts read the decision.",
    ]


class OptionError(UsageError):
    """Something wrong with an option of the command."""

    column_word = "option"


# The parts of an entry that are options of the command, by the same name.
_OPTIONS = ("date", "decision", "level", "reason", "by", "minutes", "supersedes")


def _entry(given: Mapping[str, str]) -> Decision:
    """The entry; raises UsageError that names the option, its value, what is wrong and what to write."""
    try:
        return Decision.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        place = str(found["loc"][0]) if found["loc"] else ""
        said = str(found["msg"]).removeprefix("Value error, ")
        if place == "decision":
            said = "this is no decision of the log"
        elif found["type"] == "string_too_short":
            said = "this must not be blank"
        if not place:
            place = "level" if "dose level" in said else "supersedes" if "supersedes" in said else "date"
        next_step = {
            "decision": f"name one of {', '.join(get_args(Choice))}",
            "level": "give --level for a decision at a dose level; leave it out for wait, stop and a withdrawal",
            "by": 'write who decided as a role: --by "Safety Review Committee"',
            "date": "write the day of the meeting as YYYY-MM-DD; it is not before the data cut",
            "supersedes": "write the day of the earlier meeting as YYYY-MM-DD",
        }.get(place, "correct it")
        option = f"--{place}" if place in _OPTIONS else None
        raise OptionError(said, column=option, value=given.get(place) or None, next_step=next_step) from None


def _stop_at_a_second_decision(entry: Decision, log: Sequence[Decision], file: Path) -> None:
    """Raises UsageError for an entry that is there already, or does not say which earlier one it replaces."""
    try:
        replaced_by([*log, entry])
    except ValueError as error:
        own = [one for one in log if one.cut == entry.cut and one not in replaced_by(log) and one.decision != WITHDRAW]
        wanted = f"--supersedes {own[-1].date}, or --withdraw {own[-1].date}" if own else "leave --supersedes out"
        raise OptionError(
            f"{error}", file=str(file), column="--supersedes", value=entry.supersedes or None,
            rule="one decision in force on a cut", next_step=f"{wanted}; the earlier entry is kept",
        ) from None  # fmt: skip


# A title in front of a name; a role has none.
_TITLE = re.compile(r"\b(dr|prof|professor|mr|mrs|ms)\b\.?|医生$|教授$|先生$|女士$", re.IGNORECASE)


def _stop_at_names_and_the_future(entry: Decision) -> None:
    """Raises UsageError for a person in the place of a role, and for a meeting that has not taken place."""
    if _TITLE.search(entry.by):
        raise OptionError(
            "this names a person, and the log holds roles alone", column="--by", value=entry.by,
            next_step='write who decided as a role: --by "Safety Review Committee"',
        )  # fmt: skip
    if entry.date > f"{datetime.date.today():%Y-%m-%d}":
        raise OptionError(
            "the day of the meeting lies in the future", column="--date", value=entry.date,
            next_step="record the decision when it has been taken",
        )  # fmt: skip


def replayed(date: str, out: Path, root: Path) -> list[str]:
    """The state and the advice on a past day from the builds in a folder, and every decision known on that day.

    Raises UsageError for a date that is none and for a folder without builds of one study.
    """
    try:
        day = calendar_date(date, "write a complete date, YYYY-MM-DD")
    except ValueError as error:
        raise UsageError(
            f"this is no day of the calendar: {error}", value=date, next_step="trialbook advice-on 2025-06-30"
        ) from None
    if day > f"{datetime.date.today():%Y-%m-%d}":
        raise UsageError("this day lies in the future", value=date, next_step="name a day that has passed")
    folders = built_folders(out) if out.is_dir() else []
    builds = [built for folder in folders if (built := BuiltCut.at(folder)) is not None]
    ids = sorted({built.protocol.study.registry_id for built in builds})
    lines = []
    for study in ids:
        own = [built for built in builds if built.protocol.study.registry_id == study]
        if len(ids) > 1 and not any(map(can_be_replayed, own)):
            continue
        lines += [f"{study}:"] if len(ids) > 1 else []
        lines += advice_on_lines(day, own)
        lines += _stood(day, own)
        lines += _decisions_known(day, own, root)
    if not lines:
        raise UsageError(
            "no cut has been built here", file=str(out), next_step="run `trialbook build` for the cuts first"
        )
    return lines


def _stood(day: str, builds: Sequence[BuiltCut]) -> list[str]:
    """What held for the trial by the last build up to a day; nothing where none had been built or no rule advised."""
    earlier = [built for built in builds if built.cut.cut_date <= day]
    if not earlier:
        return []
    then = max(earlier, key=lambda built: (built.cut.cut_date, built.cut.cut_id))
    stood = reported_headline(then.ard, then.analysis)
    return [f"Status of the escalation at the cut {then.cut.cut_id}: {stood}"] if stood else []


def _decisions_known(day: str, builds: Sequence[BuiltCut], root: Path) -> list[str]:
    """A line for every decision on the built cuts that had been taken by a day, as it was on that day."""
    cuts = {built.cut.cut_id for built in builds}
    logs = sorted({root / (built.cut.decisions or DEFAULT_LOG) for built in builds})
    known = [one for log in logs for one in read_decisions(log) if one.date <= day and one.cut in cuts]
    gone = replaced_by(known)
    lines = [
        f"Decision of {one.date} on the cut {one.cut}: {decided(one, gone.get(one))}{_verdict(one)}" for one in known
    ]
    return lines or [f"No decision of {day} or before is on record."]


def _verdict(one: Decision) -> str:
    """How a decision compares with the advice of its build, in brackets; a withdrawal is not compared."""
    return "" if one.decision == WITHDRAW else f" ({VERDICTS[against_advice(one)]})"


def published(folder: Path, analysis: Analysis) -> tuple[dict[str, Any], dict[str, str], str]:
    """The manifest of a published build, the advice in it (`rule`, `advice`; empty where none was given), and the
    status of the escalation by it, as a sentence."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        rows = pd.read_parquet(folder / "results" / "ard.parquet")
    except (OSError, ValueError) as error:
        raise not_built(folder) from error
    found = rows[rows["analysis_id"].eq("DLT_ADVICE") & rows["stat_name"].eq("advice") & rows["context"].eq("")]
    if found.empty or found["stat_text"].iloc[0] == "-":
        return manifest, {}, ""
    given = {"advice": str(found["stat_text"].iloc[0]), "rule": str(found["variable"].iloc[0])}
    return manifest, given, reported_headline(rows, analysis)


def _with_entry(text: str, entry: Decision, file: str) -> str:
    """The text of a log with one more entry at its end; every line that is there stays as it is."""
    content = parsed(text, file)
    if content is None or content.get("decisions") is None:
        text = f"{text.rstrip()}\n" if text.rstrip().endswith("decisions:") else f"{text.rstrip()}\ndecisions:\n"
    values = {key: value for key, value in entry.model_dump(mode="json").items() if value != ""}
    lines = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000).splitlines()
    block = "\n".join(("  - " if k == 0 else "    ") + line for k, line in enumerate(lines))
    added = f"{text.rstrip()}\n{block}\n"
    validated(DecisionLog, parsed(added, file), file)
    return added

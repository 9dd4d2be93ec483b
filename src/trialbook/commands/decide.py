"""`trialbook decide`: writes a decision of the committee on a built cut, and checks it against the advice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trialbook.core.errors import UsageError, not_built
from trialbook.core.files import write_whole
from trialbook.dlt.advice import plain_code
from trialbook.dlt.decisions import VERDICTS, against_advice, decided
from trialbook.protocol.decisions import Decision, DecisionLog, decision_log, read_decisions
from trialbook.protocol.models import Trial
from trialbook.protocol.yaml_file import parsed, validated

HEAD = (
    "# What the committee decided: one entry per meeting and dose level, written by `trialbook decide`.\n"
    "# Roles and subject numbers only, no names of people. A build reads the decisions on earlier cuts.\n"
)


def write_decision(trial: Trial, out: Path, given: Mapping[str, str]) -> list[str]:
    """Adds an entry to the log and says what was advised, what was decided, and where it was written.

    `given`: date, decision, level, reason, by, minutes. Cut date, build and advice come from the published build.
    Raises UsageError for a cut that is not built, for an entry that cannot be read, and for one that is there already.
    """
    folder = out / trial.cut.cut_id
    manifest, advice = published(folder)
    if manifest["sources"]["cut"].get("cut_date") != trial.cut.cut_date:
        raise UsageError(
            f"the build of {trial.cut.cut_id} was made for another date", file=str(folder),
            next_step=f"run `trialbook build {trial.cut.cut_id}` first",
        )  # fmt: skip
    log = decision_log(trial)
    entry = validated(
        Decision,
        {"cut": trial.cut.cut_id, "cut_date": trial.cut.cut_date, **given, "build": manifest["fingerprint"], **advice},
        "decision",
    )
    if entry.level and entry.level not in trial.protocol.level_ids:
        raise UsageError(
            f"the protocol has no dose level {entry.level}", value=entry.level,
            next_step=f"name one of {', '.join(trial.protocol.level_ids)}",
        )  # fmt: skip
    read_decisions(log, trial.protocol.level_ids)
    text = log.read_text(encoding="utf-8") if log.is_file() else f"{HEAD}decisions:\n"
    added = _with_entry(text, entry, str(log))
    write_whole(log, added)
    return [
        f"Advice of the rule {entry.rule} at {entry.cut_date}: {plain_code(entry.advice)}"
        if entry.advice
        else "No rule is in force: nothing was advised",
        f"Decision of {entry.date}: {decided(entry)} ({VERDICTS[against_advice(entry)]})",
        f"Written to {log}",
        "The build of this cut stays as it is; builds of later cuts read the decision.",
    ]


def published(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The manifest of a published build, and the advice in it (`rule`, `advice`; empty where none was given)."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        rows = pd.read_parquet(folder / "results" / "ard.parquet")
    except (OSError, ValueError) as error:
        raise not_built(folder) from error
    found = rows[rows["analysis_id"].eq("DLT_ADVICE") & rows["stat_name"].eq("advice") & rows["context"].eq("")]
    if found.empty or found["stat_text"].iloc[0] == "-":
        return manifest, {}
    return manifest, {"advice": str(found["stat_text"].iloc[0]), "rule": str(found["variable"].iloc[0])}


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

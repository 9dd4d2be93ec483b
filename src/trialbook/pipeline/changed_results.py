"""What differs between the build of a cut that is published and the one that would replace it, for a person."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from trialbook.core.datasets import read_dataset
from trialbook.core.errors import ChangedError, TrialbookError
from trialbook.diff.headlines import headline_name, headlines
from trialbook.diff.snapshots import Side, domain_places, logged
from trialbook.diff.words import first_and_more, then_and_now
from trialbook.pipeline.superseded import read_manifest, section_of
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Trial

# Changed records that are listed of each domain.
MOST = 20


def changed_error(cut_id: str, why: list[str], old: Path, new: Path, trial: Trial) -> ChangedError:
    """The error instead of publishing: which files, records and headline numbers differ."""
    records, numbers = record_lines(old, new), moved_headlines(old, new, trial)
    return ChangedError(
        f"the build {cut_id} that is published was made from another snapshot or cut ({first_and_more(why, 1)[0]}"
        f"{f' and {len(why) - 1} more' if len(why) > 1 else ''}); nothing was replaced",
        file=str(old),
        next_step="ask why the delivery changed; then `trialbook build --supersede` keeps the earlier build and "
        "publishes the new one, or give the new delivery a cut id of its own",
        details=[
            "What changed:", *(f"  {line}" for line in why),
            "Records that differ:", *(f"  {line}" for line in records or ["none that this cut uses"]),
            "Headline numbers that differ:", *(f"  {line}" for line in numbers or ["none"]),
        ],
    )  # fmt: skip


def moved_headlines(old: Path, new: Path, trial: Trial) -> list[str]:
    """The headline numbers that two builds of a cut report differently, each under the keys of its own time."""
    then = _trial_of(old, trial)
    if _results(old) == _results(new) and then.analysis == trial.analysis:
        return []
    before, now = _headlines(old, then), _headlines(new, trial)
    return [
        f"{headline_name(name)}: {then_and_now(before.get(name, ''), now.get(name, ''))}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name, "") != now.get(name, "")
    ]


def _results(folder: Path) -> bytes:
    try:
        return (folder / "results" / "ard.parquet").read_bytes()
    except OSError:
        return b""


def _headlines(folder: Path, trial: Trial) -> dict[str, str]:
    try:
        return headlines(read_dataset(folder / "results" / "ard.parquet"), trial.analysis)
    except (OSError, ValueError, KeyError):
        return {}


def _trial_of(folder: Path, trial: Trial) -> Trial:
    """The same trial under the analysis keys of a build; under those of today where its manifest does not tell."""
    keys = section_of(section_of(read_manifest(folder) or {}, "sources"), "analysis")
    try:
        # The manifest names the drugs by their hash; no headline number is given in their words. A key that is newer
        # than the build has the value of today.
        analysis = Analysis.model_validate({**trial.analysis.model_dump(), **keys, "drugs": trial.analysis.drugs})
        return trial.model_copy(update={"analysis": analysis})
    except ValidationError:
        return trial


def record_lines(old: Path, new: Path) -> list[str]:
    """The clean records that differ between two builds, by domain: row, column, both values."""
    before, after = _sides(old), _sides(new)
    lines = []
    for code in sorted({*before, *after}):
        then, now = before.get(code), after.get(code)
        if then is None or now is None:
            lines.append(f"{code}: {'was not there then' if then is None else 'is missing now'}")
        else:
            lines += [f"{code}: {place}" for place in first_and_more(domain_places(then, now), MOST)]
    return lines


def _sides(folder: Path) -> dict[str, Side | None]:
    """The clean domains of a build; None for one that cannot be read."""
    inputs = section_of(section_of(read_manifest(folder) or {}, "sources"), "inputs")
    files = {Path(name).stem.upper(): name for name in reversed(inputs)}
    try:
        log = pd.read_csv(folder / "changelog.csv", dtype="str", keep_default_na=False)
    except (OSError, ValueError):
        log = None
    sides: dict[str, Side | None] = {}
    for path in (folder / "data" / "clean").glob("*.parquet"):
        code = path.stem.upper()
        sides[code] = None if log is None else _side(path, log, files.get(code, ""))
    return sides


def _side(path: Path, log: pd.DataFrame, file: str) -> Side | None:
    try:
        frame = read_dataset(path)
    except (OSError, ValueError, TrialbookError):
        return None
    if "SRCROW" not in frame.columns:
        # A workbook of its own may leave domains without the row of the file: the position tells as much.
        frame = frame.assign(SRCROW=range(1, len(frame) + 1))
    return Side(frame, logged(log, file))

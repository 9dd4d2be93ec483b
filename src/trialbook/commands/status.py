"""What a build would rebuild, and why; and the digest of a build as plain text. Neither builds anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.diff.built_cut import BuiltCut
from trialbook.pipeline.artifact_cache import Store
from trialbook.pipeline.dependencies import Ingredients, differences
from trialbook.pipeline.manifest import is_current, sources
from trialbook.protocol.models import Trial

State = Literal["kept", "would be made", "waits"]


@dataclass(frozen=True)
class PieceStatus:
    """One piece: `waits` when it rests on a piece that would be made, whose outcome may be the same as before."""

    name: str
    state: State
    why: list[str]


def is_up_to_date(trial: Trial, root: Path, out: Path, charts: str) -> bool:
    """Whether the published build has exactly the inputs of today, and is whole."""
    return is_current(out / trial.cut.cut_id, sources(trial, root, out, Ingredients(trial, root, out, charts)))


def pieces_status(trial: Trial, root: Path, out: Path, charts: str, store: Store) -> list[PieceStatus]:
    """Every piece of a build, in the order of the story, with what has changed since it was made."""
    ingredients = Ingredients(trial, root, out, charts)
    found: list[PieceStatus] = []
    unknown: set[str] = set()
    for piece in ingredients.graph.pieces:
        latest = store.latest(piece.name)
        if latest is None:
            found.append(PieceStatus(piece.name, "would be made", ["never made here"]))
            unknown.add(piece.name)
            continue
        kept = store.find(piece.name, ingredients.value)
        changed = differences(latest.made_of, {name: ingredients.value(name) for name in latest.made_of})
        own = [line for line in changed if not line.startswith("data ")]
        if unknown & set(piece.needs):
            # A task that it needs has still to write one of its inputs: only running that shows whether it changes.
            ingredients.left.update(latest.files)
            unknown.add(piece.name)
            waiting = [f"what {name} writes" for name in piece.needs if name in unknown]
            found.append(PieceStatus(piece.name, "would be made" if own else "waits", own or waiting))
        elif kept is not None:
            ingredients.left.update(kept.files)
            found.append(PieceStatus(piece.name, "kept", []))
        else:
            ingredients.left.update(latest.files)
            unknown.add(piece.name)
            found.append(PieceStatus(piece.name, "would be made", changed or ["a kept file is no longer whole"]))
    return found


# ----------------------------------------------------------------------------------------------------
# The digest of a build, for a nightly job and its mail


@dataclass(frozen=True)
class Digest:
    """The lines of a digest, and how many of its signals are new."""

    lines: list[str]
    new: int


def digest(out: Path, cut_id: str, since: str = "") -> Digest:
    """What a published build found, in plain text: first the signals that an earlier build did not have.

    `since`: the id of that build, without it the previous cut that the cut file names; where that has not been built
    every signal is new. A signal keeps its id as long as it is about the same finding.
    Raises UsageError where a build that is named is missing.
    """
    built = _built(out, cut_id)
    earlier_id = since or built.cut.previous_cut or ""
    earlier = _built(out, since) if since else BuiltCut.at(out / earlier_id) if earlier_id else None
    signals = built.signals or []
    known = {one["signal_id"]: one for one in (earlier.signals or [] if earlier is not None else [])}
    fresh = [one for one in signals if one["signal_id"] not in known]
    gone = [one for name, one in known.items() if name not in {now["signal_id"] for now in signals}]
    study = built.protocol.study.registry_id
    compared = f"since {earlier_id}" if earlier is not None else f"no build of {earlier_id or 'an earlier cut'} is here"
    lines = ["SYNTHETIC DATA: no real person is described"] if built.synthetic else []
    lines += [
        f"{study}, data cut {built.cut.cut_id}, up to {built.cut.cut_date}",
        f"Signals: {len(signals)}. New: {len(fresh)} ({compared}). Open queries: {_open_queries(built.folder)}.",
        *(f"NEW  {_signal_line(one)}" for one in fresh),
        *(f"     {_signal_line(one)}" for one in signals if one["signal_id"] in known),
        *(f"GONE {_signal_line(one)}" for one in gone),
    ]
    return Digest(lines, len(fresh))


def _built(out: Path, cut_id: str) -> BuiltCut:
    built = BuiltCut.at(out / cut_id)
    if built is None:
        raise UsageError("this cut has not been built", value=cut_id, next_step=f"run `trialbook build {cut_id}`")
    return built


def _signal_line(signal: dict[str, object]) -> str:
    whom = ", ".join(str(part) for part in (signal["subject"], signal["level"]) if part) or "study"
    return f"{signal['severity']:6} {whom}: {signal['sentence']}"


def _open_queries(folder: Path) -> int:
    asked = pd.read_csv(folder / "queries.csv", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    return int(asked["status"].eq("open").sum())

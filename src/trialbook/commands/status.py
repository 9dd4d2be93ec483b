"""What a build would rebuild, and why: the same look into the cache as a build, without building anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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

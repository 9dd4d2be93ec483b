"""Whether what a step was given is still that when it closes: cut, protocol, analysis keys, delivered records.

The manifest says which keys were in force and which records came in; a cell that changes them in memory would report
numbers under keys that nobody set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from pydantic import BaseModel

from trialbook.errors import StopError
from trialbook.protocol.models import Trial

PARTS = ("cut", "protocol", "analysis")
SHOWN = 80


def given(trial: Trial, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """Cut, protocol and analysis keys as plain values, without noting that they were read."""
    return {name: BaseModel.model_dump(getattr(trial, name), mode="json") for name in parts}


def stop_if_altered(before: Mapping[str, Any], trial: Trial, notebook: str, parts: Sequence[str] = PARTS) -> None:
    """Raises StopError when a key is no longer what the notebook was given (`before`, of `given`)."""
    for path, then, now in _differing({name: before[name] for name in parts}, given(trial, parts)):
        part, *keys = path
        name = ".".join(keys)
        raise StopError(
            f"a cell changed {_kind(part)} {name} to {_short(now)}; the build says {_short(then)}",
            file=notebook, next_step=_instead(part, keys, now),
        )  # fmt: skip


def _kind(part: str) -> str:
    return {"cut": "the key of the cut file", "protocol": "the key of the protocol file"}.get(part, "the analysis key")


def _instead(part: str, keys: list[str], now: Any) -> str:
    if part == "analysis" and len(keys) == 1:
        return f"take the cell out, and set overrides: {{{keys[0]}: {_short(now)}}} in the cut file"
    return f"take the cell out, and change the {'cut' if part == 'cut' else 'protocol'} file"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _differing(one: Any, two: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Each place of two plain values that differs, with both values."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for key in sorted({*one, *two}, key=str):
            yield from _differing(one.get(key), two.get(key), (*path, str(key)))
    elif type(one) is not type(two) or one != two:
        yield path, one, two


def kept_frames(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Copies that cost nothing while nobody writes: pandas copies a column when it is written to."""
    return {name: frame.copy(deep=False) for name, frame in frames.items()}


def stop_if_frames_altered(before: Mapping[str, pd.DataFrame], now: Mapping[str, pd.DataFrame], notebook: str) -> None:
    """Raises StopError when a frame that was handed out is no longer what it was."""
    for name, frame in before.items():
        if name not in now or not frame.equals(now[name]):
            raise StopError(
                f"a cell changed the records of {name} that were delivered", file=notebook,
                next_step="correct them in cleaning, where the change log says so, or ask the site",
            )  # fmt: skip

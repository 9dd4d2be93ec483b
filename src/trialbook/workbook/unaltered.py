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

from trialbook.core.errors import StopError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol, Trial

# ----------------------------------------------------------------------------------------------------
# Finds parameters that a cell of a notebook has changed: a number must not rest on a key that no file names.


# Containers of containers are looked into this far: `keys = [copy]`, `cases = {"wide": [copy]}`.
DEPTH = 3
MAX_ITEMS = 200


def stop_if_keys_changed(names: Mapping[str, Any], trial: Trial, step: str) -> None:
    """Raises StopError when an object among the `names` of a notebook holds parameters that are not those in force.

    Looks at every `Analysis`, `Protocol` and `Trial`, also within lists and mappings. The message names the notebook,
    the object, the key, both values, and the way to change a key.
    """
    for name, value in list(names.items()):
        for model in _models(value, DEPTH):
            for key, now, in_force in _differences(model, trial):
                raise StopError(
                    f"a cell changed {key}: {name} holds {_shown(now)}, in force is {_shown(in_force)}",
                    file=f"notebooks/{step}.ipynb",
                    next_step=_way(model, key, now),
                )


def _way(model: BaseModel, key: str, value: Any) -> str:
    if isinstance(model, Analysis) or key.startswith("analysis."):
        return (
            f"take the change out of the cell; write `overrides: {{{key.rpartition('.')[2]}: {_shown(value)}}}` into "
            "the cut file, so that every notebook works with it, then build again"
        )
    return "take the change out of the cell; change the protocol file instead, then build again"


def _models(value: Any, depth: int) -> Iterator[BaseModel]:
    if isinstance(value, Analysis | Protocol | Trial):
        yield value
    elif depth and isinstance(value, Mapping) and type(value).__module__ == "builtins":
        for item in list(value.values())[:MAX_ITEMS]:
            yield from _models(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in list(value)[:MAX_ITEMS]:
            yield from _models(item, depth - 1)


def _differences(model: BaseModel, trial: Trial) -> Iterator[tuple[str, Any, Any]]:
    """Key, its value in the model and the value in force, of each key that differs."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(model, Trial):
        ours, theirs = _fields(model), _fields(trial)
        pairs = [(f"{name}.", ours[name], theirs[name]) for name in ("analysis", "protocol")]
    elif isinstance(model, Analysis):
        pairs = [("", model, _fields(trial)["analysis"])]
    else:
        pairs = [("", model, _fields(trial)["protocol"])]
    for prefix, changed, in_force in pairs:
        if changed is in_force:
            continue
        now, then = _fields(changed), _fields(in_force)
        for key in then:
            if _plain(now.get(key)) != _plain(then[key]):
                yield f"{prefix}{key}", _plain(now.get(key)), _plain(then[key])


def _fields(model: Any) -> dict[str, Any]:
    """The values of a model's fields, without reading them by name: to look is not to depend on a key."""
    return dict(object.__getattribute__(model, "__dict__"))


def _plain(value: Any) -> Any:
    """Models as plain data, so that a model that notes its reads equals the one that it was made from."""
    if isinstance(value, BaseModel):
        return {name: _plain(entry) for name, entry in _fields(value).items()}
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


# ----------------------------------------------------------------------------------------------------

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

"""Finds parameters that a cell of a notebook has changed: a number must not rest on a key that no file names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from trialbook.errors import StopError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol, Trial

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

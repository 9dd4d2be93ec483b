"""Notes what a step truly reads, so that it is run again only when one of these has changed.

The protocol and the analysis keys are handed to a notebook as models that note each field when it is read; datasets
and files are noted where the step opens them. A noted name is an ingredient (see `trialbook.pipeline.dependencies`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from trialbook.core.file_marks import PACKAGE
from trialbook.protocol.models import Trial
from trialbook.workbook.frozen_parameters import held, held_class, hold

Model = TypeVar("Model", bound=BaseModel)
Note = Callable[[str], None]
# Files of the library, but its modules, that this process has opened since `note_opened_files`.
_OPENED: set[str] = set()
# Each of these reads every field at once.
READS_ALL = ("model_dump", "model_dump_json", "dict", "json", "copy", "model_fields_set")


def note_opened_files() -> None:
    """From now on notes which files of the library this process opens, by whatever way, but its modules."""
    inside = f"{PACKAGE}{os.sep}"

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(inside):
            name = arguments[0][len(inside) :]
            if not name.endswith((".py", ".pyc")) and "__pycache__" not in name:
                _OPENED.add(name.replace(os.sep, "/"))

    sys.addaudithook(note)


def opened_files() -> set[str]:
    """What was noted, as ingredients."""
    return {f"code {name}" for name in _OPENED}


def noting_trial(trial: Trial, note: Note) -> Trial:
    """The same trial, whose protocol, analysis keys and paths note what is read of them; no cell can change them.

    The cut is not noted: the runner writes all of it into the notebook, so every step depends on it.
    """

    class NotingTrial(Trial):
        def path(self, text: str) -> Path:
            note(f"file {text}")
            return super().path(text)

    return held_class(NotingTrial).model_construct(
        cut=held(trial.cut),
        protocol=_noting(trial.protocol, "protocol", note),
        analysis=_noting(trial.analysis, "analysis", note),
        root=trial.root,
        read=held(trial.read),
    )


def _noting(model: Model, prefix: str, note: Note) -> Model:
    """A copy of a model that notes `prefix.field` whenever a field is read; a model in a field notes its own fields."""
    inner = {name: value for name, value in _values(model).items() if isinstance(value, BaseModel)}
    values = _values(model) | {name: _noting(value, f"{prefix}.{name}", note) for name, value in inner.items()}
    kind = _noting_class(type(model), prefix, note, quiet=frozenset(inner))
    return hold(kind.model_construct(**values), held_class(kind))


def _noting_class(kind: type[Model], prefix: str, note: Note, quiet: frozenset[str] = frozenset()) -> type[Model]:
    """A subclass that notes; fields in `quiet` are models that note for themselves."""
    fields = frozenset(kind.model_fields)

    def note_all() -> None:
        for name in sorted(fields):
            note(f"{prefix}.{name}")

    def get(self: Any, name: str) -> Any:
        if name in fields and name not in quiet:
            note(f"{prefix}.{name}")
        elif name in READS_ALL:
            note_all()
        return kind.__getattribute__(self, name)

    def noting_all(method: str) -> Callable[..., Any]:
        def call(self: Any, *given: Any) -> Any:
            note_all()
            return getattr(kind, method)(self, *given)

        return call

    whole: dict[str, Any] = {name: noting_all(name) for name in ("__iter__", "__eq__", "__hash__", "__repr__")}
    whole |= {"__module__": kind.__module__, "__getattribute__": get, "model_config": ConfigDict(defer_build=True)}
    return type(kind.__name__, (kind,), whole)


def _values(model: BaseModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in type(model).model_fields}

"""Parameters as a notebook is handed them: no cell can change them in memory, not even for the time of one call.

A list or mapping of a parameter file refuses to be changed, and so does a model, by assignment, by its `__dict__` or by
`vars()`. A copy (`list(...)`, `sorted(...)`, `model_copy(update=...)`) may be changed: it is not what is in force.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict

from trialbook.core.errors import StopError

_CHANGE_LISTS = (
    "__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend", "insert", "pop", "remove",
    "reverse", "sort",
)  # fmt: skip
_CHANGE_MAPPINGS = ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update")


# How the message begins; the runner adds the notebook and the cell, which are not known here.
CHANGES = "a cell changes parameters in memory"


def _refuse(*_given: Any, **_named: Any) -> NoReturn:
    raise StopError(
        f"{CHANGES}, which the manifest would not say",
        next_step="take the cell out, and change the cut file (overrides) or the protocol file",
    )


class HeldList(list[Any]):
    """A list that refuses to be changed; copies of it are plain lists."""

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return self.__reduce__()


class HeldDict(dict[str, Any]):
    """A mapping that refuses to be changed; copies of it are plain mappings."""

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return self.__reduce__()


for _kind, _names in ((HeldList, _CHANGE_LISTS), (HeldDict, _CHANGE_MAPPINGS)):
    for _name in _names:
        setattr(_kind, _name, _refuse)


class _HeldField:
    """A field of a held model: it is read as ever; `object.__setattr__` finds that it cannot be set."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, model: Any, _kind: Any = None) -> Any:
        return self if model is None else _values(model)[self._name]

    __set__ = __delete__ = _refuse


class HeldModel:
    """What every held model does; it comes before the class of the model.

    A copy with other values (`model_copy`) is of the same class, but for the refusals: it may be changed.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self.model_copy()

    def __deepcopy__(self, memo: Any = None) -> Self:
        return self.model_copy(deep=True)

    def __eq__(self, other: object) -> bool:
        return bool(self.model_copy() == (other.model_copy() if isinstance(other, HeldModel) else other))

    def __hash__(self) -> int:
        return super().__hash__()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these values, as of the model that is held; `deep` copies its lists and mappings too."""
        values = dict(_values(self))
        made: Any = type(self).__mro__[2]
        return made.model_construct(**{**(copy.deepcopy(values) if deep else values), **(update or {})})


def held_class(kind: type[BaseModel]) -> type[Any]:
    """A subclass of the class of a model (`kind`), of the same name, whose instances refuse to be changed."""

    def get(self: Any, name: str) -> Any:
        return HeldDict(_values(self)) if name == "__dict__" else kind.__getattribute__(self, name)

    made: type[Any] = type(
        kind.__name__, (HeldModel, kind),
        {"__module__": kind.__module__, "__getattribute__": get, "model_config": ConfigDict(defer_build=True)},
    )  # fmt: skip
    for name in kind.model_fields:
        type.__setattr__(made, name, _HeldField(name))
    return made


_kept_class = cache(held_class)


def held(value: Any) -> Any:
    """A value of a parameter file that refuses to be changed, down to its last list."""
    if isinstance(value, BaseModel):
        return value if isinstance(value, HeldModel) else hold(value, _kept_class(type(value)))
    if isinstance(value, dict):
        return HeldDict({name: held(entry) for name, entry in value.items()})
    if isinstance(value, list):
        return HeldList(map(held, value))
    return tuple(map(held, value)) if type(value) is tuple else value


def hold(model: BaseModel, kind: type[Any]) -> Any:
    """The model as an instance of a held class of it (`kind`)."""
    return kind.model_construct(**{name: held(value) for name, value in _values(model).items()})


def _values(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = object.__getattribute__(model, "__dict__")
    return found

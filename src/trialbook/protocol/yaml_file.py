"""Reads YAML files strictly: duplicate keys, anchors and tags are errors, and a mistake is one clear line."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from trialbook.errors import UsageError
from trialbook.inputs import place_of, stop_if_other

Model = TypeVar("Model", bound=BaseModel)
NULLS = {"", "~", "null", "Null", "NULL"}
NO_KEYS = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:null")
# A parameter file is written by a person; what is larger was put here by mistake, and would take minutes to read.
LARGEST = 2**20


class _StrictLoader(Composer, SafeConstructor, Resolver, CParser):
    """Plain data only: duplicate keys, anchors and tags are errors.

    The text is parsed in C, three times faster than in Python; nodes are composed here, where each can be refused.
    """

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not allowed", problem_mark=event.start_mark)
        tag = getattr(event, "tag", None)
        if tag:
            raise yaml.MarkedYAMLError(problem=f"the tag {tag} is not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag in NO_KEYS:
                problem = "a key that is no word (a list, a mapping, null or <<) is not allowed"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _TextLoader(_StrictLoader):
    """All scalars are text (`012` stays `012`, `no` stays `no`) until the typed model says otherwise."""


def _scalar(loader: _TextLoader, node: yaml.ScalarNode) -> str | None:
    plain = not node.style
    return None if plain and node.value in NULLS else node.value


for _tag in ("null", "bool", "int", "float", "timestamp", "str"):
    _TextLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _scalar)  # type: ignore[type-var]


def read_yaml(path: Path, *, typed_scalars: bool = False, read: dict[str, str] | None = None) -> Any:
    """The content of a YAML file; scalars as text and null as None, unless `typed_scalars` asks for numbers.

    `read` takes the sha256 of the bytes that were read, under the place of the file (`inputs.place_of`). Raises
    UsageError, naming the file and line, for a file that cannot be read, is not UTF-8, or is not plain YAML; StopError
    for one that a build has recorded otherwise.
    """
    text = _text(path, read)
    try:
        return (_StrictLoader if typed_scalars else _TextLoader)(text).get_single_data()
    except RecursionError:
        raise UsageError("is nested too deeply", file=str(path), next_step="correct the file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or "is not valid YAML"
        raise UsageError(str(problem), file=str(path), row=line, next_step="correct the file") from None


def _text(path: Path, read: dict[str, str] | None) -> str:
    """The text of a parameter file; raises UsageError."""
    try:
        # A pipe would never end, and a device might not.
        if not path.is_file():
            raise UsageError("is not a file", file=str(path))
        with path.open("rb") as handle:
            content = handle.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UsageError(f"is too large for a parameter file (more than {LARGEST} bytes)", file=str(path))
        stop_if_other(path, content)
        if read is not None:
            read[place_of(path)] = hashlib.sha256(content).hexdigest()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text", file=str(path), next_step="save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror or type(error).__name__})", file=str(path)) from None


def validated(model: type[Model], content: Any, file: str, within: str = "") -> Model:
    """`content` as the typed model; raises UsageError with one line that names the file, the key and the rule."""
    if not isinstance(content, dict):
        raise UsageError("is not a mapping of keys to values", file=file, column=within or None)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")[0]
        raise _as_usage_error(model, first, file, within) from None


def _as_usage_error(model: type[BaseModel], error: Any, file: str, within: str) -> UsageError:
    location = [str(part) for part in error["loc"]]
    key = ".".join([*([within] if within else []), *location])
    if error["type"] == "extra_forbidden":
        known = _known_keys(model, error["loc"])
        nearest = difflib.get_close_matches(location[-1], known, n=1, cutoff=0)
        hint = f"; the nearest known key is {nearest[0]}" if nearest else ""
        return UsageError(f"unknown key {location[-1]}{hint}", file=file, column=key, next_step="correct the key")
    if error["type"] == "missing":
        return UsageError("the key is missing", file=file, column=key, next_step="add the key")
    # A rule of the whole file names what it is about; the file itself is no value to show.
    value = error.get("input") if location else None
    message = error["msg"].removeprefix("Value error, ")
    return UsageError(message, file=file, column=key, value=value, next_step="correct the value")


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Keys allowed where the unknown key stands, found by walking the fields along its place."""
    current: Any = model
    for part in location[:-1]:
        if isinstance(part, int) or not hasattr(current, "model_fields"):
            continue
        annotation = current.model_fields[part].annotation if part in current.model_fields else None
        args = [a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")]
        current = annotation if hasattr(annotation, "model_fields") else (args[0] if args else None)
    return list(current.model_fields) if hasattr(current, "model_fields") else []

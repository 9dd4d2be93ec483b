"""Reads YAML files strictly: duplicate keys, anchors and tags are errors, and a mistake is one clear line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from trialbook.errors import ParameterError, UsageError
from trialbook.inputs import place_of, stop_if_other
from trialbook.protocol.mistakes import Document, key_near, mistake, same_place
from trialbook.protocol.mistakes import Path as Place

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
    return parsed(_text(path, read), str(path), typed_scalars=typed_scalars)


def parsed(text: str, file: str, *, typed_scalars: bool = False) -> Any:
    """The content of the text of a YAML file as `read_yaml` gives it; a mapping also knows its lines (`Document`).

    Raises ParameterError, naming the file, the line and the key there, for text that is not plain YAML.
    """
    try:
        loader = (_StrictLoader if typed_scalars else _TextLoader)(text)
        node: Any = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
        return Document(content, node) if isinstance(content, dict) else content
    except RecursionError:
        raise ParameterError("is nested too deeply", file=file, next_step="correct the file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or "is not valid YAML"
        raise ParameterError(
            str(problem), file=file, row=line, column=key_near(text, line) if line else None,
            next_step="correct the file: keys and values as `key: value`, indented with blanks",
        ) from None  # fmt: skip


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
    except UnicodeDecodeError as error:
        line = bytes(error.object)[: error.start].count(b"\n") + 1
        before = bytes(error.object)[: error.start].decode("utf-8", "replace")
        raise ParameterError(
            "is not UTF-8 text", file=str(path), row=line, column=key_near(before, line), next_step="save it as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror or type(error).__name__})", file=str(path)) from None


def validated(
    model: type[Model], content: Any, file: str, within: str = "", *, source: object = None,
    at: Callable[[Place], Place] = same_place,
) -> Model:  # fmt: skip
    """`content` as the typed model; raises ParameterError with one line that names the file, the line and the key, what
    is expected there, and how many more mistakes there are.

    The lines are those of `source`, the document that the content comes from (default: the content itself, where it was
    read from a file); `at` says where in it a value stands.
    """
    if not isinstance(content, dict):
        raise ParameterError(
            "is not a mapping of keys to values", file=file, row=None if within else 1, column=within or None,
            next_step="write each key with its value, as in `key: value`",
        )  # fmt: skip
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found: Any = error.errors(include_url=False)
        raise mistake(model, content, found, file, within, content if source is None else source, at) from None

"""Reads YAML files strictly: duplicate keys, anchors and tags are errors; each mistake names line and key."""

from __future__ import annotations

import difflib
import hashlib
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from trialbook.core.errors import LONGEST_VALUE, ParameterError, UsageError
from trialbook.core.files import place_of, stop_if_other

# ----------------------------------------------------------------------------------------------------
# Says what is wrong in a parameter file: the line, the key, and the form that is expected there.


Place = tuple[str | int, ...]
LONGEST_PROBLEM = 400
# Known keys are listed where a person can look through them.
MOST_KEYS = 12
MOST_LINES = 5
SIMPLE = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list",
          dict: "a mapping of keys to values", type(None): "nothing"}  # fmt: skip
KEY = re.compile(r"\s*(?:-\s+)*[\"']?([^\s\"'#:,{}\[\]][^\"'#:,{}\[\]]*?)[\"']?\s*:(?:\s|$)")

# The context of an error of a whole section that is about one key in it.
ABOUT = "about"


def about(key: str, problem: str) -> PydanticCustomError:
    """An error of a validator that is about one key of the section that it looks at, whether or not it is there."""
    return PydanticCustomError("about_key", "{problem}", {"problem": problem, ABOUT: key})


class Document(dict[str, Any]):
    """The keys and values of a YAML file, with the nodes that they were read from: these know their lines."""

    def __init__(self, content: Mapping[str, Any], node: yaml.Node) -> None:
        super().__init__(content)
        self.node = node
        self._keys: dict[int, dict[str, tuple[int, yaml.Node]]] = {}

    def step(self, node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
        """The line of a key or list item of a node, and the node of its value; None where it is not there."""
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return node.value[part].start_mark.line + 1, node.value[part]
        if not isinstance(node, yaml.MappingNode):
            return None
        if id(node) not in self._keys:
            # A file may hold thousands of wrong keys: each is looked up, none is searched for.
            self._keys[id(node)] = {key.value: (key.start_mark.line + 1, value) for key, value in node.value}
        return self._keys[id(node)].get(str(part))

    def line(self, path: Place) -> tuple[int, Place, yaml.Node]:
        """The line of the last part of the path that is in the file, the path so far, and the node there."""
        node: yaml.Node = self.node
        line, reached = node.start_mark.line + 1, []
        for part in path:
            step = self.step(node, part)
            if step is None and isinstance(part, int) and isinstance(node, yaml.MappingNode):
                continue  # one part of a list may be written without the list
            if step is None:
                break
            line, node = step
            reached.append(part)
        return line, tuple(reached), node

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process is a plain mapping: nobody asks it for lines."""
        return dict, (dict(self),)


def same_place(path: Place) -> Place:
    """A value has the same place in the file as in what is checked."""
    return path


def mistake(
    model: type[BaseModel], content: Mapping[str, Any], found: Sequence[Mapping[str, Any]], file: str, within: str,
    source: object, at: Callable[[Place], Place],
) -> ParameterError:  # fmt: skip
    """The first of the errors that pydantic `found`, as one line; how many more there are, and on which lines.

    An unknown key comes first, since it explains a missing one; then the order of the file. `source` is the document
    that the content comes from, and `at` says where in it a value of the content is.
    """
    document = source if isinstance(source, Document) else None
    grouped: dict[Place, list[Mapping[str, Any]]] = {}
    for error in found:
        # The branches of a union are errors of one value.
        grouped.setdefault(_path(content, error), []).append(error)
    told = [
        (None if document is None else document.line(at(path))[0], path, errors) for path, errors in grouped.items()
    ]
    told.sort(key=lambda one: (one[2][0]["type"] != "extra_forbidden", one[0] or 0))
    line, path, errors = told[0]
    key = dotted(path)
    if document is not None and errors[0]["type"] == "value_error":
        # A rule of several values says in its message what it is about.
        _, place, node = document.line(at(path))
        named = _named(node, place, str(errors[0]["msg"]).removeprefix("Value error, "))
        if named is not None:
            line, key = named[0], dotted((*path, *named[1][len(place) :]))
    problem, next_step = _words(model, path, errors, content)
    rest = [other for other, _, _ in told[1:]]
    if rest:
        problem = f"{problem}; {_more(rest)}"
    return ParameterError(
        problem, file=file, row=line, column=".".join(filter(None, [within, key])) or None,
        value=_shown(errors[0], path), next_step=next_step,
    )  # fmt: skip


def with_line(error: UsageError, source: object) -> ParameterError:
    """An error of a parameter file that names a key, with the line of this key."""
    path: list[str | int] = [
        int(part[1:-1]) if part.startswith("[") else part for part in re.findall(r"\[\d+\]|[^.\[]+", error.column or "")
    ]
    line = source.line(tuple(path))[0] if isinstance(source, Document) and path else None
    return ParameterError(
        error.problem, file=error.file, row=error.row if line is None else line, column=error.column,
        value=error.value, rule=error.rule, next_step=error.next_step,
    )  # fmt: skip


def key_near(text: str, line: int) -> str | None:
    r"""The key on this line (from 1) of a file that is not valid YAML, or the last one before it.

    >>> key_near("cut_id: 2025-06-30\noverrides:\n  - [", 3)
    'overrides'
    """
    for written in reversed(text.splitlines()[:line]):
        found = KEY.match(written)
        if found:
            return found[1]
    return None


def _path(content: Any, error: Mapping[str, Any]) -> Place:
    """Where the value is; pydantic also names the branch of a union, which is not part of the file."""
    path: list[str | int] = []
    here = content
    location = list(error["loc"])
    for k, part in enumerate(location):
        inside = isinstance(here, dict) and part in here
        if inside or (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            here = here[part]
            path.append(part)
        elif k == len(location) - 1 and error["type"] == "missing":
            path.append(part)
    about = error.get("ctx", {}).get(ABOUT)
    return (*path, about) if about else tuple(path)


def _named(node: yaml.Node, place: Place, message: str) -> tuple[int, Place] | None:
    """The last place in a node of the longest word of the file that a message names."""
    best: tuple[int, int, Place] | None = None
    for value, line, where in _scalars(node, place):
        longer = len(value) > 1 and value in message and (best is None or len(value) >= best[0])
        if longer and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", message):
            best = (len(value), line, where)
    return None if best is None else (best[1], best[2])


def _scalars(node: yaml.Node, path: Place) -> Iterator[tuple[str, int, Place]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, (*path, str(key.value))
            yield from _scalars(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for k, item in enumerate(node.value):
            yield from _scalars(item, (*path, k))
    else:
        yield str(node.value), node.start_mark.line + 1, path


def dotted(path: Place) -> str:
    """A place as a person writes it: `criteria[3].check`.

    >>> dotted(("criteria", 3, "check"))
    'criteria[3].check'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _words(
    model: type[BaseModel], path: Place, errors: Sequence[Mapping[str, Any]], content: Any
) -> tuple[str, str]:  # fmt: skip
    """What is wrong with what is expected, and the next step."""
    kind, last = errors[0]["type"], str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        known = list(_fields(model, path[:-1]))
        nearest = difflib.get_close_matches(last, known, n=1, cutoff=0)
        hint = f"; the nearest known key is {nearest[0]}" if nearest else ""
        others = f" (known keys: {', '.join(known)})" if 1 < len(known) <= MOST_KEYS else ""
        return f"unknown key {_clipped(last, LONGEST_VALUE)}{hint}{others}", "correct the key"
    if kind == "missing":
        field = _fields(model, path[:-1]).get(last)
        return f"the key is missing; expected {form(field) if field is not None else 'a value'}", "add the key"
    said = dict.fromkeys(error["msg"].removeprefix("Value error, ") for error in errors)
    return _clipped(" or ".join(said), LONGEST_PROBLEM), "correct the value"


def _fields(model: Any, path: Place) -> dict[str, Any]:
    """The annotations of the keys allowed at a place, found by walking the fields along it."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue  # of a list its items are looked at below, with or without the list around them
        nested = [get_args(option)[-1] for option in _items(current) if get_origin(option) is dict]
        known = [_by_key(option)[part] for option in _models(current) if part in _by_key(option)]
        if not nested and not known:
            return {}
        current = (known or nested)[0]
    models = _models(current)
    return _by_key(models[0]) if models else {}


def _items(annotation: Any) -> list[Any]:
    """The types that an annotation allows, those in lists too."""
    found = []
    for option in _options(annotation):
        found += _items(get_args(option)[0]) if get_origin(option) is list else [option]
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [option for option in _items(annotation) if isinstance(option, type) and issubclass(option, BaseModel)]


def _by_key(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _options(annotation: Any) -> list[Any]:
    """The types that an annotation allows, without what only constrains them."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [option for part in get_args(annotation) for option in _options(part)]
    return [annotation]


def form(annotation: Any) -> str:
    """The form of a value in words, for a person who writes the file.

    >>> form(int), form(list[str]), form(Literal["CN", "CIBMTR"])
    ('a whole number', 'a list', "'CN' or 'CIBMTR'")
    """
    return " or ".join(dict.fromkeys(_form(option) for option in _options(annotation)))


def _form(option: Any) -> str:
    if get_origin(option) is Literal:
        return " or ".join(repr(value) for value in get_args(option))
    if isinstance(option, type) and issubclass(option, BaseModel):
        needed = [info.alias or name for name, info in option.model_fields.items() if info.is_required()]
        return f"a mapping with {', '.join(needed[:MOST_KEYS])}" if needed else SIMPLE[dict]
    return SIMPLE.get(get_origin(option) or option, "a value")


def _more(lines: Sequence[int | None]) -> str:
    """How many more mistakes there are, and where."""
    count = f"{len(lines)} more mistake{'s' if len(lines) > 1 else ''}"
    known = list(dict.fromkeys(line for line in lines if line is not None))
    if not known:
        return count
    shown = ", ".join(str(line) for line in known[:MOST_LINES]) + (", ..." if len(known) > MOST_LINES else "")
    return f"{count}, on line{'s' if len(known) > 1 else ''} {shown}"


def _shown(error: Mapping[str, Any], path: Place) -> object:
    """The value, where it fits into a line of a message; the whole of a section or of the file is none."""
    value = error.get("input")
    if error["type"] in ("missing", "extra_forbidden", "about_key") or not path:
        return None
    return None if isinstance(value, dict | list) and len(repr(value)) > LONGEST_VALUE else value


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


# ----------------------------------------------------------------------------------------------------

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
                problem = "a key that is not a word (a list, a mapping, null or <<) is not allowed"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} occurs twice", problem_mark=key.start_mark)
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
    read from a file); `at` says where in it a value is.
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

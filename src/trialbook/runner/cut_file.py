"""Writes a cut file: whole or not at all, and with the comments and keys of the one that it replaces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from trialbook.errors import UsageError
from trialbook.outputs import naming
from trialbook.protocol.models import Cut
from trialbook.protocol.yaml_file import parsed, validated


def new_text(cut_id: str, values: Mapping[str, Any]) -> str:
    """The text of a new cut file."""
    return f"# Data cut {cut_id}; `transfer` is what was received.\n{_dumped(dict(values))}"


def rewritten(text: str, file: str, values: Mapping[str, Any]) -> str:
    """The text with other values of some keys; every other line, and every comment outside of them, stays as it is.

    A key whose value is None is taken out; one that is not there yet is added at the end. Raises UsageError for a file
    that is laid out in a way that cannot be changed in place.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _cannot(file)
    edits, present = [], set()
    for key, value in node.value:
        if key.value not in values:
            continue
        present.add(key.value)
        begin, end = value.start_mark.index, _end(value)
        new = values[key.value]
        if new is None:
            rest = text.find("\n", end)
            edits.append((key.start_mark.index, len(text) if rest < 0 else rest + 1, ""))
        elif isinstance(new, Mapping) and isinstance(value, yaml.MappingNode) and not value.flow_style:
            indent = " " * value.start_mark.column
            edits.append((begin, end, _dumped(new).rstrip("\n").replace("\n", f"\n{indent}")))
        else:
            written = yaml.safe_dump({"k": new}, default_flow_style=True, allow_unicode=True, width=10**9)
            blank = " " if text[begin - 1 : begin] == ":" else ""
            edits.append((begin, end, blank + written.strip()[len("{k: ") : -1]))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    added = {key: value for key, value in values.items() if key not in present and value is not None}
    if added:
        text = f"{text.rstrip()}\n{_dumped(added)}"
    found = parsed(text, file)
    if not isinstance(found, dict) or any(found.get(key) != _as_read(value) for key, value in values.items()):
        raise _cannot(file)
    validated(Cut, found, file)
    return text


def write_whole(path: Path, text: str) -> None:
    """Writes a file in one step: another command reads the old text or the new one, never a part."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    coming = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with naming(path):
            coming.write_text(text, encoding="utf-8", newline="")
            if path.exists():
                shutil.copymode(path, coming)
            os.replace(coming, path)
    finally:
        coming.unlink(missing_ok=True)


def _end(node: yaml.Node) -> int:
    """Where a value ends in the text; a nested block ends with its last value, not with the comments behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _dumped(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=10**9)


def _as_read(value: Any) -> Any:
    """A value as the files are read: every scalar a text."""
    if isinstance(value, Mapping):
        return {key: _as_read(inner) for key, inner in value.items()}
    return None if value is None else str(value)


def _cannot(file: str) -> UsageError:
    return UsageError(
        "the keys of this cut file cannot be changed in place", file=file,
        next_step="write one key on each line, or remove the file and write it new without --replace",
    )  # fmt: skip

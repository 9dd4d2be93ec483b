"""Writes a cut file for a snapshot that was received, with the size and hash of every file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from trialbook.errors import UsageError
from trialbook.protocol.models import Cut
from trialbook.protocol.yaml_file import read_yaml, validated
from trialbook.snapshot import transfer_manifest


def write_cut_file(
    cut_id: str, snapshot: Path, date: str, root: Path, mapping: str | None = None, *, replace: bool = False
) -> list[str]:
    """Writes `params/cuts/<cut_id>.yaml`; returns its path, and what differs from the one that it replaces.

    The latest earlier cut in `params/cuts/` becomes `previous_cut`, and its protocol and mapping file are taken over;
    `mapping` names another mapping file (of a site export). Raises UsageError for a bad id or date, a snapshot or
    mapping file that is not there, or a cut file that exists already, unless `replace` asks to rewrite it: its other
    keys are kept then.
    """
    if not snapshot.exists():
        raise UsageError("there is no such snapshot", file=str(snapshot))
    received = snapshot.resolve()
    shown = os.path.relpath(received, root) if received.is_relative_to(root) else str(received)
    earlier = _latest_before(date, root)
    mapping = mapping or (earlier.mapping if earlier else None)
    if mapping is not None and not (root / mapping).is_file():
        raise UsageError("there is no such mapping file", file=mapping)
    content: dict[str, Any] = {
        "cut_id": cut_id,
        "cut_date": date,
        "snapshot": shown,
        "protocol": earlier.protocol if earlier else "params/protocol.yaml",
        **({"previous_cut": earlier.cut_id} if earlier else {}),
        **({"mapping": mapping} if mapping else {}),
    }
    validated(Cut, content, f"params/cuts/{cut_id}.yaml")
    path = root / "params" / "cuts" / f"{cut_id}.yaml"
    if path.exists() and not replace:
        raise UsageError(
            "the cut file exists already", file=str(path),
            next_step="choose another id, edit it, or rewrite it with --replace",
        )  # fmt: skip
    before = validated(Cut, read_yaml(path), str(path)) if path.exists() else None
    if before is not None:
        content = {**before.model_dump(mode="json", exclude_defaults=True), **content}
    content["transfer"] = transfer_manifest(received, root / mapping if mapping else None)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Data cut {cut_id}; `transfer` is what was received.\n{text}", encoding="utf-8", newline="\n")
    return [str(path), *_replaced_lines(cut_id, before, content)]


def _replaced_lines(cut_id: str, before: Cut | None, content: dict[str, Any]) -> list[str]:
    """What differs from the cut file of before, and what a build will do about it."""
    if before is None:
        return []
    then = {name: file.model_dump(mode="json") for name, file in (before.transfer or {}).items()}
    now: dict[str, Any] = content["transfer"]
    lines = []
    for name in sorted({*then, *now}):
        if name not in then or name not in now:
            lines.append(f"{name}: {'was not received then' if name not in then else 'was received then, is gone now'}")
        elif then[name]["sha256"] != now[name]["sha256"]:
            rows = f"{then[name]['rows']} records then, {now[name]['rows']} now"
            lines.append(f"{name}: another content ({rows})")
    if before.cut_date != content["cut_date"]:
        lines.append(f"cut-off date: {before.cut_date} then, {content['cut_date']} now")
    if not lines:
        return ["the delivery is the one that the cut file named before"]
    return [
        *lines,
        f"a build of {cut_id} that is published stays until `trialbook build {cut_id} --supersede`, which keeps it; "
        "without that the build stops with exit status 4 and lists the records and headline numbers that differ",
    ]


def _latest_before(date: str, root: Path) -> Cut | None:
    cuts = [validated(Cut, read_yaml(p), str(p)) for p in sorted((root / "params" / "cuts").glob("*.yaml"))]
    return max((cut for cut in cuts if cut.cut_date < date), key=lambda cut: cut.cut_date, default=None)

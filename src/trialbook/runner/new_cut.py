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


def write_cut_file(cut_id: str, snapshot: Path, date: str, root: Path, mapping: str | None = None) -> Path:
    """Writes `params/cuts/<cut_id>.yaml` and returns its path.

    The latest earlier cut in `params/cuts/` becomes `previous_cut`, and its protocol and mapping file are taken over;
    `mapping` names another mapping file (of a site export). Raises UsageError for a bad id or date, a snapshot or
    mapping file that is not there, or a cut file that exists already.
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
    if path.exists():
        raise UsageError("the cut file exists already", file=str(path), next_step="choose another id, or edit it")
    content["transfer"] = transfer_manifest(received, root / mapping if mapping else None)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Data cut {cut_id}; `transfer` is what was received.\n{text}", encoding="utf-8", newline="\n")
    return path


def _latest_before(date: str, root: Path) -> Cut | None:
    cuts = [validated(Cut, read_yaml(p), str(p)) for p in sorted((root / "params" / "cuts").glob("*.yaml"))]
    return max((cut for cut in cuts if cut.cut_date < date), key=lambda cut: cut.cut_date, default=None)

"""What is found where a build is to be published: nothing, an earlier build, or what must never be replaced."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from trialbook.errors import UsageError

MANIFEST = "manifest.json"


def published_manifest(final: Path) -> dict[str, Any] | None:
    """The manifest of the build in this folder; None where nothing stands there.

    Raises UsageError for a file, a link, or a folder that holds no manifest of a build of this cut: it may be anybody's
    work, and is never replaced.
    """
    try:
        mode = final.lstat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(mode):
        raise _foreign(final, f"{'a symbolic link' if stat.S_ISLNK(mode) else 'a file'} that no build has left is here")
    plain = read_manifest(final)
    if plain is None or plain.get("cut_id") != final.name or not isinstance(plain.get("outputs"), dict):
        raise _foreign(final, f"this folder holds no manifest of a build of the cut {final.name}")
    return plain


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder as plain values; None where there is none that can be read."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        return None
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def stop_if_linked(out: Path, *names: str) -> None:
    """Raises UsageError when one of the runner's own folders is a symbolic link: what it clears away lies elsewhere."""
    for name in names:
        if (out / name).is_symlink():
            raise UsageError(
                "this folder of the builds is a symbolic link, and would be cleared where it leads",
                file=str(out / name), next_step="remove the link",
            )  # fmt: skip


def _foreign(final: Path, what: str) -> UsageError:
    return UsageError(
        f"{what}; it is not replaced", file=str(final),
        next_step="move it away, or choose another --out or another cut id",
    )  # fmt: skip

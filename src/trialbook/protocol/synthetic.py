"""Whether data are synthetic: declared in the cut file or in the manifest of the snapshot, never guessed."""

from __future__ import annotations

import json
from pathlib import Path

from trialbook.core.errors import StopError
from trialbook.core.files import read_input
from trialbook.protocol.models import Trial

MANIFEST = "manifest.json"
KEY = "synthetic"
_WRITE = 'write "synthetic": true for made-up data, or "synthetic": false for real ones,'
# What `trialbook simulate` writes beside its files.
DECLARATION = {KEY: True, "made_by": "trialbook simulate"}


def is_synthetic(trial: Trial) -> bool:
    """Whether the data are declared synthetic; False where nothing is declared.

    Raises StopError where the cut file and the manifest of the snapshot say different things, or the manifest cannot
    be read (interface §7.7).
    """
    return bool(agreed(trial.cut.synthetic, manifest_says(trial.path(trial.cut.snapshot)), trial.cut.snapshot))


def agreed(declared: bool | None, found: bool | None, snapshot: str) -> bool | None:
    """What a cut file (`declared`) and the manifest of its snapshot (`found`) say together; None where neither does.

    Raises StopError where they say different things.

    >>> agreed(None, True, "snapshot"), agreed(None, None, "snapshot")
    (True, None)
    """
    if declared is not None and found is not None and declared != found:
        raise StopError(
            f"the cut file says synthetic: {_word(declared)}, the manifest of the snapshot says {_word(found)}",
            file=f"{snapshot}/{MANIFEST}", column=KEY, rule="SYNTHETIC",
            next_step="correct the one that is wrong: nobody may take made-up data for real ones, or the reverse",
        )  # fmt: skip
    return declared if found is None else found


def manifest_says(snapshot: Path) -> bool | None:
    """What the manifest in a snapshot folder says of `synthetic`; None without a manifest or without that key.

    Raises StopError where the manifest is not an object, spells the key in another way, or says neither true nor false.
    """
    path = snapshot / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(read_input(path, MANIFEST).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StopError(
            f"the manifest of the snapshot cannot be read ({type(error).__name__})", file=MANIFEST, rule="SYNTHETIC",
            next_step="correct it, or remove it and say `synthetic` in the cut file",
        ) from None  # fmt: skip
    if not isinstance(content, dict):
        raise StopError(
            "the manifest of the snapshot is not an object with keys", file=MANIFEST, rule="SYNTHETIC",
            next_step=f"{_WRITE} between braces, or remove the file and say `synthetic` in the cut file",
        )  # fmt: skip
    for key, said in content.items():
        # Who writes "Synthetic", or "true" as a text, means to declare something: it is not passed over.
        if key.strip().casefold() == KEY and (key != KEY or not isinstance(said, bool)):
            problem = "this must be true or false, without quotes" if key == KEY else f"this key must be spelled {KEY}"
            raise StopError(
                problem, file=MANIFEST, column=key.strip(), value="null" if said is None else said, rule="SYNTHETIC",
                next_step=f"{_WRITE} in the manifest of the snapshot",
            )  # fmt: skip
    return content.get(KEY)


def write_declaration(folder: Path, **told: int | str) -> None:
    """Writes the manifest of a synthetic snapshot."""
    text = json.dumps({**DECLARATION, **told}, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _word(value: bool) -> str:
    return "true" if value else "false"

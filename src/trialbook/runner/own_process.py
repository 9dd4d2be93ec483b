"""The process of a command: what it shuts out when it begins, and how it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def stand_alone() -> None:
    """Keeps out what lies in the current folder or PYTHONPATH under the name of a library; opens what is closed."""
    planted = {"", str(Path.cwd()), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path[:] = [place for place in sys.path if place not in planted]
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # A file opened later would take its number, and with it all that is printed.
            os.open(os.devnull, os.O_RDWR)


def leave(ended: list[int]) -> None:
    """Ends the process without taking apart, object by object, what it imported: half a second after a build."""
    if ended:
        status = ended[0]
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                # It was closed from the start, nobody reads what was said, or it does not fit on the disk.
                status = status or 1
        os._exit(status)

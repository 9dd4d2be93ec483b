"""`data/issued.csv`, the register of issued documents: read, and added to by one export at a time; never by a build."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.core.errors import UsageError
from trialbook.diff.issued import Issued, parse_register, register_text

REGISTER = Path("data") / "issued.csv"
# An export that holds the lock is writing its files: seconds.
LOCK_SECONDS = 60


def read_register(root: Path) -> list[Issued]:
    """What was issued from a project; nothing where there is no register. Raises UsageError for a damaged one."""
    place = root / REGISTER
    try:
        text = place.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the register of issued documents cannot be read ({type(error).__name__})", file=str(place),
            next_step="see who may read it; restore it from a backup if it is damaged",
        ) from None  # fmt: skip
    return parse_register(text.replace("\r\n", "\n"), str(place))


@contextmanager
def adding_to_register(root: Path) -> Iterator[Callable[[Sequence[Issued]], None]]:
    """Holds the register while documents are issued; gives the function that adds their lines at its end.

    A damaged register stops before anything is issued, and is left as it is. Raises UsageError.
    """
    place = root / REGISTER
    half = place.with_name(f".{place.name}.half")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=LOCK_SECONDS):
            before = read_register(root)

            def add(lines: Sequence[Issued]) -> None:
                with half.open("w", encoding="utf-8", newline="") as file:
                    file.write(register_text([*before, *lines]))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(half, place)

            yield add
    except Timeout:
        raise UsageError(
            "another export is writing to the register of issued documents", file=str(place),
            next_step="try again when it has ended",
        ) from None  # fmt: skip
    except OSError as error:
        raise UsageError(
            f"the register of issued documents cannot be written ({error.strerror or type(error).__name__})",
            file=str(place), next_step="see who may write to this folder",
        ) from None  # fmt: skip

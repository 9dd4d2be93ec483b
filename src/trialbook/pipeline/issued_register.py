"""`data/issued.csv`, the register of issued documents, and the numbers that each shows; one export at a time adds.

No build of a cut reads them. The numbers of a document are in `data/issued/`, in a file named by the document's hash.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trialbook.core.errors import UsageError
from trialbook.core.files import write_whole
from trialbook.diff.issued import Issued, parse_register, register_text

REGISTER = Path("data") / "issued.csv"
NUMBERS = Path("data") / "issued"
# Adds lines for files, with the numbers that each shows by the hash of the file.
Add = Callable[[Sequence[Issued], Mapping[str, Mapping[str, str]]], None]
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


def read_numbers(root: Path, sha256: str) -> dict[str, str] | None:
    """The numbers that an issued document shows in its tables; None where no file of them is there or can be read."""
    try:
        found = json.loads(gzip.decompress((root / NUMBERS / f"{sha256}.json.gz").read_bytes()))
    except (OSError, ValueError, EOFError, zlib.error):
        return None
    return found if isinstance(found, dict) and all(isinstance(text, str) for text in found.values()) else None


@contextmanager
def adding_to_register(root: Path) -> Iterator[Add]:
    """Holds the register while documents are issued; gives the function that adds their lines to what was there.

    Called again it adds other lines in their place. A damaged register stops before anything is issued, and is left as
    it is. Raises UsageError.
    """
    place = root / REGISTER
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=LOCK_SECONDS):
            before = read_register(root)

            def add(lines: Sequence[Issued], numbers: Mapping[str, Mapping[str, str]]) -> None:
                try:
                    for sha256, shown in numbers.items():
                        kept = json.dumps(dict(shown), ensure_ascii=False, sort_keys=True).encode("utf-8")
                        write_whole(root / NUMBERS / f"{sha256}.json.gz", gzip.compress(kept, mtime=0))
                    write_whole(place, register_text([*before, *lines]))
                except OSError as error:
                    raise _not_written(place, error) from None

            yield add
    except Timeout:
        raise UsageError(
            "another export is writing to the register of issued documents", file=str(place),
            next_step="try again when it has ended",
        ) from None  # fmt: skip
    except OSError as error:
        raise _not_written(place, error) from None


def _not_written(place: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the register of issued documents cannot be written ({error.strerror or type(error).__name__})",
        file=str(error.filename or place), next_step="see who may write to this folder",
    )  # fmt: skip

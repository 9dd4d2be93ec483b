"""What a cut was delivered, read once: the process that has read it hands it to the others of a build."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trialbook.core.errors import StopError
from trialbook.core.files import is_recorded, place_of, read_input
from trialbook.protocol.models import Trial
from trialbook.snapshot.external import ExternalTables
from trialbook.snapshot.tables import Snapshot


@dataclass(frozen=True)
class Delivery:
    """The snapshot of a cut and the files of others that the cut names, as they were read."""

    snapshot: Snapshot
    external: ExternalTables

    def hashes(self, trial: Trial) -> dict[str, str]:
        """The sha256 of every file that was opened, by its place (`core.files`)."""
        place = trial.path(trial.cut.snapshot)
        snapshot = {place if place.is_file() else place / name: one for name, one in self.snapshot.hashes.items()}
        others = {trial.path(name): one for name, one in self.external.hashes.items()}
        return {place_of(path): found for path, found in (snapshot | others).items()}

    def hand_over(self, path: Path) -> None:
        """Writes the delivery for other processes of the same build; its personal data are masked already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))


def handed_over(path: Path) -> Delivery | None:
    """The delivery that this build has handed over; None where it has not.

    Raises StopError where the file is no longer the one that the build wrote. A file that no build has recorded is not
    looked at.
    """
    if not is_recorded(path):
        return None
    found = pickle.loads(read_input(path))  # noqa: S301 - written by this build, and compared with what it wrote
    return found if isinstance(found, Delivery) else None


def stop_if_changed(snapshot: Snapshot, expected: Mapping[str, str]) -> None:
    """Raises StopError when a file is no longer the one that the runner checked against the raw contracts.

    `expected`: the sha256 of every file of the snapshot, also of those that are not read.
    """
    found = snapshot.hashes
    # A file that was left out is named with the reason behind it.
    left_out = {name.partition(": ")[0] for name in snapshot.ignored}
    for name in sorted({*found, *expected} - (left_out - set(found))):
        if found.get(name) != expected.get(name):
            raise StopError(
                "the file changed while the build was reading it",
                file=name,
                next_step="wait until the transfer is complete, then build again",
            )

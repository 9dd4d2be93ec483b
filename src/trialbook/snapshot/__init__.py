"""Reading any export: formats, encodings, the transfer manifest. Everything is text; nothing is interpreted here."""

from trialbook.snapshot.read import describe_files, read_snapshot, reading_lines, transfer_manifest
from trialbook.snapshot.tables import RawTable, Snapshot
from trialbook.snapshot.transfer import read_approved_deletions

__all__ = [
    "RawTable", "Snapshot", "describe_files", "read_approved_deletions", "read_snapshot", "reading_lines",
    "transfer_manifest",
]  # fmt: skip

"""Input files are read only while they hold what the build has recorded; marks tell a file that was put back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from trialbook.contracts.odcs import load_contracts
from trialbook.core.datasets import read_dataset, write_dataset
from trialbook.core.errors import StopError
from trialbook.core.file_marks import GONE, first_changed, mark_of
from trialbook.core.files import is_recorded, only_recorded, place_of, read_input, records
from trialbook.protocol.load import load_protocol
from trialbook.snapshot.formats import file_bytes
from trialbook.snapshot.mapping_models import load_mapping
from trialbook.snapshot.transfer import read_approved_deletions

OTHER = "0" * 64


def approved(path: Path) -> object:
    trial = SimpleNamespace(cut=SimpleNamespace(approved_deletions=path.name), path=lambda name: path)
    return read_approved_deletions(trial)  # type: ignore[arg-type]


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "protocol": ("params/protocol.yaml", load_protocol),
    "mapping": ("params/mapping.yaml", lambda path: load_mapping(path, path.name)),
    "contract": ("data_contracts/raw/dm.yaml", lambda path: load_contracts(path.parents[1], ["raw"])),
    "snapshot": ("data/demo/2025-03-31/dm.csv", file_bytes),
    "approved deletions": ("params/approved_deletions.csv", approved),
}


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_of_an_input_stops_when_the_bytes_are_not_those_recorded(kind: str, root: Path) -> None:
    name, read = READERS[kind]
    path = root / name
    own = {place_of(path): hashlib.sha256(path.read_bytes()).hexdigest()}
    with only_recorded(own):
        assert records()
        read(path)
    with (
        only_recorded({place_of(path): OTHER}),
        pytest.raises(StopError, match=f"{path.name}: the file changed while the build was reading it"),
    ):
        read(path)
    assert not records()


def test_a_dataset_is_read_from_the_bytes_that_were_compared(tmp_path: Path) -> None:
    frame = pd.DataFrame({"USUBJID": ["1", "2"]})
    path = tmp_path / "adsl.parquet"
    write_dataset(frame, path)
    with only_recorded({place_of(path): hashlib.sha256(path.read_bytes()).hexdigest()}):
        assert is_recorded(path)
        pd.testing.assert_frame_equal(read_dataset(path), frame)
    with only_recorded({place_of(path): OTHER}), pytest.raises(StopError, match="changed while"):
        read_dataset(path)


def test_a_link_to_a_recorded_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    with only_recorded({place_of(tmp_path / "a"): OTHER}), pytest.raises(StopError):
        read_input(tmp_path / "b")


def test_the_protocol_says_what_was_parsed(root: Path) -> None:
    read: dict[str, str] = {}
    path = root / "params" / "protocol.yaml"
    load_protocol(path, read)
    files = (path, root / "params" / "drugs.yaml")
    assert read == {place_of(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_file_that_was_changed_and_put_back_has_another_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("A")
    before, then = mark_of(path), path.stat()
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    path.write_text("B")
    path.write_text("A")
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert mark_of(path) != before
    assert mark_of(tmp_path / "none") == GONE
    assert first_changed({"a": before}, {"a": mark_of(path)}) == "a"
    assert first_changed({"a": before}, {"a": before}) is None
    assert first_changed({"a": before}, {"a": before, "b": before}) == "b"

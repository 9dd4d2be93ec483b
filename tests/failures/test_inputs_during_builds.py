"""An input that changes while a build runs stops it and is named; what is put back is never used meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.small_project import SmallProject
from trialbook.core import file_marks
from trialbook.core.errors import StopError

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform == "win32", reason="holds builds in their middle")]


def append(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


# The file that is changed while the cleaning notebook runs.
CHANGED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "the protocol": ("params/protocol.yaml", append("\n# more\n")),
    "the notebook that runs": ("notebooks/01_cleaning.ipynb", append("\n")),
    "a notebook that is to run": ("notebooks/05_orr.ipynb", append("\n")),
    "a notebook removed": ("notebooks/05_orr.ipynb", Path.unlink),
    "a contract": ("data_contracts/raw/ae.yaml", append("\n# more\n")),
    "the lock": ("requirements.lock", append("\n")),
    "a domain": ("snapshot/ae.csv", append("\n")),
}


# Of each kind of file one every day. What a change is, of any input: unit/pipeline/test_dependencies.py.
EVERY_DAY = ("the protocol", "a notebook removed", "a contract", "a domain")


@pytest.mark.parametrize(
    "kind", [kind if kind in EVERY_DAY else pytest.param(kind, marks=pytest.mark.soak) for kind in CHANGED]
)
def test_an_input_that_changes_meanwhile_stops_the_build_and_is_named(prepared: SmallProject, kind: str) -> None:
    name, change = CHANGED[kind]
    small = prepared
    small.change("01_cleaning")
    small.hold("01_cleaning")
    running = small.start()
    small.kernel_at("01_cleaning", running)
    change(small.folder / name)
    small.hold()
    assert running.end(180) == 1, running.said
    assert Path(name).name in running.said
    assert "changed while the build was" in running.said
    assert "Traceback" not in running.said
    assert not (small.out / "case").exists()
    assert small.litter() == []


def test_a_protocol_that_is_another_only_while_a_notebook_reads_it_stops_the_build(prepared: SmallProject) -> None:
    """Before and after it is the one that is recorded; nothing of the other reaches a number or the cache."""
    small = prepared
    small.change("01_cleaning")
    small.change("02_eligibility")
    protocol = small.folder / "params" / "protocol.yaml"
    before = protocol.read_bytes()
    small.hold("01_cleaning", "02_eligibility")
    running = small.start()
    small.kernel_at("01_cleaning", running)
    # The kernel of the next step has not read it yet.
    protocol.write_bytes(before.replace(b"minimum_years: 4,", b"minimum_years: 40,"))
    assert protocol.read_bytes() != before
    small.hold("02_eligibility")
    assert running.end(180) == 1, running.said
    assert "protocol.yaml" in running.said
    protocol.write_bytes(before)
    small.hold()
    assert small.build().process.returncode == 0


def test_a_notebook_that_was_changed_and_put_back_runs_as_it_was_recorded(prepared: SmallProject) -> None:
    small = prepared
    small.change("01_cleaning")
    small.change("05_orr")
    path = small.folder / "notebooks" / "05_orr.ipynb"
    before = path.read_bytes()
    small.hold("01_cleaning")
    running = small.start()
    small.kernel_at("01_cleaning", running)
    path.write_bytes(before.replace(b"step.close()", b"print('planted')\\nstep.close()"))
    path.write_bytes(before)
    small.hold()
    assert running.end(180) == 0, running.said
    assert "planted" not in (small.out / "case" / "notebooks" / "05_orr.ipynb").read_text(encoding="utf-8")


def test_a_link_that_leads_out_of_the_snapshot_stops_the_build(small: SmallProject) -> None:
    (small.snapshot / "ae.csv").rename(small.folder / "elsewhere.csv")
    (small.snapshot / "ae.csv").symlink_to(small.folder / "elsewhere.csv")
    done = small.build()
    assert done.process.returncode == 1, done.said
    assert "ae.csv: is a symbolic link that leads out of the snapshot" in done.said


def test_a_link_within_the_snapshot_is_the_file_that_it_names(prepared: SmallProject) -> None:
    small = prepared
    small.change("01_cleaning")
    (small.snapshot / "kept").mkdir()
    (small.snapshot / "ae.csv").rename(small.snapshot / "kept" / "ae.csv")
    (small.snapshot / "ae.csv").symlink_to("kept/ae.csv")
    small.hold()
    assert small.build().process.returncode == 0


def test_a_library_that_changed_since_it_was_imported_stops_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    file_marks.stop_if_library_changed()
    monkeypatch.setattr(file_marks, "AT_START", file_marks.AT_START | {"dates.py": file_marks.GONE})
    with pytest.raises(StopError, match=r"trialbook/dates\.py: this file of the library changed after the command"):
        file_marks.stop_if_library_changed()
    assert file_marks.digest(file_marks.AT_START) != file_marks.digest(file_marks.library_marks())

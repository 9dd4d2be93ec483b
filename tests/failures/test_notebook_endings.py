"""Early and crooked endings of a notebook: none is taken for a finished step, each message names the cell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.notebook_endings import ENDINGS
from support.running_builds import notebook_of, run_cells
from trialbook.core.errors import TrialbookError
from trialbook.kernels import run_notebook
from trialbook.kernels.fork_client import KernelServer
from trialbook.kernels.run_notebook import refusal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked, and /proc is read")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelServer]:
    """One preloaded process for the whole table."""
    with KernelServer(tmp_path_factory.mktemp("s") / "server") as running:
        yield running


@pytest.mark.parametrize("kind", [kind for kind, ending in ENDINGS.items() if ending.says])
def test_no_crooked_ending_is_taken_for_a_finished_step(
    kind: str, tmp_path: Path, server: KernelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the check of the cells had let it through."""
    ending = ENDINGS[kind]
    monkeypatch.setattr(run_notebook, "refusal", lambda notebook: None)
    with pytest.raises(TrialbookError) as stopped:
        run_cells(tmp_path, ending.code, server=server)
    assert ending.says is not None
    assert ending.says in str(stopped.value), str(stopped.value)
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize("kind", [kind for kind, ending in ENDINGS.items() if ending.refused])
def test_what_can_be_seen_in_a_cell_is_refused_before_it_runs(kind: str) -> None:
    said = refusal(notebook_of(ENDINGS[kind].code, "1"))
    assert said is not None
    assert said.startswith("code cell 2 ")


def test_there_are_at_least_sixty_kinds() -> None:
    assert len(ENDINGS) >= 60


def test_cells_that_end_what_they_begin_are_no_fault(tmp_path: Path, server: KernelServer) -> None:
    waits = "importer('asyncio').sleep(0.01)"
    importer = "importer = __builtins__['__import__'] if isinstance(__builtins__, dict) else __builtins__.__import__"
    thread = "t = importer('threading').Thread(target=print)\nt.start()\nt.join()"
    task = f"t = importer('asyncio').ensure_future({waits})\nawait t"
    run_cells(tmp_path, f"{importer}\n{thread}", f"await {waits}", task, server=server)

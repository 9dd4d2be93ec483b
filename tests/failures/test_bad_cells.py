"""Whatever a cell does, the step ends with a message that names the cell, and no process is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from nbclient.exceptions import CellTimeoutError

from support.running_builds import run_cells, wait_until
from trialbook.core.errors import UsageError
from trialbook.kernels.engine import WatchedClient
from trialbook.kernels.environment import GIB, MIB, Limits
from trialbook.kernels.fork_client import KernelServer, ServerEnded
from trialbook.kernels.run_notebook import NotebookError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked only where the system can fork")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelServer]:
    with KernelServer(tmp_path_factory.mktemp("server")) as server:
        yield server


def below(server: KernelServer) -> list[psutil.Process]:
    return [p for p in psutil.Process(server.pid).children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def error_of(folder: Path, *cells: str, server: KernelServer, limits: Limits | None = None) -> str:
    began = time.monotonic()
    with pytest.raises(NotebookError) as caught:
        run_cells(folder, *cells, server=server, limits=limits)
    assert time.monotonic() - began < 60
    assert caught.value.exit_status == 1
    assert below(server) == []
    message = str(caught.value)
    assert message.startswith("notebooks/99_test.ipynb")
    assert "\n" not in message
    return message


def test_a_good_notebook_leaves_no_kernel(tmp_path: Path, server: KernelServer) -> None:
    assert run_cells(tmp_path, "1 + 1", server=server).warnings == []
    assert below(server) == []


def test_a_cell_that_hangs_is_ended_at_the_time_limit_of_the_step(tmp_path: Path, server: KernelServer) -> None:
    said = error_of(tmp_path, "1", "import time\ntime.sleep(600)", server=server, limits=Limits(seconds=3))
    assert "code cell 4 of 5 was still running after 3 s, the time limit of a step" in said
    assert "TRIALBOOK_TIME_LIMIT" in said


def test_many_short_cells_together_may_not_take_longer_than_the_step(tmp_path: Path, server: KernelServer) -> None:
    cells = ["import time\ntime.sleep(1)"] * 8
    said = error_of(tmp_path, *cells, server=server, limits=Limits(seconds=3))
    assert "the time limit of a step" in said
    assert "code cell 10" not in said


def test_a_cell_that_ignores_signals_is_ended_all_the_same(tmp_path: Path, server: KernelServer) -> None:
    cell = "import signal\nfor n in range(1, 30):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass"
    said = error_of(tmp_path, f"{cell}\nwhile True: pass", server=server, limits=Limits(seconds=3))
    assert "code cell 3 of 4 was still running" in said


def test_a_cell_that_takes_all_memory_is_told_so(tmp_path: Path, server: KernelServer) -> None:
    cell = "kept = []\nwhile True: kept.append(bytearray(50_000_000))"
    said = error_of(tmp_path, cell, server=server, limits=Limits(memory=2 * GIB))
    assert "code cell 3 needed more memory than its limit of 2 GiB" in said
    assert "TRIALBOOK_MEMORY_LIMIT" in said


def test_a_table_too_large_for_memory_is_told_so_too(tmp_path: Path, server: KernelServer) -> None:
    cell = "import numpy\nnumpy.ones((100_000, 1_000_000))"
    assert "needed more memory" in error_of(tmp_path, cell, server=server)


@pytest.mark.parametrize(
    "cell",
    [
        "for _ in range(200): print('x' * 1_000_000)",
        "while True: print('again')",
        "import sys\nwhile True: sys.stderr.write('y' * 10_000)",
        "from IPython.display import HTML, display\nfor _ in range(200): display(HTML('z' * 1_000_000))",
    ],
)
def test_a_cell_that_writes_without_end_is_ended(tmp_path: Path, server: KernelServer, cell: str) -> None:
    said = error_of(tmp_path, cell, server=server, limits=Limits(output=MIB, seconds=100))
    assert "code cell 3 of 4 wrote more than 1 MiB of output" in said
    assert psutil.Process().memory_info().rss < 4 * GIB


# By the C library, which nothing in Python watches: fork() of Python is refused, and so is a cell that imports ctypes.
STAYING = """
import numpy, os, time
split = numpy.ctypeslib.ctypes.CDLL(None).fork
if split() == 0:
    {leave}
    os.close(0)
    while True: time.sleep(1)
"""


@pytest.mark.parametrize(
    "leave",
    ["pass", "os.setsid()", "os.setsid(); split() and os.kill(os.getpid(), 9)"],
    ids=["child", "own session", "daemon"],
)
def test_processes_that_a_cell_leaves_behind_are_ended_with_the_step(
    tmp_path: Path, server: KernelServer, leave: str
) -> None:
    said = error_of(tmp_path, STAYING.format(leave=leave), server=server)
    assert "a process that a cell started was still running when the notebook had ended" in said


def test_processes_of_a_cell_that_fails_are_ended_too(tmp_path: Path, server: KernelServer) -> None:
    said = error_of(tmp_path, STAYING.format(leave="os.setsid()"), "1 / 0", server=server)
    assert "code cell 4 ended with ZeroDivisionError" in said


@pytest.mark.parametrize("how", ["import sys\nsys.stdout.close()", "import os\nos.close(1)\nos.close(2)"])
def test_a_cell_that_closes_its_output_fails_or_changes_nothing(tmp_path: Path, server: KernelServer, how: str) -> None:
    try:
        left = str(run_cells(tmp_path, how, "print('seen')", server=server).notebook.cells[3].outputs)
    except NotebookError as error:
        left = str(error)
    assert "seen" in left or "code cell" in left
    assert below(server) == []


def test_a_killed_kernel_is_noticed_at_once_and_named(tmp_path: Path, server: KernelServer) -> None:
    began = time.monotonic()
    said = error_of(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", server=server)
    assert "the kernel was killed (SIGKILL) while code cell 3 of 4 ran" in said
    assert "memory" in said
    assert time.monotonic() - began < 30


def test_a_crash_of_a_library_is_named(tmp_path: Path, server: KernelServer) -> None:
    said = error_of(tmp_path, "import numpy\nnumpy.ctypeslib.ctypes.string_at(0)", server=server)
    assert "the kernel was killed (SIGSEGV) while code cell 3 of 4 ran" in said


def test_a_notebook_may_only_add_to_what_other_steps_left(tmp_path: Path, server: KernelServer) -> None:
    earlier = tmp_path / "workspace" / ".steps" / "01_earlier"
    earlier.mkdir(parents=True)
    (tmp_path / "workspace" / "data").mkdir()
    (tmp_path / "workspace" / "data" / "adsl.parquet").write_bytes(b"rows")
    (earlier / "receipt.json").write_text('{"nonce": "1", "written": {"adsl": 4}}')
    place = 'Path(os.environ["TRIALBOOK_WORKSPACE"])'
    run_cells(tmp_path, f"import os\nfrom pathlib import Path\n({place} / 'new').write_text('n')", server=server)
    write = f"import os\nfrom pathlib import Path\n({place} / 'data' / 'adsl.parquet').write_bytes(b'rows')"
    said = error_of(tmp_path, write, server=server)
    assert "the notebook changed data/adsl.parquet, which another step had written" in said


def test_a_notebook_that_deletes_the_workspace_is_refused(tmp_path: Path, server: KernelServer) -> None:
    earlier = tmp_path / "workspace" / ".steps"
    earlier.mkdir(parents=True)
    (earlier / "inputs.json").write_text("{}")
    cell = 'import os, shutil\nshutil.rmtree(os.environ["TRIALBOOK_WORKSPACE"])'
    assert "changed .steps/inputs.json" in error_of(tmp_path, cell, server=server)


def test_kernels_end_with_their_server(tmp_path: Path) -> None:
    """Also when it is killed, with what they started in other sessions; and the build learns of it at once."""
    with KernelServer(tmp_path / "server") as server:
        pids = tmp_path / "pids"
        cell = STAYING.format(leave="os.setsid()") + f"open({str(pids)!r}, 'w').write(str(os.getpid()))\n"
        kill = f"import os, signal, time\nos.kill({server.pid}, signal.SIGKILL)\ntime.sleep(600)"
        with pytest.raises(NotebookError, match="kernel was killed"):
            run_cells(tmp_path, cell, kill, server=server)
        with pytest.raises(ServerEnded):
            server.start([], {}, "/")
        assert wait_until(lambda: not psutil.pid_exists(int(pids.read_text())))
    marked = [p for p in psutil.process_iter() if str(tmp_path / "server") in str(environment(p))]
    assert marked == []


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return {}


def test_a_build_that_is_given_up_ends_its_kernels_and_starts_no_more(tmp_path: Path) -> None:
    import threading

    with KernelServer(tmp_path / "server") as server:
        threading.Timer(3, server.abandon).start()
        began = time.monotonic()
        with pytest.raises(NotebookError):
            run_cells(tmp_path, "import time\ntime.sleep(600)", server=server)
        assert time.monotonic() - began < 60
        with pytest.raises(ServerEnded, match="given up"):
            server.start([], {}, "/")
        assert below(server) == []


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "1e99"])
def test_a_limit_that_is_no_number_above_zero_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="TRIALBOOK_TIME_LIMIT"):
        Limits.from_environment({"TRIALBOOK_TIME_LIMIT": text})


def test_limits_come_from_the_environment() -> None:
    names = {"TRIALBOOK_TIME_LIMIT": "5", "TRIALBOOK_MEMORY_LIMIT": "1.5", "TRIALBOOK_OUTPUT_LIMIT": "2"}
    assert Limits.from_environment(names) == Limits(5, 3 * GIB // 2, 2 * MIB)
    assert Limits.from_environment({}) == Limits()


def test_outputs_that_are_late_are_waited_for_and_a_timeout_is_not_taken_for_a_full_disk(
    tmp_path: Path, server: KernelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """papermill gives outputs four seconds; on a busy machine a page of tables takes longer."""

    def late(client: WatchedClient, *given: object, **named: object) -> None:
        assert client.iopub_timeout >= 60
        raise CellTimeoutError("Timeout waiting for IOPub output")

    monkeypatch.setattr(WatchedClient, "execute", late)
    said = error_of(tmp_path, "1 + 1", server=server)
    assert "CellTimeoutError: Timeout waiting for IOPub output" in said

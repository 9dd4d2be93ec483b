"""The process that checks contracts aside finds what the runner would find, passes errors on, is missed when gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from trialbook.contracts.odcs import load_contracts
from trialbook.core.errors import StopError
from trialbook.kernels.fork_client import KernelServer
from trialbook.kernels.worker import Aside
from trialbook.pipeline.contract_checks import Look, check
from trialbook.protocol.load import load_trial


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KernelServer]:
    with KernelServer(tmp_path / "server") as server:
        yield server


@pytest.fixture
def look(root: Path) -> Look:
    trial = load_trial(root / "params/cuts/2025-03-31.yaml", root)
    return Look(trial, load_contracts(root / "data_contracts", ["raw"]), "raw")


def test_it_finds_what_a_check_in_this_process_finds_and_passes_errors_on(server, look, tmp_path: Path) -> None:
    aside = Aside(server, tmp_path / "checker", "checks contracts")
    found = aside.do(check, look)
    assert found == check(look)
    assert len(found.verdicts) > 15
    changed = Look(look.trial, look.contracts, "raw", inputs={"dm.csv": "another sha256"})
    with pytest.raises(StopError) as raised:
        aside.do(check, changed)
    assert raised.value.file == "dm.csv"
    assert str(raised.value).startswith("dm.csv: the file changed while the build was reading it. Next: wait")
    assert aside.do(check, look) == found, "an error is no end of it"


def test_when_it_is_killed_the_check_says_so_and_none_is_left(server, look, tmp_path: Path) -> None:
    aside = Aside(server, tmp_path / "checker", "checks contracts")
    aside.do(check, look)
    (process,) = psutil.Process(server.pid).children()
    process.kill()
    with pytest.raises(StopError, match="the process that checks contracts was ended from outside"):
        aside.do(check, look)
    server.abandon()
    with pytest.raises(StopError, match="ended from outside"):
        Aside(server, tmp_path / "another", "checks contracts").do(check, look)


def test_when_the_server_is_killed_the_work_aside_says_that_it_was_the_server(server, look, tmp_path: Path) -> None:
    aside = Aside(server, tmp_path / "checker", "checks contracts")
    aside.do(check, look)
    psutil.Process(server.pid).kill()
    said = "the kernel server has ended, and with it the process that checks contracts"
    for worker in (aside, Aside(server, tmp_path / "another", "checks contracts")):
        with pytest.raises(StopError, match=said):
            worker.do(check, look)

"""A build that is killed, at whatever step, leaves the last complete one as it was, and no process."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import psutil
import pytest

from support.running_builds import wait_until
from support.small_project import GRAPH, SmallProject

pytestmark = [
    pytest.mark.build,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and kernels are forked"),
]


def quiet(project: SmallProject) -> bool:
    """Whether no process of a build of this project is left, shortly after its end."""
    return wait_until(lambda: not project.processes(), 10)


def every_day(*steps: str) -> list[Any]:
    """All steps; those that are not named, with `make soak`: they are no different in kind."""
    return [step if step in steps else pytest.param(step, marks=pytest.mark.soak) for step in GRAPH.names]


@pytest.mark.parametrize("step", every_day("01_cleaning"))
def test_a_runner_killed_at_any_step_leaves_everything_as_it_was(built: SmallProject, step: str) -> None:
    before = built.standing
    built.change(step)
    built.hold(step)
    running = built.start()
    kernel = built.kernel_at(step, running)
    running.signal(signal.SIGKILL)
    assert running.end() == -signal.SIGKILL
    assert wait_until(lambda: not psutil.pid_exists(kernel), 10)
    assert quiet(built), built.processes()
    assert built.standing == before

    if step in ("01_cleaning", "06_os"):
        # The other steps are followed by a build that is killed a step later, over the same folder.
        built.hold()
        again = built.build()
        assert again.process.returncode == 0, again.said
        assert built.litter() == []
        assert (built.out / "case" / "manifest.json").is_file()
        assert built.standing != before


# One that others wait for, beside others that run.
@pytest.mark.parametrize("step", every_day("03_safety"))
def test_a_kernel_killed_at_any_step_stops_the_build_at_once_and_says_so(built: SmallProject, step: str) -> None:
    before = built.standing
    built.change(step)
    built.hold(step)
    running = built.start()
    os.kill(built.kernel_at(step, running), signal.SIGKILL)
    began = time.monotonic()
    assert running.end() == 1
    assert time.monotonic() - began < 30
    assert f"notebooks/{step}.ipynb: the kernel was killed (SIGKILL) while code cell 4 of" in running.said
    assert "Traceback" not in running.said
    assert quiet(built), built.processes()
    assert built.standing == before
    assert built.litter() == []
    assert (built.out / ".stopped" / "case" / "run.json").is_file()


@pytest.mark.parametrize(
    ("number", "status"),
    # The third goes the same way (`commands.process`), and would be proved by the same lines.
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.soak)],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_ends_a_build_in_order(built: SmallProject, number: int, status: int) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("this session ignores the signal, as nohup asks, and so does a build")
    before = built.standing
    built.change("03_safety")
    built.hold("03_safety")
    running = built.start()
    kernel = built.kernel_at("03_safety", running)
    running.signal(number)
    assert running.end() == status, running.said
    assert f"ended by {signal.Signals(number).name}" in running.said
    assert "Traceback" not in running.said
    assert not psutil.pid_exists(kernel)
    assert built.processes() == []
    assert built.standing == before
    assert built.litter() == []


def test_a_signal_before_the_first_kernel_ends_a_build_in_order(small: SmallProject) -> None:
    running = small.start()
    running.wait_for("01_cleaning", "running")
    running.signal(signal.SIGTERM)
    assert running.end() == 143, running.said
    assert "Traceback" not in running.said
    assert quiet(small), small.processes()
    assert not (small.out / "case").exists()
    assert small.litter() == []


def test_a_killed_kernel_server_stops_the_build_and_takes_its_kernels_along(built: SmallProject) -> None:
    before = built.standing
    built.change("04_dlt")
    built.hold("04_dlt")
    running = built.start()
    kernel = built.kernel_at("04_dlt", running)
    server = psutil.Process(kernel).parent()
    assert server is not None
    assert "trialbook.kernels.fork_server" in server.cmdline()
    server.kill()
    assert running.end() == 1, running.said
    assert "the kernel was killed" in running.said or "the kernel server has ended" in running.said
    assert "Traceback" not in running.said
    assert quiet(built), built.processes()
    assert built.standing == before
    assert built.litter() == []


def test_what_is_left_when_runner_and_server_are_killed_is_swept_by_the_next_build(
    built: SmallProject,
) -> None:
    """Even a process that a cell started in a session of its own, with nobody left to know of it."""
    before = built.standing
    # By the C library, which nothing in Python watches: a process that Python would start is refused.
    leave = "import numpy\nrun = numpy.ctypeslib.ctypes.CDLL(None)['system']\nrun(b'setsid sleep 600 & sleep 600')"
    built.write_notebook(GRAPH.step("05_orr"), leave, "time.sleep(600)")
    built.hold()
    running = built.start()
    kernel = psutil.Process(built.kernel_at("05_orr", running))
    assert wait_until(lambda: kernel.children() != [], 60)
    stray, server = kernel.children()[0], kernel.parent()
    assert server is not None
    running.process.send_signal(signal.SIGSTOP)
    server.kill()
    running.signal(signal.SIGKILL)
    assert running.end() == -signal.SIGKILL
    assert wait_until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE, 10)
    assert built.standing == before
    built.change("05_orr")
    again = built.build()
    assert again.process.returncode == 0, again.said
    assert wait_until(lambda: not stray.is_running(), 10)
    assert built.litter() == []


def test_a_second_build_of_the_same_cut_is_refused_at_once_and_another_cut_is_built(built: SmallProject) -> None:
    built.change("06_os")
    built.hold("06_os")
    first = built.start()
    built.kernel_at("06_os", first)
    began = time.monotonic()
    second = built.build()
    assert second.process.returncode == 3
    assert "another build of the cut case is running" in second.said
    assert time.monotonic() - began < 60
    assert first.process.poll() is None
    built.write_cut("other")
    other = built.start(cut_id="other")
    built.hold()
    assert first.end() == 0, first.said
    assert other.end(180) == 0, other.said
    assert (built.out / "other" / "manifest.json").is_file()

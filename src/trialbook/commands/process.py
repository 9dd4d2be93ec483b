"""The process of a command: what it shuts out when it begins, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

# ----------------------------------------------------------------------------------------------------
# Ctrl-C, the end of a batch job and a closed terminal: kernels are ended, scratch is removed, and one line says so.


ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


class Ended(BaseException):
    """A signal asks this process to end. No Exception, so that nothing on the way takes it for an error of a build."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        # As a shell states the end of a program by a signal.
        self.exit_status = 128 + number
        super().__init__(self.name)


def end_in_order() -> None:
    """From now on these signals raise Ended in the main thread; one that is ignored (nohup) stays ignored."""
    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C ends at once, and leaves it to the next build to sweep; a batch system may well signal twice.
    signal.signal(number, signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN)
    preloaded = sys.modules.get("trialbook.kernels.fork_client")
    if preloaded is not None:
        # The threads that wait for these kernels would otherwise be waited for until their notebooks end.
        for server in list(preloaded.KernelServer.running):
            server.abandon()
    raise Ended(number)


# ----------------------------------------------------------------------------------------------------


def stand_alone() -> None:
    """Keeps out what lies in the current folder or PYTHONPATH under the name of a library; opens what is closed."""
    planted = {"", str(Path.cwd()), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path[:] = [place for place in sys.path if place not in planted]
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # A file opened later would take its number, and with it all that is printed.
            os.open(os.devnull, os.O_RDWR)


def leave(ended: list[int]) -> None:
    """Ends the process without taking apart, object by object, what it imported: half a second after a build."""
    if ended:
        status = ended[0]
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                # It was closed from the start, nobody reads what was said, or it does not fit on the disk.
                status = status or 1
        os._exit(status)

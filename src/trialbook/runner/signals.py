"""Ctrl-C, the end of a batch job and a closed terminal: kernels are ended, scratch is removed, and one line says so."""

from __future__ import annotations

import signal
import sys
from types import FrameType

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
    preloaded = sys.modules.get("trialbook.runner.preloaded")
    if preloaded is not None:
        # The threads that wait for these kernels would otherwise be waited for until their notebooks end.
        for server in list(preloaded.KernelServer.running):
            server.abandon()
    raise Ended(number)

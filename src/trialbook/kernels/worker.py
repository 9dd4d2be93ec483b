"""Background work, in a process of its own that is forked from the preloaded one.

Great Expectations takes long to import and to run, profile pages take long to draw; in the runner's own process either
would hold up every notebook, since Python runs one thread at a time.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar, cast

from trialbook.core.errors import StopError
from trialbook.kernels.environment import sterile_environment
from trialbook.kernels.fork_client import KernelServer, ServerEnded

POLL_SECONDS = 0.2
# Notebooks wait for each other; background work is waited for at the end of the build only.
BEHIND_NOTEBOOKS = 5
Result = TypeVar("Result")


class Aside:
    """A process that does one thing after the other for the runner; started with the first. `does` says what it is."""

    def __init__(self, server: KernelServer, home: Path, does: str) -> None:
        self._server, self._home, self._does, self._lock = server, home, does, threading.Lock()
        self._connection: Connection | None = None

    def do(self, function: Callable[..., Result], *arguments: object) -> Result:
        """What a function of a module makes of the arguments; all travel to the process and back.

        Raises what the function raised, and StopError when the process has ended meanwhile.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._started()
                self._connection.send((function, arguments))
                answer, error = self._connection.recv()
            except (EOFError, OSError, ServerEnded, MemoryError, SystemError):
                raise StopError(self._why_it_ended(), next_step="build again") from None
        if error is not None:
            raise error
        return cast("Result", answer)

    def _why_it_ended(self) -> str:
        """The server takes the processes that it forked along, so that it is asked about first."""
        if self._server.has_ended:
            return f"the kernel server has ended, and with it the process that {self._does}"
        return f"the process that {self._does} was ended from outside, or there was no memory left for it"

    def close(self) -> None:
        """Ends the process, and gives back its memory; the next thing to do starts another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _started(self) -> Connection:
        """Forks the process and waits until it has called back."""
        self._home.mkdir(parents=True, exist_ok=True)
        place = self._home / "calls"
        place.unlink(missing_ok=True)
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(str(place))
            listening.listen(1)
            listening.settimeout(POLL_SECONDS)
            surroundings = sterile_environment(self._home, {})
            process = self._server.start([str(place)], surroundings, str(self._home), what="aside")
            while True:
                try:
                    connected, _ = listening.accept()
                except TimeoutError:
                    if process.poll() is not None:
                        raise EOFError from None
                else:
                    connected.settimeout(None)
                    return Connection(connected.detach())


def serve(place: str) -> None:
    """The forked process: does one thing after the other until the runner hangs up."""
    os.nice(BEHIND_NOTEBOOKS)
    calling = socket.socket(socket.AF_UNIX)
    calling.connect(place)
    connection = Connection(calling.detach())
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((function(*arguments), None))
        except Exception as error:
            connection.send((None, error))

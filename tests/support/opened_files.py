"""How often files are opened, by whatever process: asked of the system (Linux)."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Both are asked for: the system tells one event twice in a row only once.
OPEN, CLOSED = 0x20, 0x18
HEAD = struct.Struct("iIII")  # watch, what happened, cookie, length of the name


@contextmanager
def openings(*folders: Path) -> Iterator[Counter[str]]:
    """Counts each opening of a file in these folders by `folder/name`, until the block ends."""
    system = ctypes.CDLL(None, use_errno=True)
    source = system.inotify_init1(os.O_NONBLOCK)
    watched = {system.inotify_add_watch(source, os.fsencode(folder), OPEN | CLOSED): folder for folder in folders}
    assert -1 not in watched, os.strerror(ctypes.get_errno())
    counted: Counter[str] = Counter()
    ended = threading.Event()

    def listen() -> None:
        last = False
        while not last:
            last = ended.is_set()
            if not select.select([source], [], [], 0.05)[0]:
                continue
            content, at = os.read(source, 1 << 20), 0
            while at < len(content):
                watch, what, _, length = HEAD.unpack_from(content, at)
                name = content[at + HEAD.size : at + HEAD.size + length].rstrip(b"\0").decode()
                at += HEAD.size + length
                if name and what & OPEN:
                    counted[f"{watched[watch].name}/{name}"] += 1

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield counted
    finally:
        ended.set()
        listener.join()
        os.close(source)

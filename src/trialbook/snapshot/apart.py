"""Runs a reader of binary files in a process of its own with bounded memory: its death is an error of that file."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import warnings
from collections.abc import Callable
from typing import TypeVar

from trialbook.core.errors import StopError
from trialbook.core.messages import msg

Result = TypeVar("Result")
# What a reader may take beyond what this process has: room for the values of a file, as bytes per byte of it.
LEAST_MEMORY, MEMORY_PER_BYTE = 1 << 30, 100


def read_apart(function: Callable[[], Result], file: str, size: int) -> Result:
    """What `function` returns, computed in a copy of this process.

    Raises StopError where it raises anything, dies, or needs more memory than a file of this size can.
    """
    if not hasattr(os, "fork"):
        return function()
    out, into = os.pipe()
    with warnings.catch_warnings():
        # The copy runs this one function and no thread of this process.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.close(out)
        _answer(function, into, size)
    os.close(into)
    try:
        with open(out, "rb") as answer:
            content = answer.read()
    finally:
        _, status = os.waitpid(child, 0)
    if not content or status:
        raise StopError(
            msg("the file cannot be read ({why})", why=_how_it_ended(status)), file=file, rule="P34",
            next_step=msg("ask for the file again"),
        )  # fmt: skip
    result, problem = pickle.loads(content)  # noqa: S301 - written by our own copy
    if problem:
        raise StopError(
            msg("the file cannot be read ({detail})", detail=problem), file=file, rule="P34",
            next_step=msg("ask for the file again"),
        )  # fmt: skip
    return result


def _answer(function: Callable[[], object], into: int, size: int) -> None:
    """Writes what the function returns, or which error it raises, and ends this copy without any cleaning up."""
    status = 1
    # How this copy ends is said by the original.
    faulthandler.disable()
    try:
        _limit_memory(LEAST_MEMORY + MEMORY_PER_BYTE * size)
        try:
            content = pickle.dumps((function(), ""), pickle.HIGHEST_PROTOCOL)
        except MemoryError:
            content = b""
        except Exception as error:  # whatever a damaged file makes of its reader
            content = pickle.dumps((None, type(error).__name__), pickle.HIGHEST_PROTOCOL)
        with open(into, "wb") as answer:
            answer.write(content)
        status = 0
    finally:
        os._exit(status)


def _limit_memory(more: int) -> None:
    """Lets this process take only so many bytes more than it has."""
    import resource

    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[5]) * resource.getpagesize()
    except FileNotFoundError:
        return  # not Linux: the system has no such account
    resource.setrlimit(resource.RLIMIT_DATA, (taken + more, resource.RLIM_INFINITY))


def _how_it_ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return msg("its reader was ended by {code}", code=signal.Signals(os.WTERMSIG(status)).name)
    return msg("its reader needs too much memory")

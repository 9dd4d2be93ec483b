"""How long a step may take, how much memory its kernel may use and how much it may write; no result depends on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from trialbook.errors import UsageError

# They travel in the environment, so that they reach every process that runs notebooks, on this machine or another.
TIME_LIMIT = "TRIALBOOK_TIME_LIMIT"
MEMORY_LIMIT = "TRIALBOOK_MEMORY_LIMIT"
OUTPUT_LIMIT = "TRIALBOOK_OUTPUT_LIMIT"
GIB, MIB = 2**30, 2**20


def machine_memory() -> int:
    """The memory of this machine in bytes, and at least what a kernel needs to start comfortably."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 16 * GIB
    return max(4 * GIB, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


@dataclass(frozen=True)
class Limits:
    """The limits of one step: seconds for the whole of it, bytes of address space of its kernel, bytes of output.

    They only protect the machine: a step that goes beyond one is stopped, never cut short. Memory is limited where the
    system can do it for another process (Linux); by default to as much as the machine has.
    """

    seconds: float = 600
    memory: int = field(default_factory=machine_memory)
    output: int = 64 * MIB

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The limits in force: seconds, GiB and MiB in the environment, else the defaults; raises UsageError."""
        return cls(
            seconds=_number(environment, TIME_LIMIT, cls.seconds),
            memory=int(_number(environment, MEMORY_LIMIT, machine_memory() / GIB) * GIB),
            output=int(_number(environment, OUTPUT_LIMIT, cls.output / MIB) * MIB),
        )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise UsageError("is not a number above 0", column=name, value=text, next_step="correct or remove it")
    return number

"""Builds many cuts, here or on other machines: in the order in which they need each other, failures as values."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from trialbook.core.environment_variables import MEMORY_LIMIT, OUTPUT_LIMIT, TIME_LIMIT
from trialbook.core.errors import StopError, TrialbookError, UsageError, unknown_error
from trialbook.core.messages import msg
from trialbook.core.translations import chinese
from trialbook.protocol.models import Trial
from trialbook.queries.rule_texts import Texts

LIMITS = (TIME_LIMIT, MEMORY_LIMIT, OUTPUT_LIMIT)
STOPS = Texts("queries/texts/stops.yaml")
_MORE = re.compile(r"\((\d+) more critical failures\)")
_CONTRACT = re.compile(r"the contract (\S+) does not hold: (.+?)(?=: \d+ records| \(\d+ more critical|$)")


@dataclass(frozen=True)
class Job:
    """One cut to build, as it travels to another process: paths and parameters, no record of anybody.

    `limits` are the limits of a step in force where the job comes from, as variables of the environment.
    """

    trial: Trial
    root: Path
    out: Path
    jobs: int = 2
    charts: Literal["live", "static"] = "live"
    force: bool = False
    supersede: bool = False
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def cut_id(self) -> str:
        """The folder of the build."""
        return self.trial.cut.cut_id


@dataclass(frozen=True)
class Outcome:
    """The outcome of one job: the first page of its build, or why there is none (a STOP in Chinese too).

    `exit_status` is that of the command; `details` are lines that a person should read.
    """

    cut_id: str
    exit_status: int = 0
    index: str = ""
    reason: str = ""
    chinese: str = ""
    seconds: float = 0.0
    details: tuple[str, ...] = ()

    @property
    def built(self) -> bool:
        """Whether the build was published."""
        return self.exit_status == 0


def build_one(job: Job) -> Outcome:
    """Builds one cut in this process and returns the outcome; the same function here and on a cluster."""
    from trialbook.pipeline.build import Options, build_cut

    began = time.monotonic()
    _limit(job.limits)
    said: list[str] = []
    try:
        options = Options(job.out, job.jobs, job.charts, job.force, job.supersede)
        folder = build_cut(job.trial, job.root, options, said.append)
    except TrialbookError as error:
        details = tuple(getattr(error, "details", ()))
        return Outcome(job.cut_id, error.exit_status, "", str(error), in_chinese(error), _since(began), details)
    except Exception as error:  # a mistake of ours must not take the other cuts with it
        return Outcome(job.cut_id, 1, reason=unknown_error(error), seconds=_since(began))
    return Outcome(job.cut_id, index=str(folder / "index.html"), seconds=_since(began), details=tuple(said))


def limits_here() -> dict[str, str]:
    """The limits of a step that are set in this process."""
    return {name: os.environ[name] for name in LIMITS if name in os.environ}


def _limit(limits: Mapping[str, str]) -> None:
    """Sets the limits of a job, and no others, where notebooks find them."""
    for name in LIMITS:
        os.environ.pop(name, None)
    os.environ |= limits


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


class Pool(Protocol):
    """What builds jobs: takes them in any number, and gives back one outcome after the other."""

    def submit(self, job: Job) -> None:
        """Takes a job."""

    def next(self) -> Outcome:
        """Waits for the next outcome of a submitted job."""


@dataclass
class LocalPool:
    """Builds one cut after the other in this process."""

    waiting: deque[Job] = field(default_factory=deque)

    def submit(self, job: Job) -> None:
        """Takes a job."""
        self.waiting.append(job)

    def next(self) -> Outcome:
        """Builds the next cut."""
        return build_one(self.waiting.popleft())


def build_many(jobs: Sequence[Job], pool: Pool, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Builds every job and returns the outcomes in the order of the jobs; `tell` hears of each as soon as it is there.

    A cut is submitted after its previous cut when both are asked for; when the previous one fails it is built all the
    same, compared with the last complete build of that one, and its outcome says so. Raises UsageError when a cut is
    asked for twice, or when cuts are each other's previous cut.
    """
    needs = _needs(jobs)
    outcomes: dict[str, Outcome] = {}
    submitted: set[str] = set()
    while len(outcomes) < len(jobs):
        for job in jobs:
            if job.cut_id not in submitted and needs[job.cut_id] <= set(outcomes):
                submitted.add(job.cut_id)
                pool.submit(job)
        outcome = _with_note(pool.next(), needs, outcomes)
        outcomes[outcome.cut_id] = outcome
        tell(outcome)
    return [outcomes[job.cut_id] for job in jobs]


def _needs(jobs: Sequence[Job]) -> dict[str, set[str]]:
    """For each cut the previous one, where that is asked for too."""
    ids = [job.cut_id for job in jobs]
    twice = sorted({ident for ident in ids if ids.count(ident) > 1})
    if twice:
        raise UsageError(f"the cut {twice[0]} is asked for twice", next_step="name it once")
    needs: dict[str, set[str]] = {job.cut_id: {str(job.trial.cut.previous_cut)} & set(ids) for job in jobs}
    for ident in ids:
        before, seen = ident, set[str]()
        while needs[before]:
            seen.add(before)
            (before,) = needs[before]
            if before in seen:
                raise UsageError(f"the cut {before} comes before itself", column="previous_cut", value=before)
    return needs


def _with_note(outcome: Outcome, needs: Mapping[str, set[str]], outcomes: Mapping[str, Outcome]) -> Outcome:
    failed = [before for before in needs[outcome.cut_id] if not outcomes[before].built]
    if not failed or not outcome.built:
        return outcome
    note = f"compared with the last complete build of {failed[0]}, which was not built now"
    return replace(outcome, reason=note)


@contextmanager
def local_pool() -> Iterator[Pool]:
    """A pool on this machine."""
    yield LocalPool()


def worst(outcomes: Sequence[Outcome]) -> int:
    """The exit status of all together."""
    return max((outcome.exit_status for outcome in outcomes), default=0)


def in_chinese(error: TrialbookError) -> str:
    """The message of a STOP in Chinese with its place and value; blank where no words are known.

    A problem that is a message is said in full with its next step, another in the words of its rule. A rule of a
    contract is named by its Chinese in the catalogue.
    """
    problem, next_step = (chinese().whole(text or "") for text in (error.problem, error.next_step))
    words = STOPS.area.stops.get(error.rule or "")
    if words is not None and problem and (next_step or not error.next_step):
        words = f"{problem}。请{next_step}。" if next_step else f"{problem}。"
    if words is None and isinstance(error, StopError):
        contract = _CONTRACT.match(error.problem)
        if contract is not None:
            rule = chinese().say(contract[2].strip()).rstrip("。")
            words = STOPS.area.stops["CONTRACT"].format(dataset=contract[1], rule=rule)
    if words is None:
        return ""
    more = _MORE.search(error.problem)
    words += chinese().say(msg("{n} further critical rules are broken.", n=more[1])) if more is not None else ""
    place = [str(error.file)] if error.file else []
    if error.row is not None:
        rows = str(error.row).replace(" and ", "、").replace(", ", "、")
        place.append(f"第{rows}行")
    if error.column:
        place.append(f"列{error.column}")
    if error.value is not None:
        place.append(f"值{error.value!r}")
    rule = f"[{error.rule}] " if error.rule else ""
    return f"{rule}{'，'.join(place)}{'：' if place else ''}{words}"

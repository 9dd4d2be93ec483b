"""Many cuts: built in the order in which they need each other, failures as values, one process or another."""

from __future__ import annotations

import os
import pickle
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from rich.console import Console

from trialbook.commands import build as commands_build
from trialbook.core.errors import StopError, UsageError
from trialbook.pipeline import build as pipeline_build
from trialbook.pipeline import cluster, cut_queue
from trialbook.pipeline.cluster import PROBES, ClusterPool, Seen, cluster_pool, leave, left_outcome, misfit
from trialbook.pipeline.cut_queue import Job, Outcome, build_many, build_one, worst
from trialbook.pipeline.publish import LOCKS
from trialbook.protocol.load import load_trial
from trialbook.protocol.models import Trial


@pytest.fixture(scope="module")
def trial(root: Path) -> Trial:
    return load_trial(root / "params" / "cuts" / "2025-03-31.yaml", root)


@pytest.fixture
def job(trial: Trial, root: Path, tmp_path: Path):
    def made(cut_id: str, previous: str | None = None) -> Job:
        cut = trial.cut.model_copy(update={"cut_id": cut_id, "previous_cut": previous})
        return Job(trial.model_copy(update={"cut": cut}), root, tmp_path)

    return made


class LastFirst:
    """A pool that ends the last submitted job first, as a cluster may."""

    def __init__(self, failing: set[str] | None = None) -> None:
        self.waiting: list[Job] = []
        self.built: list[str] = []
        self.failing = failing or set()

    def submit(self, job: Job) -> None:
        self.waiting.append(job)

    def next(self) -> Outcome:
        job = self.waiting.pop()
        self.built.append(job.cut_id)
        return Outcome(job.cut_id, 1, reason="stopped") if job.cut_id in self.failing else Outcome(job.cut_id, 0, "x")


def test_a_cut_is_submitted_after_its_previous_one(job) -> None:
    pool = LastFirst()
    heard: list[str] = []
    jobs = [job("c", "b"), job("b", "a"), job("z"), job("a", "elsewhere")]
    outcomes = build_many(jobs, pool, lambda outcome: heard.append(outcome.cut_id))
    assert [o.cut_id for o in outcomes] == ["c", "b", "z", "a"], "outcomes are in the order asked for"
    assert heard == pool.built
    assert pool.built.index("a") < pool.built.index("b") < pool.built.index("c")


def test_a_failed_cut_stops_no_other_and_a_later_one_says_what_it_was_compared_with(job) -> None:
    outcomes = build_many([job("a"), job("b", "a"), job("c")], LastFirst({"a"}), lambda _: None)
    assert [o.built for o in outcomes] == [False, True, True]
    assert outcomes[1].reason == "compared with the last complete build of a, which was not built now"
    assert outcomes[2].reason == ""
    assert worst(outcomes) == 1


def test_a_cut_cannot_be_asked_for_twice_nor_come_before_itself(job) -> None:
    with pytest.raises(UsageError, match="the cut a is asked for twice"):
        build_many([job("a"), job("a")], LastFirst(), print)
    with pytest.raises(UsageError, match="comes before itself"):
        build_many([job("a", "b"), job("b", "a")], LastFirst(), print)
    with pytest.raises(UsageError, match="comes before itself"):
        build_many([job("a", "a")], LastFirst(), print)


def test_errors_are_values_and_an_unknown_one_shows_no_data(
    job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = str(13951234566 + 1)

    def stopped(*_: object) -> Path:
        raise StopError("the age is missing", file="dm.csv", row=4)

    def broken(*_: object) -> Path:
        raise ValueError(f"cannot convert {phone}")

    monkeypatch.setattr(pipeline_build, "build_cut", stopped)
    outcome = build_one(job("a"))
    assert (outcome.exit_status, outcome.reason) == (1, "dm.csv, row 4: the age is missing.")
    monkeypatch.setattr(pipeline_build, "build_cut", broken)
    outcome = build_one(job("a"))
    assert outcome.exit_status == 1
    assert outcome.reason.startswith("ValueError in test_many.py line ") or "an error in the workbook" in outcome.reason
    assert phone not in outcome.reason + capsys.readouterr().err


def test_a_stop_speaks_chinese_too(
    job, trial: Trial, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> Path:
        raise StopError("twice in DM", file="dm.csv", row=4, rule="P09-SUBJECT-TWICE")

    monkeypatch.setattr(pipeline_build, "build_cut", stopped)
    console = Console(record=True, width=200)
    assert commands_build.build_cuts([trial], root, commands_build.Options(tmp_path), console) == 1
    text = console.export_text()
    assert "2025-03-31 stopped: [P09-SUBJECT-TWICE] dm.csv, row 4: twice in DM." in text
    assert "该受试者在DM中出现两次" in text


def test_the_limits_of_a_step_travel_with_the_job(
    trial: Trial, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def asked(*_: object) -> Path:
        seen.append(os.environ.get("TRIALBOOK_TIME_LIMIT"))
        return tmp_path

    monkeypatch.setattr(pipeline_build, "build_cut", asked)
    monkeypatch.setenv("TRIALBOOK_TIME_LIMIT", "7")
    limited = commands_build.Options(tmp_path).job(trial, root)
    monkeypatch.delenv("TRIALBOOK_TIME_LIMIT")
    free = commands_build.Options(tmp_path).job(trial, root)
    for one in (limited, free):
        assert build_one(one).built
    assert seen == ["7", None]


def test_a_job_travels_to_another_process_without_a_record_of_anybody(job, root: Path) -> None:
    sent = pickle.dumps(job("a"))
    assert pickle.loads(sent).trial == job("a").trial  # noqa: S301 - what was pickled in the line above
    subjects = (root / "data/demo/2025-03-31/dm.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert subjects
    assert not any(line.split(",")[2].encode() in sent for line in subjects)


def test_the_command_builds_through_the_pool_and_sums_up(
    job, trial: Trial, root: Path, tmp_path: Path, monkeypatch
) -> None:
    seen: list[Job] = []

    def fake(one: Job) -> Outcome:
        seen.append(one)
        return (
            Outcome(one.cut_id, 3, reason="[busy] now") if one.cut_id == "b" else Outcome(one.cut_id, 0, "a/index.html")
        )

    monkeypatch.setattr(cut_queue, "build_one", fake)
    console = Console(record=True, width=120)
    trials = [job("a").trial, job("b").trial]
    assert commands_build.build_cuts(trials, root, commands_build.Options(tmp_path, 1, "static", True), console) == 3
    text = console.export_text()
    assert "a/index.html" in text
    assert "b stopped: [busy] now" in text
    assert "not built" in text
    assert [(one.jobs, one.charts, one.force, one.out) for one in seen] == [(1, "static", True, tmp_path.resolve())] * 2


HERE = Seen("here", "code", "3.11.7", {"pandas": "3.1.0", "numpy": "2.3"}, "project", "probe")


@pytest.mark.parametrize(
    ("there", "mark", "reason"),
    [
        (HERE, True, ""),
        (ModuleNotFoundError("trialbook"), True, "cannot run trialbook (ModuleNotFoundError)"),
        (None, True, "cannot run trialbook (no answer)"),
        (Seen("far", "code", "3.11.7", HERE.packages, "project", ""), False, "does not see the output folder"),
        (Seen("far", "code", "3.11.7", HERE.packages, "project", "probe"), False, "writes to another output folder"),
        (Seen("far", "code", "3.11.7", HERE.packages, "other", "probe"), True, "does not see the same project folder"),
        (Seen("far", "code", "3.12.1", HERE.packages, "project", "probe"), True,
         "runs Python 3.12.1, here it is 3.11.7"),
        (Seen("far", "code", "3.11.7", {"pandas": "3.0.1", "numpy": "2.3"}, "project", "probe"), True,
         "on far has pandas 3.0.1, here it is 3.1.0"),
        (Seen("far", "code", "3.11.7", {"pandas": "3.1.0"}, "project", "probe"), True,
         "on far has numpy not installed, here it is 2.3"),
        (Seen("far", "newer", "3.11.7", HERE.packages, "project", "probe"), True, "runs other code of trialbook"),
    ],
)  # fmt: skip
def test_a_worker_that_does_not_fit_is_named_with_the_reason(there: object, mark: bool, reason: str) -> None:
    said = misfit(HERE, there, mark)
    assert reason in said
    assert bool(said) == bool(reason)


@pytest.mark.parametrize(
    "address", ["", "localhost:8786", "http://host:1", "tcp://host", "inproc://x/1", "tcp://a:1/../b"]
)
def test_what_is_no_address_of_a_scheduler_is_refused(address: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the address of a scheduler"), cluster_pool(address, root, tmp_path, 1):
        pass


class Gone:
    """A client whose scheduler has ended: it knows nothing, or every question fails."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    @property
    def scheduler(self) -> Gone:
        return self

    def identity(self) -> dict[str, object]:
        return {"workers": {}}

    def sync(self, function, **_: object) -> object:
        if self.error:
            raise self.error
        return function()


NO_WORKER, SILENT = "no worker of the cluster is left", "the scheduler has not answered for 1 s"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, NO_WORKER), (OSError("closed"), SILENT), (TimeoutError(), SILENT), (RuntimeError("is closed"), SILENT),
    ],
)  # fmt: skip
def test_a_scheduler_that_is_gone_fails_what_is_left_and_hangs_nobody(
    error: Exception | None, reason: str, job, root: Path, tmp_path: Path
) -> None:
    pool = ClusterPool(Gone(error), root, tmp_path, 0.1, "token")
    outcomes = build_many([job("a"), job("b")], pool, lambda _: None)
    assert [outcome.reason for outcome in outcomes] == [reason] * 2


def test_a_scheduler_that_cannot_be_reached_is_wrong_usage_within_the_time(root: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"the scheduler cannot be reached within 0\.5 s"),
        cluster_pool("tcp://127.0.0.1:9", root, tmp_path, 0.5),
    ):
        pass


def test_without_the_package_the_next_step_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'trialbook\[cluster\]'"),
        cluster_pool("tcp://127.0.0.1:9", root, tmp_path, 1),
    ):
        pass


class Fake:
    """A client whose scheduler says what the test wants, and whose futures never end by themselves."""

    def __init__(self) -> None:
        self.workers: set[str] | None = {"tcp://w:1"}
        self.status = "pending"
        self.submitted: list[Path] = []

    @property
    def scheduler(self) -> Fake:
        return self

    def identity(self) -> dict[str, object]:
        if self.workers is None:
            raise TimeoutError
        return {"workers": dict.fromkeys(self.workers)}

    def sync(self, function, **_: object) -> object:
        return function()

    def submit(self, _, job: Job, place: Path, **__: object) -> SimpleNamespace:
        self.submitted.append(place)
        # The first try may be lost with a connection; a later one waits like any other.
        return SimpleNamespace(status=self.status if len(self.submitted) == 1 else "pending")


@pytest.fixture
def at_work(tmp_path: Path, job, root: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterPool:
    """A pool whose one worker has a job in its hands."""
    monkeypatch.setattr(cluster, "GONE_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.02)
    for name in (LOCKS, f"{PROBES}/token"):
        (tmp_path / name).mkdir(parents=True)
    pool = ClusterPool(Fake(), root, tmp_path, 1, "token", trusted={"tcp://w:1"})
    pool.submit(job("a"))
    return pool


def later(seconds: float, *acts) -> None:
    """Does something beside the test, after a while."""

    def act() -> None:
        time.sleep(seconds)
        for one in acts:
            one()

    threading.Thread(target=act, daemon=True).start()


def place_of_try(pool: ClusterPool, number: int) -> Path:
    return pool.out / PROBES / "token" / f"a.{number}.outcome"


def test_a_scheduler_that_is_silent_says_nothing_of_its_workers(at_work: ClusterPool) -> None:
    def fall_silent() -> None:
        at_work.client.workers = None

    later(0.2, fall_silent)
    later(1.2, lambda: leave(Outcome("a", 0, "index.html"), place_of_try(at_work, 0)))
    assert at_work.next() == Outcome("a", 0, "index.html")


def test_a_build_that_goes_on_without_its_scheduler_is_waited_for(at_work: ClusterPool) -> None:
    lock = FileLock(at_work.out / LOCKS / "a.lock", thread_local=False)
    lock.acquire()
    later(0.1, at_work.client.workers.clear)
    details = ("a number moved",)
    done = Outcome("a", 0, "index.html", details=details)
    later(1.0, lambda: leave(done, place_of_try(at_work, 0)), lock.release)
    assert at_work.next() == done


def test_a_worker_that_is_gone_fails_its_cut(at_work: ClusterPool) -> None:
    later(0.1, at_work.client.workers.clear)
    outcome = at_work.next()
    assert not outcome.built
    assert outcome.reason.endswith("ended while it built this cut: killed, or out of memory")


def test_a_worker_that_is_not_known_for_a_moment_is_not_gone(at_work: ClusterPool) -> None:
    later(0.1, at_work.client.workers.clear)
    later(0.2, lambda: at_work.client.workers.add("tcp://w:1"))
    later(0.8, lambda: leave(Outcome("a", 0, "index.html"), place_of_try(at_work, 0)))
    assert at_work.next().built


def test_a_job_lost_with_a_connection_is_handed_out_again(at_work: ClusterPool) -> None:
    at_work.client.status = "cancelled"
    later(0.8, lambda: leave(Outcome("a", 0, "index.html"), place_of_try(at_work, 1)))
    assert at_work.next().built
    assert len(at_work.client.submitted) == 2


def test_a_second_try_that_finds_the_first_at_work_is_no_outcome(at_work: ClusterPool) -> None:
    at_work.client.status = "cancelled"
    lock = FileLock(at_work.out / LOCKS / "a.lock", thread_local=False)
    later(0.5, lock.acquire, lambda: leave(Outcome("a", 3, reason="is running"), place_of_try(at_work, 1)))
    later(1.2, lambda: leave(Outcome("a", 0, "index.html"), place_of_try(at_work, 0)), lock.release)
    assert at_work.next() == Outcome("a", 0, "index.html")


def test_what_a_job_left_comes_back_whole(tmp_path: Path) -> None:
    outcome = Outcome("a", 1, "", "stopped: \u00e9", "\u505c", 1.5, ("x", "y"))
    leave(outcome, tmp_path / "a")
    assert left_outcome(tmp_path / "a") == outcome
    (tmp_path / "b").write_text('{"cut_id": "b"', encoding="utf-8")
    assert left_outcome(tmp_path / "b") is None
    leave(outcome, tmp_path / "no such folder" / "a")

"""Publishing meets a fault at every rename, fsync and removal: the old build or the new one is there, and whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.running_builds import content
from trialbook.pipeline.publish import one_builder, publish, restore_replaced

# Only what publishing itself calls for; `%file` and `%desc` would also hit the start of Python.
CALLS = ("fsync", "renameat2", "rename", "unlinkat", "rmdir", "openat")
DRIVER = """
import sys
from pathlib import Path
from trialbook.pipeline import publish
if sys.argv[2] == "two renames":
    publish._swapped = lambda new, old: False
out = Path(sys.argv[1])
import os
os.close(os.open("/dev/null", os.O_RDONLY))   # marks the place in the trace from which faults are injected
with publish.one_builder(out, "case"):
    publish.restore_replaced(out / "case")
    publish.publish(out / "ready", out / "case")
"""


def prepared(folder: Path) -> Path:
    """A published build, and another that is ready to be published."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    make(out / "case", "old")
    make(out / "ready", "new")
    return out


def make(folder: Path, text: str) -> None:
    for file in ("manifest.json", "index.html", "data/adsl.parquet"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text * 100)


def drive(out: Path, how: str, *trace: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", DRIVER, str(out), how]
    return subprocess.run([*trace, *command], capture_output=True, text=True, check=False, timeout=120)


def calls(folder: Path, how: str) -> dict[str, range]:
    """For each system call, which of its occurrences (from 1) belong to publishing."""
    log = folder / "trace"
    done = drive(
        prepared(folder), how, "strace", "-f", "-o", str(log), "-e", "trace=" + ",".join(f"?{name}" for name in CALLS)
    )
    if done.returncode != 0:
        pytest.skip("strace may not watch processes here")
    seen: dict[str, int] = dict.fromkeys(CALLS, 0)
    before: dict[str, int] = {}
    for line in log.read_text(errors="replace").splitlines():
        found = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if found and found.group(1) in seen:
            seen[found.group(1)] += 1
            if "/dev/null" in line:
                before = dict(seen)
    return {name: range(before.get(name, 0) + 1, seen[name] + 1) for name in CALLS}


def whole(folder: Path) -> str | None:
    """`old` or `new` when that build is there, complete, "mixture" when it is neither, None when there is none."""
    found = content(folder)
    texts = {path.read_text() for path in folder.rglob("*") if path.is_file()}
    if not found:
        return None
    return texts.pop()[:3] if len(texts) == 1 and len(found) == 3 else "mixture"


def faults(how: str) -> list[str]:
    return ["error=EIO", "error=ENOSPC", "signal=KILL"] if how == "exchange" else ["error=EIO", "signal=KILL"]


def again(out: Path, publishes: bool) -> None:
    """What the next run does: it puts back what was moved away, and publishes another build."""
    with one_builder(out, "case"):
        restore_replaced(out / "case")
        if publishes:
            shutil.rmtree(out / "ready", ignore_errors=True)
            make(out / "ready", "new")
            publish(out / "ready", out / "case")


@pytest.mark.parametrize("how", ["exchange", "two renames"])
def test_after_any_fault_the_old_or_the_new_build_stands_whole(tmp_path: Path, how: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    places = calls(tmp_path, how)
    assert len(places["fsync"]) >= 6
    assert len(places["renameat2" if how == "exchange" else "rename"]) >= 1
    met = 0
    for fault in faults(how):
        for name in ("fsync", "renameat2", "rename", "unlinkat", "rmdir"):
            for number in places[name]:
                out = prepared(tmp_path)
                inject = f"inject={name}:{fault}:when={number}"
                done = drive(out, how, "strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject)
                told = f"{inject} {how}: {done.returncode} {done.stderr[-300:]}"
                if how == "two renames" and not (out / "case").exists():
                    # Killed between the two renames: the next command of any kind puts the old one back.
                    assert "KILL" in fault, told
                    again(out, publishes=False)
                stands = whole(out / "case")
                assert stands in ("old", "new"), told
                met += done.returncode != 0
                if done.returncode == 0:
                    assert stands == "new", told
                again(out, publishes=True)
                assert whole(out / "case") == "new", told
                assert [p.name for p in out.glob(".*.replaced")] == [], told
    assert met >= 15

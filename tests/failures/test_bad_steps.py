"""A step that goes wrong in a build: exit status 1, one message that names step and cell, nothing else touched."""

from __future__ import annotations

import sys

import pytest

from small_project import SmallProject
from trialbook.runner.graph import STEP

pytestmark = [pytest.mark.build, pytest.mark.skipif(sys.platform != "linux", reason="limits memory by prlimit")]
DELETE = "import shutil\nshutil.rmtree(os.environ['TRIALBOOK_WORKSPACE'])"


@pytest.mark.parametrize(
    ("cell", "words", "says"),
    [
        ("1 / 0", (), "code cell 5 ended with ZeroDivisionError"),
        ("time.sleep(600)", ("--time-limit", "4"), "code cell 5 of 7 was still running after 4 s, the time limit of a"),
        ("x = bytearray(9_000_000_000)", ("--memory-limit", "3"), "code cell 5 needed more memory than its limit of 3"),
        (DELETE, (), "notebooks/05_orr.ipynb"),
    ],
    ids=["raises", "hangs", "memory", "deletes the workspace"],
)
def test_a_bad_step_stops_the_build_and_is_named(
    built: SmallProject, cell: str, words: tuple[str, ...], says: str
) -> None:
    before = built.standing
    built.hold()
    built.write_notebook(STEP["05_orr"], cell)
    done = built.build(*words)
    assert done.process.returncode == 1, done.said
    assert "notebooks/05_orr.ipynb" in done.said
    assert says in done.said
    assert "Traceback" not in done.said
    assert built.standing == before
    assert built.litter() == []
    assert built.processes() == []


def test_the_next_build_works(built: SmallProject) -> None:
    built.change("05_orr")
    done = built.build()
    assert done.process.returncode == 0, done.said
    assert built.litter() == []

"""Later steps start when a notebook has written its datasets, not at its end; what they read does not change."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from support.running_builds import notebook_of, wait_until
from support.small_project import DERIVE, GRAPH, HOLD, OPEN, PARAMETERS, SmallProject, metadata_of
from trialbook.workbook.step_metadata import ENTRY

pytestmark = pytest.mark.build
ELIGIBILITY = "02_eligibility"
AGAIN = """
import time
from pathlib import Path
while not Path({begun!r}).is_file(): time.sleep(0.05)
frame["AGE"] = pandas.Series(dtype="float64")
step.write("adsl", frame, ["USUBJID"])
"""


@pytest.fixture
def small(tmp_path: Path, root: Path, finished: SmallProject) -> SmallProject:
    """The safety notebook is another one than in the finished project, so that it runs."""
    project = SmallProject(tmp_path, root)
    project.take_pieces(finished)
    project.change("03_safety")
    return project


def eligibility(small: SmallProject, *after: str) -> None:
    """The eligibility notebook writes its datasets first; these cells come after them."""
    leave = DERIVE.format(datasets=GRAPH.step(ELIGIBILITY).datasets)
    notebook = notebook_of(OPEN.format(name=ELIGIBILITY), leave, *after, "step.close()")
    notebook.cells[0].source = PARAMETERS
    notebook.metadata[ENTRY] = metadata_of(GRAPH.step(ELIGIBILITY))
    nbformat.write(notebook, small.folder / "notebooks" / GRAPH.step(ELIGIBILITY).notebook)


def test_safety_ends_while_eligibility_still_runs(small: SmallProject) -> None:
    eligibility(small, HOLD.format(name=ELIGIBILITY))
    small.hold(ELIGIBILITY)
    running = small.start()
    small.kernel_at(ELIGIBILITY, running)
    assert wait_until(lambda: "03_safety  done" in running.said, 60), running.said
    assert "02_eligibility  done" not in running.said
    small.hold()
    assert running.end() == 0, running.said
    before = small.standing
    assert small.build("--force").end() == 0
    # run.json says when it ran, and is no part of what was built.
    assert small.standing | {"run.json": ""} == before | {"run.json": ""}, "the same bytes, whether it held or not"


def test_a_dataset_that_is_written_again_after_others_have_begun_with_it_stops_the_build(small: SmallProject) -> None:
    eligibility(small, AGAIN.format(begun=str(small.place / "03_safety")))
    running = small.build()
    assert running.end() == 1
    # The first to see it says so: the runner, or a step that reads it.
    again = "it was written again after other steps had begun with it"
    assert any(f"data/adsl.parquet: {why}" in running.said for why in (again, "the file changed while the build was"))
    assert "Traceback" not in running.said
    assert small.litter() == []
    eligibility(small)
    assert small.build().end() == 0

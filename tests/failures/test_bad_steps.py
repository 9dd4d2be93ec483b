"""A step that goes wrong in a build: exit status 1, one message that names step and cell, nothing else touched."""

from __future__ import annotations

import sys

import pytest

from support.rounds import SOAK
from support.small_project import GRAPH, SmallProject

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
    built.write_notebook(GRAPH.step("05_orr"), cell)
    done = built.build(*words)
    assert done.process.returncode == 1, done.said
    assert "notebooks/05_orr.ipynb" in done.said
    assert says in done.said
    assert "Traceback" not in done.said
    assert built.standing == before
    assert built.litter() == []
    assert built.processes() == []


WORKSPACE = "w = Path(os.environ['TRIALBOOK_WORKSPACE'])\n"
SAME_LENGTH = (
    "p = w / '.steps' / '02_eligibility' / 'reads.json'\nthen = p.stat()\np.write_text(p.read_text()[::-1])\n"
    "os.utime(p, ns=(then.st_atime_ns, then.st_mtime_ns))"
)
CROOKED = {
    "a count of another step, time restored": (SAME_LENGTH, "was altered after its step had written it"),
    "a page of another chapter": (
        "while not (w / '.steps' / '01_cleaning.page' / 'page.json').exists(): time.sleep(0.05)\ntime.sleep(0.5)\n"
        "(w / '.steps' / '01_cleaning.page' / 'page.json').write_text('{}')",
        "was altered after its step had written it",
    ),
    "a page planted": ("(w / 'extra.html').write_text('x')", "was written by no step that declares it"),
    "a dataset planted": ("(w / 'data' / 'adxx.parquet').write_text('x')", "was written by no step that declares it"),
    "a clean domain planted": (
        "(w / 'data' / 'clean' / 'zz.parquet').write_text('x')", "was written by no step that declares it",
    ),
    "a dataset replaced by a link": (
        "p = w / 'data' / 'adsl.parquet'\np.rename(w.parent / 'adsl')\np.symlink_to(w.parent / 'adsl')",
        "data/adsl.parquet",
    ),
    "a key changed in memory": (
        "step.analysis.__dict__['km_ci'] = 'log'",
        "a cell changes parameters in memory, which the manifest would not say. Next: take the cell out, and change "
        "the cut file (overrides) or the protocol file",
    ),
    "a key changed behind every guard": (
        "object.__getattribute__(step.analysis, '__dict__')['km_ci'] = 'log'",
        "a cell changed the analysis key km_ci to log; the build says log-log. Next: take the cell out, and set "
        "overrides: {km_ci: log} in the cut file",
    ),
    "a key changed and put back": (
        "step.analysis.os_days.append(7)\nstep.report([])\nstep.analysis.os_days.pop()", "changes parameters in memory",
    ),
    "a criterion changed and put back": (
        "c = vars(step.protocol.criteria[0])\nthen = c['text']\nc['text'] = 'Anybody.'\nc['text'] = then",
        "changes parameters in memory",
    ),
    "the cut changed in memory": ("step.cut.__dict__['cut_date'] = '2025-01-01'", "changes parameters in memory"),
    "another trial put in place": (
        "step.trial = step.trial.model_copy(update={'analysis': step.analysis.model_copy(update={'km_ci': 'log'})})",
        "ended with AttributeError",
    ),
    "another trial put in place behind every guard": (
        "step._trial = step.trial.model_copy(update={'analysis': step.analysis.model_copy(update={'km_ci': 'log'})})",
        "the analysis key km_ci",
    ),
}  # fmt: skip


# Every day one way by each guard; the others are proved guard by guard in unit/pipeline/test_seal.py and
# unit/workbook/test_tracked_reads.py.
EVERY_DAY = {
    "a count of another step, time restored", "a page planted", "a dataset replaced by a link",
    "a key changed in memory", "a key changed behind every guard", "another trial put in place",
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", [kind if kind in EVERY_DAY else pytest.param(kind, marks=pytest.mark.soak) for kind in CROOKED]
)
def test_a_step_that_alters_what_is_not_its_own_is_stopped(built: SmallProject, kind: str) -> None:
    before = built.standing
    code, says = CROOKED[kind]
    built.hold()
    built.write_notebook(GRAPH.step("05_orr"), WORKSPACE + code)
    done = built.build()
    assert done.process.returncode == 1, done.said
    assert "notebooks/05_orr.ipynb" in done.said
    assert says in done.said
    assert "Traceback" not in done.said
    assert built.standing == before
    if kind == "a page planted" or SOAK:
        assert built.build().process.returncode == 1, "what was refused once must not come back from the cache"


def test_records_that_came_in_cannot_be_changed_in_memory(built: SmallProject) -> None:
    before = built.standing
    built.hold()
    built.write_notebook(GRAPH.step("01_cleaning"), "step.raw.tables['DM'].frame.loc[0, 'AGE'] = '99'")
    done = built.build()
    assert done.process.returncode == 1, done.said
    assert "a cell changed the records of DM that were delivered" in done.said
    assert built.standing == before
    built.write_notebook(GRAPH.step("01_cleaning"))


def test_what_a_step_is_handed_is_its_own_copy(built: SmallProject) -> None:
    built.write_notebook(
        GRAPH.step("05_orr"),
        "dm = step.clean['DM']\ndm.loc[0, 'SUBJID'] = 'other'\nassert step.clean['DM'].loc[0, 'SUBJID'] != 'other'",
    )
    done = built.build()
    assert done.process.returncode == 0, done.said


def test_the_next_build_works(built: SmallProject) -> None:
    built.change("05_orr")
    done = built.build()
    assert done.process.returncode == 0, done.said
    assert built.litter() == []

"""However a notebook ends early, it counts as failed: an exit status proves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from support.running_builds import RECEIPT, notebook_of
from support.running_builds import run_cells as run
from trialbook.core.errors import StopError
from trialbook.kernels import run_notebook
from trialbook.kernels.run_notebook import NotebookError, prove_complete


def test_a_notebook_that_runs_to_its_end_is_kept_without_run_details(tmp_path: Path) -> None:
    done = run(tmp_path, "import sys\nprint('seen')\nprint('noise', file=sys.stderr)\ncut_id")
    text = json.dumps(done.notebook)
    assert "seen" in text
    assert "'c1'" in text
    assert "papermill" not in text.replace("injected", "")
    assert "stderr" not in text.replace("file=sys.stderr", "")
    assert done.warnings == ["noise\n"]
    assert [c.id for c in done.notebook.cells if "injected-parameters" in c.metadata.get("tags", [])] == [
        "injected-parameters"
    ]


# In a kernel that was not forked from the preloaded process; every kind of ending, in one that was:
# failures/test_notebook_endings.py.
@pytest.mark.parametrize(
    "ending", ["raise ValueError('no')", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_an_early_end_is_a_failure(tmp_path: Path, ending: str) -> None:
    with pytest.raises(NotebookError):
        run(tmp_path, ending)


def test_an_early_end_is_a_failure_even_where_the_cell_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vetting of cells is the first wall, the proof after the run is the second."""
    monkeypatch.setattr(run_notebook, "refusal", lambda notebook: None)
    with pytest.raises(NotebookError):
        run(tmp_path, "import os; os._exit(0)")


def executed() -> nbformat.NotebookNode:
    notebook = notebook_of("1", "2")
    for position, cell in enumerate(notebook.cells, start=1):
        cell.execution_count = position
        cell.metadata["papermill"] = {"status": "completed"}
    notebook.metadata["papermill"] = {"exception": None}
    return notebook


def proves(notebook: nbformat.NotebookNode, folder: Path) -> bool:
    (folder / "receipt.json").write_text('{"nonce": "n"}')
    try:
        prove_complete("99_test", notebook, folder / "receipt.json", "n")
    except NotebookError:
        return False
    return True


def test_only_a_notebook_whose_every_cell_ran_in_order_is_complete(tmp_path: Path) -> None:
    assert proves(executed(), tmp_path)
    pending = executed()
    pending.cells[1].metadata["papermill"]["status"] = "pending"
    skipped = executed()
    skipped.cells[2].execution_count = None
    out_of_order = executed()
    out_of_order.cells[1].execution_count, out_of_order.cells[2].execution_count = 3, 2
    failed = executed()
    failed.cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    broken = executed()
    broken.metadata["papermill"]["exception"] = True
    for notebook in (pending, skipped, out_of_order, failed, broken):
        assert not proves(notebook, tmp_path)


def test_a_cell_that_may_fail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="allowed to fail"):
        run(tmp_path, "1 / 0", tags=["raises-exception"])


def test_the_notebooks_of_the_workbook_are_not_refused(root: Path) -> None:
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    assert len(paths) >= 6
    for path in paths:
        assert run_notebook.refusal(nbformat.read(path, as_version=4)) is None


def test_a_notebook_without_receipt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="no receipt"):
        run(tmp_path, receipt="1")


def test_a_receipt_of_another_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="no receipt"):
        run(tmp_path, receipt=RECEIPT.replace('os.environ["TRIALBOOK_NONCE"]', '"old"'))


def test_our_own_message_reaches_the_user_unchanged(tmp_path: Path) -> None:
    stop = (
        "from trialbook.core.errors import StopError\n"
        "raise StopError('no date', file='ex.csv', row=3, column='EXSTDTC')"
    )
    with pytest.raises(StopError) as caught:
        run(tmp_path, stop)
    assert str(caught.value) == "ex.csv, row 3, column EXSTDTC: no date."


def test_a_kernel_sees_nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "home" / ".ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00.py").write_text("planted = 1")
    (tmp_path / "pandas.py").write_text("raise SystemExit('planted')")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "home" / ".ipython"))
    monkeypatch.setenv("LC_ALL", "tr_TR")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.chdir(tmp_path)
    code = """
import os, sys, pandas
assert "planted" not in globals()
assert "planted" not in (pandas.__file__ or "") and pandas.DataFrame
assert "SECRET" not in os.environ and "" not in sys.path
print(sys.flags.utf8_mode, os.environ["PYTHONHASHSEED"], os.environ["TZ"])
"""
    assert "1 0 UTC" in json.dumps(run(tmp_path, code).notebook)

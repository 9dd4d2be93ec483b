"""However a notebook ends early, it counts as failed: an exit status proves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from trialbook.errors import StopError
from trialbook.runner.notebooks import NotebookError, NotebookRun, run_notebook

RECEIPT = """
import json, os
from pathlib import Path
own = Path(os.environ["TRIALBOOK_WORKSPACE"]) / ".steps" / "99_test"
own.mkdir(parents=True, exist_ok=True)
(own / "receipt.json").write_text(json.dumps({"nonce": os.environ["TRIALBOOK_NONCE"], "written": {}}))
"""


def run(tmp_path: Path, *cells: str, receipt: str = RECEIPT, tags: list[str] | None = None) -> NotebookRun:
    new = nbformat.v4
    parameters = new.new_code_cell("cut_id = 'x'", metadata={"tags": ["parameters"]})
    middle = [new.new_code_cell(text, metadata={"tags": tags or []}) for text in cells]
    notebook = new.new_notebook(
        cells=[parameters, *middle, new.new_code_cell(receipt)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    source = tmp_path / "99_test.ipynb"
    nbformat.write(notebook, source)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return run_notebook(source, {"cut_id": "c1"}, workspace, tmp_path, tmp_path, tmp_path / "k")


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


@pytest.mark.parametrize(
    "ending",
    [
        "import sys; sys.exit(0)",
        "import sys; sys.exit('bye')",
        "raise ValueError('no')",
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "raise KeyboardInterrupt",
        "quit()",
        "!false",
        "%%bash\nfalse",
        "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()",
        "import asyncio\nasyncio.get_event_loop().call_soon(lambda: 1 / 0)\nawait asyncio.sleep(0.2)",
    ],
)
def test_every_early_end_is_a_failure(tmp_path: Path, ending: str) -> None:
    with pytest.raises(NotebookError):
        run(tmp_path, ending)


def test_a_cell_that_may_fail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="allowed to fail"):
        run(tmp_path, "1 / 0", tags=["raises-exception"])


def test_a_notebook_without_receipt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="no receipt"):
        run(tmp_path, receipt="1")


def test_a_receipt_of_another_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="no receipt"):
        run(tmp_path, receipt=RECEIPT.replace('os.environ["TRIALBOOK_NONCE"]', '"old"'))


def test_our_own_message_reaches_the_user_unchanged(tmp_path: Path) -> None:
    stop = "from trialbook.errors import StopError\nraise StopError('no date', file='ex.csv', row=3, column='EXSTDTC')"
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

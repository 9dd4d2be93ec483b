"""What IPython shows of an error of the workbook: own lines and the message; faults of code keep their traceback."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output

from trialbook.core.environment_variables import TRACEBACK

PARSE = (
    "import datetime as dt\nfrom trialbook.protocol.models import calendar_date\nfrom trialbook.core.errors import *\n"
)


def shown(cell: str) -> str:
    shell = InteractiveShell()
    with capture_output() as said:
        done = shell.run_cell(PARSE + cell)
    assert not done.success
    return str(said.stdout)


def test_the_message_with_its_next_step_and_the_line_of_the_cell_without_frames_of_the_library() -> None:
    said = shown(
        "from trialbook.escalation_simulation.plan import numbers\n"
        "def mine():\n"
        "    return numbers('0.1,x', 'rates')\n"
        "mine()\n"
    )
    assert said.splitlines() == [
        "line 7: mine()",
        "line 6: return numbers('0.1,x', 'rates')",
        "column rates, value '0.1,x': these are not numbers divided by commas. Next: write 0.05,0.15,0.30.",
    ]


def test_a_cause_that_was_put_into_words_is_not_shown_again() -> None:
    said = shown("try:\n    int('x')\nexcept ValueError as error:\n    raise StopError('no number') from error")
    assert said.splitlines()[-1] == "no number."
    assert "Traceback" not in said


def test_faults_of_the_code_keep_their_traceback() -> None:
    said = shown("calendar_date(5, 'x')")
    assert "TypeError" in said
    assert "models.py" in said
    # A fault that was being handled is not hidden by the message that follows it.
    said = shown("try:\n    calendar_date(5, 'x')\nexcept TypeError:\n    raise UsageError('wrong')")
    assert "models.py" in said
    assert "TypeError" in said
    assert said.rstrip().endswith("UsageError: wrong.")


def test_all_of_it_is_shown_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK, "1")
    assert "Traceback (most recent call last)" in shown("raise UsageError('wrong')")

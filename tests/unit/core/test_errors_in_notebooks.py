"""What IPython shows of an error of the workbook: own lines and the message; faults of code keep their traceback."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output

from trialbook.core.environment_variables import TRACEBACK
from trialbook.core.errors import ParameterError, StopError, TrialbookError, UsageError, error_of_line
from trialbook.core.messages import msg
from trialbook.pipeline.cut_queue import in_chinese

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


@pytest.mark.parametrize(
    "error",
    [
        StopError("not a date", file="ae.csv", row=3, column="AESTDTC", value="it's", rule="P05", next_step="see"),
        StopError("twice: see above", file="dm.csv", row="3, 4 and 7", rule="P09-SUBJECT-TWICE"),
        StopError("the file is empty.", file="lb.xlsx"),
        UsageError("a key that nobody knows", file="cut.yaml", value=["a", "b: c"], next_step="remove it"),
        UsageError("no such cut"),
        ParameterError("not a number", file="protocol.yaml", row=12, column="study.n_cap", value=1.5),
        StopError("a message: with a colon, and a comma", rule="P01"),
    ],
    ids=str,
)
def test_an_error_of_a_notebook_has_its_parts_again(error: TrialbookError) -> None:
    again = error_of_line(type(error), error.describe())
    assert (again.describe(), again.exit_status) == (error.describe(), error.exit_status)
    assert (again.rule, again.next_step, again.value) == (error.rule, error.next_step, error.value)
    assert (again.file, str(again.row), again.column) == (error.file, str(error.row), error.column)


def test_a_stop_of_a_notebook_speaks_chinese_as_one_of_the_library() -> None:
    stop = StopError("the subject is not in DM", file="rs.csv", row=4, column="USUBJID", rule="P09-NOT-IN-DM")
    assert in_chinese(error_of_line(StopError, stop.describe())) == in_chinese(stop)
    assert "第4行" in in_chinese(stop)
    gone = StopError(
        msg("the required domain {codes} was not delivered", codes="DM"), file="data/cut", rule="P34",
        next_step=msg("add {file}.csv (or another format); an export without records has a header only", file="dm"),
    )  # fmt: skip
    assert "DM" in in_chinese(error_of_line(StopError, gone.describe()))

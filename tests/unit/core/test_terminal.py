"""What the command line prints: nothing in it acts on the terminal, hides, or identifies a person."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.table import Table

from trialbook.core.errors import UsageError
from trialbook.core.privacy import masked_argument
from trialbook.core.terminal import Terminal
from trialbook.protocol.models import Cut

ACTING = [
    "\x1b[31mRED", "\x1b]0;title\x07", "\x1b[2J", "left\u202eright", "zero\u200bwidth", "a\rb", "bell\x07", "\x9b31m",
]  # fmt: skip


def printed(*what: object) -> str:
    out = io.StringIO()
    Terminal(file=out, force_terminal=False, highlight=False, soft_wrap=True).print(*what, markup=False)
    return out.getvalue()


@pytest.mark.parametrize("text", ACTING)
def test_lines_and_cells_of_tables_show_what_would_act(text: str) -> None:
    table = Table("case")
    table.add_row(f"皮疹 {text}")
    for shown in (printed(f"皮疹 {text}"), printed(table)):
        assert all(sign.isprintable() or sign == "\n" for sign in shown)
        assert "皮疹" in shown


def test_lines_stay_lines_and_personal_data_are_masked() -> None:
    assert printed("one\ntwo 13912773451") == "one\ntwo [redacted]\n"


WRONG = {
    "an option": ["build", "--foo13912773451"],
    "an option of one letter": ["build", "-x13912773451"],
    "a command": ["13912773451"],
    "a command with letters": ["x13912773451y"],
    "a number": ["build", "--jobs", "13912773451x"],
    "a choice": ["build", "--charts", "x_13912773451", "2025-09-30"],
    "a cut": ["build", "zhang13912773451"],
    "a cut file": ["build", "zhang_13912773451.yaml"],
    "one word too many": ["check", "2025-09-30", "13912773451"],
    "a build": ["diff", "a13912773451", "b"],
    "a snapshot": ["new-cut", "c9", "--snapshot", "li13912773451", "--date", "2025-01-01"],
    "an identity number": ["status", "id11010519491231002X"],
    "a new cut": ["new-cut", "zhang13912773451", "--snapshot", "data/demo/2025-09-30", "--date", "2025-09-30"],
    "a mail address": ["check", "li.na@example.org"],
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_command_is_said_without_what_identifies_a_person(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trialbook import cli

    monkeypatch.setattr(cli, "stand_alone", lambda: None)
    monkeypatch.setattr(cli, "end_in_order", lambda: None)
    monkeypatch.setattr(sys, "argv", ["trialbook", *WRONG[kind]])
    assert cli.run() == 2
    said = "".join(capsys.readouterr())
    assert said.startswith("trialbook: ")
    assert said.count("\n") == 1
    assert not re.search(r"13912773451|11010519491231002|li\.na", said)


def test_a_wrong_command_names_what_is_wrong_and_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trialbook import cli

    monkeypatch.setattr(cli, "stand_alone", lambda: None)
    monkeypatch.setattr(cli, "end_in_order", lambda: None)
    monkeypatch.setattr(sys, "argv", ["trialbook", "build", "--forse", "2025-09-30"])
    assert cli.run() == 2
    assert capsys.readouterr().err.startswith("trialbook: No such option: --forse")


def test_other_words_of_a_message_stay_as_they_are() -> None:
    said = "value 'li13912773451': choose one of 3+3, i3+3, Rolling6; sha256 a13912773451b is 2025-09-30"
    expected = "value 'li [redacted]': choose one of 3+3, i3+3, Rolling6; sha256 a13912773451b is 2025-09-30"
    assert masked_argument(said) == expected


@pytest.mark.parametrize("cut_id", ["13912773451", "zhang13912773451", "c_139-1277-3451"])
def test_no_cut_is_named_by_a_person(cut_id: str) -> None:
    with pytest.raises(ValueError, match="this one identifies a person"):
        Cut(cut_id=cut_id, cut_date="2025-09-30", snapshot="s", protocol="p")


def test_a_value_with_a_name_and_a_number_is_withheld_whole_and_where_the_problem_quotes_it() -> None:
    key = "overrides.Li Hua 13912773451"
    error = UsageError("unknown key Li Hua 13912773451", file="cut.yaml", column=key, value="Li Hua 13912773451")
    assert str(error) == "cut.yaml, column [redacted], value '[redacted]': unknown key [redacted]."

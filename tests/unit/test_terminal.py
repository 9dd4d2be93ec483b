"""What the command line prints: nothing in it acts on the terminal, hides, or identifies a person."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from trialbook.runner.terminal import Terminal

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

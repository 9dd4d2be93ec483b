"""The filter of subjects: what may be chosen, the code of a choice, and the cells that follow it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from trialbook.core.errors import UsageError
from trialbook.display import cell_outputs
from trialbook.explore import filters
from trialbook.explore.filters import Choice, Follows, ages, choices, filter_of

PEOPLE = pd.DataFrame({
    "TRT01A": ["DL1", "DL2", ""], "SEX": ["F", "F", "M"], "RESPONSE": ["", "", ""], "AGE": [51.0, None, 60.5],
})  # fmt: skip


def test_only_what_tells_subjects_apart_may_be_chosen_and_a_missing_value_is_a_value() -> None:
    assert choices(PEOPLE) == {"TRT01A": [("DL1", 1), ("DL2", 1), ("", 1)], "SEX": [("F", 2), ("M", 1)]}
    assert ages(PEOPLE) == (51, 61)
    assert ages(PEOPLE.head(1)) is None


def test_the_code_of_a_choice_selects_the_same_subjects() -> None:
    asked: list[Any] = []
    cut: Any = SimpleNamespace(where=lambda condition, **equal: asked.append((condition, equal)))
    choice = Choice({"TRT01A": ("DL1", 'a "b" \\'), "RESPONSE": ()}, (40, 65))
    choice.of(cut)
    eval(choice.code(), {"cut": cut})  # noqa: S307 - code that the filter shows
    assert asked == [("AGE >= 40 and AGE <= 65", {"TRT01A": ["DL1", 'a "b" \\'], "RESPONSE": []})] * 2
    assert Choice().of(cut) is cut


def test_without_a_notebook_the_code_is_offered() -> None:
    with pytest.raises(UsageError, match=r"cut\.where"):
        filter_of(SimpleNamespace())  # type: ignore[arg-type]


def test_without_its_package_the_filter_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "running_shell", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(filters, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"ipywidgets.*cut\.where"):
        filter_of(SimpleNamespace())  # type: ignore[arg-type]


@pytest.fixture
def shell() -> InteractiveShell:
    """A shell without a terminal; what it shows goes nowhere."""
    made = InteractiveShell()
    made.display_pub.publish = lambda *given, **named: None  # type: ignore[method-assign]
    return made


def test_cells_that_name_the_filter_or_what_they_made_are_run_again_in_order(shell: InteractiveShell) -> None:
    said: list[str] = []
    root = SimpleNamespace(value=1)
    shell.user_ns.update(said=said, other=5)
    follows = Follows(shell, lambda: {"live"})
    shell.user_ns["live"] = root
    for source in ("a = live.value + 1", "said.append(f'b{a}')", "said.append(f'other{other}')", "x ="):
        shell.run_cell(source)
    assert said == ["b2", "other5"]
    root.value = 10
    assert follows.again(lambda done, of: said.append(f"{done} of {of}")) == ""
    assert said[2:] == ["1 of 2", "2 of 2", "b11"]


def test_what_such_a_cell_shows_is_replaced_in_its_place_and_an_error_is_said(shell: InteractiveShell) -> None:
    shown: list[tuple[str, str]] = []
    shell.display_pub.publish = lambda data, metadata=None, transient=None, update=False, **named: shown.append(  # type: ignore[method-assign]
        ("again" if update else "first", data["text/plain"])
    )
    shell.run_cell("from trialbook.display import sentence\nclass Live: n = 4\nlive = Live()")
    follows = Follows(shell, lambda: {"live"})
    shell.run_cell("sentence(f'{live.n} of 12') if live.n != 2 else 1 / 0")
    shell.run_cell("sentence('The whole')")
    live = shell.user_ns["live"]
    for n in (5, 2):
        live.n = n
        follows.again(lambda done, of: None)
    first = [text for when, text in shown if when == "first"]
    again = [text for when, text in shown if when == "again"]
    assert "4 of 12" in first
    assert again[0] == "5 of 12"
    assert again[1].startswith("Attention. This cell stopped for the subjects chosen: division by zero")
    assert len(again) == 2


def test_a_long_cell_says_how_far_it_is_and_leaves_nothing(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, bool]] = []
    shell.kernel = object()  # type: ignore[attr-defined]
    shell.display_pub.publish = lambda data, transient=None, update=False, **named: shown.append(  # type: ignore[method-assign]
        (data["text/plain"], update)
    )
    monkeypatch.setattr(cell_outputs, "running_shell", lambda: shell)
    with cell_outputs.progress() as tell:
        tell("cell 1 of 2")
    assert shown == []
    monkeypatch.setattr(cell_outputs, "SOON", -1.0)
    with cell_outputs.progress() as tell:
        tell("cell 1 of 2")
        tell("cell 2 of 2")
    assert shown == [("cell 1 of 2", False), ("cell 2 of 2", True), ("", True)]

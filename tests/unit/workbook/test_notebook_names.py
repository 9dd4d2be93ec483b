"""What `trialbook` offers to notebooks: imported when used, with its documentation, for the step that calls it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

import trialbook as tb
from trialbook.core.errors import UsageError
from trialbook.workbook.notebook_names import PUBLIC, step_among


def test_every_name_is_there_with_its_documentation_and_without_what_the_step_knows() -> None:
    assert {*PUBLIC, "open_step", "parameters"} <= set(dir(tb))
    for name, place in PUBLIC.items():
        module, attribute = place.split(":")
        found, held = getattr(tb, name), getattr(import_module(f"trialbook.{module}"), attribute)
        assert found.__doc__ == held.__doc__, name
        assert found.__doc__, name
        assert "population" not in inspect.signature(found).parameters, name
    with pytest.raises(AttributeError, match="no attribute 'rates'"):
        tb.rates  # noqa: B018


def test_importing_costs_nothing_of_what_is_offered() -> None:
    script = "import sys, trialbook as tb; dir(tb); print(*[n for n in sys.modules if n.startswith('trialbook.')])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {f"trialbook.{place.split(':')[0]}" for place in PUBLIC.values()} & set(loaded)
    assert "pandas" not in loaded


def test_without_an_open_step_a_verb_says_how_to_open_one() -> None:
    with pytest.raises(UsageError, match="no step is open") as stopped:
        step_among({"step": None, "tb": tb})
    assert "tb.open_step(" in str(stopped.value)


def test_parameters_are_those_of_the_calling_notebook() -> None:
    notebook = {"__name__": "__main__", "cut_id": "2025-09-30", "cut_date": None, "mine": 3}
    exec("import trialbook as tb\ngiven = tb.parameters()", notebook)  # noqa: S102 - as a kernel does
    assert notebook["given"] == {"cut_id": "2025-09-30", "cut_date": None}
    # What papermill injects comes after the defaults, and so goes before them.
    exec("cut_id = '2025-06-30'\ngiven = tb.parameters()", notebook)  # noqa: S102
    assert notebook["given"] == {"cut_id": "2025-06-30", "cut_date": None}

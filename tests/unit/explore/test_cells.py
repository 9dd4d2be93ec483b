"""The cells that an output needs: those and no others, each once, with the names that the cells above it made."""

from __future__ import annotations

import pytest

from trialbook.explore.cells import CellNames, Cells

SHEET = {
    1: "cut_id = 'x'",
    2: "ran = []\nstep = ran",
    4: "ran.index\nview = 'first'",
    5: "step_two = 2\nview + '!'",
    7: "view = 'second'\nview",
    8: "1 / 0",
    9: "f = lambda k: k + step_two\nf(1)",
}


def test_only_the_cells_that_an_output_needs_are_run() -> None:
    cells = Cells("sheet", SHEET)
    assert cells.needed(5) == [1, 2, 4, 5]
    assert cells.needed(9) == [1, 2, 4, 5, 9]
    assert cells.needed(7) == [1, 2, 7]


def test_a_name_made_again_below_is_still_the_one_from_above() -> None:
    cells = Cells("sheet", SHEET)
    assert cells.shown(7) == "second"
    assert cells.shown(5) == "first!"


def test_each_cell_runs_once_and_one_that_stops_stops_those_that_need_it() -> None:
    counted: list[tuple[int, int]] = []
    sheet = {0: "step = [0]", 1: "step.append(1)", 2: "bad = 1 / 0", 3: "bad", 4: "len(step)"}
    cells = Cells("sheet", sheet)
    for _ in range(2):
        assert cells.shown(4, lambda done, of: counted.append((done, of))) == 2
        with pytest.raises(ZeroDivisionError):
            cells.shown(3)
    assert counted == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("view = 1\nview", set()),
        ("if one:\n    view = 1\nview", {"one", "view"}),
        ("total += 1", {"total"}),
        ("total = 0\ntotal += f'{one}'", {"one"}),
        ("def f():\n    return one\nf()", {"one"}),
        ("frame.query('A == @one')", {"frame", "one"}),
    ],
)
def test_what_a_cell_reads_from_those_above(source: str, reads: set[str]) -> None:
    assert CellNames.of(source).reads == reads


@pytest.mark.parametrize(
    ("source", "makes"),
    [
        ("frame['A'] = 1", {"frame"}),
        ("del frame.x", {"frame"}),
        ("found.append(1)\nfound.count(1)", {"found"}),
        ("step.rank(one)", {"step"}),
        ("step.table(one)", set()),
        ("for k in range(3):\n    total += k", {"k", "total"}),
        ("[k for k in one]", set()),
        ("import a.b as c, d.e\ndef f():\n    inner = 1", {"c", "d", "f"}),
    ],
)
def test_what_a_cell_makes_or_changes(source: str, makes: set[str]) -> None:
    assert CellNames.of(source).makes == makes

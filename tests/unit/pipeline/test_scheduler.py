"""Pieces start when what they need is there, long ones first; a failure names its cause and starts nothing more."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from support.small_project import GRAPH
from trialbook.pipeline.scheduler import run_pieces
from trialbook.workbook.steps import Piece


def run(pieces: list[Piece], failing: dict[str, Exception] | None = None, jobs: int = 1) -> tuple[list[str], int]:
    """The names of the pieces in the order in which they were started, and how often the rest was abandoned."""
    started: list[str] = []
    abandoned: list[bool] = []

    def make(piece: Piece, _: Callable[[], None]) -> None:
        started.append(piece.name)
        if failing and piece.name in failing:
            raise failing[piece.name]

    try:
        run_pieces(pieces, make, jobs, lambda: abandoned.append(True))
    except Exception as error:
        started.append(f"raised {error}")
    return started, len(abandoned)


def test_a_piece_starts_after_all_that_it_needs_and_a_long_one_before_its_equals() -> None:
    short, long = Piece("b", "notebook", "b", ("a",)), Piece("c", "notebook", "c", ("a",), long=True)
    last = Piece("d", "notebook", "d", ("b", "c"))
    assert run([Piece("a", "notebook", "a"), short, long, last]) == (["a", "c", "b", "d"], 0)


def test_as_many_notebooks_run_side_by_side_as_jobs() -> None:
    both = threading.Barrier(2, timeout=20)
    run_pieces([Piece(name, "notebook", name) for name in "ab"], lambda *_: both.wait(), 2, lambda: None)


def test_an_early_piece_starts_when_what_it_needs_is_left_and_others_wait_for_the_end() -> None:
    started: list[str] = []
    early_ran = threading.Event()

    def make(piece: Piece, left: Callable[[], None]) -> None:
        started.append(piece.name)
        if piece.name == "a":
            assert not early_ran.wait(0.2), "nothing has been left yet"
            left()
            left()
            assert early_ran.wait(20)
            started.append("end of a")
        if piece.name == "early":
            early_ran.set()

    pieces = [
        Piece("a", "notebook", "a"),
        Piece("late", "page", "a", ("a",)),
        Piece("early", "contracts", "a", ("a",), early=True),
    ]  # fmt: skip
    run_pieces(pieces, make, 1, lambda: None)
    assert started == ["a", "early", "end of a", "late"]


def test_a_piece_that_never_says_so_has_left_all_with_its_end() -> None:
    assert run([Piece("a", "notebook", "a"), Piece("b", "notebook", "b", ("a",), early=True)])[0] == ["a", "b"]


def test_a_check_that_could_start_early_is_asked_for_the_cause_of_a_failure_beside_it() -> None:
    failing = threading.Event()

    def make(piece: Piece, left: Callable[[], None]) -> None:
        if piece.name == "a":
            left()
            assert failing.wait(20)
        if piece.name == "b":
            failing.set()
            raise ValueError("stumbled")
        if piece.name == "check":
            raise ValueError("the data are broken")

    pieces = [
        Piece("a", "notebook", "a"), Piece("check", "contracts", "a", ("a",), early=True),
        Piece("b", "notebook", "b", ("a",), ("check",), early=True),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="the data are broken"):
        run_pieces(pieces, make, 2, lambda: None)


def test_after_a_failure_nothing_more_starts_and_its_error_is_raised() -> None:
    pieces = [Piece("a", "notebook", "a"), Piece("b", "notebook", "b", ("a",))]
    assert run(pieces, {"a": ValueError("a broke")}) == (["a", "raised a broke"], 1)


def test_a_check_that_a_failed_notebook_rests_on_is_the_cause_when_it_fails_too() -> None:
    check = Piece("check", "contracts", "a")
    notebook = Piece("b", "notebook", "b", (), ("check",))
    broken: dict[str, Exception] = {"b": ValueError("stumbled"), "check": ValueError("the data are broken")}
    started, _ = run([check, notebook], broken)
    assert started[-1] == "raised the data are broken"
    started, _ = run([check, notebook], {"b": broken["b"]})
    assert started[-1] == "raised stumbled"


def test_what_is_no_ordinary_error_ends_everything_at_once() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_pieces([Piece("a", "notebook", "a")], interrupt, 1, lambda: None)


def test_every_piece_of_a_build_is_made_once_in_an_order_that_its_needs_allow() -> None:
    started, abandoned = run(list(GRAPH.pieces), jobs=2)
    assert sorted(started) == sorted(piece.name for piece in GRAPH.pieces)
    assert abandoned == 0
    position = {name: number for number, name in enumerate(started)}
    assert all(position[need] < position[piece.name] for piece in GRAPH.pieces for need in piece.needs)
    assert {piece.step for piece in GRAPH.pieces if piece.kind == "notebook"} == {spec.name for spec in GRAPH.steps}
